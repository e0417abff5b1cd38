"""The auditor: reads all topics as committed and says what was lost, doubled, misdirected, out of order or altered.

It shares no code with the router: records are decoded by fastavro through the locked schemas (auditor_intake.py), and what
must follow is worked out from the naive reading of the guidelines (auditor_ledger.py). Two things it takes from the
router's own records, as nobody else can know them: in which order a lane was decided, and what the clock said. It knows no
holds. It is tested with seeded mutants of a good history in tests/simulation/test_auditor.py.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from hub.bus.bus import Record, TopicPartition
from hub.guidelines.bundle import Bundle
from tests.auditor_intake import Judged, Unreadable, judge, opened, part, written
from tests.auditor_ledger import Answer, Expected, Known, Ledger, Place

History = Mapping[TopicPartition, Sequence[Record]]


class Finding(NamedTuple):
    """`kind`: lost, twice, misdirected, order, sections, digest, altered, decision, quarantine, holding, chain, unreadable.
    `what` names places and categories, never a value."""

    kind: str
    where: str
    what: str


def audit(history: History, bundles: Sequence[Bundle], lanes: int, *, alone: bool = False) -> list[Finding]:
    """Everything that is wrong with a history; an empty list if nothing is.

    `bundles`: all that were in force. `alone`: records may have been set aside because writing them failed three times.
    """
    return Audit(history, bundles, lanes, alone).findings


class Audit:
    def __init__(self, history: History, bundles: Sequence[Bundle], lanes: int, alone: bool) -> None:
        self.findings: list[Finding] = []
        self._history = history
        self._lanes = lanes
        self._alone = alone
        self._ledger = Ledger(bundles, self._found)
        self._records: dict[Place, Record] = {}
        self._intake = self._judged()
        answers = self._answers()
        self._check_answered(answers)
        self._check_chains(answers)
        answers = [answer for answer in answers if answer.at in self._intake]
        for answer in answers:
            if answer.kind != "Quarantined":
                self._ledger.follow(answer, self._intake[answer.at])
        for answer in answers:
            if answer.kind == "Quarantined":
                self._check_quarantined(answer)
        self._check_deliveries()
        self._check_holdings()

    def _found(self, kind: str, where: Any, what: str) -> None:
        self.findings.append(Finding(kind, "/".join(map(str, where)), what))

    def _of(self, prefix: str) -> Iterable[tuple[TopicPartition, Record]]:
        for at in sorted(self._history):
            if at.topic == prefix or (prefix.endswith(".") and at.topic.startswith(prefix)):
                for record in self._history[at]:
                    yield at, record

    # Intake and answers

    def _judged(self) -> dict[Place, Judged]:
        judged = {}
        for prefix in ("alerts.", "receipts.", "control"):
            for (topic, partition), record in self._of(prefix):
                place = topic, partition, record.offset
                self._records[place] = record
                judged[place] = judge(topic, partition, record.key, record.value, record.timestamp_ms, self._lanes)
        return judged

    def _answers(self) -> list[Answer]:
        """In the order in which they stand, lane by lane."""
        answers = []
        for topic in ("decisions", "quarantine"):
            for at, record in self._of(topic):
                try:
                    name, fields = opened(record.value)
                except Unreadable:
                    self._found("unreadable", (*at, record.offset), "not a record of its topic")
                    continue
                source = fields.get("source", fields)  # a quarantined record is its own
                place = source["topic"], source["partition"], source["offset"]
                answers.append(Answer(name, place, fields, source["previous"]))
                if source["partition"] != at.partition:
                    self._found("misdirected", (*at, record.offset), "an answer in another lane")
        return answers

    def _check_answered(self, answers: Sequence[Answer]) -> None:
        """Every record of the intake has one answer, and every answer a record."""
        times = Counter(answer.at for answer in answers)
        for place in self._intake.keys() | times.keys():
            if place not in times:
                self._found("lost", place, "neither decided nor in quarantine")
            elif place not in self._intake:
                self._found("altered", place, "an answer to a record that is not there")
            elif times[place] > 1:
                self._found("twice", place, f"answered {times[place]} times")

    def _check_chains(self, answers: Sequence[Answer]) -> None:
        """Each answer names the record before it; and answers stand in the order of their records."""
        before: dict[Place, int] = {}
        last: dict[tuple[str, int], int] = {}
        for topic, partition, offset in sorted(self._intake):
            before[topic, partition, offset] = last.get((topic, partition), -1)
            last[topic, partition] = offset
        standing: dict[tuple[bool, str, int], int] = {}
        for answer in answers:
            if answer.at in before and answer.previous != before[answer.at]:
                self._found("chain", answer.at, f"names {answer.previous} as the one before, not {before[answer.at]}")
            topic, partition, offset = answer.at
            column = answer.kind == "Quarantined", topic, partition
            if offset < standing.get(column, -1):
                self._found("order", answer.at, "answered after a later record")
            standing[column] = offset

    def _check_quarantined(self, answer: Answer) -> None:
        """A record may wait only if something is wrong with it, and it waits untouched."""
        fields, judged, record = answer.fields, self._intake[answer.at], self._records[answer.at]
        if (fields["key"], fields["value"], fields["headers"]) != (record.key, record.value, record.headers):
            self._found("altered", answer.at, "its bytes in quarantine are not its own")
        reason = fields["reason"]
        if judged.kind == "bad" or (reason == "fails-alone" and self._alone):
            return
        if judged.alert is None or not self._ledger.may_refuse(judged.alert, answer):
            self._found("quarantine", answer.at, f"waits for {reason}, which it is not")

    # What is there

    def _delivered(self, agency: str, partition: int) -> list[tuple[int, dict[str, Any]]]:
        found = []
        for record in self._history.get(TopicPartition(f"deliveries.{agency}", partition), ()):
            try:
                name, fields = opened(record.value)
            except Unreadable:
                name, fields = "", {}
            if name == "Delivery":
                found.append((record.offset, fields))
            else:
                self._found("unreadable", (f"deliveries.{agency}", partition, record.offset), "not a delivery")
        return found

    def _check_deliveries(self) -> None:
        owners = {each.id: agency for (agency, _), expected in self._ledger.expected.items() for each in expected}
        places = {
            (at.topic.removeprefix("deliveries."), at.partition) for at in self._history if "deliveries." in at.topic
        }
        for agency, partition in sorted(places | self._ledger.expected.keys()):
            expected = self._ledger.expected[agency, partition]
            found = self._delivered(agency, partition)
            wanted = Counter(each.id for each in expected)
            there = Counter(fields["id"] for _, fields in found)
            where = f"deliveries.{agency}", partition
            for identifier in wanted - there:
                self._found("lost", where, f"delivery {identifier.hex()}")
            for identifier in there - wanted:
                known_here = owners.get(identifier) == agency
                self._found("twice" if known_here else "misdirected", where, f"delivery {identifier.hex()}")
            if wanted == there and [each.id for each in expected] != [fields["id"] for _, fields in found]:
                self._found("order", where, "deliveries in another order than their alerts were decided")
            by_id = {each.id: each for each in expected}
            for offset, fields in found:
                if fields["recipient"] != agency:
                    self._found("misdirected", (*where, offset), "for another recipient")
                if fields["id"] in by_id:
                    self._check_delivery((*where, offset), fields, by_id[fields["id"]])

    def _check_delivery(self, where: tuple[str, int, int], fields: Mapping[str, Any], expected: Expected) -> None:
        for name, value in expected.fields.items():
            if fields[name] != value:
                self._found("altered", where, name)
        view = fields["view"]
        if (view is None) != (expected.core is None):
            self._found("sections", where, "a view where none belongs, or none where one does")
        if view is None or expected.core is None:
            return
        if written(part("Alert", "core"), view["core"]) != expected.core:
            self._found("altered", where, "the core is not the originator's")
        found = [(each["category"], written(part("Alert", "sections"), each)) for each in view["sections"]]
        many, few = Counter(found) - Counter(expected.sections), Counter(expected.sections) - Counter(found)
        for category, data in many:
            if hashlib.sha256(data).digest() in view["core"]["digests"]:
                self._found("sections", where, f"{category} too many")
            else:
                self._found("digest", where, f"{category} is none of the core's sections")
        for category, _ in few:
            self._found("sections", where, f"{category} is missing")
        if not many and not few and found != list(expected.sections):
            self._found("order", where, "sections in another order than the originator's")

    def _check_holdings(self) -> None:
        """The last holding of every alert is what was delivered; the last position of every topic is at its end."""
        there: dict[bytes, dict[str, Any]] = {}
        positions: dict[tuple[str, int], int] = {}
        for at, record in self._of("holdings"):
            key = record.key or b""
            if record.value is None:
                there.pop(key, None)
                continue
            try:
                name, fields = opened(record.value)
            except Unreadable:
                self._found("unreadable", (*at, record.offset), "neither holding nor position")
                continue
            if name == "Holding":
                there[key] = fields
                continue
            column = key.removeprefix(b"@position/").decode(), at.partition
            if not positions.get(column, 0) < fields["next_offset"] == fields["last_decided"] + 1:
                self._found("chain", (*at, record.offset), f"the position in {column[0]} does not go on")
            positions[column] = fields["next_offset"]
        for key in self._ledger.known.keys() | there.keys():
            where = "holdings", key.hex()
            if key not in there or key not in self._ledger.known:
                self._found("holding", where, "missing" if key in self._ledger.known else "of no alert")
            elif _as_written(there[key]) != _as_expected(self._ledger.known[key]):
                self._found("holding", where, "differs from what was delivered")
        ends = {(topic, partition): offset + 1 for topic, partition, offset in sorted(self._intake)}
        for column in ends.keys() | positions.keys():
            if positions.get(column) != ends.get(column):
                self._found("chain", column, f"ends at {ends.get(column)}, its position is {positions.get(column)}")


def _as_written(fields: Mapping[str, Any]) -> tuple[Any, ...]:
    holders = {
        held["agency"]: (held["number"], held["revision"], tuple(held["categories"]), held["seen"], held["owed"])
        for held in fields["recipients"]
    }
    place = fields["topic"], fields["partition"], fields["offset"]
    names = ("originator", "revision", "content", "cancelled", "valid_until_ms")
    return (*(fields[name] for name in names), place, holders)


def _as_expected(known: Known) -> tuple[Any, ...]:
    holders = {
        agency: (holder.number, holder.revision, holder.categories, holder.seen, None)
        for agency, holder in known.holders.items()
    }
    names = ("originator", "revision", "content", "cancelled", "valid_until_ms")
    return (*(getattr(known, name) for name in names), known.source, holders)
