"""A router's side of the topic `guidelines`: what it uses, what it reports, when it stands still."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from hub.bus.bus import Indefinite, Record
from hub.inforce import InForce, NothingInForce
from hub.routing.state import EVERYBODY
from tests.guidelines.published import FIRST_KEYS, NOW_MS, hold, in_force, published, record_of, with_stewards, without
from tests.guidelines.samples import bundle, permit

DRAFT = with_stewards(bundle(permit("P1"), permit("P2", ["narrative"])), "ana", "luis")
NEXT = without(DRAFT, "P2")
LOCAL = bundle(permit("LOCAL"))
FIRST = record_of(published(DRAFT))
SECOND = record_of(published(NEXT, in_force(published(DRAFT), DRAFT)), 1)
UNSIGNED = record_of(published(DRAFT, None, ()))


class Topic:
    """The topic in memory: what is put on it is seen by the next look."""

    def __init__(self, *records: Record) -> None:
        self.new = list(records)
        self.fails: Exception | None = None

    def look(self) -> Sequence[Record]:
        if self.fails:
            raise self.fails
        found, self.new = self.new, []
        return found


def test_a_router_that_starts_afresh_uses_the_bundle_in_force_and_the_holds() -> None:
    topic = Topic(FIRST, SECOND, record_of(hold("deliveries/embassy", "ana")), record_of(hold("intake/customs", "ana")))
    rules = InForce(topic, FIRST_KEYS).rules()
    assert rules.bundle == NEXT
    assert rules.held == {"embassy"} and rules.closed == {"customs"}


def test_a_new_bundle_and_a_hold_are_taken_by_the_next_call() -> None:
    topic = Topic(FIRST)
    in_use = InForce(topic, FIRST_KEYS)
    assert in_use.rules().bundle == DRAFT
    topic.new = [SECOND, record_of(hold("everything", "ana"))]
    rules = in_use.rules()
    assert rules.bundle == NEXT and rules.held == {EVERYBODY}
    assert in_use.rules() is rules, "nothing is worked out again when nothing is new"


def test_what_is_refused_is_reported_and_counted_and_changes_nothing() -> None:
    topic = Topic(FIRST)
    in_use = InForce(topic, FIRST_KEYS)
    in_use.rules()
    single = record_of(published(NEXT, in_force(published(DRAFT), DRAFT), ("ana",)), 7)
    topic.new = [
        single,
        record_of(published(DRAFT, None, serial=1), 8)._replace(key=b"bundle/9"),
        Record(9, NOW_MS, b"?", b""),
    ]
    with capture_logs() as logs:
        assert in_use.rules().bundle == DRAFT
    assert in_use.refused == {"single-signed": 1, "undecodable": 1, "stray": 1}
    reported = [(entry["event"], entry["log_level"], entry["reason"], entry["offset"]) for entry in logs]
    assert reported == [
        ("guidelines.refused", "error", "single-signed", 7),
        ("guidelines.refused", "error", "undecodable", 8),
        ("guidelines.refused", "error", "stray", 9),
    ]


def test_what_comes_into_force_is_logged() -> None:
    with capture_logs() as logs:
        InForce(Topic(FIRST), FIRST_KEYS).rules()
    assert [entry["event"] for entry in logs] == ["guidelines.published", "guidelines.in-force"]


def test_nothing_is_routed_while_no_bundle_is_in_force() -> None:
    topic = Topic()
    in_use = InForce(topic, FIRST_KEYS)
    with pytest.raises(NothingInForce, match="publish one"):
        in_use.rules()
    topic.new = [UNSIGNED]
    with pytest.raises(NothingInForce, match="refused"):
        in_use.rules()
    topic.new = [FIRST]
    assert in_use.rules().bundle == DRAFT


def test_a_local_profile_stands_in_until_something_is_published_and_says_so() -> None:
    topic = Topic(record_of(hold("everything", "ana")))
    in_use = InForce(topic, FIRST_KEYS, unpublished=LOCAL)
    with capture_logs() as logs:
        rules = in_use.rules()
    assert rules.bundle == LOCAL and rules.held == {EVERYBODY}
    assert logs[-1]["event"] == "guidelines.unpublished"
    topic.new = [FIRST]
    assert in_use.rules().bundle == DRAFT


def test_a_local_profile_never_stands_in_for_a_publication_that_was_refused() -> None:
    with pytest.raises(NothingInForce):
        InForce(Topic(UNSIGNED), FIRST_KEYS, unpublished=LOCAL).rules()
    with pytest.raises(NothingInForce):
        InForce(Topic(FIRST), frozenset(), unpublished=LOCAL).rules()


def test_a_refused_publication_takes_away_from_nobody_the_profile_in_use() -> None:
    topic = Topic()
    in_use = InForce(topic, FIRST_KEYS, unpublished=LOCAL)
    in_use.rules()
    topic.new = [UNSIGNED]
    assert in_use.rules().bundle == LOCAL and in_use.refused == {"unsigned": 1}


def test_when_the_topic_cannot_be_read_any_more_nothing_is_routed() -> None:
    topic = Topic(FIRST)
    in_use = InForce(topic, FIRST_KEYS)
    in_use.rules()
    topic.fails = Indefinite("away")
    with pytest.raises(Indefinite):
        in_use.rules()
