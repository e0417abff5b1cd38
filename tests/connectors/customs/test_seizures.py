"""Seizure reports as alerts, and their connector under the kit's contract."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina
from openpyxl import Workbook

from connectors.customs.seizures import CONNECTOR, SeizureOptions
from connectors.customs.trial import _REPORT as REPORT
from connectors.generic.table import TableSource
from connectors.sdk import BadNative, BadRecord
from connectors.sdk.contract import STATEMENTS, Statement
from connectors.sdk.convert import converted, proposals
from connectors.sdk.kinds import Cancel, Read
from hub.model.core import Alert
from hub.model.text import alert_to_json
from tests.connectors.deliveries import KEY, NOW_MS

THINGS = {
    **REPORT,
    "No. de acta": "D-1",
    "Nombre del portador": "",
    "Nacimiento del portador": "",
    "Nacionalidad del portador": "",
    "Documento del portador": "",
    "Observaciones": "",
}


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=1):
        yield


def source(folder: Path, *rows: dict[str, Any]) -> TableSource:
    path = folder / "decomisos.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)
    return TableSource(SeizureOptions(files=(path,)))


def read(made: TableSource) -> tuple[list[Alert], list[BadRecord]]:
    found = list(converted(made, agency="customs", now_ms=NOW_MS, key=KEY))
    return [alert for alert, _ in found if alert], [bad for _, bad in found if bad]


def test_a_seizure_without_persons_is_goods_and_route_and_counts_nobody(tmp_path: Path) -> None:
    (alert,), troubles = read(source(tmp_path, THINGS))
    assert not [bad for bad in troubles if bad.level == "bad"]
    label, routing = alert.core.label, alert.routing
    assert (label.class_, label.tlp, label.purposes) == (
        "seizure",
        "GREEN",
        ("investigation", "prevention", "border-control"),
    )
    assert (routing.victims, routing.suspects) == (0, 0)
    found = {each["category"]: each["payload"] for each in alert_to_json(alert)["sections"]}
    assert set(found) == {"circumstances", "evidence", "goods", "journey"}
    (good,) = found["goods"]["items"]
    assert good == {"description": "contratos en blanco", "quantity": 40.0, "unit": "ejemplares"}
    assert found["journey"]["crossing_point"] == "Paso Canoas"
    assert found["journey"]["legs"][0]["departure_country"] == "CR"


def test_a_presumed_victim_narrows_label_and_purposes(tmp_path: Path) -> None:
    met = {
        "Presunta víctima": "sí",
        "Edad": "16",
        "Sexo": "F",
        "Nacionalidad": "Nicaragua",
        "Consiente": "no consultada",
    }
    (alert,), _ = read(source(tmp_path, {**THINGS, **met}))
    assert alert.core.label.tlp == "AMBER" and "victim-assistance" in alert.core.label.purposes
    assert (alert.routing.victims, alert.routing.minor, alert.routing.consent) == (1, "yes", "unknown")


def test_a_report_that_was_annulled_ends_its_alert(tmp_path: Path) -> None:
    made = source(tmp_path, {**THINGS, "Estado": "anulada"})
    (item,) = [each for each in made.read(None) if isinstance(each, Read) and each.native]
    found = proposals(made, item)
    assert not isinstance(found, BadRecord) and isinstance(found.alerts[0], Cancel)


def test_reports_in_a_workbook_are_read_as_those_in_csv(tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append(list(THINGS))
    book.active.append([40 if name == "Cantidad" else value for name, value in THINGS.items()])
    book.save(tmp_path / "decomisos.xlsx")
    (alert,), _ = read(TableSource(SeizureOptions(files=(tmp_path / "decomisos.xlsx",))))
    assert alert.core.label.class_ == "seizure"


def test_seizures_take_no_watch_list() -> None:
    assert CONNECTOR.files is not None
    with pytest.raises((BadNative, ValueError), match="no watch list"):
        CONNECTOR.files([], Path("list.csv"))


@pytest.mark.parametrize("statement", STATEMENTS[:7], ids=lambda statement: statement.__name__)
def test_the_connector_keeps_the_contract(statement: Statement, tmp_path: Path) -> None:
    assert CONNECTOR.trial is not None
    statement(CONNECTOR, CONNECTOR.trial, tmp_path)
