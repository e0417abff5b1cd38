"""A source's records published exactly once, whatever ends in between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from connectors.sdk import (
    Alert,
    BadNative,
    BadRecord,
    Cancel,
    Content,
    Draft,
    Facts,
    Gap,
    Label,
    Listed,
    Note,
    Original,
    Read,
    publish,
)
from connectors.sdk.publish import SAME_ALERT_MS, Identity, Publication
from hub.bus.bus import Publisher, lane
from hub.bus.memory import MemoryPublisher
from hub.bus.memory_log import START_MS, Crashed, Faults, MemoryLog
from hub.model import avro
from hub.model.avro import SchemaIds, decode_as, decode_payload, unframe
from hub.model.compose import DAY_MS
from hub.model.core import Alert as ComposedAlert
from hub.model.receipt import NativeKey, SourcePosition
from hub.model.sections import Evidence, Narrative
from hub.routing.opening import open_alert
from tests.connectors.deliveries import KEY

PARTITIONS = 6
IDS = SchemaIds({name: 500 + number for number, name in enumerate(sorted(avro.LOCAL_IDS.by_name))})
CLASS: dict[str, Any] = {"class": "suspected-transit", "purposes": ["investigation", "border-control"]}

Native = tuple[str, str | None]  # a name, and what is said of it; None: it was withdrawn


def said(name: str, text: str) -> Alert:
    label = Label.model_validate(CLASS)
    return Alert(
        name,
        Draft(label=label, facts=Facts(), valid_ms=DAY_MS),
        (Content("narrative", Narrative.model_validate({"text": text})),),
    )


class Book:
    """A source: a list of records, which are read from a place on."""

    def __init__(self, *records: Native | BadRecord) -> None:
        self.records = list(records)
        self.settles: list[str] = []

    def read(self, after: str | None) -> Iterator[Read[Native] | BadRecord]:
        start = int(after) if after is not None else 0
        for number, each in enumerate(self.records[start:], start=start + 1):
            if isinstance(each, BadRecord):
                yield BadRecord(each.file, each.reason, line=number, position=str(number))
            else:
                yield Read(each, str(number), file="book", line=number)

    def alerts(self, native: Native) -> Iterable[Alert | Cancel]:
        name, text = native
        if text == "nothing":
            return []
        if text == "unsaid":
            raise BadNative("cannot be said", "text")
        return [Cancel(name) if text is None else said(name, text)]

    def settled(self, position: str) -> None:
        self.settles.append(position)


class Place:
    """An agency's topics in memory, and its connector as often as it is started."""

    def __init__(self, faults: Faults | None = None, seed: int = 0) -> None:
        self.log = MemoryLog(seed, faults or Faults(), record_bytes=1 << 20)
        self.log.create("alerts.customs", PARTITIONS)
        self.log.create("connectors.customs", 1)
        self.now_ms = START_MS
        self.bad: list[BadRecord] = []
        self.marked: list[str] = []

    def start(self, book: Book, connector: str = "book", mark: Any = None) -> Publication:
        identity = Identity("customs", connector, KEY, PARTITIONS, IDS)

        def opened() -> Publisher:
            return MemoryPublisher(self.log, name=connector, mark=mark or self.marked.append)

        return Publication(book, identity, opened, lambda: self.now_ms, self.bad.append)

    def alerts(self) -> list[ComposedAlert]:
        """What stands on the topic, opened as the router opens it."""
        found = []
        for at, record in self.log.table(self.log.partitions("alerts.customs")):
            open_alert(at.topic, at.partition, record, IDS.by_name["Alert"], PARTITIONS)
            found.append(decode_as(ComposedAlert, unframe(record.value or b"")[1]))
        return sorted(found, key=lambda alert: (alert.core.id, alert.core.revision))

    def state(self) -> dict[bytes, bytes]:
        table = self.log.table(self.log.partitions("connectors.customs"))
        return {record.key or b"": record.value or b"" for _, record in table}

    def position(self) -> SourcePosition:
        return decode_as(SourcePosition, unframe(self.state()[b"book/position"])[1])


@pytest.fixture
def place() -> Place:
    return Place()


