"""A history that lacks something, or has too much, does not add up; a whole one does. And a delivery made again is the same."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from hub.bus.bus import Outgoing, TopicPartition
from hub.model.avro import LOCAL_IDS
from hub.model.compose import DAY_MS
from hub.model.decision import Ended, Noted
from hub.model.delivery import Delivery
from hub.readmodel.evidence import compared
from hub.readmodel.reconciling import Finding, Reconciling
from tests.readmodel.history import History
from tests.routing.alerts import (
    BUNDLE,
    NOW_MS,
    alert,
    cancel,
    decoded,
    framed,
    guideline,
    narrated,
    order_about,
    order_to,
    record_of,
    replaced,
)
from tests.routing.alerts import bundle as bundle_with


class Whole(History):
    """A history that keeps its intake and holdings, too."""

    def take(self, incoming: object, **options: object) -> object:  # type: ignore[override]
        record = incoming if isinstance(incoming, Outgoing) else record_of(incoming)  # type: ignore[arg-type]
        if record.topic.startswith("alerts."):
            self.write(record)
        return super().take(incoming, **options)  # type: ignore[arg-type]


def whole() -> Whole:
    made = Whole()
    first = made.take(alert(1))
    made.acknowledge(first, "police")  # type: ignore[arg-type]
    made.take(alert(1, 2, nationality=("CA",)))
    made.held = frozenset({"police"})
    made.take(alert(2))
    made.held = frozenset()
    waiting = made.take(alert(3, labelled={"class": "no-such-class"}))
    made.take(order_about(waiting.quarantined, "return"))  # type: ignore[attr-defined]
    made.take(cancel(1, 3))
    return made


def ended() -> Whole:
    """Two alerts have ended, of one something was owed only; a third was renewed, a fourth forgotten; orders came twice."""
    made = whole()
    made.held = frozenset({"police", "prosecutor", "shelter"})
    made.take(alert(4))
    made.held = frozenset()
    for number in (5, 6, 7):
        made.take(alert(number))
    made.now_ms += 30 * DAY_MS
    made.take(alert(5, 2, valid_ms=60 * DAY_MS))
    for number in (1, 2, 4, 5, 6, 7) * 2:
        made.take(order_to("expire", alert(number)))
    made.now_ms += 90 * DAY_MS
    made.take(order_to("forget", alert(6)))
    return made


def findings(made: History, behind: int = 0) -> list[Finding]:
    reconciling = Reconciling(LOCAL_IDS)
    places = list(made.logs)
    random.Random(1).shuffle(places)
    for at in places:
        for record in made.logs[at]:
            reconciling.take(at, record)
    committed = {at: len(log) - behind for at, log in made.logs.items()}
    return reconciling.findings(committed)


def test_a_whole_history_adds_up_with_what_is_held_and_quarantined() -> None:
    assert findings(whole()) == []


def _drop(topic: str, number: int) -> Callable[[History], None]:
    return lambda made: made.logs[TopicPartition(topic, 0)].pop(number) and None


def _again(topic: str) -> Callable[[History], None]:
    def change(made: History) -> None:
        log = made.logs[TopicPartition(topic, 0)]
        log.append(log[0]._replace(offset=len(log)))

    return change


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        (_drop("decisions", 0), {"undecided", "unauthorised"}),
        (_drop("quarantine", 0), {"undecided"}),
        (_drop("deliveries.police", 0), {"missing"}),
        (_drop("alerts.customs", 1), {"unpublished"}),
        (_again("deliveries.police"), {"twice"}),
        (_again("decisions"), {"twice"}),
    ],
    ids=["decision", "quarantine", "delivery", "alert", "delivery twice", "decision twice"],
)
def test_what_is_lost_or_doubled_is_found(change: Callable[[History], None], kinds: set[str]) -> None:
    made = whole()
    change(made)
    assert {each.kind for each in findings(made)} == kinds


def test_what_ended_adds_up() -> None:
    assert findings(ended()) == []


def _last_of_7(made: History, topic: str) -> int:
    """The place of the last record of alert 7 in a log."""
    log = made.logs[TopicPartition(topic, 0)]
    return max(number for number, record in enumerate(log) if record.key == alert(7).core.id.bytes)


def _without(topic: str) -> Callable[[History], None]:
    return lambda made: made.logs[TopicPartition(topic, 0)].pop(_last_of_7(made, topic)) and None


def _doubled(made: History) -> None:
    log = made.logs[TopicPartition("deliveries.police", 0)]
    log.append(log[_last_of_7(made, "deliveries.police")]._replace(offset=len(log)))


def _end_with(**changes: object) -> Callable[[History], None]:
    def change(made: History) -> None:
        log = made.logs[TopicPartition("decisions", 0)]
        place = _last_of_7(made, "decisions")
        log[place] = log[place]._replace(value=framed(replaced(decoded(log[place].value), **changes)))

    return change


def _noted(made: History) -> None:
    log = made.logs[TopicPartition("decisions", 0)]
    place = _last_of_7(made, "decisions")
    end = decoded(log[place].value)
    assert isinstance(end, Ended)
    note = Noted(source=end.source, decided_ms=end.decided_ms, what="expire")
    log[place] = log[place]._replace(key=None, value=framed(note))
    _without("holdings")(made)


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        (_without("deliveries.police"), {"missing"}),
        (_doubled, {"twice"}),
        (_without("decisions"), {"undecided", "unauthorised"}),
        (_without("holdings"), {"still-held"}),
        (_end_with(decided_ms=NOW_MS), {"ended-early"}),
        (_end_with(outcomes=()), {"missing", "unauthorised"}),
        (_noted, {"still-held", "unauthorised"}),
    ],
    ids=["withdrawal", "twice", "end", "holding", "early", "untold", "noted"],
)
def test_an_end_that_lacks_a_withdrawal_or_has_one_too_many_is_found(
    change: Callable[[History], None], kinds: set[str]
) -> None:
    made = ended()
    change(made)
    assert {each.kind for each in findings(made)} == kinds


def test_a_record_that_the_router_has_not_come_to_is_pending_not_lost() -> None:
    made = whole()
    made.write(record_of(alert(9)))
    assert {each.kind for each in findings(made)} == {"undecided"}
    reconciling = Reconciling(LOCAL_IDS)
    at = TopicPartition("alerts.customs", 0)
    for record in made.logs[at]:
        reconciling.take(at, record)
    assert reconciling.findings({}) == []
    assert reconciling.sums({}).pending == len(made.logs[at])


def test_who_may_receive_and_neither_has_nor_is_owed_is_found() -> None:
    made = whole()
    log = made.logs[TopicPartition("holdings", 0)]
    other = next(record for record in made.logs[TopicPartition("holdings", 0)] if record.key == alert(2).core.id.bytes)
    emptied = History()
    emptied.take(alert(2, releasable_to=("embassy",)))
    (value,) = [record.value for record in emptied.logs[TopicPartition("holdings", 0)]]
    log.append(other._replace(offset=len(log), value=value))
    assert {each.kind for each in findings(made)} == {"not-held"}


def test_a_delivery_made_again_from_alert_and_bundle_is_the_same_in_every_part() -> None:
    made = alert(1, nationality=("CA",))
    for delivery in History().take(made).deliveries.values():
        assert [each for each in compared(delivery, made, BUNDLE) if not each.same] == []
    ended = History()
    ended.take(made)
    for delivery in ended.take(cancel(1)).deliveries.values():
        assert [each for each in compared(delivery, cancel(1), BUNDLE) if not each.same] == []


def test_a_delivery_that_was_altered_is_found_by_its_part() -> None:
    made = alert(1)
    right = History().take(made).deliveries["police"]
    assert right.view is not None

    def wrong(delivery: Delivery, source: object = made) -> set[str]:
        return {each.part for each in compared(delivery, source, BUNDLE) if not each.same}  # type: ignore[arg-type]

    assert wrong(replaced(right, number=7)) == {"id"}
    assert wrong(replaced(right, view=replaced(right.view, sections=right.view.sections[:1]))) == {"sections"}
    assert wrong(replaced(right, obligation=None)) == {"obligation"}
    assert wrong(right, alert(1, contents=[narrated("other words")], sections=("circumstances",))) == {
        "core",
        "sections",
    }
    stricter = bundle_with(guidelines=[guideline("P1", "permit", "police", release=["circumstances"])])
    assert {each.part for each in compared(right, made, stricter) if not each.same} == {"bundle", "sections"}
