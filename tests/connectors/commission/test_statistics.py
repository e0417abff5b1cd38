"""Closed cases become statistics that reach UNODC, and nothing of a person with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from connectors.commission.connector import STATISTICS
from connectors.commission.statistics import StatisticsOptions, StatisticsSource, sayable_levels
from connectors.commission.trial import CASE, PLANTED, write_csv
from connectors.sdk import BadRecord, Cancel, Content, Delivery, Read
from connectors.sdk.convert import converted
from connectors.sdk.mapping import BadMapping
from connectors.unodc_ropan.connector import acceptable
from hub.guidelines.decide import decide
from hub.guidelines.profile import load_profile
from hub.model.avro import decode_payload
from hub.model.core import Alert, categories
from hub.model.sections import Statistics
from hub.model.text import alert_to_json
from tests.connectors.deliveries import record

PROFILE = Path(__file__).parents[3] / "profiles" / "panama"
DEMO = PROFILE / "demo" / "commission-statistics" / "casos-cerrados.csv"
TODAY = date(2026, 11, 18)
NOW_MS = 1_795_000_000_000  # 2026-11-18


def cases(year: int, count: int, **fields: str) -> list[dict[str, str]]:
    day = f"{{:02d}}/06/{year}"
    return [
        {**CASE, "expediente": f"E-{year}-{n}", "fecha_de_identificacion": day.format(n % 28 + 1), **fields}
        for n in range(count)
    ]


class Unit:
    """The victim unit, which exports its cases again and again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def told(
        self, *rows: Mapping[str, str], name: str = "cerrados.csv", **options: Any
    ) -> tuple[list[Alert], list[BadRecord]]:
        path = write_csv(self.folder / name, rows) if rows else self.folder / name
        fields = {"files": (path,), "database": f"sqlite:///{self.folder}/told.db", "today": TODAY, **options}
        source = StatisticsSource(StatisticsOptions.model_validate(fields))
        alerts, bad = [], []
        for alert, trouble in converted(source, agency="commission", now_ms=NOW_MS, key=b"a key of the tests"):
            if alert is not None:
                alerts.append(alert)
            elif trouble is not None:
                bad.append(trouble)
        source.close()
        return alerts, bad


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return Unit(tmp_path)


def said(alert: Alert) -> Statistics:
    (section,) = [each for each in alert.sections if each.category == "statistics"]
    found = decode_payload("statistics", section.version, section.payload)
    assert isinstance(found, Statistics)
    return found


def total(alert: Alert) -> int | None:
    return said(alert).cells[0].count


def test_closed_cases_are_counted_by_year_and_only_sums_leave(unit: Unit) -> None:
    (alert,), bad = unit.told(*cases(2025, 30), *cases(2025, 12, sexo="M", expediente="other"))
    assert bad == []
    found = said(alert)
    assert (found.period, found.threshold) == ("2025", 11)
    text = json.dumps(alert_to_json(alert))
    assert not [planted for planted in PLANTED if planted in text]
    assert set(categories(alert.sections)) == {"circumstances", "statistics"}
    assert (alert.routing.victims, alert.routing.nationality, alert.routing.minor) == (0, (), "no")
    assert alert.routing.consent == "not-applicable"


def test_a_row_that_stands_twice_is_one_person(unit: Unit) -> None:
    rows = cases(2025, 20)
    (alert,), _ = unit.told(*rows, *rows[:5])
    assert total(alert) == 20


def test_they_reach_unodc_and_nobody_who_would_see_more_than_a_core(unit: Unit) -> None:
    (alert,), _ = unit.told(*cases(2025, 30))
    found = decide(alert.routing, alert.core, categories(alert.sections), load_profile(PROFILE), NOW_MS)
    assert {each.agency: each.released for each in found.permitted} == {"unodc-ropan": ("statistics",)}
    content = Content("statistics", said(alert))
    label = alert.core.label.model_dump(by_alias=True)
    delivery = record("release", [content], label, recipient="unodc-ropan", originator="commission")
    assert delivery.view is not None
    assert acceptable(Delivery(delivery, (content,)), delivery.view.core, 11) == [said(alert)]


def test_cases_that_are_not_closed_are_not_counted(unit: Unit) -> None:
    (alert,), bad = unit.told(*cases(2025, 20), *cases(2025, 20, estado="en trámite", expediente="open"))
    assert total(alert) == 20 and bad == []


def test_what_is_not_known_is_counted_as_unknown_and_what_is_several_as_several(unit: Unit) -> None:
    (alert,), bad = unit.told(
        *cases(
            2025,
            12,
            sexo="",
            edad="",
            nacionalidad="Colombia; Venezuela",
            forma_de_explotacion="explotación sexual; trabajo forzado",
        )
    )
    assert bad == []
    counts = {(cell.exploitation, cell.sex, cell.age_band, cell.country): cell.count for cell in said(alert).cells}
    assert counts["several", None, None, None] is None and counts[None, None, None, None] == 12


