"""The auditor itself: it finds nothing in a good history, and every seeded mutant of one."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from hub.bus.bus import Record, TopicPartition
from hub.bus.memory_log import NO_FAULTS
from hub.model.avro import LOCAL_IDS, decode_as, encode, frame, unframe
from hub.model.base import Model
from hub.model.core import Section
from hub.model.decision import Decision, Ended, Holding, Noted, Position, Quarantined
from tests.auditor import Finding, audit
from tests.auditor_intake import opened
from tests.routing.alerts import BUNDLE, alert_id, decoded, replaced
from tests.simulation.load import LANES
from tests.simulation.world import World

History = dict[TopicPartition, list[Record]]
One = tuple[TopicPartition, int, Any]
Mutant = Callable[[History, random.Random], set[str]]
SEEDS = range(8)


def good_history(seed: int) -> History:
    world = World(seed, NO_FAULTS, routers=2, records=60, later=True)
    assert world.run() == []
    return world.history()


GOOD: dict[int, History] = {}


def history(seed: int) -> History:
    if seed not in GOOD:
        GOOD[seed] = good_history(seed)
    return {at: list(records) for at, records in GOOD[seed].items()}


def audited(found: Mapping[TopicPartition, Sequence[Record]]) -> list[Finding]:
    return audit(found, [BUNDLE], LANES)


def one(found: History, chosen: random.Random, topic: str, fits: Callable[[Any], bool] = lambda _: True) -> One:
    """Any record of a topic that fits: partition, place in it, decoded."""
    read = (
        (at, place, decoded(record.value))
        for at in sorted(found)
        for place, record in enumerate(found[at] if at.topic.startswith(topic) else ())
    )
    return chosen.choice([each for each in read if fits(each[2])])


def decides(decision: Any) -> bool:
    return isinstance(decision, Decision) and bool(decision.outcomes)


def framed(model: Model) -> bytes:
    return frame(LOCAL_IDS.by_name[type(model).__name__], encode(model))


def written_anew(found: History, at: TopicPartition, place: int, model: Model) -> None:
    found[at][place] = found[at][place]._replace(value=framed(model))


def has_view(delivery: Any) -> bool:
    return delivery.view is not None and bool(delivery.view.sections)


# Deliveries


def drop_a_delivery(found: History, chosen: random.Random) -> set[str]:
    at, place, _ = one(found, chosen, "deliveries.")
    del found[at][place]
    return {"lost"}


def double_a_delivery(found: History, chosen: random.Random) -> set[str]:
    at, place, _ = one(found, chosen, "deliveries.")
    found[at].append(found[at][place]._replace(offset=found[at][-1].offset + 1))
    return {"twice"}


def swap_a_delivery_to_another_recipient(found: History, chosen: random.Random) -> set[str]:
    at, place, _ = one(found, chosen, "deliveries.")
    others = [each for each in found if each.topic.startswith("deliveries.") and each.topic != at.topic]
    found[chosen.choice(others)].append(found[at].pop(place)._replace(offset=1 << 40))
    return {"misdirected"}


def swap_a_delivery_and_rename_its_recipient(found: History, chosen: random.Random) -> set[str]:
    at, place, delivery = one(found, chosen, "deliveries.")
    others = [each for each in found if each.topic.startswith("deliveries.") and each.topic != at.topic]
    other = chosen.choice(sorted(others))
    renamed = replaced(delivery, recipient=other.topic.removeprefix("deliveries."))
    found[other].append(found[at].pop(place)._replace(offset=1 << 40, value=framed(renamed)))
    return {"misdirected"}


def reorder_deliveries(found: History, chosen: random.Random) -> set[str]:
    long = [at for at in sorted(found) if at.topic.startswith("deliveries.") and len(found[at]) > 1]
    at = chosen.choice(long)
    first = chosen.randrange(len(found[at]) - 1)
    one_, two = found[at][first : first + 2]
    found[at][first : first + 2] = two._replace(offset=one_.offset), one_._replace(offset=two.offset)
    return {"order"}


def add_a_section(found: History, chosen: random.Random) -> set[str]:
    """One of the alert's own, that this recipient must not have."""
    alerts = _alerts(found)
    at, place, delivery = one(
        found,
        chosen,
        "deliveries.",
        lambda each: each.view is not None and len(each.view.sections) < len(each.view.core.digests),
    )
    have = set(delivery.view.sections)
    sections = alerts[delivery.alert.bytes, delivery.revision, delivery.view.core.digests]
    more = next(each for each in sections if each not in have)
    view = replaced(delivery.view, sections=(*delivery.view.sections, more))
    written_anew(found, at, place, replaced(delivery, view=view))
    return {"sections"}


