"""Invented alerts and a small world for them: six agencies, six guidelines, one lane whose memory a `Hub` keeps.

Alerts are put together part by part, not derived, so that a test says what it needs and nothing else. Other rooms
(tests/simulation, tests/kafka) build on these.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from hub.bus.bus import Outgoing, Record, lane
from hub.guidelines.bundle import Bundle
from hub.guidelines.language import Agency, Caveat, Guideline, Instrument, Words
from hub.model.avro import LOCAL_IDS, decode_as, encode, frame, unframe
from hub.model.base import Model
from hub.model.compose import DAY_MS, digests, seal
from hub.model.core import Alert, Core, Label, Routing
from hub.model.decision import Control, Decision, Ended, Holding, Noted, Quarantined
from hub.model.delivery import Delivery
from hub.model.receipt import Receipt
from hub.model.sections import (
    Care,
    Circumstances,
    Content,
    Description,
    HandlingWords,
    Identity,
    Journey,
    Narrative,
    SuspectIdentity,
)
from hub.routing.holdings import FORGOTTEN
from hub.routing.route import route
from hub.routing.state import Arrived, Routed, State

M = TypeVar("M", bound=Model)

NOW_MS = 1_700_000_000_000  # 2023-11-14, where the simulated clock begins too
KEY = b"an invented connector's key"
WORDS = Words(es="x", en="x")
AGENCIES = ("customs", "police", "prosecutor", "shelter", "embassy", "census")

CONTENTS: Mapping[str, Model] = {
    "circumstances": Circumstances(victims=1),
    "journey": Journey(crossing_point="Invented Bridge"),
    "narrative": Narrative.model_validate({"text": "an invented account"}),
    "handling": HandlingWords(text="call before acting"),
    "suspect.description": Description(person="s1"),
    "suspect.identity": SuspectIdentity(person="s1"),
    "victim.description": Description(person="v1"),
    "victim.identity": Identity(person="v1"),
    "victim.care": Care(person="v1"),
}
SECTIONS = ("circumstances", "narrative", "victim.description", "victim.identity")


def agency(agency_id: str, *competences: str, **fields: Any) -> Agency:
    given = {"max_tlp": "RED", "country": "PA", **fields}
    return Agency(id=agency_id, name=WORDS, type="office", competences=competences, **given)


def guideline(guideline_id: str, effect: str, to: str, **fields: Any) -> Guideline:
    common: dict[str, Any] = {
        "id": guideline_id,
        "title": WORDS,
        "rationale": WORDS,
        "legal_basis": ["L1"],
        "from": "all",
    }
    return Guideline.model_validate({**common, "effect": effect, "to": [to], **fields})


PARTIES = (
    agency("customs", "border-control", "investigation"),
    agency("police", "investigation"),
    agency("prosecutor", "prosecution", "investigation"),
    agency("shelter", "victim-assistance"),
    agency("embassy", "consular-assistance", country="CA"),
    agency("census", "statistics", "investigation", max_tlp="GREEN"),
)
GUIDELINES = (
    guideline("P1", "permit", "police", release=["circumstances", "journey", "narrative", "suspect.*"]),
    guideline(
        "P2",
        "permit",
        "prosecutor",
        release=["circumstances", "suspect.*"],
        obligations={"acknowledge_hours": 24, "onward": "ask", "caveats": ["C1"]},
    ),
    guideline(
        "P3",
        "permit",
        "shelter",
        when={"consent": {"any": ["given"]}},
        release=["victim.description", "victim.identity", "victim.care"],
        ground="consent",
    ),
    guideline("P4", "permit", "embassy", when={"nationality": {"any": ["CA"]}}, release=[]),
    guideline("P5", "permit", "census", release=["circumstances"]),
    guideline("S1", "withhold", "police", when={"minor": {"any": ["yes"]}}, withhold=["narrative"], safeguard=True),
    guideline("F1", "forbid", "prosecutor", when={"indicators": {"any": ["XEN-02"]}}, safeguard=True),
)


def bundle(parties: Iterable[Agency] = PARTIES, guidelines: Iterable[Guideline] = GUIDELINES) -> Bundle:
    return Bundle(
        agencies=tuple(parties),
        guidelines=tuple(guidelines),
        caveats=(Caveat(id="C1", text=WORDS), Caveat(id="C2", text=WORDS)),
        legal_basis=(Instrument(id="L1", title=WORDS),),
    )


BUNDLE = bundle()
# By everyday default an alert reaches police (all but the victim), prosecutor (circumstances) and shelter (the victim).
LABEL: Mapping[str, Any] = {
    "class": "suspected-transit",
    "tlp": "AMBER",
    "purposes": ("investigation", "victim-assistance"),
}
FACTS: Mapping[str, Any] = {"minor": "no", "consent": "given", "victims": 1}


def alert_id(number: int) -> uuid.UUID:
    """An invented UUIDv7."""
    return uuid.UUID(int=(0x0190_0000_0000 << 80) | (7 << 76) | (2 << 62) | number)


def label(**changes: Any) -> Label:
    return Label.model_validate({**LABEL, **changes})


def alert(
    number: int = 1,
    revision: int = 1,
    *,
    originator: str = "customs",
    kind: str = "alert",
    sections: Iterable[str] = SECTIONS,
    contents: Iterable[Content] = (),
    labelled: Mapping[str, Any] | None = None,
    caveats: tuple[str, ...] = (),
    created_ms: int = NOW_MS,
    valid_ms: int = 30 * DAY_MS,
    **facts: Any,
) -> Alert:
    """A sealed alert. `sections`: categories of which the invented content is taken; `contents`: more, or other ones;
    `labelled`: changes to the label; `facts`: changes to the routing block."""
    identifier = alert_id(number)
    chosen = [] if kind == "cancel" else [Content(each, CONTENTS[each]) for each in sections]
    sealed = seal(sorted([*chosen, *contents], key=lambda each: each.category), identifier, KEY)
    marked = label(**(labelled or {}))
    core = Core.model_validate(
        {
            "id": identifier,
            "revision": revision,
            "created_ms": created_ms,
            "kind": kind,
            "originator": originator,
            "valid_until_ms": NOW_MS + valid_ms,
            "label": marked,
            "caveats": caveats,
            "digests": digests(sealed),
        }
    )
    return Alert(routing=Routing(label=marked, **{**FACTS, **facts}), core=core, sections=sealed)


def cancel(number: int = 1, revision: int = 2, **fields: Any) -> Alert:
    return alert(number, revision, kind="cancel", **fields)


def narrated(text: str) -> Content:
    return Content("narrative", Narrative.model_validate({"text": text}))


def replaced(model: M, **changes: object) -> M:
    """A model with other values, unchecked: what a faulty connector might send."""
    values: dict[str, Any] = {**{name: getattr(model, name) for name in type(model).model_fields}, **changes}
    return cast(M, type(model).model_construct(None, **values))


def framed(model: Model) -> bytes:
    return frame(LOCAL_IDS.by_name[type(model).__name__], encode(model))


def record_of(made: Alert, partitions: int = 1) -> Outgoing:
    """An alert as its connector writes it."""
    key = made.core.id.bytes
    return Outgoing(f"alerts.{made.core.originator}", lane(key, partitions), key, framed(made))


def receipt_of(delivery: Delivery, **changes: Any) -> Outgoing:
    """A receipt as the recipient's connector writes it."""
    fields = {"delivery": delivery.id, "alert": delivery.alert, "recipient": delivery.recipient, "state": "effected"}
    receipt = Receipt.model_validate({**fields, "at_ms": NOW_MS, **changes})
    return Outgoing(f"receipts.{delivery.recipient}", 0, receipt.alert.bytes, framed(receipt))


