"""`enlace hold`: stop an agency's intake, its deliveries, or all deliveries. One person sets a hold, two lift it."""

from __future__ import annotations

import getpass
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .cluster import reached, schema_ids
from .output import BAD_INPUT, FAILURE, JsonFlag, fail, print_json, table
from .recorded import now_ms
from .rules import publisher, read, read_topic

if TYPE_CHECKING:
    from hub.bus.kafka import KafkaPublisher
    from hub.bus.settings import Connection
    from hub.guidelines.rulebook import Rulebook
    from hub.lifting import Owed
    from hub.model.avro import SchemaIds
    from hub.model.publication import HoldOrder

app = typer.Typer(help="Holds: one person stops, two let go on.", no_args_is_help=True)
SCOPE = "intake/AGENCY, deliveries/AGENCY, or everything"
ScopeArgument = Annotated[str, typer.Argument(metavar="SCOPE", help=f"What: {SCOPE}.")]
WhoOption = Annotated[str | None, typer.Option(help="Who: the user of this machine otherwise.")]
SENT_TIMEOUT_S = 60.0
FIRST_LOOK_S = 0.5
LONGEST_LOOK_S = 8.0


@app.command("set")
def set_hold(
    scope: ScopeArgument,
    why: Annotated[str, typer.Option(help="Why: it is kept with the hold.")],
    who: WhoOption = None,
) -> None:
    """Hold at once: it counts from the routers' next transaction on. Withdrawals pass, held deliveries wait."""
    from hub.guidelines import holds

    _check(scope)
    with reached() as connection, _writing(connection) as (book, ids, writer):
        _known(scope, book)
        order = holds.set_by(who or getpass.getuser(), scope, why, now_ms())
        _write(order, ids, writer)
    typer.echo(f"{scope} is held by {order.set_by}")


@app.command("lift")
def lift_hold(scope: ScopeArgument, who: WhoOption = None) -> None:
    """Lift a hold: the first person asks, a second one confirms. Then what was held back goes out, once.

    Of a hold that is lifted already, it sees to it that what is still owed goes out.
    """
    from hub.guidelines import holds

    _check(scope)
    person = who or getpass.getuser()
    with reached() as connection:
        with _writing(connection) as (book, ids, writer):
            before = book.orders.get(scope)
            if before is not None and before.state == "lifted" and scope not in book.held:
                typer.echo(f"{scope} was lifted by {before.asked_by} and {before.lifted_by}")
            else:
                try:
                    order = holds.lifted_by(person, before, now_ms())
                except holds.NoHold:
                    fail(f"{scope} is not held, as far as can be read: see `enlace hold list`", BAD_INPUT)
                except holds.SamePerson:
                    fail(f"{person} asked for this: another person must confirm", BAD_INPUT)
                _write(order, ids, writer)
                book.orders[scope] = order
                if order.state == "lift-asked":
                    typer.echo(f"{person} asks to lift {scope}: it stays held until another person confirms")
                    return
                typer.echo(f"{scope} is lifted by {order.asked_by} and {order.lifted_by}")
            waiting = _waiting(book)
        if not scope.startswith(holds.INTAKE):
            _send_off(connection, waiting, ids, person, f"{scope} was lifted")


@app.command("list")
def list_holds(as_json: JsonFlag = False) -> None:
    """Every hold, who set it and why, who asked to lift it; and how many deliveries each agency is owed."""
    from hub.lifting import by_agency, owed_now

    with reached() as connection:
        book, _ = read_topic(connection, schema_ids(connection))
        owed = by_agency(owed_now(connection))
    rows = [_row(scope, book.orders.get(scope)) for scope in sorted(book.held)]
    if as_json:
        print_json({"holds": rows, "owed": dict(owed)})
        return
    columns = ("scope", "state", "set_by", "set", "why", "asked_by")
    table("Holds", columns, ([row[name] for name in columns] for row in rows))
    for agency, count in sorted(owed.items()):
        typer.echo(f"{agency} is owed {count} deliveries")