def _alerts(found: History) -> dict[Any, tuple[Section, ...]]:
    sections = {}
    for at, records in found.items():
        for record in records if at.topic.startswith("alerts.") else ():
            try:
                name, fields = opened(record.value)
            except Exception:
                continue
            if name == "Alert":
                core = fields["core"]
                made = tuple(Section.model_validate(each) for each in fields["sections"])
                sections[core["id"], core["revision"], tuple(core["digests"])] = made
    return sections


def take_a_section_away(found: History, chosen: random.Random) -> set[str]:
    at, place, delivery = one(found, chosen, "deliveries.", has_view)
    view = replaced(delivery.view, sections=delivery.view.sections[1:])
    written_anew(found, at, place, replaced(delivery, view=view))
    return {"sections"}


def alter_a_section(found: History, chosen: random.Random) -> set[str]:
    at, place, delivery = one(found, chosen, "deliveries.", has_view)
    first, *rest = delivery.view.sections
    view = replaced(delivery.view, sections=(replaced(first, payload=first.payload + b"\0"), *rest))
    written_anew(found, at, place, replaced(delivery, view=view))
    return {"digest"}


def alter_the_core(found: History, chosen: random.Random) -> set[str]:
    at, place, delivery = one(found, chosen, "deliveries.", has_view)
    view = replaced(delivery.view, core=replaced(delivery.view.core, created_ms=delivery.view.core.created_ms + 1))
    written_anew(found, at, place, replaced(delivery, view=view))
    return {"altered"}


def alter_the_terms(found: History, chosen: random.Random) -> set[str]:
    at, place, delivery = one(found, chosen, "deliveries.", lambda each: each.obligation is not None)
    terms = replaced(delivery.obligation, onward="as-labelled" if delivery.obligation.onward == "ask" else "none")
    written_anew(found, at, place, replaced(delivery, obligation=terms))
    return {"altered"}


def forget_what_was_withdrawn(found: History, chosen: random.Random) -> set[str]:
    at, place, delivery = one(found, chosen, "deliveries.", lambda each: each.withdrawn)
    written_anew(found, at, place, replaced(delivery, withdrawn=()))
    return {"altered"}


def put_data_into_a_withdrawal(found: History, chosen: random.Random) -> set[str]:
    _, _, release = one(found, chosen, "deliveries.", has_view)
    at, place, delivery = one(found, chosen, "deliveries.", lambda each: each.kind == "withdrawal")
    written_anew(found, at, place, replaced(delivery, view=release.view))
    return {"sections"}


# Decisions and quarantine


def drop_a_decision(found: History, chosen: random.Random) -> set[str]:
    at, place, _ = one(found, chosen, "decisions")
    del found[at][place]
    return {"lost"}


def double_a_decision(found: History, chosen: random.Random) -> set[str]:
    at, place, _ = one(found, chosen, "decisions")
    found[at].append(found[at][place]._replace(offset=found[at][-1].offset + 1))
    return {"twice"}


def drop_from_quarantine(found: History, chosen: random.Random) -> set[str]:
    at, place, _ = one(found, chosen, "quarantine")
    del found[at][place]
    return {"lost"}


def double_in_quarantine(found: History, chosen: random.Random) -> set[str]:
    at, place, _ = one(found, chosen, "quarantine")
    found[at].insert(place, found[at][place])
    return {"twice"}


def alter_in_quarantine(found: History, chosen: random.Random) -> set[str]:
    at, place, waiting = one(found, chosen, "quarantine")
    written_anew(found, at, place, replaced(waiting, value=(waiting.value or b"") + b"x"))
    return {"altered"}


def quarantine_a_good_alert(found: History, chosen: random.Random) -> set[str]:
    at, place, decision = one(found, chosen, "decisions", lambda each: decides(each) and each.source.topic != "control")
    source = decision.source
    (record,) = [each for each in found[TopicPartition(source.topic, source.partition)] if each.offset == source.offset]
    waiting = Quarantined(
        topic=source.topic,
        partition=source.partition,
        offset=source.offset,
        previous=source.previous,
        timestamp_ms=record.timestamp_ms,
        quarantined_ms=decision.decided_ms,
        reason="digest-mismatch",
        key=record.key,
        value=record.value,
        headers=record.headers,
    )
    del found[at][place]
    found[TopicPartition("quarantine", at.partition)].append(Record(1 << 40, 0, None, framed(waiting)))
    return {"quarantine"}


