"""What of a record on the bus may be shown: its place, size and headers; core and routing block decoded; of a section its
category and size. Payloads, keys of connectors and records in quarantine are never opened; a value of core or routing block
that no list knows may be anything, a name too: it is not shown.

A mutual-legal-assistance alert is shown to its two parties' auditors only; others see that a record stands there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from hub.bus.bus import Record
from hub.bus.records import Malformed, unpack_headers
from hub.bus.topics import (
    ALERTS,
    CONNECTORS,
    CONTROL,
    DECISIONS,
    DELIVERIES,
    GUIDELINES,
    HOLDINGS,
    QUARANTINE,
    RECEIPTS,
)
from hub.guidelines.bundle import Bundle
from hub.model.avro import SchemaIds, Undecodable, decode_as, unframe
from hub.model.base import Model
from hub.model.codes import LIST_OF, STANDARD
from hub.model.core import Alert, Core
from hub.model.decision import Control, Decision, Ended, Holding, Noted, Position, Quarantined
from hub.model.delivery import Delivery
from hub.model.publication import HoldOrder, Publication
from hub.model.receipt import Health, Receipt
from hub.model.text import to_json

from .access import Person, may_see

MODELS: Final[tuple[type[Model], ...]] = (
    Alert,
    Decision,
    Ended,
    Noted,
    Delivery,
    Receipt,
    Control,
    Holding,
    Position,
    Quarantined,
    HoldOrder,
    Publication,
    Health,
)
TRACE: Final = "traceparent"  # the one header that is ours: W3C Trace Context, section 3.2
_TRACED: Final = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

Fields = dict[str, Any]
Lists = Mapping[str, frozenset[str]]
UNLISTED: Final = "?"


class SectionSeen(NamedTuple):
    category: str
    version: int
    size_bytes: int


class Browsed(NamedTuple):
    """`kind`: the record's type, `tombstone`, or `undecodable`. `restricted`: it is not shown to this person.

    `parts`: name -> fields as JSON values.
    """

    offset: int
    at_ms: int
    kind: str
    size_bytes: int
    headers: tuple[tuple[str, str], ...]
    restricted: bool = False
    parts: Mapping[str, Fields] = {}
    sections: tuple[SectionSeen, ...] = ()
    alert: str | None = None


def lists_of(bundle: Bundle | None) -> Lists:
    """The values that may be shown: attribute or field -> its codes. Without a bundle, the standard lists'."""
    known = bundle.known if bundle else None
    lists: dict[str, frozenset[str]] = {name: frozenset(codes) for name, codes in STANDARD.items()}
    if known is not None:
        lists.update(known.lists)
    agencies = known.agencies if known else frozenset()
    named = {"agency": agencies, "legal_basis": known.legal_basis if known else frozenset()}
    shown = {field: {**lists, **named}.get(name, frozenset()) for field, name in LIST_OF.items()}
    return {**shown, "originator": agencies, "caveats": known.caveats if known else frozenset()}


def browsed(topic: str, record: Record, ids: SchemaIds, person: Person, lists: Lists) -> Browsed:
    """The record as this person may see it."""
    size = len(record.value or b"") + len(record.key or b"")
    plain = Browsed(record.offset, record.timestamp_ms, "tombstone", size, _headers(record.headers))
    if record.value is None:
        return plain
    model = _model(record.value, ids)
    if model is None or not _belongs(topic, model):
        return plain._replace(kind="undecodable")
    found = _shown(plain._replace(kind=type(model).__name__), model, person)
    return found._replace(parts={name: _listed(fields, lists) for name, fields in found.parts.items()})


def withheld(shown: Browsed) -> Browsed:
    """Of a record that turned out to be of a restricted alert only that it stands there."""
    return Browsed(shown.offset, shown.at_ms, shown.kind, shown.size_bytes, shown.headers, restricted=True)


def _listed(fields: Fields, lists: Lists) -> Fields:
    """The same without values that stand outside their list."""
    return {name: _value(name, value, lists) for name, value in fields.items()}


def _value(name: str, value: Any, lists: Lists) -> Any:
    if isinstance(value, dict):
        return _listed(value, lists)
    if name not in lists:
        return value
    if isinstance(value, list):
        return [_value(name, each, lists) for each in value]
    return value if value is None or value in lists[name] else UNLISTED


