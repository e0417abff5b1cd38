"""`enlace quarantine`: what waits and why; replay the same bytes, or return the reason. Nobody reveals a record."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .cluster import reached
from .output import BAD_INPUT, JsonFlag, fail, print_json, table
from .settings import settings

if TYPE_CHECKING:
    from hub.bus.settings import Connection
    from hub.model.decision import Control, Quarantined

app = typer.Typer(help="Records that cannot be decided: see why, replay, return.", no_args_is_help=True)
PLACE = "TOPIC/PARTITION/OFFSET, as `list` shows it"
PlaceArgument = Annotated[str, typer.Argument(help=f"Which one: {PLACE}.")]
WhyOption = Annotated[str, typer.Option(help="Why: it is kept with the order.")]


@app.command("list")
def list_quarantine(as_json: JsonFlag = False) -> None:
    """Every record in quarantine, with its reason."""
    with reached() as connection:
        rows = [_row(each) for each in _waiting(connection)]
    if as_json:
        print_json(rows)
        return
    columns = ("place", "reason", "field", "attempt", "size_bytes", "quarantined")
    table("Quarantine", columns, ([row[name] for name in columns] for row in rows))


@app.command()
def show(place: PlaceArgument, as_json: JsonFlag = False) -> None:
    """One record: reason, field, size and place, never its content."""
    with reached() as connection:
        row = _row(_find(connection, place))
    if as_json:
        print_json(row)
    else:
        table(f"Quarantine {place}", ("what", "value"), row.items())


@app.command()
def replay(place: PlaceArgument, why: WhyOption) -> None:
    """Route the same bytes again, after the hub or the bundle was mended."""
    _order(place, "replay", why)
    typer.echo(f"{place}: will be routed again")


@app.command("return")
def return_(place: PlaceArgument, why: WhyOption) -> None:
    """Tell the originator why, so that it corrects the record and publishes it again."""
    _order(place, "return", why)
    typer.echo(f"{place}: its originator is told the reason")


def _order(place: str, kind: str, why: str) -> None:
    from hub.bus.bus import Outgoing
    from hub.bus.kafka import KafkaPublisher
    from hub.bus.topics import CONTROL
    from hub.model.avro import LOCAL_IDS, encode, frame

    with reached() as connection:
        waiting = _find(connection, place)
        control = _control(waiting, kind, why)
        publisher = KafkaPublisher(connection, name=f"operator-{getpass.getuser()}", record_bytes=4 << 20)
        try:
            value = frame(LOCAL_IDS.by_name["Control"], encode(control))
            publisher.publish([Outgoing(CONTROL, waiting.partition, waiting.key, value)])
        finally:
            publisher.close()


def _control(waiting: Quarantined, kind: str, why: str) -> Control:
    """The order about a record; one that came by an order before is taken out of it again."""
    from hub.bus.topics import CONTROL
    from hub.model.avro import decode_as, unframe
    from hub.model.decision import Control

    order = None
    if waiting.topic == CONTROL and waiting.value is not None:
        order = decode_as(Control, unframe(waiting.value)[1])
    original: Any = order or waiting
    return Control(
        kind=kind,
        topic=original.topic,
        partition=original.partition,
        offset=original.offset,
        attempt=original.attempt + 1,
        reason=waiting.reason,
        field=waiting.field,
        key=original.key,
        value=original.value,
        headers=original.headers,
        who=getpass.getuser(),
        why=why,
    )


def _waiting(connection: Connection) -> Iterator[Quarantined]:
    from hub.bus.limits import Limits
    from hub.bus.restore import partitions_of, read_table
    from hub.bus.topics import QUARANTINE
    from hub.model.avro import decode_as, unframe
    from hub.model.decision import Quarantined

    limits = Limits()
    settings()
    for _, record in read_table(connection, partitions_of(connection, QUARANTINE, limits), limits):
        if record.value is not None:
            yield decode_as(Quarantined, unframe(record.value)[1])


def _find(connection: Connection, place: str) -> Quarantined:
    for each in _waiting(connection):
        if _place(each) == place:
            return each
    fail(f"nothing in quarantine stands at {place}; a place is {PLACE}", BAD_INPUT)


def _place(each: Quarantined) -> str:
    return f"{each.topic}/{each.partition}/{each.offset}"


def _row(each: Quarantined) -> dict[str, Any]:
    from hub.model.base import to_rfc3339

    return {
        "place": _place(each),
        "reason": each.reason,
        "field": each.field,
        "attempt": each.attempt,
        "size_bytes": len(each.value or b""),
        "recorded": to_rfc3339(each.timestamp_ms),
        "quarantined": to_rfc3339(each.quarantined_ms),
    }