@pytest.mark.parametrize(
    "wrong",
    [
        {"fecha_de_identificacion": "31/02/2025"},
        {"tipo_de_caso": "PLANTEDFAMILYQZ"},
        {"expediente": ""},
        {"edad": "999"},
    ],
)
def test_an_export_with_a_row_that_cannot_be_read_is_not_counted_at_all(unit: Unit, wrong: dict[str, str]) -> None:
    rows = cases(2025, 30)
    alerts, bad = unit.told(*rows[:10], {**rows[10], **wrong}, *rows[11:])
    assert alerts == []
    assert [each.line for each in bad if each.level == "bad"] == [12] and bad[-1].code == "not-counted"
    assert PLANTED[0] not in repr(bad)


def test_a_corrected_export_that_adds_one_case_tells_nothing_new(unit: Unit) -> None:
    (first,), _ = unit.told(*cases(2025, 30))
    (again,), (held,) = unit.told(*cases(2025, 31))
    assert said(again) == said(first) and held.code == "small-change"


def test_a_corrected_export_that_adds_many_cases_is_a_revision_of_the_same_alert(unit: Unit) -> None:
    (first,), _ = unit.told(*cases(2025, 30))
    (again,), bad = unit.told(*cases(2025, 45))
    assert (total(first), total(again)) == (30, 45) and bad == []
    assert first.core.id == again.core.id  # converted by the native key
    (third,), _ = unit.told(*cases(2025, 45))
    assert said(third) == said(again)


def test_few_cases_are_told_of_by_nothing_but_a_note_to_the_unit(unit: Unit) -> None:
    alerts, (note,) = unit.told(*cases(2025, 10))
    assert alerts == [] and (note.level, note.code) == ("warning", "too-few")


def test_a_release_that_the_commission_takes_back_is_cancelled(unit: Unit) -> None:
    unit.told(*cases(2025, 30))
    options = StatisticsOptions(
        files=(unit.folder / "cerrados.csv",),
        database=f"sqlite:///{unit.folder}/told.db",
        today=TODAY,
        withdrawn=("victim-identified/2025",),
    )
    source = StatisticsSource(options)
    natives = [item.native for item in source.read(None) if isinstance(item, Read)]
    found = [each for native in natives for each in source.alerts(native)]
    assert [type(each) for each in found] == [Cancel]


def test_what_was_told_is_remembered_over_a_restart_and_by_postgresql(unit: Unit, postgres_url: str) -> None:
    (first,), _ = unit.told(*cases(2025, 30), database=postgres_url)
    (again,), (held,) = unit.told(*cases(2025, 33), database=postgres_url)
    assert said(again) == said(first) and held.code == "small-change"


def test_quarters_can_be_said_on_the_wire() -> None:
    assert sayable_levels()[:3] == ("month", "quarter", "year")


def test_a_country_without_a_code_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="countries"):
        StatisticsSource(StatisticsOptions(database="sqlite://", countries=("Panama",)))


def test_a_mapping_that_is_none_is_told(unit: Unit) -> None:
    (unit.folder / "other.yaml").write_text("name: 3", encoding="utf-8")
    with pytest.raises(BadMapping):
        unit.told(*cases(2025, 12), mapping=unit.folder / "other.yaml")


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04nothing", bytes(range(256)), "expediente,persona\nñ,1\n".encode("latin-1")]
)
def test_a_hostile_export_is_not_counted(unit: Unit, data: bytes) -> None:
    (unit.folder / "cerrados.csv").write_bytes(data)
    alerts, bad = unit.told()
    assert alerts == [] and {each.level for each in bad} >= {"bad", "warning"}


def test_an_export_of_more_cases_than_memory_should_hold_is_not_counted(
    unit: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.commission.statistics.MAX_CASES", 25)
    alerts, bad = unit.told(*cases(2025, 30))
    assert alerts == [] and [each.code for each in bad] == ["too-many-cases", "not-counted"]


def test_a_folder_takes_one_export_after_another_and_puts_it_away(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write_csv(folder / "cerrados.csv", cases(2025, 30))
    options = StatisticsOptions(folder=folder, quiet_s=0, database=f"sqlite:///{tmp_path}/told.db", today=TODAY)
    source = StatisticsSource(options)
    source.check()
    items = list(source.read(None))
    source.settled(str(items[-1].position))
    assert (folder / "done" / "cerrados.csv").exists() and list(source.read(items[-1].position)) == []
    source.close()


def test_the_demos_cases_are_told_by_years() -> None:
    assert STATISTICS.files is not None and STATISTICS.source is not None
    options = STATISTICS.files((DEMO,), None).model_copy(update={"today": TODAY})
    source = STATISTICS.source(options)
    found = list(converted(source, agency="commission", now_ms=NOW_MS, key=b"a key of the tests"))
    assert [said(alert).period for alert, _ in found if alert] == ["2023", "2024", "2025"]
