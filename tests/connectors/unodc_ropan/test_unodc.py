"""UNODC ROPAN receives statistics as files, and refuses whatever else anybody might send it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import stamina

from connectors.sdk import Content, Delivery, Effect, Rejected, Transient
from connectors.sdk.contract import STATEMENTS, NotClaimed, Statement, Unexamined
from connectors.unodc_ropan.connector import CONNECTOR, StatisticsSink
from connectors.unodc_ropan.options import UnodcOptions
from hub.model.obligation import Obligation
from hub.model.sections import Cell, Circumstances, Statistics
from tests.connectors.deliveries import ALERT, narrative, record, victim

LABEL: Mapping[str, Any] = {"class": "victim-identified", "purposes": ["statistics"], "tlp": "GREEN"}
CELLS = (Cell(count=40), Cell(sex="female", count=29), Cell(sex="male"), Cell(sex="female", age_band="18-20", count=12))


def statistics(period: str = "2025", threshold: int = 11, cells: Iterable[Cell] = CELLS) -> Content:
    return Content("statistics", Statistics(period=period, threshold=threshold, cells=tuple(cells)))


class Office:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sink = StatisticsSink(UnodcOptions(folder=folder))

    def take(self, kind: str = "release", contents: Iterable[Content] = (), **more: Any) -> Effect:
        made = list(contents)
        delivery = record(
            kind, made, more.pop("label", LABEL), recipient="unodc-ropan", originator="commission", **more
        )
        return self.sink.deliver(Delivery(delivery, tuple(made)))

    def rows(self, name: str = "statistics_victim-identified_2025") -> list[dict[str, str]]:
        with (self.folder / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    def described(self, name: str = "statistics_victim-identified_2025") -> Any:
        return json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))

    def files(self) -> set[str]:
        return {path.name for path in self.folder.iterdir() if not path.name.startswith(".")}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    yield office
    office.sink.close()


def test_statistics_become_a_table_and_its_description(office: Office) -> None:
    obligation = Obligation(keep_days=30, onward="aggregates", caveats=("C10",))
    effect = office.take(contents=[statistics()], obligation=obligation)
    assert effect == Effect(reference="statistics_victim-identified_2025")
    total, female, male, young = office.rows()
    assert (total["period"], total["class"], total["count"], total["suppressed"]) == (
        "2025",
        "victim-identified",
        "40",
        "false",
    )
    assert (female["sex"], female["count"]) == ("female", "29")
    assert (male["count"], male["suppressed"]) == ("", "true")
    assert (young["age_band"], young["count"]) == ("18-20", "12")
    described = office.described()
    assert (described["state"], described["k"], described["cells"], described["suppressed"]) == ("released", 11, 4, 1)
    assert described["periods"] == [{"code": "2025", "from": "2025-01-01", "to": "2025-12-31"}]
    assert described["source"]["originator"] == "commission" and described["source"]["alert"] == str(ALERT)
    assert described["obligations"]["onward"] == "aggregates" and described["obligations"]["caveats"] == ["C10"]
    assert {"es", "en"} == set(described["definitions"]["count"])
    assert set(described["definitions"]) == set(total)


@pytest.mark.parametrize(
    ("code", "first", "last"),
    [
        ("2026-02", "2026-02-01", "2026-02-28"),
        ("2024-33", "2024-01-01", "2024-03-31"),
        ("2024-36", "2024-10-01", "2024-12-31"),
        ("2024", "2024-01-01", "2024-12-31"),
    ],
)
def test_the_description_says_the_first_and_last_day_of_a_period(
    office: Office, code: str, first: str, last: str
) -> None:
    office.take(contents=[statistics(code)])
    (period,) = office.described(f"statistics_victim-identified_{code}")["periods"]
    assert (period["from"], period["to"]) == (first, last)


def test_a_period_of_no_calendar_keeps_its_code(office: Office) -> None:
    office.take(contents=[statistics("2024-77")])
    assert office.described("statistics_victim-identified_2024-77")["periods"] == [{"code": "2024-77"}]


@pytest.mark.parametrize("other", [victim(), narrative(), Content("circumstances", Circumstances())])
def test_whatever_stands_beside_the_statistics_is_refused_with_them(office: Office, other: Content) -> None:
    with pytest.raises(Rejected, match="not-statistics-only"):
        office.take(contents=[statistics(), other])
    assert office.files() == set()


@pytest.mark.parametrize(
    ("contents", "label", "reason"),
    [
        ([], LABEL, "no-statistics"),
        ([statistics()], {**LABEL, "exercise": "exercise"}, "exercise"),
        ([statistics()], {**LABEL, "purposes": ["prevention"]}, "not-for-statistics"),
        ([statistics(threshold=5)], LABEL, "threshold-too-low"),
        ([statistics(cells=[Cell(sex="male", count=10)])], LABEL, "under-threshold"),
    ],
)
def test_statistics_that_tell_too_much_are_refused(
    office: Office, contents: list[Content], label: Mapping[str, Any], reason: str
) -> None:
    with pytest.raises(Rejected, match=reason):
        office.take(contents=contents, label=label)
    assert office.files() == set()


def test_a_new_revision_replaces_the_figures(office: Office) -> None:
    office.take(contents=[statistics()])
    office.take(contents=[statistics(cells=[Cell(count=55)])], number=2, revision=2)
    assert [row["count"] for row in office.rows()] == ["55"]
    assert office.described()["source"]["revision"] == 2


def test_a_withdrawal_puts_a_notice_in_place_of_the_figures(office: Office) -> None:
    office.take(contents=[statistics()])
    assert office.take("withdrawal", number=2, reason="cancelled") == Effect(reference="1 withdrawn")
    (row,) = office.rows()
    assert set(row) == {"es", "en"} and "Withdrawn" in row["en"]
    described = office.described()
    assert (described["state"], described["reason"], described["class"]) == (
        "withdrawn",
        "cancelled",
        "victim-identified",
    )
    assert not {"cells", "suppressed", "k"} & described.keys()


def test_a_delivery_that_comes_again_after_its_withdrawal_brings_nothing_back(office: Office) -> None:
    first = office.take(contents=[statistics()])
    office.take("withdrawal", number=2, reason="cancelled")
    assert office.take(contents=[statistics()]) == first
    assert office.described()["state"] == "withdrawn"


def test_figures_of_a_later_alert_outlive_the_withdrawal_of_an_earlier_one(office: Office) -> None:
    office.take(contents=[statistics()])
    other = ALERT.__class__(int=ALERT.int + 1)
    office.take(contents=[statistics(cells=[Cell(count=60)])], alert=other)
    assert office.take("withdrawal", number=2, reason="expired") == Effect(reference="0 withdrawn")
    assert [row["count"] for row in office.rows()] == ["60"]


def test_a_revision_that_tells_of_another_period_takes_back_the_former(office: Office) -> None:
    office.take(contents=[statistics("2025")])
    office.take(contents=[statistics("2024")], number=2, revision=2)
    assert office.described()["state"] == "withdrawn"
    assert office.described("statistics_victim-identified_2024")["state"] == "released"


def test_no_text_becomes_a_formula_and_no_name_leaves_the_folder(office: Office) -> None:
    evil = {**LABEL, "class": "../../=2+5"}
    office.take(contents=[statistics(cells=[Cell(exploitation="=HYPERLINK(1)", count=12)])], label=evil)
    (name,) = [each for each in office.files() if each.endswith(".csv")]
    assert "/" not in name and ".." not in name.removesuffix(".csv")
    text = (office.folder / name).read_text(encoding="utf-8-sig")
    assert "'=HYPERLINK(1)" in text and ",=" not in text


def test_a_folder_that_cannot_be_written_is_tried_again(office: Office, tmp_path: Path) -> None:
    (tmp_path / ".statistics_victim-identified_2025.json.part").mkdir()
    with pytest.raises(Transient):
        office.take(contents=[statistics()])
    (tmp_path / ".statistics_victim-identified_2025.json.part").rmdir()
    assert office.take(contents=[statistics()]).reference == "statistics_victim-identified_2025"


def test_requests_and_feedback_change_no_file(office: Office) -> None:
    office.take(contents=[statistics()])
    for number, kind in enumerate(("request", "feedback"), start=2):
        assert office.take(kind, number=number) == Effect(reference="noted")
    assert office.described()["state"] == "released"


def test_a_folder_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such folder"):
        StatisticsSink(UnodcOptions(folder=tmp_path / "nowhere"))


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: statement.__name__)
def test_it_keeps_the_contract(statement: Statement, tmp_path: Path) -> None:
    assert CONNECTOR.trial is not None
    with stamina.set_testing(True, attempts=1):
        try:
            statement(CONNECTOR, CONNECTOR.trial, tmp_path)
        except NotClaimed:
            pass
        except Unexamined:
            assert CONNECTOR.source is None
