"""Decisions, deliveries and receipts cut into what is recorded of them, several times as fast as decoding them.

Nearly all records of the topics are these three. Their bytes are stepped over with the router's own steps (model/walk.py);
what is the same in many records (a routing block with its label, the outcomes without the deliveries' ids) is tidied once and
found again by its bytes. What is not of the form that the router writes, or accepts of an agency, raises NotProven. A test
holds this and the decoder of Avro to one result. No view and no reference is looked at.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple

from hub.model.codes import ATTRIBUTES, MULTIPLE
from hub.model.walk import (
    NotProven,
    _count,
    _end_of_array,
    _long,
    _moment,
    _optional_long,
    _remembered_routing,
    _routing,
    _skip_digests,
    _skip_label,
    _skip_number,
    _skip_string,
    _skip_strings,
)

_ID: Final = 16
_DIGEST: Final = 32
_REMEMBERED: Final = 8_192
_LABEL_FIELDS: Final = ATTRIBUTES.index("credibility") + 1
_PLACES: Final = tuple(ATTRIBUTES.index(name) for name in ("origin", "transit", "destination", "nationality"))


class CutDecision(NamedTuple):
    """A decision. `routing`: the whole block; `label`, `present` and `verdict` are Avro bytes: of the core's label, of the
    array, of the outcomes without deliveries' ids one after another. `sent`: (number of the outcome, delivery's id)."""

    topic: str
    partition: int
    offset: int
    previous: int
    decided_ms: int
    bundle: bytes
    outcome: str
    routing: bytes
    id: bytes
    revision: int
    kind: str
    originator: str
    valid_until_ms: int
    label: bytes
    present: bytes
    verdict: tuple[bytes, ...]
    sent: tuple[tuple[int, bytes], ...]


class CutDelivery(NamedTuple):
    """What stands before the view. `terms`: the obligation's bytes; empty if there is none."""

    id: bytes
    kind: str
    recipient: str
    alert: bytes
    revision: int
    number: int
    decided_ms: int
    bundle: bytes
    terms: bytes
    withdrawn: bytes
    reason: str | None


class Receipt(NamedTuple):
    """What stands before the reference."""

    delivery: bytes
    alert: bytes
    recipient: str
    state: str
    at_ms: int
    reason: str | None


def decision(body: bytes, key: bytes | None = None) -> CutDecision:
    """A decision's slices. `key`: the record's, which is the alert's id; it only saves time. Raises NotProven."""
    try:
        return _decision(body, key)
    except (IndexError, UnicodeDecodeError):
        raise NotProven from None


def _decision(body: bytes, key: bytes | None) -> CutDecision:
    topic, at = _text(body, 0)
    partition, at = _long(body, at)
    offset, at = _long(body, at)
    previous, at = _long(body, at)
    decided_ms, at = _moment(body, at)
    bundle_end = at + _DIGEST
    bundle = body[at:bundle_end]
    outcome, at = _text(body, bundle_end)
    alert = body[at:]
    _, label, routing_end = _remembered_routing(alert, key) or _routing(alert)
    id_end = routing_end + _ID
    revision, at = _long(alert, id_end)
    kind, at = _text(alert, _moment(alert, at)[1])
    originator, at = _text(alert, at)
    valid_until_ms, label_start = _moment(alert, _optional_long(alert, at)[1])
    at = label_start + len(label) if alert.startswith(label, label_start) else _skip_label(alert, label_start)
    label = alert[label_start:at]
    present_start = _skip_digests(alert, _skip_strings(alert, at))
    present_end = _skip_present(alert, present_start)
    verdict, sent = _outcomes(alert, present_end)
    return CutDecision(
        topic,
        partition,
        offset,
        previous,
        decided_ms,
        bundle,
        outcome,
        alert[:routing_end],
        alert[routing_end:id_end],
        revision,
        kind,
        originator,
        valid_until_ms,
        label,
        alert[present_start:present_end],
        verdict,
        sent,
    )


def _skip_present(body: bytes, at: int) -> int:
    count, at = _count(body, at)
    for _ in range(count):
        at = _skip_number(body, _skip_number(body, _skip_string(body, at)))
    return _end_of_array(body, at, count)


def _outcomes(body: bytes, at: int) -> tuple[tuple[bytes, ...], tuple[tuple[int, bytes], ...]]:
    """The outcomes in runs between deliveries' ids, which are cut out: runs are the same in many decisions."""
    count, at = _count(body, at)
    runs, sent, start = [], [], at
    for number in range(count):
        at = _skip_strings(body, _skip_string(body, _skip_string(body, at)))
        branch = body[at]
        at += 1
        if branch == 2:
            runs.append(body[start:at])
            sent.append((number, body[at : at + _ID]))
            start = at = at + _ID
        elif branch:
            raise NotProven
    runs.append(body[start:at])
    if _end_of_array(body, at, count) != len(body):
        raise NotProven
    return tuple(runs), tuple(sent)


class Outcome(NamedTuple):
    """One agency's outcome, as it was written."""

    agency: str
    reason: str
    categories: tuple[str, ...]


