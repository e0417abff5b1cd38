"""The case database as a source, on SQLite and PostgreSQL: persons sought, how their cases ended, what is set aside.

The kit's contract is tried on this connector in tests/connectors/sdk/test_contract.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina
from sqlalchemy import create_engine

from connectors.attorney_general import trial
from connectors.attorney_general.connector import CONNECTOR, InboxOptions
from connectors.sdk import Trial
from connectors.sdk.contract_world import World
from hub.model.avro import decode_as, unframe
from hub.model.compose import DAY_MS
from hub.model.core import Alert
from hub.model.text import alert_to_json

DEMO = Path(__file__).parents[3] / "profiles" / "panama" / "demo" / "attorney-general"


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=1):
        yield


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/casos.db"
    return str(request.getfixturevalue("postgres_url"))


class Office:
    """The connector on the simulated bus; each turn is a new start."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.world = World(CONNECTOR)

    def put(self, *rows: dict[str, Any]) -> None:
        """The rows are written, and what changed is published."""
        trial.put(self.url, rows)
        made = InboxOptions.model_validate({"cases": {"database": self.url, "page_rows": 3}})
        self.world.published(Trial(made))

    def alerts(self) -> list[Alert]:
        return [decode_as(Alert, unframe(record.value or b"")[1]) for _, record in self.world.records("alerts")]

    def standing(self) -> dict[str, str]:
        """What holds now of each class: the kind of its highest revision."""
        found = sorted(self.alerts(), key=lambda each: each.core.revision)
        return {each.core.label.class_: each.core.kind for each in found}

    def bad(self) -> list[str]:
        return [each.field for each in self.world.bad if each.level == "bad"]


def payloads(alert: Alert) -> dict[str, Any]:
    return {each["category"]: each["payload"] for each in alert_to_json(alert)["sections"]}


def test_a_row_with_a_warrant_is_a_wanted_person(url: str) -> None:
    office = Office(url)
    office.put(trial.row(1, alias="El Inventado", solo_para="Aduanas; INTERPOL", reserva=None))
    (alert,) = office.alerts()
    label = alert.core.label
    assert (label.class_, label.tlp, label.handling) == ("wanted-person", "AMBER", ("H0",))
    assert (label.reliability, label.credibility) == ("A", "1")
    assert alert.routing.releasable_to == ("customs", "interpol") and alert.routing.indicators == ()
    found = payloads(alert)
    identity = found["suspect.identity"]
    assert [each["kind"] for each in identity["names"]] == ["primary", "alias"]
    assert identity["birth_date"] == "1980-05-17" and identity["nationalities"] == ["CO"]
    assert identity["warrants"] == [
        {"issuing_country": "PA", "charge": "trata de personas", "charge_translation": None}
    ]
    assert found["case"]["number"] == "2026-0001" and found["case"]["status"] == "wanted"
    assert "evidence" in found


def test_nobody_is_wanted_without_a_warrant_and_its_court(url: str) -> None:
    office = Office(url)
    unknown = [trial.row(3, estado="quién sabe"), trial.row(4, reserva="quién sabe")]
    office.put(trial.row(1, orden_no=None), trial.row(2, orden_juzgado=""), *unknown)
    assert office.alerts() == [] and len(office.bad()) == 4
    assert not any("quién" in str(each.report()) for each in office.world.bad)


def test_who_may_be_a_victim_too_is_marked_so_that_nobody_is_told_to_look(url: str) -> None:
    office = Office(url)
    office.put(trial.row(1, posible_victima="sí"))
    assert office.alerts()[0].routing.indicators == ("XEN-03",)


@pytest.mark.parametrize(
    ("state", "outcome"),
    [("absuelto", "acquitted"), ("sobreseído", "dismissed"), ("prescrito", "time-barred"), ("condenado", "convicted")],
)
def test_the_end_of_a_case_withdraws_the_person_and_tells_the_outcome_without_one(
    tmp_path: Path, state: str, outcome: str
) -> None:
    office = Office(f"sqlite:///{tmp_path}/casos.db")
    office.put(trial.row(1))
    office.put(trial.row(1, estado=state, modificado="2026-05-01 10:00:00"))
    assert office.standing() == {"wanted-person": "cancel", "case-outcome": "alert"}
    (ended,) = [each for each in office.alerts() if each.core.label.class_ == "case-outcome"]
    assert ended.routing.suspects == 0 and set(payloads(ended)) <= {"case", "evidence", "circumstances"}
    assert payloads(ended)["case"]["outcome"] == outcome


