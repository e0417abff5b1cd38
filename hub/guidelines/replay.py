"""Replay: the recorded decisions taken again under a draft, and how they differ, grouped as a person would read them. Pure.

What was decided and from what stands in the record (routing block, core, which categories were present), so this works also
when the alerts have expired. The time is the record's own. Obligations are not recorded, and not compared. Of single
alerts nothing is told but where one such decision's record came from.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from hub.model.avro import Undecodable
from hub.model.recorded import Recorded, recorded
from hub.model.walk import NotProven

from .bundle import Bundle
from .decide import Engine
from .outcome import UnknownValue

What = Literal["now-receives", "no-longer-receives", "more", "less", "other"]
COMPARED = frozenset({"decided", "expired"})  # outcomes of a decision that guidelines had a part in


class Change(NamedTuple):
    """How one agency fares otherwise, for alerts of one class. `gained`, `lost`: categories besides the core."""

    agency: str
    alert_class: str
    what: What
    gained: tuple[str, ...]
    lost: tuple[str, ...]


class Found(NamedTuple):
    """How often, and where one of these decisions' records came from: topic/partition/offset."""

    times: int
    example: str


@dataclass
class Replay:
    """What came of it so far. `undecidable`: decisions that would wait in quarantine under the draft, by field;
    `unreadable`: records that are no decisions."""

    draft: Bundle
    compared: int = 0
    differing: int = 0
    unreadable: int = 0
    changes: dict[Change, Found] = field(default_factory=dict)
    undecidable: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._engine = Engine(self.draft)

    def take(self, body: bytes, key: bytes | None = None) -> bool:
        """Takes one record `Decision` (its Avro body, and the record's key); whether it is decided otherwise."""
        try:
            decision = recorded(body, key)
            if decision.outcome not in COMPARED:
                return False
            after = self._after(decision)
        except (NotProven, Undecodable):
            self.unreadable += 1
            return False
        self.compared += 1
        if decision.received == after:
            return False
        self.differing += 1
        self._note(decision, after)
        return True

    def ordered(self) -> list[tuple[Change, Found]]:
        """The most frequent ones first."""
        return sorted(self.changes.items(), key=lambda item: (-item[1].times, item[0]))

    def _after(self, decision: Recorded) -> dict[str, tuple[str, ...]]:
        try:
            decided = self._engine.decide(
                decision.attributes,
                decision.originator,
                decision.valid_until_ms,
                decision.caveats,
                decision.present,
                decision.decided_ms,
            )
        except UnknownValue as unknown:
            self.undecidable[unknown.field] += 1
            return {}
        return {outcome.agency: outcome.released for outcome in decided.permitted}

    def _note(self, decision: Recorded, after: dict[str, tuple[str, ...]]) -> None:
        before = decision.received
        place = "/".join(map(str, decision.source))
        for agency in before.keys() | after.keys():
            if before.get(agency) != after.get(agency):
                change = _change(agency, decision.alert_class, before.get(agency), after.get(agency))
                known = self.changes.get(change)
                self.changes[change] = Found(known.times + 1, known.example) if known else Found(1, place)


def _change(agency: str, alert_class: str, before: tuple[str, ...] | None, after: tuple[str, ...] | None) -> Change:
    gained = tuple(sorted(set(after or ()) - set(before or ())))
    lost = tuple(sorted(set(before or ()) - set(after or ())))
    what: What
    if before is None:
        what = "now-receives"
    elif after is None:
        what = "no-longer-receives"
    else:
        what = "other" if gained and lost else "more" if gained else "less"
    return Change(agency, alert_class, what, gained, lost)
