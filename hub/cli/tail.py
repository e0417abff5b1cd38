"""`enlace tail`: decisions as they come: ids, classes and outcomes, never more."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .cluster import reached, schema_ids
from .output import FAILURE, JsonFlag, fail, print_json
from .router import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.bus.bus import Record
    from hub.bus.settings import Connection
    from hub.model.avro import SchemaIds

PAUSE_S = 0.2


def tail(
    agency: Annotated[str | None, typer.Option(help="Only alerts that come from or go to this agency.")] = None,
    last: Annotated[int | None, typer.Option(help="End after so many decisions.", min=1)] = None,
    from_start: Annotated[bool, typer.Option("--all", help="From the first decision that is kept.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Print each decision on an alert, one a line, until Ctrl-C. Restricted alerts are not shown."""
    stop, shown = Stop(), 0
    with reached() as connection:
        ids = schema_ids(connection)
        for record in _records(connection, from_start, stop):
            row = _row(record, ids)
            if row is None or (agency is not None and agency not in (row["originator"], *row["recipients"])):
                continue
            if as_json:
                print_json(row)
            else:
                typer.echo(_line(row))
            shown += 1
            if shown == last:
                return


def _records(connection: Connection, from_start: bool, stop: Stop) -> Iterator[Record]:
    """Committed decisions of all lanes, as they come."""
    from hub.bus.limits import Limits
    from hub.bus.restore import partitions_of
    from hub.bus.topics import DECISIONS
    from hub.readmodel.reading import KafkaReading, ReadingFailed

    try:
        places = partitions_of(connection, DECISIONS, Limits())
        reading = KafkaReading(connection)
        try:
            first, ends = reading.spans(places)
            reading.start(first if from_start else ends)
            while not stop():
                found = reading.poll(1_000, 300)
                for records in found.values():
                    yield from records
                if not found:
                    time.sleep(PAUSE_S)
        finally:
            reading.close()
    except ReadingFailed as error:
        fail(str(error), FAILURE)


def _row(record: Record, ids: SchemaIds) -> dict[str, Any] | None:
    """What is shown of a decision; None for what is none, or restricted."""
    import uuid

    from hub.model.avro import Undecodable
    from hub.model.base import to_rfc3339
    from hub.readmodel import heads, tidy
    from hub.readmodel.taking import CHECKED, is_restricted

    try:
        schema_id, body = heads.schema_id(record.value)
        if schema_id != ids.by_name["Decision"]:
            return None
        fields = heads.decision(body)
    except Undecodable:
        return None
    outcome, core = tidy.code(fields["outcome"]), fields["core"]
    alert_class = tidy.listed("class", core["label"]["class"], outcome in CHECKED)
    if is_restricted(alert_class):
        return None
    return {
        "time": to_rfc3339(record.timestamp_ms),
        "alert": str(uuid.UUID(bytes=core["id"])),
        "revision": tidy.number(core["revision"]),
        "outcome": outcome,
        "class": alert_class,
        "originator": tidy.code(core["originator"]),
        "recipients": [each["agency"] for each in fields["outcomes"] if each["reason"] == "permitted"],
        "bundle": fields["bundle"].hex(),
    }


def _line(row: dict[str, Any]) -> str:
    recipients = ", ".join(row["recipients"]) or "nobody"
    what = f"{row['alert']} {row['revision']}  {row['outcome']:<10}  {row['class']:<24}"
    return f"{row['time']}  {what}  {row['originator']} -> {recipients}"
