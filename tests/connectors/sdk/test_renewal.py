"""What goes on is said anew before its alert ends: once each time, from the record as it is then, and not all at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from connectors.sdk import Alert, BadNative, BadRecord, Cancel, Read, publish
from connectors.sdk.publish import Publication
from connectors.sdk.renewal import LOOK_MS
from hub.bus.memory_log import Crashed, Faults
from hub.model.avro import decode_payload
from hub.model.compose import DAY_MS
from hub.model.core import Alert as ComposedAlert
from hub.model.sections import Narrative
from tests.connectors.sdk.test_publish import Native, said
from tests.connectors.sdk.test_publish import Place as PlaceAtOneMoment

DAYS = 60


def lasts(name: str, text: str) -> Alert:
    made = said(name, text)
    return replace(made, draft=made.draft.model_copy(update={"valid_ms": DAYS * DAY_MS}), lasting=True)


class Place(PlaceAtOneMoment):
    """Where time passes, for the connector and for the log."""

    def passes(self, ms: int) -> None:
        self.now_ms += ms
        self.log.passes(ms)


class Table:
    """A source that can be asked again: what it has by name. A text in capitals is something that happened once."""

    def __init__(self, **rows: str) -> None:
        self.rows: dict[str, str] = rows
        self.asked = 0
        self.read_from: list[str | None] = []

    def read(self, after: str | None) -> Iterator[Read[Native]]:
        self.read_from.append(after)
        for number, row in list(enumerate(self.rows.items(), start=1))[int(after or 0) :]:
            yield Read(row, str(number), file="table", line=number)

    def standing(self) -> Iterator[Read[Native] | BadRecord]:
        self.asked += 1
        for row in self.rows.items():
            yield Read(row, "", file="table")

    def alerts(self, native: Native) -> Iterable[Alert | Cancel]:
        name, text = native
        if text == "unsaid":
            raise BadNative("cannot be said", "text")
        assert text is not None
        return [said(name, text) if text.isupper() else lasts(name, text)]

    def settled(self, position: str) -> None: ...


def start(place: Place, table: Any, mark: Any = None) -> Publication:
    return place.start(table, mark=mark)


def revisions(place: Place) -> Counter[int]:
    """How many alerts have been published up to each revision."""
    highest: dict[Any, int] = {}
    for alert in place.alerts():
        highest[alert.core.id] = max(highest.get(alert.core.id, 0), alert.core.revision)
    return Counter(highest.values())


def text_of(alert: ComposedAlert) -> str:
    (section,) = [each for each in alert.sections if each.category == "narrative"]
    content = decode_payload("narrative", section.version, section.payload)
    assert isinstance(content, Narrative)
    return content.text.get_secret_value()


@pytest.fixture
def place() -> Place:
    return Place()


def test_a_warrant_in_force_is_said_anew_before_its_alert_ends_and_so_on_for_as_long_as_it_stands(place: Place) -> None:
    table = Table(a="in force")
    publication = start(place, table)
    for _ in range(400):
        publication.run()
        place.passes(DAY_MS)
    alerts = place.alerts()
    assert len({alert.core.id for alert in alerts}) == 1
    ends = [alert.core.valid_until_ms for alert in alerts]
    made = [alert.core.created_ms for alert in alerts]
    for end, renewed in zip(ends, made[1:], strict=False):
        assert DAYS * DAY_MS / 6 - 2 * DAY_MS <= end - renewed <= DAYS * DAY_MS / 3
    assert ends[-1] > place.now_ms and table.read_from[1:] == ["1"] * 399
    assert publication.counts.renewed == len(alerts) - 1 == publication.counts.published - 1


def test_what_happened_once_is_not_said_anew(place: Place) -> None:
    table = Table(a="SEIZED", b="in force")
    publication = start(place, table)
    for _ in range(DAYS):
        publication.run()
        place.passes(DAY_MS)
    assert Counter(text_of(alert) for alert in place.alerts()) == {"SEIZED": 1, "in force": 2}


def test_a_source_is_not_asked_while_nothing_is_due_and_once_an_hour_when_something_is(place: Place) -> None:
    table = Table(a="in force", b="in force")
    publication = start(place, table)
    for _ in range(DAYS * 2 // 3 - 1):
        publication.run()
        place.passes(DAY_MS)
    assert table.asked == 0
    del table.rows["a"], table.rows["b"]
    place.passes(DAYS * DAY_MS)
    for _ in range(5):
        publication.run()
        place.passes(LOOK_MS)
    assert table.asked == 1  # what it does not have any more is not asked for again


def test_a_connector_that_was_down_says_at_its_start_what_still_stands(place: Place) -> None:
    table = Table(a="in force", b="in force", c="in force", d="SEIZED")
    start(place, table).run()
    place.passes(2 * DAYS * DAY_MS - 1)
    table.rows = {"a": "in force", "b": "in force, elsewhere", "d": "SEIZED"}
    start(place, table).run()
    start(place, table).run()
    assert revisions(place) == {1: 2, 2: 2}
    anew = [alert for alert in place.alerts() if alert.core.revision == 2]
    assert sorted(map(text_of, anew)) == ["in force", "in force, elsewhere"]
    assert all(alert.core.valid_until_ms > place.now_ms for alert in anew)


def test_what_still_stands_long_after_its_alert_ended_is_another_alert(place: Place) -> None:
    """The hub has forgotten the first one by then."""
    table = Table(a="in force")
    start(place, table).run()
    place.passes(2 * DAYS * DAY_MS)
    start(place, table).run()
    start(place, table).run()
    first, cancelled, second = place.alerts()
    assert cancelled.core.id == first.core.id and cancelled.core.kind == "cancel"
    assert first.core.id != second.core.id and second.core.revision == 1


def test_a_record_that_cannot_be_said_any_more_is_not_renewed_and_the_others_are(place: Place) -> None:
    table = Table(a="in force", b="in force")
    start(place, table).run()
    table.rows["a"] = "unsaid"
    place.passes(DAYS * DAY_MS - 1)
    assert start(place, table).run().renewed == 1
    assert place.bad == []  # it was told when it was read, or will be


def test_an_alert_that_was_cancelled_stays_so(place: Place) -> None:
    class Ending(Table):
        def alerts(self, native: Native) -> Iterable[Alert | Cancel]:
            return [Cancel(native[0])] if native[1] == "over" else super().alerts(native)

    table = Ending(a="in force")
    start(place, table).run()
    table.rows["b"] = "in force"
    table.rows["c"] = "over"
    publication = start(place, table)
    table.rows["a"] = "over"
    publication.rewind(None)
    publication.run()
    place.passes(DAYS * DAY_MS - 1)
    start(place, table).run()
    assert [alert.core.kind for alert in place.alerts()].count("cancel") == 1
    assert revisions(place) == {2: 2}


@pytest.mark.parametrize(
    "point", ["commit:staged", "commit:flushed", "commit:offsets", "commit:committed", "commit:bumped"]
)
def test_a_crash_at_any_point_renews_each_alert_once(place: Place, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "BATCH_RECORDS", 2)
    table = Table(**{f"n{number}": "in force" for number in range(7)})
    start(place, table).run()
    place.passes(DAYS * DAY_MS - 1)
    reached = []

    def crash(at: str) -> None:
        reached.append(at)
        if at == point and reached.count(point) == 2:
            raise Crashed(at)

    with pytest.raises(Crashed):
        start(place, table, mark=crash).run()
    start(place, table).run()
    assert revisions(place) == {2: 7} and len(place.alerts()) == 14
    assert place.position().position == "7"


@pytest.mark.parametrize("seed", range(6))
def test_whatever_becomes_of_commits_each_alert_is_renewed_once(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "BATCH_RECORDS", 4)
    place = Place(seed=seed)
    table = Table(**{f"n{number}": "in force" for number in range(30)})
    start(place, table).run()
    place.passes(DAYS * DAY_MS - 1)
    place.log.faults = Faults(lost_request=0.2, lost_answer=0.2, late_commit=0.2)
    start(place, table).run()
    place.log.faults = Faults()
    start(place, table).run()
    assert revisions(place) == {2: 30} and len(place.alerts()) == 60


def test_alerts_that_were_made_together_are_not_renewed_together(place: Place) -> None:
    table = Table(**{f"n{number}": "in force" for number in range(300)})
    publication = start(place, table)
    renewed = []
    for _ in range(DAYS):
        before = publication.counts.renewed
        renewed.append(publication.run().renewed - before)
        place.passes(DAY_MS)
    assert sum(renewed) == 300 and revisions(place) == {2: 300}
    assert max(renewed) <= 60  # of ten days


def test_what_was_due_for_long_goes_in_parts(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "BATCH_RECORDS", 2)
    monkeypatch.setattr(publish, "RENEWED_AT_ONCE", 4)
    table = Table(**{f"n{number}": "in force" for number in range(10)})
    start(place, table).run()
    place.passes(DAYS * DAY_MS)
    publication, seen = start(place, table), []
    for _ in range(4):
        publication.run()
        seen.append(publication.run().renewed)
        place.passes(LOOK_MS)
    assert seen == [4, 8, 10, 10]


def test_a_renewal_that_is_stopped_goes_on_at_the_next_turn(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "BATCH_RECORDS", 2)
    table = Table(**{f"n{number}": "in force" for number in range(6)})
    start(place, table).run()
    place.passes(DAYS * DAY_MS)
    publication, asked = start(place, table), []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 1

    assert publication.run(stop).renewed == 2
    assert publication.run().renewed == 6


class Listing(Table):
    """Files that come now and then and have everything: nobody can be asked again."""

    standing: Any = None


def test_a_record_that_comes_again_renews_its_alert_once_half_of_its_time_is_over(place: Place) -> None:
    table = Listing(a="in force", b="SEIZED")
    publication = start(place, table)
    made = []
    for _ in range(12):
        publication.rewind(None)  # the next file, a month's third later, says the same
        publication.run()
        made.append(publication.counts.renewed)
        place.passes(10 * DAY_MS)
    assert made == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