def test_changes_are_read_once_and_a_case_that_is_opened_again_takes_its_outcome_back(url: str) -> None:
    office = Office(url)
    office.put(*(trial.row(number) for number in range(5)))
    assert len(office.alerts()) == 5
    office.put()
    assert len(office.alerts()) == 5
    office.put(trial.row(3, estado="absuelto", modificado="2026-05-01 10:00:00"))
    assert len(office.alerts()) == 7
    office.put(trial.row(3, orden_no="OC-2", modificado="2026-05-02 10:00:00"))
    assert [each.core.kind for each in office.alerts() if each.core.label.class_ == "case-outcome"] == [
        "alert",
        "cancel",
    ]
    assert sorted(each.core.kind for each in office.alerts() if each.core.revision == 3) == ["alert"]


def test_a_row_that_was_annulled_or_is_under_investigation_again_ends_its_alert(url: str) -> None:
    office = Office(url)
    office.put(trial.row(1), trial.row(2))
    office.put(
        trial.row(1, anulado=True, modificado="2026-05-01 10:00:00"),
        trial.row(2, estado="en investigación", modificado="2026-05-01 10:01:00"),
    )
    assert sorted(each.core.kind for each in office.alerts()) == ["alert", "alert", "cancel", "cancel"]


def test_a_warrant_in_force_is_told_anew_before_its_alert_ends_and_what_is_over_is_not(url: str) -> None:
    office = Office(url)
    over = [trial.row(2, estado="absuelto"), trial.row(3, anulado=True), trial.row(4, estado="en investigación")]
    office.put(trial.row(1), *over, trial.row(5))
    office.world.passes(85 * DAY_MS)
    trial.put(url, [trial.row(5, orden_no=None)])  # changed by a hand that set no marker: nobody is sought any more
    office.put()
    office.put()
    found = [(each.core.label.class_, each.core.revision) for each in office.alerts()]
    assert sorted(found) == [("case-outcome", 1), ("wanted-person", 1), ("wanted-person", 1), ("wanted-person", 2)]
    (anew,) = [each for each in office.alerts() if each.core.revision == 2]
    assert payloads(anew)["case"]["number"] == "2026-0001"
    assert anew.core.valid_until_ms == office.world.now_ms + 89 * DAY_MS


def test_without_a_case_database_nothing_is_published() -> None:
    world = World(CONNECTOR)
    assert world.published(Trial(InboxOptions())).read == 0


def test_the_demonstration_database_becomes_alerts(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in (DEMO / "cases.sql").read_text(encoding="utf-8").split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement.strip().rstrip(";").replace("%", "%%"))
    engine.dispose()
    office = Office(url)
    made = InboxOptions.model_validate({"cases": {"database": url}})
    office.world.published(Trial(made))
    classes = sorted(each.core.label.class_ for each in office.alerts())
    assert classes == ["case-outcome", "wanted-person", "wanted-person", "wanted-person"]
    assert len(office.bad()) == 1


def test_one_file_is_a_case_database_and_no_watch_list_is_taken(tmp_path: Path) -> None:
    assert CONNECTOR.files is not None
    trial.put(f"sqlite:///{tmp_path}/casos.db", [trial.row(1)])
    made = CONNECTOR.files([tmp_path / "casos.db"], None)
    assert World(CONNECTOR).published(Trial(made)).published == 1
    (tmp_path / "other.json").write_text("[]")
    for paths, watchlist in (
        ([], None),
        ([tmp_path / "other.json"], None),
        ([tmp_path / "not-there.db"], None),
        ([tmp_path / "casos.db"], tmp_path / "list.csv"),
    ):
        with pytest.raises(ValueError, match=r"a SQLite database|no watch list"):
            CONNECTOR.files(paths, watchlist)
    assert not (tmp_path / "not-there.db").exists()
