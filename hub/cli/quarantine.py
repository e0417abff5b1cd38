"""`enlace quarantine`: what waits and why; replay the same bytes, or return the reason. Nobody reveals a record."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .cluster import reached, schema_ids
from .output import BAD_INPUT, JsonFlag, fail, print_json, table
from .watching import WatchFlag, busy, shown

if TYPE_CHECKING:
    from hub.bus.settings import Connection
    from hub.model.decision import Control, Quarantined

app = typer.Typer(help="Records that cannot be decided: see why, replay, return.", no_args_is_help=True)
About = tuple[str, int, int, int]  # topic, partition, offset, attempt
PLACE = "TOPIC/PARTITION/OFFSET, as `list` shows it"
PlaceArgument = Annotated[str, typer.Argument(help=f"Which one: {PLACE}.")]
WhyOption = Annotated[str, typer.Option(help="Why: it is kept with the order.")]


@app.command("list")
def list_quarantine(watch: WatchFlag = False, as_json: JsonFlag = False) -> None:
    """Every record that was set aside, with its reason and what was ordered about it since."""
    shown(lambda: _list(as_json), watch, as_json)


def _list(as_json: bool) -> None:
    with reached() as connection, busy("reading the quarantine"):
        ordered = _ordered(connection)
        rows = [_row(each, ordered) for each in _waiting(connection)]
    if as_json:
        print_json(rows)
        return
    columns = ("place", "reason", "field", "attempt", "size_bytes", "quarantined", "ordered")
    table("Quarantine", columns, ([row[name] for name in columns] for row in rows))


@app.command()
def show(place: PlaceArgument, as_json: JsonFlag = False) -> None:
    """One record: reason, field, size and place, never its content."""
    with reached() as connection:
        row = _row(_find(connection, place), _ordered(connection))
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


def _order(place: str, kind: Literal["replay", "return"], why: str) -> None:
    from hub.bus.kafka import KafkaPublisher
    from hub.console.orders import order_about

    with reached() as connection:
        order = order_about(_find(connection, place), kind, getpass.getuser(), why, schema_ids(connection))
        publisher = KafkaPublisher(connection, name=f"operator-{getpass.getuser()}", record_bytes=4 << 20)
        try:
            publisher.publish([order])
        finally:
            publisher.close()


def _about(each: Quarantined | Control) -> About:
    return each.topic, each.partition, each.offset, each.attempt


def _ordered(connection: Connection) -> dict[About, str]:
    """What was ordered last about each record, by the record and the attempt that the order asks for."""
    from hub.bus.topics import CONTROL
    from hub.model.avro import Undecodable, decode_as, unframe
    from hub.model.decision import Control

    from .seen import records

    orders: dict[About, str] = {}
    for record in records(connection, CONTROL):
        with suppress(Undecodable):
            order = decode_as(Control, unframe(record.value or b"")[1])
            orders[_about(order)] = order.kind
    return orders


def _waiting(connection: Connection) -> Iterator[Quarantined]:
    from .seen import quarantined

    return quarantined(connection)


def _find(connection: Connection, place: str) -> Quarantined:
    for each in _waiting(connection):
        if _place(each) == place:
            return each
    fail(f"nothing in quarantine stands at {place}; a place is {PLACE}", BAD_INPUT)


def _place(each: Quarantined) -> str:
    return f"{each.topic}/{each.partition}/{each.offset}"


def _row(each: Quarantined, ordered: dict[About, str]) -> dict[str, Any]:
    from hub.console.orders import original
    from hub.model.base import to_rfc3339

    topic, partition, offset, attempt = _about(original(each))
    return {
        "place": _place(each),
        "reason": each.reason,
        "field": each.field,
        "attempt": each.attempt,
        "size_bytes": len(each.value or b""),
        "recorded": to_rfc3339(each.timestamp_ms),
        "quarantined": to_rfc3339(each.quarantined_ms),
        "ordered": ordered.get((topic, partition, offset, attempt + 1)),
    }