def break_the_chain(found: History, chosen: random.Random) -> set[str]:
    at, place, answer = one(found, chosen, "decisions")
    source = replaced(answer.source, previous=answer.source.previous + 1)
    written_anew(found, at, place, replaced(answer, source=source))
    return {"chain"}


def tell_another_outcome(found: History, chosen: random.Random) -> set[str]:
    at, place, decision = one(found, chosen, "decisions", decides)
    first, *rest = decision.outcomes
    other = "no-permit" if first.reason != "no-permit" else "forbidden"
    written_anew(found, at, place, replaced(decision, outcomes=(replaced(first, reason=other), *rest)))
    return {"decision"}


def leave_an_agency_out(found: History, chosen: random.Random) -> set[str]:
    at, place, decision = one(found, chosen, "decisions", decides)
    written_anew(found, at, place, replaced(decision, outcomes=decision.outcomes[1:]))
    return {"decision"}


def call_it_a_duplicate(found: History, chosen: random.Random) -> set[str]:
    at, place, decision = one(
        found, chosen, "decisions", lambda each: isinstance(each, Decision) and each.outcome in ("decided", "cancelled")
    )
    written_anew(found, at, place, replaced(decision, outcome="duplicate"))
    return {"decision"}


def alter_the_decided_routing_block(found: History, chosen: random.Random) -> set[str]:
    at, place, decision = one(found, chosen, "decisions", lambda each: isinstance(each, Decision))
    routing = replaced(decision.routing, victims=decision.routing.victims + 1)
    written_anew(found, at, place, replaced(decision, routing=routing))
    return {"altered"}


# Ends


def ends(found: History, chosen: random.Random, outcome: str = "expired") -> One:
    return one(found, chosen, "decisions", lambda each: isinstance(each, Ended) and each.outcome == outcome)


def withdrawals(found: History, chosen: random.Random) -> One:
    return one(found, chosen, "deliveries.", lambda each: each.reason == "expired")


def drop_the_withdrawal_of_an_end(found: History, chosen: random.Random) -> set[str]:
    at, place, _ = withdrawals(found, chosen)
    del found[at][place]
    return {"lost"}


def double_the_withdrawal_of_an_end(found: History, chosen: random.Random) -> set[str]:
    at, place, _ = withdrawals(found, chosen)
    found[at].append(found[at][place]._replace(offset=found[at][-1].offset + 1))
    return {"twice"}


def give_another_reason_for_an_end(found: History, chosen: random.Random) -> set[str]:
    at, place, withdrawal = withdrawals(found, chosen)
    written_anew(found, at, place, replaced(withdrawal, reason="no-longer-permitted"))
    return {"altered"}


def end_it_without_its_withdrawals(found: History, chosen: random.Random) -> set[str]:
    at, place, end = ends(found, chosen)
    noted = Noted(source=end.source, decided_ms=end.decided_ms, what="expire")
    written_anew(found, at, place, noted)
    return {"decision"}


def end_it_too_early(found: History, chosen: random.Random) -> set[str]:
    at, place, end = ends(found, chosen)
    written_anew(found, at, place, replaced(end, decided_ms=1))
    return {"decision"}


def leave_a_holder_out_of_an_end(found: History, chosen: random.Random) -> set[str]:
    at, place, end = ends(found, chosen)
    written_anew(found, at, place, replaced(end, outcomes=end.outcomes[1:]))
    return {"decision"}


def end_another_alert(found: History, chosen: random.Random) -> set[str]:
    at, place, end = ends(found, chosen)
    written_anew(found, at, place, replaced(end, alert=alert_id(77)))
    return {"altered"}


def keep_the_holding_of_a_forgotten_alert(found: History, chosen: random.Random) -> set[str]:
    at, _, end = ends(found, chosen, "forgotten")
    holdings = found[TopicPartition("holdings", at.partition)]
    (tombstone, *_) = [number for number, each in enumerate(holdings) if each.key == end.alert.bytes and not each.value]
    del holdings[tombstone]
    return {"holding"}


# Holdings and positions


