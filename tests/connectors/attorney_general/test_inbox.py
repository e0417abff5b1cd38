"""The prosecutors' case inbox: what was delivered, what of it went again, and each delivery once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from connectors.attorney_general.connector import InboxOptions, InboxSink
from connectors.attorney_general.inbox import alerts, sections
from connectors.sdk import Content, Delivery, Effect
from connectors.sdk.effects import open_engine
from hub.model.obligation import Obligation
from tests.connectors.deliveries import ALERT, MISSING, NOW_MS, missing, narrative, record, suspect

PROFILE = Path(__file__).parents[3] / "profiles" / "panama"


class Office:
    def __init__(self, url: str) -> None:
        self.sink = InboxSink(InboxOptions(database=url, profile=PROFILE))
        self.engine = open_engine(url)

    def close(self) -> None:
        self.sink.close()
        self.engine.dispose()

    def take(self, kind: str = "release", contents: Iterable[Content] = (), **more: Any) -> Effect:
        made = list(contents)
        return self.sink.deliver(Delivery(record(kind, made, recipient="attorney-general", **more), tuple(made)))

    def row(self) -> dict[str, Any]:
        with self.engine.connect() as connection:
            return dict(connection.execute(select(alerts)).mappings().one())

    def contents(self) -> list[tuple[str, Any]]:
        with self.engine.connect() as connection:
            rows = connection.execute(select(sections).order_by(sections.c.number)).all()
        return [(row.category, json.loads(row.content)) for row in rows]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/inbox.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def office(url: str) -> Iterator[Office]:
    office = Office(url)
    yield office
    office.close()


def test_a_release_opens_an_entry_with_its_sections_and_what_it_obliges_to(office: Office) -> None:
    obligation = Obligation(acknowledge_hours=24, caveats=("C5",))
    effect = office.take(contents=[suspect(), narrative()], obligation=obligation)
    assert effect == Effect(reference=str(ALERT))
    row = office.row()
    assert (row["state"], row["originator"], row["class"], row["handling"]) == (
        "open",
        "interpol",
        "wanted-person",
        "H1",
    )
    assert row["received_ms"] == NOW_MS and row["revision"] == 1
    assert json.loads(row["obligation"])["acknowledge_hours"] == 24
    told = {each["code"]: each for each in json.loads(row["terms"])}
    assert "Solo para los fines" in told["C5"]["es"] and "Only for the purposes" in told["C5"]["en"]
    assert [category for category, _ in office.contents()] == ["suspect.identity", "narrative"]
    assert office.contents()[0][1]["documents"][0]["number"] == "ZZ 100-200"


def test_a_new_revision_replaces_all_of_the_former(office: Office) -> None:
    office.take(contents=[suspect(), narrative("before")])
    office.take(contents=[missing()], label=MISSING, number=2, revision=2)
    assert office.row()["revision"] == 2 and office.row()["class"] == "missing-person"
    assert [category for category, _ in office.contents()] == ["missing.identity"]


def test_a_withdrawal_takes_the_data_and_leaves_that_there_was_an_alert(office: Office) -> None:
    office.take(contents=[suspect()], obligation=Obligation(keep_days=30))
    office.take("withdrawal", number=2, reason="cancelled")
    row = office.row()
    assert (row["state"], row["reason"], row["core"], row["obligation"]) == ("withdrawn", "cancelled", None, None)
    assert row["terms"] is None
    assert office.contents() == []


def test_an_alert_that_is_released_again_after_a_withdrawal_is_open_again(office: Office) -> None:
    office.take(contents=[suspect()])
    office.take("withdrawal", number=2, reason="no-longer-permitted")
    office.take(contents=[narrative()], number=3, revision=2)
    assert (office.row()["state"], office.row()["reason"]) == ("open", None)
    assert [category for category, _ in office.contents()] == ["narrative"]


def test_a_delivery_that_comes_again_has_no_second_effect(office: Office) -> None:
    first = office.take(contents=[suspect()])
    office.take("withdrawal", number=2, reason="cancelled")
    assert office.take(contents=[suspect()]) == first
    assert office.row()["state"] == "withdrawn" and office.contents() == []


def test_feedback_is_noted_and_never_covers_what_was_received(office: Office) -> None:
    office.take("feedback", reason="undecodable", number=7)
    assert (office.row()["state"], office.row()["reason"]) == ("feedback", "undecodable")
    office.take(contents=[suspect()])
    office.take("feedback", reason="too-large", number=8)
    assert office.row()["state"] == "open" and len(office.contents()) == 1


def test_an_inbox_goes_on_with_what_is_in_it(url: str) -> None:
    first = Office(url)
    first.take(contents=[suspect()])
    first.close()
    again = Office(url)
    again.take("withdrawal", number=2, reason="cancelled")
    assert again.row()["state"] == "withdrawn"
    again.close()


def test_text_that_a_database_finds_hard_is_kept_as_it_was(office: Office) -> None:
    odd = "an invented \x00 account: \u202e ' \" ; -- ñ 🙂"
    office.take(contents=[narrative(odd)])
    assert office.contents()[0][1]["text"] == odd


def test_the_inbox_needs_a_database() -> None:
    with pytest.raises(ValueError, match="database"):
        InboxSink(InboxOptions())


@pytest.mark.parametrize("url", ["nothing", "oracle+nothing://x/y", ""])
def test_an_address_that_is_no_database_is_told_in_one_line(url: str) -> None:
    with pytest.raises(ValueError, match="database") as caught:
        InboxSink(InboxOptions(database=url))
    assert "\n" not in str(caught.value)