def test_each_record_becomes_one_alert_in_the_lane_of_its_id(place: Place) -> None:
    counts = place.start(Book(("a", "one"), ("b", "two"))).run()
    assert (counts.read, counts.published) == (2, 2)
    assert len({alert.core.id for alert in place.alerts()}) == 2
    assert {alert.core.revision for alert in place.alerts()} == {1}
    for at, record in place.log.table(place.log.partitions("alerts.customs")):
        assert at.partition == lane(record.key or b"", PARTITIONS)
    assert place.position() == SourcePosition(source="main", position="2", records=2)


def test_ids_of_schemas_are_the_clusters(place: Place) -> None:
    place.start(Book(("a", "one"))).run()
    assert {unframe(value)[0] for value in place.state().values()} == {
        IDS.by_name["SourcePosition"],
        IDS.by_name["NativeKey"],
    }


def test_a_repeat_is_nothing_and_a_change_is_the_next_revision(place: Place) -> None:
    counts = place.start(Book(("a", "one"), ("a", "one"), ("a", "changed"))).run()
    assert (counts.published, counts.unchanged) == (2, 1)
    first, second = place.alerts()
    assert first.core.id == second.core.id and second.core.revision == 2


def test_a_repeat_after_a_restart_is_nothing_too(place: Place) -> None:
    book = Book(("a", "one"))
    place.start(book).run()
    book.records.append(("a", "one"))
    counts = place.start(book).run()
    assert (counts.read, counts.published, counts.unchanged) == (1, 0, 1)


def test_an_alert_that_has_expired_is_news_when_its_record_comes_again(place: Place) -> None:
    book = Book(("a", "one"))
    place.start(book).run()
    place.now_ms += 2 * DAY_MS
    book.records.append(("a", "one"))
    place.start(book).run()
    assert [alert.core.revision for alert in place.alerts()] == [1, 2]
    assert place.alerts()[1].core.valid_until_ms > place.now_ms


def test_a_record_that_comes_again_long_after_its_alert_ended_is_another_alert(place: Place) -> None:
    """The hub forgets an alert 90 days after its end: its id would count as new there, and its deliveries as the first. Copies
    of the first one may still be held, and are called back."""
    book = Book(("a", "one"))
    place.start(book).run()
    (first,) = place.alerts()
    place.now_ms = first.core.valid_until_ms + SAME_ALERT_MS
    book.records += [("a", "one"), ("a", "two")]
    assert place.start(book).run().cancelled == 1
    _, cancelled, second, third = place.alerts()
    assert (cancelled.core.kind, cancelled.core.id, cancelled.core.revision) == ("cancel", first.core.id, 2)
    assert first.core.id != second.core.id == third.core.id
    assert (second.core.revision, third.core.revision) == (1, 2)


def test_a_withdrawal_at_the_source_calls_back_copies_however_long_ago_the_alert_ended(place: Place) -> None:
    book = Book(("a", "one"))
    place.start(book).run()
    (first,) = place.alerts()
    place.now_ms = first.core.valid_until_ms + 2 * SAME_ALERT_MS
    book.records += [("a", None)]
    assert place.start(book).run().cancelled == 1
    assert [(alert.core.id, alert.core.kind) for alert in place.alerts()] == [
        (first.core.id, "alert"),
        (first.core.id, "cancel"),
    ]


def test_a_record_that_was_withdrawn_cancels_its_alert_once(place: Place) -> None:
    counts = place.start(Book(("a", "one"), ("a", None), ("a", None), ("b", None))).run()
    assert counts.cancelled == 1
    _, last = place.alerts()
    assert last.core.kind == "cancel" and last.core.revision == 2 and last.sections == ()
    assert last.core.label.class_ == CLASS["class"] and list(last.core.label.purposes) == CLASS["purposes"]


def test_what_was_cancelled_may_be_said_again(place: Place) -> None:
    place.start(Book(("a", "one"), ("a", None), ("a", "one"))).run()
    assert [(each.core.kind, each.core.revision) for each in place.alerts()] == [
        ("alert", 1),
        ("cancel", 2),
        ("alert", 3),
    ]


def test_what_a_record_is_called_never_leaves_the_connector(place: Place) -> None:
    place.start(Book(("CASE-4711", "one"))).run()
    everything = [record for topic in ("alerts.customs", "connectors.customs") for record in _raw(place, topic)]
    assert everything and not any(b"CASE-4711" in each for each in everything)


def _raw(place: Place, topic: str) -> list[bytes]:
    return [(record.key or b"") + (record.value or b"") for _, record in place.log.table(place.log.partitions(topic))]


