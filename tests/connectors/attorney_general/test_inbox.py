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


class Office:
    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder}/inbox.db"
        self.sink = InboxSink(InboxOptions(database=url))
        self.engine = open_engine(url)

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


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    yield office
    office.sink.close()
    office.engine.dispose()


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


def test_an_inbox_goes_on_with_what_is_in_it(tmp_path: Path) -> None:
    Office(tmp_path).take(contents=[suspect()])
    again = Office(tmp_path)
    again.take("withdrawal", number=2, reason="cancelled")
    assert again.row()["state"] == "withdrawn"


@pytest.mark.parametrize("url", ["nothing", "oracle+nothing://x/y", ""])
def test_an_address_that_is_no_database_is_told_in_one_line(url: str) -> None:
    with pytest.raises(ValueError, match="database") as caught:
        InboxSink(InboxOptions(database=url))
    assert "\n" not in str(caught.value)
