"""A delivery on a wanted or missing person as entries of the watch list, each with an end date.

A hit inherits what limits the alert that the entry rests on: its label and, where the originator named recipients (RED, H2),
their list. No suspect is listed without reliability A to C, credibility 1 to 3 and border control among the purposes; what
misses that is received and not listed. An entry ends with the alert or with the retention that the delivery obliges to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection

from connectors.formats.dates import precision
from connectors.formats.names import document_key, name_keys
from connectors.sdk import Delivery, Effect, Provenance, Reference
from connectors.sdk.terms import keep_until_ms
from hub.model.compose import DAY_MS
from hub.model.core import Label
from hub.model.sections import Identity

from .likeness import Named
from .watchlist import Entry, Sought, replace

MAX_DAYS: Final = 90  # watched for at most so long, then renewed by a new revision or gone
SOUGHT: Final[dict[str, Sought]] = {"suspect.identity": "suspect", "missing.identity": "missing"}


def take(connection: Connection, delivery: Delivery) -> Effect:
    """The entries of the delivered alert, in place of those that it had before. Feedback and requests list nobody."""
    if delivery.record.kind not in ("release", "withdrawal"):
        return Effect(reference="not listed")
    alert = str(delivery.alert)
    found = list(entries(delivery)) if delivery.record.kind == "release" else []
    count = replace(connection, alert, delivery.id, found)
    return Effect(reference=f"{count} entries")


def entries(delivery: Delivery) -> Iterator[Entry]:
    """What of a release may be looked for at the border."""
    view = delivery.record.view
    if view is None:
        return
    label = view.core.label
    if label.class_ not in ("wanted-person", "missing-person"):
        return
    obligation = delivery.record.obligation
    named = obligation.onward_to if obligation else ()
    provenance = Provenance(Reference(alert=delivery.alert, revision=delivery.record.revision), label, named)
    for number, content in enumerate(delivery.contents):
        sought = SOUGHT.get(content.category)
        if sought is None or (sought == "suspect" and not _may_list_suspects(label)):
            continue
        assert isinstance(content.content, Identity)
        entry = _entry(f"{delivery.alert}/{number}", sought, content.content, _until_ms(delivery), provenance)
        if entry.documents or (entry.name_keys and entry.birth_date and precision(entry.birth_date) != "year"):
            yield entry  # any other could never be found: nothing of it is kept


def _may_list_suspects(label: Label) -> bool:
    return label.reliability in "ABC" and label.credibility in "123" and "border-control" in label.purposes


def _until_ms(delivery: Delivery) -> int:
    assert delivery.record.view is not None
    longest_ms = delivery.record.decided_ms + MAX_DAYS * DAY_MS
    keep_ms = keep_until_ms(delivery.record) or longest_ms
    return min(delivery.record.view.core.valid_until_ms, longest_ms, keep_ms)


def _entry(identifier: str, sought: Sought, identity: Identity, until_ms: int, provenance: Provenance) -> Entry:
    keys = frozenset[str]()
    names: list[Named] = []
    for name in identity.names:
        family = name.family.get_secret_value() if name.family else None
        given = name.given.get_secret_value() if name.given else None
        full = name.full.get_secret_value() if name.full else None
        keys |= name_keys(family or given, given if family else None) | name_keys(full)
        names += [Named(family, given)] if family or given else []
        names += [Named(full=full)] if full else []
    numbers = {document_key(document.number.get_secret_value()) for document in identity.documents}
    birth_date = identity.birth_date.get_secret_value() if identity.birth_date else None
    return Entry(
        identifier,
        sought,
        keys,
        birth_date,
        frozenset(filter(None, numbers)),
        until_ms,
        provenance,
        tuple(names),
        frozenset(identity.nationalities),
    )