def test_two_connectors_of_one_agency_do_not_share_their_memory(place: Place) -> None:
    place.start(Book(("a", "one"))).run()
    place.start(Book(("a", "one")), connector="other").run()
    assert len({alert.core.id for alert in place.alerts()}) == 2


def test_bad_records_are_set_aside_and_the_others_go_on(place: Place) -> None:
    book = Book(("a", "one"), BadRecord("book", "torn"), ("b", "unsaid"), ("c", "nothing"), ("d", "two"))
    counts = place.start(book).run()
    assert (counts.published, counts.set_aside, counts.no_hit) == (2, 2, 1)
    assert [(bad.line, bad.reason, bad.field) for bad in place.bad] == [(2, "torn", ""), (3, "cannot be said", "text")]
    assert place.position().position == "5"


def test_an_alert_that_is_too_large_to_travel_is_set_aside_and_the_others_go_on(place: Place) -> None:
    class Large(Book):
        def alerts(self, native: Native) -> Iterable[Alert | Cancel]:
            name, text = native
            if text != "large":
                return super().alerts(native)
            content = Content("narrative", Narrative.model_validate({"text": "x" * 20_000}))
            return [Alert(name, said(name, "x").draft, (content,) * 60), said(f"{name}-2", "beside it")]

    counts = place.start(Large(("a", "large"), ("b", "two"))).run()
    assert (counts.published, counts.set_aside) == (2, 1)
    assert "bytes" in place.bad[0].reason and place.bad[0].line == 1


def test_what_was_set_aside_is_told_before_the_position_moves_on(place: Place) -> None:
    def crash(point: str) -> None:
        if point == "commit:committed":
            raise Crashed(point)

    with pytest.raises(Crashed):
        place.start(Book(BadRecord("book", "torn")), mark=crash).run()
    assert place.position().position == "1" and len(place.bad) == 1


@pytest.mark.parametrize(
    "point", ["commit:staged", "commit:flushed", "commit:offsets", "commit:committed", "commit:bumped"]
)
def test_a_crash_at_any_point_loses_nothing_and_doubles_nothing(place: Place, point: str) -> None:
    crashed = []

    def crash(reached: str) -> None:
        if reached == point:
            crashed.append(reached)
            raise Crashed(reached)

    book = Book(("a", "one"), ("b", "two"))
    with pytest.raises(Crashed):
        place.start(book, mark=crash).run()
    assert crashed == [point]
    place.start(book).run()
    assert [each.core.revision for each in place.alerts()] == [1, 1]
    assert place.position().position == "2"


def test_a_source_is_told_what_is_committed_though_the_process_ended_before_it_was(place: Place) -> None:
    class Deaf(Book):
        def settled(self, position: str) -> None:
            raise Crashed("before settle")

    records: Sequence[Native] = (("a", "one"),)
    with pytest.raises(Crashed):
        place.start(Deaf(*records)).run()
    book = Book(*records)
    counts = place.start(book).run()
    assert book.settles == ["1"] and counts.read == 0 and len(place.alerts()) == 1


@pytest.mark.parametrize("seed", range(12))
def test_whatever_becomes_of_commits_each_record_is_published_once(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "BATCH_RECORDS", 5)
    place = Place(Faults(lost_request=0.2, lost_answer=0.2, late_commit=0.2), seed)
    book = Book(*((f"n{number}", f"text {number}") for number in range(40)))
    place.start(book).run()
    place.log.faults = Faults()
    place.start(book).run()
    alerts = place.alerts()
    assert len(alerts) == len({alert.core.id for alert in alerts}) == 40
    assert place.position().position == "40" and place.position().records == 40


def test_a_rewound_source_is_read_again_and_nothing_is_published_again(place: Place) -> None:
    book = Book(("a", "one"), ("b", "two"))
    place.start(book).run()
    publication = place.start(book)
    publication.rewind(None)
    counts = publication.run()
    assert (counts.read, counts.published, counts.unchanged) == (2, 0, 2)
    publication.rewind("1")
    assert place.position().position == "1"
    assert publication.run().read == 3 and place.position().position == "2"