@lru_cache(maxsize=_REMEMBERED)
def outcomes(verdict: tuple[bytes, ...]) -> tuple[Outcome, ...]:
    """The outcomes of a decision's runs."""
    found = []
    for run in verdict:
        at = 0
        while at < len(run):
            agency, at = _text(run, at)
            reason, at = _text(run, at)
            categories, at = _texts(run, at)
            at += 1
            found.append(Outcome(agency, reason, categories))
    return tuple(found)


@lru_cache(maxsize=_REMEMBERED)
def present(raw: bytes) -> tuple[tuple[str, int, int], ...]:
    """Category, version and size in bytes of each section."""
    count, at = _count(raw, 0)
    found = []
    for _ in range(count):
        category, at = _text(raw, at)
        version, at = _long(raw, at)
        size_bytes, at = _long(raw, at)
        found.append((category, version, size_bytes))
    return tuple(found)


def delivery(body: bytes) -> CutDelivery:
    """A delivery's slices before the view. Raises NotProven."""
    try:
        return _delivery(body)
    except (IndexError, UnicodeDecodeError):
        raise NotProven from None


def _delivery(body: bytes) -> CutDelivery:
    kind, at = _text(body, _ID)
    recipient, alert_start = _text(body, at)
    alert_end = alert_start + _ID
    revision, at = _long(body, alert_end)
    number, at = _long(body, at)
    decided_ms, bundle_start = _moment(body, at)
    at = bundle_start + _DIGEST
    bundle = body[bundle_start:at]
    terms_start = at + 1
    at = terms_end = _skip_terms(body, terms_start) if _present(body, at) else terms_start
    at = withdrawn_end = _skip_strings(body, terms_end)
    reason, at = _optional_text(body, at)
    if at >= len(body):  # the view's branch, at least
        raise NotProven
    return CutDelivery(
        body[:_ID],
        kind,
        recipient,
        body[alert_start:alert_end],
        revision,
        number,
        decided_ms,
        bundle,
        body[terms_start:terms_end],
        body[terms_end:withdrawn_end],
        reason,
    )


def _skip_terms(body: bytes, at: int) -> int:
    for _ in range(2):  # hours to acknowledge, days to keep
        at = _skip_optional_number(body, at)
    at = _skip_optional_number(body, _skip_strings(body, at))  # events, days to review
    return _skip_strings(body, _skip_strings(body, _skip_string(body, at)))


def _skip_optional_number(body: bytes, at: int) -> int:
    return _skip_number(body, at + 1) if _present(body, at) else at + 1


def receipt(body: bytes) -> Receipt:
    """A receipt's fields before its reference. Raises NotProven."""
    try:
        recipient, at = _text(body, 2 * _ID)
        state, at = _text(body, at)
        at_ms, at = _moment(body, at)
        reason, at = _optional_text(body, at)
    except (IndexError, UnicodeDecodeError):
        raise NotProven from None
    return Receipt(body[:_ID], body[_ID : 2 * _ID], recipient, state, at_ms, reason)


def texts(raw: bytes) -> tuple[str, ...]:
    """An array of strings."""
    return _texts(raw, 0)[0]


def _texts(body: bytes, at: int) -> tuple[tuple[str, ...], int]:
    count, at = _count(body, at)
    found = []
    for _ in range(count):
        value, at = _text(body, at)
        found.append(value)
    return tuple(found), _end_of_array(body, at, count)


def _present(body: bytes, at: int) -> bool:
    """Which branch of a union with null."""
    if body[at] not in (0, 2):
        raise NotProven
    return body[at] == 2


def _optional_text(body: bytes, at: int) -> tuple[str | None, int]:
    return _text(body, at + 1) if _present(body, at) else (None, at + 1)


@lru_cache(maxsize=_REMEMBERED)
def _decoded(raw: bytes) -> str:
    return raw.decode()


def _text(body: bytes, at: int) -> tuple[str, int]:
    size, at = _count(body, at)
    end = at + size
    if end > len(body):
        raise NotProven
    raw = body[at:end]
    return (_decoded(raw) if size <= 64 else raw.decode()), end


@lru_cache(maxsize=_REMEMBERED)
def label(raw: bytes) -> dict[str, Any]:
    """The fields of a core's label, in the order of the schema."""
    found: dict[str, Any] = {}
    at = 0
    for name in ATTRIBUTES[:_LABEL_FIELDS]:
        found[name], at = (_texts if name in MULTIPLE else _text)(raw, at)
    return found


@lru_cache(maxsize=_REMEMBERED)
def places(routing: bytes) -> frozenset[str]:
    """Countries of origin, transit, destination and nationality, as the originator wrote them."""
    attributes, _, _ = _routing(routing)
    return frozenset(code for at in _PLACES for code in texts(attributes[at]))


@lru_cache(maxsize=_REMEMBERED)
def terms(raw: bytes) -> dict[str, Any]:
    """An obligation's fields, in the order of the schema."""
    found: dict[str, Any] = {}
    found["acknowledge_hours"], at = _optional_number(raw, 0)
    found["keep_days"], at = _optional_number(raw, at)
    found["keep_events"], at = _texts(raw, at)
    found["review_days"], at = _optional_number(raw, at)
    found["onward"], at = _text(raw, at)
    found["onward_to"], at = _texts(raw, at)
    found["caveats"], at = _texts(raw, at)
    return found


def _optional_number(body: bytes, at: int) -> tuple[int | None, int]:
    return _long(body, at + 1) if _present(body, at) else (None, at + 1)