def _row(scope: str, order: HoldOrder | None) -> dict[str, Any]:
    from hub.model.base import to_rfc3339

    if order is None or order.state == "lifted":  # a record that cannot be read stands there: it holds
        return {"scope": scope, "state": "unclear", "set_by": None, "set": None, "why": None, "asked_by": None}
    return {
        "scope": scope,
        "state": order.state,
        "set_by": order.set_by,
        "set": to_rfc3339(order.set_ms),
        "why": order.why,
        "asked_by": order.asked_by,
    }


def _check(scope: str) -> None:
    from hub.guidelines.holds import is_scope

    if not is_scope(scope):
        fail(f"{scope} is nothing that can be held: write {SCOPE}", BAD_INPUT)


def _known(scope: str, book: Rulebook) -> None:
    """A hold of an agency that does not exist stops nothing: most likely a slip."""
    agency = scope.partition("/")[2]
    if agency and book.in_force is not None and book.in_force.bundle.agency(agency) is None:
        known = ", ".join(each.id for each in book.in_force.bundle.agencies)
        fail(f"no agency {agency} is in force; there are {known}", BAD_INPUT)


@contextmanager
def _writing(connection: Connection) -> Iterator[tuple[Rulebook, SchemaIds, KafkaPublisher]]:
    """The topic as it stands, while nobody else writes to it."""
    from hub.inforce import PLACE

    ids, writer = schema_ids(connection), publisher(connection)
    try:
        book, _ = read([record for _, record in writer.table(PLACE.topic)], ids)
        yield book, ids, writer
    finally:
        writer.close()


def _write(order: HoldOrder, ids: SchemaIds, writer: KafkaPublisher) -> None:
    from hub.bus.bus import Outgoing
    from hub.guidelines.rulebook import hold_key
    from hub.inforce import PLACE
    from hub.model.avro import encode, frame

    value = frame(ids.by_name["HoldOrder"], encode(order))
    writer.publish([Outgoing(*PLACE, hold_key(order.scope), value)])


def _waiting(book: Rulebook) -> frozenset[str]:
    """The agencies whose deliveries are held still."""
    from hub.inforce import waiting

    return waiting(book.held)


def _send_off(connection: Connection, held: frozenset[str], ids: SchemaIds, who: str, why: str) -> None:
    """Orders what is owed until nothing is: a router may not have heard of the lift when an order comes."""
    from hub.lifting import lifted, owed_now

    deadline_s, look_s = time.monotonic() + SENT_TIMEOUT_S, FIRST_LOOK_S
    first: int | None = None
    while left := lifted(owed_now(connection), held):
        first = first or len(left)
        gone = _order(connection, left, ids, who, why)
        if gone == len(left):
            fail(f"the bytes of {gone} alerts are not kept any more: their deliveries cannot go out", FAILURE)
        if time.monotonic() > deadline_s:
            fail(f"{len(left)} alerts are still owed: is a router running? `enlace hold lift` again goes on", FAILURE)
        time.sleep(look_s)
        look_s = min(2 * look_s, LONGEST_LOOK_S)
    typer.echo(f"{first or 0} alerts had deliveries waiting; nothing is owed any more")


def _order(connection: Connection, owed: list[Owed], ids: SchemaIds, who: str, why: str) -> int:
    """Writes the orders; how many alerts' bytes are gone."""
    from itertools import islice

    from hub.bus.kafka import KafkaPublisher
    from hub.bus.limits import HUB_RECORD_BYTES
    from hub.lifting import ORDERS_AT_ONCE, orders

    writer = KafkaPublisher(connection, name=f"operator-{getpass.getuser()}", record_bytes=HUB_RECORD_BYTES)
    found, made = 0, orders(connection, owed, who, why, ids)
    try:
        while batch := list(islice(made, ORDERS_AT_ONCE)):
            writer.publish(batch)
            found += len(batch)
    finally:
        writer.close()
    return len(owed) - found