def test_a_gap_in_dense_positions_stops_before_anything_is_published(place: Place) -> None:
    class Dense(Book):
        gap = False

        def follows(self, before: str | None, after: str) -> bool:
            return int(after) == int(before or 0) + 1

        def read(self, after: str | None) -> Iterator[Read[Native] | BadRecord]:
            for each in super().read(after):
                if not (self.gap and each.position == "2"):
                    yield each

    book = Dense(("a", "one"), ("b", "two"), ("c", "three"))
    book.gap = True
    with pytest.raises(Gap):
        place.start(book).run()
    assert place.alerts() == []
    book.gap = False
    assert place.start(book).run().published == 3


class Listing(Book):
    """Says at its end which records there are."""

    def read(self, after: str | None) -> Iterator[Any]:
        start = (after or "0").removesuffix("!")
        yield from super().read(start)
        if after != f"{len(self.records)}!":
            yield Listed(self.keys, f"{len(self.records)}!", "book")

    keys: frozenset[str] = frozenset()


def test_what_a_full_listing_does_not_have_any_more_is_cancelled_once(place: Place) -> None:
    book = Listing(("a", "one"), ("b", "two"), ("c", "three"))
    book.keys = frozenset("abc")
    assert place.start(book).run().cancelled == 0
    book.records.append(("a", "one"))
    book.keys = frozenset("ac")
    assert place.start(book).run().cancelled == 1
    assert [each.core.kind for each in place.alerts()].count("cancel") == 1
    book.records.append(("a", "one"))
    assert place.start(book).run().cancelled == 0
    book.records.append(("b", "two"))
    book.keys = frozenset("abc")
    counts = place.start(book).run()
    assert (counts.published, counts.cancelled) == (1, 0)


def test_an_empty_listing_withdraws_nothing_and_is_told(place: Place) -> None:
    book = Listing(("a", "one"))
    book.keys = frozenset("a")
    place.start(book).run()
    book.records.append(("a", "nothing"))
    book.keys = frozenset()
    assert place.start(book).run().cancelled == 0
    assert [bad.code for bad in place.bad] == ["empty-listing"]


@pytest.mark.parametrize("point", ["commit:staged", "commit:committed"])
def test_a_listing_that_is_cut_short_by_a_crash_is_finished(
    place: Place, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "BATCH_RECORDS", 2)
    book = Listing(*((f"n{number}", "text") for number in range(9)))
    book.keys = frozenset(f"n{number}" for number in range(9))
    place.start(book).run()
    book.records.append(("n0", "text"))
    book.keys = frozenset({"n0"})
    reached = []

    def crash(at: str) -> None:
        reached.append(at)
        if at == point and reached.count(point) == 2:
            raise Crashed(at)

    with pytest.raises(Crashed):
        place.start(book, mark=crash).run()
    place.start(book).run()
    cancelled = [each.core.id for each in place.alerts() if each.core.kind == "cancel"]
    assert len(cancelled) == len(set(cancelled)) == 8


class Noted(Book):
    """Has something to say of every record, and its original."""

    def read(self, after: str | None) -> Iterator[Read[Native] | BadRecord]:
        for each in super().read(after):
            original = Original(b"the native bytes", "text/plain", "the desk")
            yield replace(each, original=original) if isinstance(each, Read) else each

    def alerts(self, native: Native) -> Iterable[Any]:
        return [*super().alerts(native), Note("was cut", "text", "cut")]


def test_a_note_on_a_record_is_told_with_its_place_and_the_alert_goes_on(place: Place) -> None:
    counts = place.start(Noted(("a", "one"))).run()
    assert (counts.published, counts.set_aside, counts.no_hit) == (1, 0, 0)
    (note,) = place.bad
    assert (note.level, note.line, note.field, note.code) == ("warning", 1, "text", "cut")


def test_the_original_is_found_again_by_its_digest(place: Place) -> None:
    place.start(Noted(("a", "one"))).run()
    (section,) = [each for each in place.alerts()[0].sections if each.category == "evidence"]
    content = decode_payload("evidence", section.version, section.payload)
    assert isinstance(content, Evidence)
    assert content.exhibits[0].digest == sha256(b"the native bytes").digest() and content.exhibits[0].ask == "the desk"


def test_memory_of_natives_is_kept_under_a_key_of_this_connector_only(place: Place) -> None:
    place.start(Book(("a", "one"))).run()
    keys = [key for key in place.state() if key.startswith(b"book/native/")]
    (native,) = [decode_as(NativeKey, unframe(place.state()[key])[1]) for key in keys]
    assert native.alert == place.alerts()[0].core.id and native.alert_class == CLASS["class"]
