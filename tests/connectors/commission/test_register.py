"""The victim unit's register: what was received and what it obliges to; what must go is gone, and leaves proof."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, select
from sqlalchemy.exc import OperationalError

from connectors.commission.caveats import BadCaveats
from connectors.commission.connector import RegisterSink
from connectors.commission.options import CommissionOptions
from connectors.commission.register import cases, entries, persons, removals
from connectors.sdk import Content, Deletion, Delivery, Effect, Transient
from connectors.sdk.effects import open_engine
from hub.model.obligation import Obligation
from hub.model.sections import Care, Journey, Location
from tests.connectors.deliveries import ALERT, DAY, NOW_MS, narrative, record, victim

LABEL: Mapping[str, Any] = {"class": "victim-identified", "purposes": ["victim-assistance"]}
TERMS = Obligation(
    acknowledge_hours=4,
    keep_days=365,
    keep_events=("year-after-assistance",),
    review_days=180,
    onward="ask",
    caveats=("C4", "C7"),
)
CAVEATS = """
caveats:
  - {id: C4, text: {es: "No se use para el control migratorio.", en: "Not for immigration enforcement."}}
"""


def care() -> Content:
    return Content("victim.care", Care.model_validate({"person": "v1", "needs": ["shelter"]}))


def place(person: str = "v1") -> Content:
    return Content("victim.location", Location.model_validate({"person": person, "place": "an invented house"}))


class Unit:
    """The register as the victim unit has it, and a clock of its own."""

    def __init__(self, url: str, folder: Path) -> None:
        (folder / "caveats.yaml").write_text(CAVEATS, encoding="utf-8")
        self.options = CommissionOptions(database=url, caveats=folder / "caveats.yaml")
        self.now_ms = NOW_MS
        self.sink = RegisterSink(self.options, lambda: self.now_ms)
        self.engine = open_engine(url)

    def take(self, kind: str = "release", contents: Iterable[Content] = (), **more: Any) -> Effect:
        made = list(contents)
        delivery = record(kind, made, more.pop("label", LABEL), recipient="commission", originator="iom", **more)
        return self.sink.deliver(Delivery(delivery, tuple(made)))

    def restart(self) -> None:
        self.sink.close()
        self.sink = RegisterSink(self.options, lambda: self.now_ms)

    def rows(self, table: Table) -> list[Mapping[str, Any]]:
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(select(table)).mappings()]

    def case(self) -> Mapping[str, Any]:
        (row,) = self.rows(cases)
        return row

    def close(self) -> None:
        self.sink.close()
        self.engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Unit]:
    lite = f"sqlite:///{tmp_path}/register.db"
    url = lite if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    unit = Unit(url, tmp_path)
    yield unit
    unit.close()


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Unit]:
    unit = Unit(f"sqlite:///{tmp_path}/register.db", tmp_path)
    yield unit
    unit.close()


def test_a_release_opens_a_case_with_its_persons_by_category(unit: Unit) -> None:
    effect = unit.take(contents=[victim(), care(), place("v2"), Content("journey", Journey())], obligation=TERMS)
    assert effect == Effect(reference=str(ALERT))
    case = unit.case()
    assert (case["state"], case["originator"], case["class"], case["purposes"]) == (
        "open",
        "iom",
        "victim-identified",
        "victim-assistance",
    )
    assert {(row["person"], row["subject"], row["categories"]) for row in unit.rows(persons)} == {
        ("v1", "victim", "victim.care victim.identity"),
        ("v2", "victim", "victim.location"),
    }
    found = {row["category"]: json.loads(row["content"]) for row in unit.rows(entries)}
    assert found["victim.care"]["needs"] == ["shelter"] and found["journey"] == {"legs": [], "crossing_point": None}


def test_what_a_release_obliges_to_stands_beside_the_case_in_days_and_in_both_languages(unit: Unit) -> None:
    unit.take(contents=[victim()], obligation=TERMS)
    case = unit.case()
    assert case["acknowledge_by_ms"] == NOW_MS + 4 * 3_600_000 and case["acknowledged_ms"] is None
    assert case["keep_until_ms"] == NOW_MS + 365 * DAY and case["review_by_ms"] == NOW_MS + 180 * DAY
    assert (case["keep_events"], case["onward"], case["caveats"]) == ("year-after-assistance", "ask", "C4 C7")
    assert case["caveats_es"] == "No se use para el control migratorio.\nC7"
    assert case["caveats_en"] == "Not for immigration enforcement.\nC7"


def test_a_withdrawal_takes_out_all_that_was_received_and_keeps_the_proof(unit: Unit) -> None:
    unit.take(contents=[victim(), care()], obligation=TERMS)
    unit.now_ms += DAY
    unit.take("withdrawal", number=2, reason="cancelled")
    case = unit.case()
    assert (case["state"], case["reason"], case["core"], case["keep_until_ms"]) == (
        "withdrawn",
        "cancelled",
        None,
        None,
    )
    assert unit.rows(entries) == [] and unit.rows(persons) == []
    (proof,) = unit.rows(removals)
    assert (proof["why"], proof["reason"], proof["at_ms"]) == ("withdrawn", "cancelled", NOW_MS + DAY)
    assert json.loads(proof["categories"]) == {"victim.care": 1, "victim.identity": 1}
    assert len(proof["delivery"]) == 32


def test_categories_that_a_new_revision_no_longer_releases_go_with_proof(unit: Unit) -> None:
    unit.take(contents=[victim(), care()], obligation=TERMS)
    unit.take(contents=[care()], number=2, revision=2, withdrawn=("victim.identity",))
    assert [row["category"] for row in unit.rows(entries)] == ["victim.care"]
    assert [row["categories"] for row in unit.rows(persons)] == ["victim.care"]
    (proof,) = unit.rows(removals)
    assert (proof["why"], json.loads(proof["categories"])) == ("no-longer-released", {"victim.identity": 1})
    assert unit.case()["state"] == "open"


def test_what_may_not_be_kept_longer_goes_and_its_receipt_is_owed_until_it_is_on_the_bus(unit: Unit) -> None:
    unit.take(contents=[victim()], obligation=Obligation(keep_days=30))
    unit.take(contents=[victim()], obligation=Obligation(keep_days=30), number=2, revision=2)
    assert unit.sink.housekeeping(NOW_MS + 30 * DAY - 1) == []
    assert unit.case()["state"] == "open"
    until_ms = NOW_MS + 30 * DAY
    (deletion,) = unit.sink.housekeeping(until_ms)
    assert deletion == Deletion(record(recipient="commission", number=2).id, ALERT, until_ms, "kept-until")
    unit.restart()
    assert unit.sink.housekeeping(until_ms + DAY) == [deletion]
    unit.sink.receipted([deletion])
    assert unit.sink.housekeeping(until_ms + DAY) == []
    assert (unit.case()["state"], unit.case()["core"]) == ("deleted", None)
    assert unit.rows(entries) == []
    (proof,) = unit.rows(removals)
    assert (proof["why"], proof["delivery"], json.loads(proof["categories"])) == (
        "kept-until",
        None,
        {"victim.identity": 1},
    )


def test_a_delivery_that_comes_again_brings_nothing_back(unit: Unit) -> None:
    first = unit.take(contents=[victim()])
    unit.take("withdrawal", number=2, reason="cancelled")
    assert unit.take(contents=[victim()]) == first
    assert unit.case()["state"] == "withdrawn" and len(unit.rows(removals)) == 1


def test_a_case_that_is_released_again_is_open_again_and_its_earlier_proof_stays(lite: Unit) -> None:
    lite.take(contents=[victim()])
    lite.take("withdrawal", number=2, reason="no-longer-permitted")
    lite.take(contents=[narrative()], number=3, revision=2)
    assert (lite.case()["state"], lite.case()["reason"]) == ("open", None)
    lite.take("withdrawal", number=4, reason="cancelled")
    assert [row["reason"] for row in lite.rows(removals)] == ["no-longer-permitted", "cancelled"]


def test_an_officers_acknowledgement_is_of_the_revision_that_she_saw(lite: Unit) -> None:
    lite.take(contents=[victim()])
    with lite.engine.begin() as connection:
        connection.execute(cases.update().values(acknowledged_ms=NOW_MS + 5))
    lite.take("feedback", number=8)
    assert lite.case()["acknowledged_ms"] == NOW_MS + 5
    lite.take(contents=[victim(birth_date="1991-01-01")], number=2, revision=2)
    assert lite.case()["acknowledged_ms"] is None


def test_feedback_on_an_own_alert_is_noted_and_covers_nothing(lite: Unit) -> None:
    lite.take("feedback", reason="undecodable")
    assert (lite.case()["state"], lite.case()["reason"]) == ("feedback", "undecodable")
    lite.take(contents=[victim()], number=2)
    assert lite.case()["state"] == "open"


def test_a_withdrawal_of_what_never_came_is_proven_as_well(lite: Unit) -> None:
    lite.take("withdrawal", reason="cancelled")
    (proof,) = lite.rows(removals)
    assert json.loads(proof["categories"]) == {} and lite.case()["state"] == "withdrawn"


def test_a_database_that_is_not_there_is_tried_again(tmp_path: Path) -> None:
    with pytest.raises(Transient):
        RegisterSink(CommissionOptions(database=f"sqlite:///{tmp_path}/no/folder/register.db"))


def test_a_register_without_a_database_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs a database"):
        RegisterSink(CommissionOptions())


@pytest.mark.parametrize("text", ["caveats: 3", "[", "caveats: [{id: C1}]"])
def test_a_file_of_no_caveats_is_told_by_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "other.yaml").write_text(text, encoding="utf-8")
    options = CommissionOptions(database=f"sqlite:///{tmp_path}/register.db", caveats=tmp_path / "other.yaml")
    with pytest.raises(BadCaveats, match=r"other\.yaml"):
        RegisterSink(options)


def test_an_error_of_the_database_repeats_no_value(lite: Unit) -> None:
    with lite.engine.begin() as connection:
        entries.drop(connection)
    with pytest.raises((Transient, OperationalError)) as caught:
        lite.take(contents=[victim()])
    assert "Invented" not in str(caught.value)