def _last(found: History, chosen: random.Random, kind: type[Model]) -> tuple[TopicPartition, int, Any]:
    last: dict[Any, tuple[TopicPartition, int, Any]] = {}
    for at in sorted(found):
        for place, record in enumerate(found[at] if at.topic == "holdings" else ()):
            if record.value is None:
                last.pop((at, record.key), None)
                continue
            schema_id, body = unframe(record.value)
            if schema_id == LOCAL_IDS.by_name[kind.__name__]:
                last[at, record.key] = at, place, decode_as(kind, body)
    return chosen.choice(list(last.values()))


def alter_a_holding(found: History, chosen: random.Random) -> set[str]:
    while True:
        at, place, holding = _last(found, chosen, Holding)
        if holding.recipients:
            break
    first, *rest = holding.recipients
    change: dict[str, Any] = chosen.choice(
        [{"number": first.number + 1}, {"revision": first.revision + 1}, {"seen": b"x" * 16}, {"owed": "release"}]
    )
    written_anew(found, at, place, replaced(holding, recipients=(replaced(first, **change), *rest)))
    return {"holding"}


def forget_a_holder(found: History, chosen: random.Random) -> set[str]:
    while True:
        at, place, holding = _last(found, chosen, Holding)
        if holding.recipients:
            break
    written_anew(found, at, place, replaced(holding, recipients=holding.recipients[1:]))
    return {"holding"}


def drop_the_last_holding(found: History, chosen: random.Random) -> set[str]:
    at, place, _ = _last(found, chosen, Holding)
    del found[at][place]
    return {"holding"}


def drop_the_last_position(found: History, chosen: random.Random) -> set[str]:
    at, place, _ = _last(found, chosen, Position)
    del found[at][place]
    return {"chain"}


def set_a_position_back(found: History, chosen: random.Random) -> set[str]:
    at, place, position = _last(found, chosen, Position)
    back = replaced(position, next_offset=position.next_offset - 1, last_decided=position.last_decided - 1)
    written_anew(found, at, place, back)
    return {"chain"}


MUTANTS: Sequence[Mutant] = (
    drop_a_delivery,
    double_a_delivery,
    swap_a_delivery_to_another_recipient,
    swap_a_delivery_and_rename_its_recipient,
    reorder_deliveries,
    add_a_section,
    take_a_section_away,
    alter_a_section,
    alter_the_core,
    alter_the_terms,
    forget_what_was_withdrawn,
    put_data_into_a_withdrawal,
    drop_a_decision,
    double_a_decision,
    drop_from_quarantine,
    double_in_quarantine,
    alter_in_quarantine,
    quarantine_a_good_alert,
    break_the_chain,
    tell_another_outcome,
    leave_an_agency_out,
    call_it_a_duplicate,
    alter_the_decided_routing_block,
    drop_the_withdrawal_of_an_end,
    double_the_withdrawal_of_an_end,
    give_another_reason_for_an_end,
    end_it_without_its_withdrawals,
    end_it_too_early,
    leave_a_holder_out_of_an_end,
    end_another_alert,
    keep_the_holding_of_a_forgotten_alert,
    alter_a_holding,
    forget_a_holder,
    drop_the_last_holding,
    drop_the_last_position,
    set_a_position_back,
)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_found_in_a_good_history(seed: int) -> None:
    assert audited(history(seed)) == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_every_mutant_of_a_good_history_is_found_and_called_by_its_name(mutant: Mutant) -> None:
    for seed in SEEDS:
        changed = history(seed)
        expected = mutant(changed, random.Random(f"{seed} {mutant.__name__}"))
        kinds = {finding.kind for finding in audited(changed)}
        assert expected <= kinds, f"seed {seed}: {kinds or 'nothing'} found"


def test_what_was_written_and_not_yet_decided_is_called_lost() -> None:
    changed = history(0)
    at = next(at for at in sorted(changed) if at.topic == "alerts.customs" and changed[at])
    changed[at].append(changed[at][-1]._replace(offset=changed[at][-1].offset + 1))
    assert {finding.kind for finding in audited(changed)} == {"lost", "chain"}


def test_findings_name_places_and_categories_and_no_value() -> None:
    changed = history(0)
    alter_a_section(changed, random.Random(0))
    findings = audited(changed)
    assert findings and all(finding.where.startswith("deliveries.") for finding in findings)
    assert "invented" not in str(findings)