def _shown(plain: Browsed, model: Model, person: Person) -> Browsed:
    if isinstance(model, Alert):
        return _alert(plain, model, person)
    if isinstance(model, Decision):
        return _decision(plain, model, person)
    if isinstance(model, Delivery):
        return _delivery(plain, model, person)
    if isinstance(model, Quarantined):
        fields = _chosen(model, "topic", "partition", "offset", "reason", "field", "attempt", "quarantined_ms")
        return plain._replace(parts={"quarantine": fields})
    if isinstance(model, Control):  # it carries the alert's own bytes: only the order itself is shown
        return plain._replace(
            parts={"order": _chosen(model, "kind", "topic", "partition", "offset", "attempt", "reason", "who", "why")}
        )
    if isinstance(model, Publication):
        fields = _chosen(model, "serial")
        fields["digest"] = model.digest.hex()
        fields["approvals"] = [each.steward for each in model.approvals]
        return plain._replace(parts={"publication": fields})
    if isinstance(model, Health):
        return plain._replace(parts={"record": _chosen(model, "agency", "state", "at_ms", "published", "delivered")})
    if isinstance(model, HoldOrder | Noted | Position):
        return plain._replace(parts={"record": to_json(model)})
    if isinstance(model, Ended):  # of an alert whose class is not known here
        return plain._replace(parts={"record": _chosen(model, "source", "decided_ms", "outcome", "revision")})
    return plain  # a receipt or a holding names an alert whose class is not known here


def _alert(plain: Browsed, alert: Alert, person: Person) -> Browsed:
    core = alert.core
    parties = (core.originator, *alert.routing.releasable_to)
    classes = (core.label.class_, alert.routing.label.class_)
    if not all(may_see(person, each, parties) for each in classes):
        return plain._replace(restricted=True)
    sections = tuple(SectionSeen(each.category, each.version, len(each.payload)) for each in alert.sections)
    return plain._replace(
        parts={"core": _core(core), "routing": to_json(alert.routing)},
        sections=sections,
        alert=str(core.id),
    )


def _decision(plain: Browsed, decision: Decision, person: Person) -> Browsed:
    core = decision.core
    received = tuple(each.agency for each in decision.outcomes if each.reason == "permitted")
    parties = (core.originator, *received)
    if not may_see(person, core.label.class_, parties):
        return plain._replace(restricted=True)
    outcomes = {each.agency: {"reason": each.reason, "released": list(each.categories)} for each in decision.outcomes}
    head = {"outcome": decision.outcome, "bundle": decision.bundle.hex()[:16], **to_json(decision.source)}
    return plain._replace(
        parts={"decision": head, "core": _core(core), "routing": to_json(decision.routing), "outcomes": outcomes},
        sections=tuple(SectionSeen(each.category, each.version, each.size_bytes) for each in decision.present),
        alert=str(core.id),
    )


def _delivery(plain: Browsed, delivery: Delivery, person: Person) -> Browsed:
    """Without a view its class is not known: then who it is for, and nothing of the alert."""
    if delivery.view is None:
        return plain._replace(parts={"delivery": _chosen(delivery, "kind", "recipient", "decided_ms")})
    core = delivery.view.core
    parties = (core.originator, delivery.recipient)
    if not may_see(person, core.label.class_, parties):
        return plain._replace(restricted=True)
    head = _chosen(delivery, "kind", "recipient", "revision", "number", "decided_ms", "withdrawn", "reason")
    return plain._replace(
        parts={"delivery": {"id": delivery.id.hex(), **head}, "core": _core(core)},
        sections=tuple(SectionSeen(each.category, each.version, len(each.payload)) for each in delivery.view.sections),
        alert=str(core.id),
    )


def _core(core: Core) -> Fields:
    fields: Fields = to_json(core)
    return {**fields, "digests": len(core.digests)}


def _chosen(model: Model, *names: str) -> Fields:
    fields: Fields = to_json(model)
    return {name: fields[name] for name in names}


def _model(value: bytes, ids: SchemaIds) -> Model | None:
    try:
        schema_id, body = unframe(value)
        for model in MODELS:
            if ids.by_name.get(model.__name__) == schema_id:
                return decode_as(model, body)
    except Undecodable:
        return None
    return None


def _belongs(topic: str, model: Model) -> bool:
    """A record is decoded where it may stand: nothing that an agency wrote elsewhere is taken for the hub's."""
    places: Mapping[type[Model], tuple[str, ...]] = {
        Alert: (ALERTS,),
        Decision: (DECISIONS,),
        Ended: (DECISIONS,),
        Noted: (DECISIONS,),
        Delivery: (DELIVERIES,),
        Receipt: (RECEIPTS,),
        Control: (CONTROL,),
        Holding: (HOLDINGS,),
        Position: (HOLDINGS,),
        Quarantined: (QUARANTINE,),
        HoldOrder: (GUIDELINES,),
        Publication: (GUIDELINES,),
        Health: (CONNECTORS,),
    }
    return topic.startswith(places[type(model)])


def _headers(raw: bytes) -> tuple[tuple[str, str], ...]:
    """Our one header, if it is as it must be; of others only that they are there, since nobody knows what they hold."""
    try:
        found = unpack_headers(raw)
    except Malformed:
        return (("?", str(len(raw))),)
    ours = [value.decode() for name, value in found if name == TRACE and value and _TRACED.fullmatch(value)]
    foreign = len(found) - len(ours)
    return (*((TRACE, each) for each in ours), *((("+", str(foreign)),) if foreign else ()))
