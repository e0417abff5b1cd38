"""Reports of the hotline and of the assistance register become alerts: consent by person, assistance apart from cooperation."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.commission.connector import CONNECTOR
from connectors.commission.options import CommissionOptions
from connectors.commission.reports import kind_of
from connectors.commission.trial import ASSISTANCE, HOTLINE, form, victim, write_csv
from connectors.formats.tabular_write import write_xlsx
from connectors.sdk import BadRecord, Cancel, Read
from connectors.sdk.convert import converted
from hub.guidelines.bundle import Bundle
from hub.guidelines.decide import decide
from hub.guidelines.profile import load_profile
from hub.model.core import Alert, categories
from hub.model.text import alert_to_json

PROFILE = Path(__file__).parents[3] / "profiles" / "panama"
NOW_MS = 1_795_000_000_000  # 2026-11-18
INVESTIGATORS = {"attorney-general", "interpol", "customs"}


@cache
def panama() -> Bundle:
    return load_profile(PROFILE)


def outcome(path: Path) -> tuple[list[Alert], list[BadRecord]]:
    assert CONNECTOR.source is not None
    source = CONNECTOR.source(CommissionOptions(files=(path,)))
    alerts, bad = [], []
    for alert, trouble in converted(source, agency="commission", now_ms=NOW_MS, key=b"a key of the tests"):
        if alert is not None:
            alerts.append(alert)
        elif trouble is not None:
            bad.append(trouble)
    return alerts, bad


def posted(folder: Path, *reports: Mapping[str, Any]) -> tuple[list[Alert], list[BadRecord]]:
    path = folder / "formulario.jsonl"
    path.write_text("\n".join(json.dumps(each, ensure_ascii=False) for each in reports), encoding="utf-8")
    return outcome(path)


def recipients(alert: Alert) -> dict[str, tuple[str, ...]]:
    found = decide(alert.routing, alert.core, categories(alert.sections), panama(), NOW_MS)
    return {each.agency: each.released for each in found.permitted}


def test_a_row_of_the_lines_register_is_an_alert_with_victim_suspect_account_and_informant(tmp_path: Path) -> None:
    row = {**HOTLINE, "No. de reporte": "R-1", "Sospechoso": "Invented Person", "Denunciante": "A neighbour"}
    (alert,), bad = outcome(write_csv(tmp_path / "linea.csv", [row]))
    assert bad == []
    routing = alert.routing
    assert (routing.label.class_, routing.label.tlp, routing.label.reliability) == (
        "victim-identified",
        "AMBER+STRICT",
        "E",
    )
    assert (routing.victims, routing.suspects, routing.minor, routing.consent) == (1, 1, "no", "given")
    assert (routing.nationality, routing.origin, routing.exploitation) == (("NI",), ("NI",), ("forced-labour",))
    assert {"victim.identity", "victim.contact", "victim.care", "narrative", "informant", "evidence"} <= set(
        categories(alert.sections)
    )


@pytest.mark.parametrize("age", ["", "-", "no sabe"])
def test_who_has_no_age_is_a_child(tmp_path: Path, age: str) -> None:
    row = {**HOTLINE, "No. de reporte": "R-1", "Fecha de nacimiento": "", "Edad": age}
    (alert,), _ = outcome(write_csv(tmp_path / "linea.csv", [row]))
    assert alert.routing.minor == "unknown"


@pytest.mark.parametrize(
    ("said", "consent"), [("sí", "given"), ("no", "withheld"), ("", "unknown"), ("no se preguntó", "unknown")]
)
def test_consent_is_what_was_said_and_unknown_where_nothing_was(tmp_path: Path, said: str, consent: str) -> None:
    row = {**HOTLINE, "No. de reporte": "R-1", "Acepta compartir datos": said}
    (alert,), _ = outcome(write_csv(tmp_path / "linea.csv", [row]))
    assert alert.routing.consent == consent


def test_the_assistance_register_reads_from_a_workbook_as_from_a_table(tmp_path: Path) -> None:
    row = {**ASSISTANCE, "Expediente": "A-1", "Edad": "31", "Albergue": "an invented house"}
    (from_csv,), bad = outcome(write_csv(tmp_path / "asistencia.csv", [row]))
    assert bad == []
    out = io.BytesIO()
    write_xlsx(out, [list(row), list(row.values())])
    (tmp_path / "asistencia.xlsx").write_bytes(out.getvalue())
    (from_xlsx,), bad = outcome(tmp_path / "asistencia.xlsx")
    assert bad == []
    assert from_csv.routing == from_xlsx.routing
    assert from_csv.routing.not_releasable_to == ("embassy-canada", "foreign-affairs")
    assert kind_of(tmp_path / "asistencia.xlsx") == "assistance"


@pytest.mark.parametrize("authorises", ["no", "no se preguntó", ""])
@pytest.mark.parametrize(("age", "consent"), [("31", "sí"), ("31", "no"), ("15", "sí"), ("", "")])
def test_assistance_alone_reaches_no_investigator_whoever_she_is(
    tmp_path: Path, authorises: str, age: str, consent: str
) -> None:
    row = {
        **ASSISTANCE,
        "Expediente": "A-1",
        "Autoriza denuncia": authorises,
        "Edad": age,
        "Consiente compartir": consent,
    }
    (alert,), _ = outcome(write_csv(tmp_path / "asistencia.csv", [row]))
    assert alert.routing.label.purposes == ("victim-assistance",)
    assert not INVESTIGATORS & set(recipients(alert))


def test_assistance_alone_by_the_hotline_reaches_no_investigator(tmp_path: Path) -> None:
    (alert,), _ = posted(tmp_path, form("F-1", victim(), desea="solo asistencia"))
    assert not INVESTIGATORS & set(recipients(alert))


def test_a_consenting_adult_who_authorises_a_report_reaches_iom_and_the_prosecutor(tmp_path: Path) -> None:
    row = {**ASSISTANCE, "Expediente": "A-1", "Autoriza denuncia": "sí", "Edad": "31"}
    (alert,), _ = outcome(write_csv(tmp_path / "asistencia.csv", [row]))
    found = recipients(alert)
    assert "victim.identity" in found["iom"] and "attorney-general" in found
    assert "victim.care" not in found["attorney-general"]


# --- several victims


def test_adults_who_agree_stay_in_one_alert(tmp_path: Path) -> None:
    (alert,), _ = posted(tmp_path, form("F-1", victim(age=30), victim(age=40)))
    assert (alert.routing.victims, alert.routing.consent) == (2, "given")


def test_of_several_adults_the_strictest_consent_holds_for_all_who_did_not_refuse(tmp_path: Path) -> None:
    (alert,), _ = posted(tmp_path, form("F-1", victim(age=30), victim(age=40, consent=None)))
    assert (alert.routing.victims, alert.routing.consent) == (2, "unknown")


def test_an_adult_who_refused_stands_apart_from_a_child_and_from_an_adult_who_agreed(tmp_path: Path) -> None:
    alerts, bad = posted(
        tmp_path,
        form(
            "F-1", victim("Refuses", 30, "no"), victim("Child", 15, "no"), victim("Agrees", 40, "sí"), empresa="A firm"
        ),
    )
    assert bad == []
    said = [(each.routing.minor, each.routing.consent, each.routing.victims) for each in alerts]
    assert said == [("no", "withheld", 1), ("yes", "withheld", 1), ("no", "given", 1)]
    texts = [json.dumps(alert_to_json(each), ensure_ascii=False) for each in alerts]
    for name, mine in (("Refuses", 0), ("Child", 1), ("Agrees", 2)):
        assert [name in text for text in texts] == [number == mine for number in range(3)]
    assert ["narrative" in categories(each.sections) for each in alerts] == [True, False, False]
    assert all("organisation" in categories(each.sections) for each in alerts)


def test_who_refused_and_is_of_unknown_age_is_a_child_and_parts_nobody(tmp_path: Path) -> None:
    (alert,), _ = posted(tmp_path, form("F-1", victim(age=None, consent="no"), victim(age=14)))
    assert (alert.routing.minor, alert.routing.victims) == ("yes", 2)


def test_a_missing_child_is_no_part_of_an_adult_victims_alert(tmp_path: Path) -> None:
    lost = {"papel": "desaparecida", "nombre": "Lost Invented", "edad": 9}
    alerts, bad = posted(tmp_path, form("F-1", victim(consent="no"), lost))
    assert bad == []
    said = [(each.routing.victims, each.routing.missing, each.routing.minor, each.routing.consent) for each in alerts]
    assert said == [(1, 0, "no", "withheld"), (0, 1, "yes", "not-applicable")]


def test_a_corrected_report_takes_back_the_parts_that_it_no_longer_has(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_text(json.dumps(form("F-1", victim(), correccion=True)), encoding="utf-8")
    assert CONNECTOR.source is not None
    source = CONNECTOR.source(CommissionOptions(files=(path,)))
    (read,) = [each for each in source.read(None) if isinstance(each, Read) and each.native]
    found = [each for each in source.alerts(read.native) if isinstance(each, Cancel)]
    assert [each.key.rpartition("#")[2] for each in found] == ["refused", "children", "adults"]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.sampled_from([None, 9, 17, 18, 45]), st.sampled_from([None, "sí", "no", "no se preguntó"])),
        min_size=1,
        max_size=5,
    )
)
def test_every_victim_is_in_one_alert_and_none_has_a_wider_release_than_her_own(
    tmp_path: Path, people: list[tuple[int | None, str | None]]
) -> None:
    victims = [victim(f"Number{number}X", age, consent) for number, (age, consent) in enumerate(people)]
    alerts, bad = posted(tmp_path, form("F-1", *victims))
    assert bad == []
    texts = [json.dumps(alert_to_json(each), ensure_ascii=False) for each in alerts]
    for number, (age, consent) in enumerate(people):
        (mine,) = [place for place, text in enumerate(texts) if f"Number{number}X" in text]
        routing = alerts[mine].routing
        adult = age is not None and age >= 18
        assert (routing.minor == "no") == adult
        if adult and consent == "no":
            assert routing.consent == "withheld"
        if adult and consent in (None, "no se preguntó"):
            assert routing.consent == "unknown"
    assert sum(each.routing.victims for each in alerts) == len(people)


# --- what real files do


def test_a_report_that_is_only_a_question_is_left_out_and_noted(tmp_path: Path) -> None:
    alerts, (note,) = posted(tmp_path, form("F-1", tipo_de_reporte="Consulta"))
    assert alerts == [] and (note.level, note.code) == ("warning", "left-out")


def test_a_report_that_was_annulled_cancels_its_alert(tmp_path: Path) -> None:
    alerts, notes = posted(tmp_path, form("F-1", victim(), estado="anulado"))
    assert alerts == [] and {note.code for note in notes} == {"cancel"}


HOSTILE: dict[str, bytes] = {
    "nothing.csv": b"",
    "binary.csv": bytes(range(256)) * 40,
    "half.jsonl": b'{"numero_de_reporte": "SECRETQZ", "personas": [',
    "deep.jsonl": b'{"a":' * 3000 + b"1" + b"}" * 3000,
    "list.jsonl": b'[1, 2]\n{"x": 1}\n',
    "other.csv": b"a,b\nSECRETQZ,2\n",
    "latin.csv": "No. de reporte;Tel\xe9fono\nSECRETQZ;5\n".encode("latin-1"),
    "bomb.xlsx": b"PK\x03\x04" + b"\x00" * 5000,
    "persons.jsonl": b'{"numero_de_reporte": "1", "tipo_de_reporte": "Posible v\xc3\xadctima", "personas": "SECRETQZ"}',
    "nobody.jsonl": b'{"tipo_de_reporte": "SECRETQZ"}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_set_aside_with_its_reason_and_without_its_values(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(HOSTILE[name])
    alerts, bad = outcome(tmp_path / name)
    assert alerts == [] and [each for each in bad if each.level == "bad"]
    assert "SECRETQZ" not in repr(bad) and all(each.reason for each in bad)


def test_every_row_ends_as_an_alert_or_an_error_whatever_stands_in_it(tmp_path: Path) -> None:
    junk = ["", "SECRETQZ", "31/02/2026", "=1+1", "-5", "9" * 300, "sí;no", "Ñandú", "2026-01-01", "\u202e"]
    rows = [
        {**HOTLINE, "No. de reporte": f"R-{column}-{number}", column: value}
        for column in list(HOTLINE)[2:]
        for number, value in enumerate(junk)
    ]
    alerts, bad = outcome(write_csv(tmp_path / "linea.csv", rows))
    refused = {each.line for each in bad if each.level == "bad"}
    skipped = {each.line for each in bad if each.code in ("left-out", "cancel")}
    assert len(alerts) + len(refused) + len(skipped) == len(rows)
    assert "SECRETQZ" not in repr(bad)


@pytest.mark.parametrize("name", ["1-linea-104.csv", "2-asistencia.csv", "3-formulario.jsonl"])
def test_the_demos_reports_all_become_alerts(name: str) -> None:
    alerts, bad = outcome(PROFILE / "demo" / "commission" / name)
    assert alerts and not [each for each in bad if each.level == "bad"]