def order_about(waiting: Quarantined, kind: str, **changes: Any) -> Outgoing:
    """An operator's order about a record in quarantine, as `enlace quarantine` writes it."""
    fields = {
        "kind": kind,
        "attempt": waiting.attempt + 1,
        **{name: getattr(waiting, name) for name in ("topic", "partition", "offset", "reason", "field")},
        **{name: getattr(waiting, name) for name in ("key", "value", "headers")},
        "who": "operator",
        "why": "a test",
    }
    order = Control.model_validate({**fields, **changes})
    return Outgoing("control", waiting.partition, waiting.key, framed(order))


def order_to(kind: str, made: Alert, partitions: int = 1, **changes: Any) -> Outgoing:
    """The scheduler's order to end an alert, as hub/scheduler.py writes it."""
    key = made.core.id.bytes
    at = lane(key, partitions)
    fields = {"kind": kind, "alert": made.core.id, "topic": "holdings", "partition": at, "offset": -1}
    order = Control.model_validate({**fields, "who": "scheduler", "why": "a test", **changes})
    return Outgoing("control", at, key, framed(order))


@dataclass
class Followed:
    """What followed from one record, decoded by topic."""

    routed: Routed
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    decision: Decision | None = None
    holding: Holding | None = None
    ended: Ended | None = None
    noted: Noted | None = None
    quarantined: Quarantined | None = None

    @property
    def result(self) -> str:
        return self.routed.result

    def sent(self) -> dict[str, str]:
        """Recipient -> kind."""
        return {recipient: delivery.kind for recipient, delivery in self.deliveries.items()}

    def reasons(self) -> dict[str, str]:
        assert self.decision is not None
        return {outcome.agency: outcome.reason for outcome in self.decision.outcomes}


