"""Which objects of a unit we wrote ourselves, and on which of our alerts the unit rests.

By memory (memory.py): the object's id is one that was written. By form, where memory may lack it: the report's id is the
one that its external reference makes (`stix_ids.py`), and an agency of the hub made it; or there is no memory at all, and the
form must do. Another hub of this kind writes the same form: with a memory, and its makers not among our agencies, its
reports are news.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine

from connectors.formats.stix_ids import SOURCE_NAME, identity_id
from connectors.formats.stix_record import StixObject, Unit
from connectors.sdk import Provenance

from . import memory


@dataclass(frozen=True)
class Received:
    """A unit with what is known of it here. `own`: ids of objects that we wrote; `unknown`: it rests on alerts of ours that
    memory does not have."""

    unit: Unit = field(repr=False)
    own: frozenset[str] = frozenset()
    rests_on: tuple[Provenance, ...] = ()
    unknown: bool = False


def received(unit: Unit, engine: Engine | None, agencies: Sequence[str]) -> Received:
    """Looks the unit's objects up."""
    items = (unit.root, *unit.members)
    written = memory.written(engine, [each.id for each in items]) if engine is not None else {}
    makers = {identity_id(agency) for agency in agencies}
    formed = {each.id: _alert_of(each) for each in items if each.id not in written and _by_form(each, makers)}
    root = unit.root
    if unit.provenance and root.id not in written and (engine is None or root.creator in makers):
        formed[root.id] = unit.provenance.alert
        if engine is None:  # its parts bear the same reference
            formed |= {each.id: unit.provenance.alert for each in items if _alert_of(each) == unit.provenance.alert}
    alerts = sorted({alert for alert in (*written.values(), *formed.values()) if alert})
    known = memory.provenances(engine, alerts) if engine is not None else {}
    return Received(
        unit=unit,
        own=frozenset((*written, *formed)),
        rests_on=tuple(known[alert] for alert in alerts if alert in known),
        unknown=len(known) < len(alerts),
    )


def _by_form(item: StixObject, makers: set[str]) -> bool:
    return item.creator in makers and _alert_of(item) is not None


def _alert_of(item: StixObject) -> str | None:
    """The alert that an object's external reference names."""
    for each in item.external:
        if each.source == SOURCE_NAME and each.external_id:
            return each.external_id.partition("/")[0].lower()
    return None
