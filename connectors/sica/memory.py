"""What was written for SICA, object by object: how a later bundle takes it back, and how it is known when it returns.

Nothing of what an alert says stands here: ids, the kinds of objects, the label, and who may be told.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Connection, Engine, Integer, String, Table, Text, delete, insert, select

from connectors.formats.stix_write import Link, PartType
from connectors.sdk import Label, Provenance, Reference
from connectors.sdk.effects import metadata

AT_ONCE: Final = 500  # ids in one question

sent = Table(
    "sica_sent",
    metadata,
    Column("alert", String(36), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("modified_ms", BigInteger, nullable=False),
    Column("state", String(20), nullable=False),
    Column("originator", String(40), nullable=False),
    Column("label", Text, nullable=False),
    Column("releasable_to", Text, nullable=False),
    Column("parts", Text, nullable=False),
    Column("links", Text, nullable=False),
)
objects = Table(
    "sica_object",
    metadata,
    Column("id", String(300), primary_key=True),
    Column("alert", String(36), nullable=False, index=True),
)


@dataclass(frozen=True)
class Sent:
    """The last bundle of an alert: `parts` are keys and types, `links` relationships with the types of their ends.

    `parts` and `links` are of all bundles of the alert so far: what a later one lacks is taken back by it.
    """

    alert: str
    number: int
    revision: int
    modified_ms: int
    state: str
    originator: str
    label: Label
    releasable_to: tuple[str, ...] = ()
    parts: tuple[tuple[str, PartType], ...] = ()
    links: tuple[tuple[Link, PartType, PartType], ...] = ()


def load(db: Connection, alert: str) -> Sent | None:
    row = db.execute(select(sent).where(sent.c.alert == alert)).mappings().one_or_none()
    return _sent(row) if row is not None else None


def save(db: Connection, new: Sent, ids: Iterable[str]) -> None:
    """Replaces what is known of the alert; the ids of its objects are kept for ever."""
    db.execute(delete(sent).where(sent.c.alert == new.alert))
    links = [[link.source, link.kind, link.target, *ends] for link, *ends in new.links]
    db.execute(
        insert(sent).values(
            alert=new.alert,
            number=new.number,
            revision=new.revision,
            modified_ms=new.modified_ms,
            state=new.state,
            originator=new.originator,
            label=new.label.model_dump_json(by_alias=True),
            releasable_to=json.dumps(new.releasable_to),
            parts=json.dumps(new.parts),
            links=json.dumps(links),
        )
    )
    known = set(db.execute(select(objects.c.id).where(objects.c.alert == new.alert)).scalars())
    rows = [{"id": each, "alert": new.alert} for each in dict.fromkeys(ids) if each not in known]
    if rows:
        db.execute(insert(objects), rows)


def written(engine: Engine, ids: Sequence[str]) -> dict[str, str]:
    """Which of these objects we wrote, with the alert that each was made of."""
    found: dict[str, str] = {}
    with engine.connect() as db:
        for start in range(0, len(ids), AT_ONCE):
            chosen = objects.c.id.in_(ids[start : start + AT_ONCE])
            found |= {row.id: row.alert for row in db.execute(select(objects).where(chosen))}
    return found


def provenances(engine: Engine, alerts: Iterable[str]) -> dict[str, Provenance]:
    """What of each alert an answer to it inherits; alerts that were not sent are left out."""
    found: dict[str, Provenance] = {}
    with engine.connect() as db:
        for alert in alerts:
            known = load(db, alert)
            if known is not None:
                reference = Reference.model_validate({"alert": known.alert, "revision": known.revision})
                found[alert] = Provenance(reference, known.label, known.releasable_to)
    return found


def _sent(row: Mapping[Any, Any]) -> Sent:
    links = tuple(
        (Link(source, kind, target), one, other) for source, kind, target, one, other in json.loads(row["links"])
    )
    return Sent(
        alert=row["alert"],
        number=row["number"],
        revision=row["revision"],
        modified_ms=row["modified_ms"],
        state=row["state"],
        originator=row["originator"],
        label=Label.model_validate_json(row["label"]),
        releasable_to=tuple(json.loads(row["releasable_to"])),
        parts=tuple((key, kind) for key, kind in json.loads(row["parts"])),
        links=links,
    )