WRITTEN: tuple[type[Model], ...] = (Delivery, Decision, Ended, Holding, Noted, Quarantined)
MODELS: Mapping[int, type[Model]] = {LOCAL_IDS.by_name[model.__name__]: model for model in WRITTEN}


def decoded(value: bytes | None) -> Model:
    """Any record that the router writes, as its model: raises Undecodable if a reader could not read it."""
    assert value is not None
    schema_id, body = unframe(value)
    return decode_as(MODELS[schema_id], body)


def followed(routed: Routed) -> Followed:
    found = Followed(routed)
    for record in routed.outgoing:
        if record.value is None:
            assert record.topic == "holdings" and routed.holdings == {record.key: FORGOTTEN}
            continue
        value = decoded(record.value)
        if isinstance(value, Delivery):
            assert record.topic == f"deliveries.{value.recipient}" and value.recipient not in found.deliveries
            found.deliveries[value.recipient] = value
        else:
            setattr(found, "quarantined" if isinstance(value, Quarantined) else type(value).__name__.lower(), value)
    return found


@dataclass
class Hub:
    """One lane of a router without bus: what follows from a record is remembered, as after a commit."""

    bundle: Bundle = BUNDLE
    now_ms: int = NOW_MS
    held: frozenset[str] = frozenset()
    partitions: int = 1
    holdings: dict[bytes, bytes] = field(default_factory=dict)
    offsets: dict[str, int] = field(default_factory=dict)

    def take(self, incoming: Alert | Outgoing, *, timestamp_ms: int = NOW_MS) -> Followed:
        """Routes an alert, or any record."""
        record = record_of(incoming, self.partitions) if isinstance(incoming, Alert) else incoming
        previous = self.offsets.get(record.topic, -1)
        read = Record(previous + 1, timestamp_ms, record.key, record.value, record.headers)
        state = State(self.bundle, LOCAL_IDS, self.partitions, self.now_ms, self.holdings, self.held)
        routed = route(Arrived(record.topic, record.partition, read, previous), state)
        self.offsets[record.topic] = read.offset
        self.holdings |= routed.holdings
        self.holdings = {alert: value for alert, value in self.holdings.items() if value != FORGOTTEN}
        return followed(routed)

    def holding(self, made: Alert) -> Holding:
        value = self.holdings[made.core.id.bytes]
        return decode_as(Holding, unframe(value)[1])

    def holders(self, made: Alert) -> dict[str, int]:
        """Who holds which revision."""
        return {held.agency: held.revision for held in self.holding(made).recipients if held.revision}
