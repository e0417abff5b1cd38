"""`enlace audit`: does everything add up, and was one delivery right. Read-only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .alert import ScopeOption
from .cluster import reached, schema_ids
from .output import BAD_INPUT, FAILURE, JsonFlag, fail, print_json, table
from .recorded import note, read_model

if TYPE_CHECKING:
    from hub.bus.bus import Record, TopicPartition
    from hub.bus.settings import Connection
    from hub.readmodel.evidence import Compared
    from hub.readmodel.results import DecisionEntry, DeliveryEntry, EndEntry

app = typer.Typer(help="The hub held against its own records.", no_args_is_help=True)
SHOWN = 100
ADVANCE_EVERY = 1_000


@app.command()
def reconcile(as_json: JsonFlag = False) -> None:
    """Compare what was published, decided and delivered, from the topics. Exit code 1 if something does not add up.

    It reads every topic whole, and keeps ids and offsets in memory: some hundred bytes for each record.
    """
    from hub.bus.offsets import group_offsets
    from hub.bus.topics import administration
    from hub.readmodel.reconciling import Reconciling
    from hub.router import GROUP

    with reached() as connection:
        with administration(connection) as admin:
            committed = group_offsets(admin, GROUP)
        made = Reconciling(schema_ids(connection))
        for at, record in _everything(connection):
            made.take(at, record)
    found, sums = made.findings(committed), made.sums(committed)
    if as_json:
        print_json({"sound": not found, **sums._asdict(), "findings": [each._asdict() for each in found]})
    else:
        table("Reconciliation", sums._fields, [sums])
        if found:
            table("What does not add up", ("kind", "where", "what"), found[:SHOWN])
        typer.echo(f"{len(found)} findings" if found else "everything adds up")
    if found:
        raise typer.Exit(FAILURE)


@app.command()
def delivery(
    delivery_id: Annotated[str, typer.Argument(metavar="ID", help="The delivery's id, in hexadecimal.")],
    auditor_of: ScopeOption = None,
    profile: Annotated[Path | None, typer.Option(help="The profile, if its bundle was never published.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make one delivery again from the alert's bytes and the bundle, and compare. Exit code 1 if it is another."""
    from hub.readmodel.queries import delivery as asked
    from hub.readmodel.results import Scope

    scope = Scope(frozenset(auditor_of or ()))
    with read_model() as database:
        entry = asked(database, scope, delivery_id)
    if entry is None:
        note("delivery.recomputed", delivery_id[:64], "refused", "not there, or restricted")
        fail("no such delivery is recorded, or it is restricted to its parties' auditors", BAD_INPUT)
    found = _recomputed(entry, scope.agencies, profile)
    same = all(each.same for each in found)
    note("delivery.recomputed", entry.id, "done", "the same" if same else "another")
    if as_json:
        print_json({"delivery": entry.id, "same": same, "parts": [each._asdict() for each in found]})
    else:
        rows = ((each.part, "same" if each.same else "OTHER", each.what) for each in found)
        table(f"Delivery {entry.id} to {entry.recipient}", ("part", "is", "what"), rows)
    if not same:
        raise typer.Exit(FAILURE)


def _recomputed(entry: DeliveryEntry, agencies: frozenset[str], profile: Path | None) -> list[Compared]:
    from hub.bus.bus import BusError
    from hub.readmodel.evidence import NoEvidence, bundle_of, recomputed, recomputed_end
    from hub.readmodel.queries import alert_life
    from hub.readmodel.results import EndEntry, Scope

    from .settings import load_bundle

    local = load_bundle(profile) if profile is not None else None
    try:
        with read_model() as database:
            life = alert_life(database, Scope(agencies), entry.alert)
            told: list[DecisionEntry | EndEntry] = [*life.decisions, *life.ends] if life else []
            ordered = [each for each in told if _orders(each, entry.id)]
            if not ordered:
                raise NoEvidence("no decision that is recorded ordered it")
            by = ordered[0]
            bundle = None if isinstance(by, EndEntry) else bundle_of(database, by.bundle, local)
        with reached() as connection:
            if isinstance(by, EndEntry):
                return recomputed_end(connection, entry, by)
            assert bundle is not None
            return recomputed(connection, schema_ids(connection), entry, by.source, bundle)
    except (NoEvidence, BusError) as error:
        fail(str(error))


def _orders(entry: DecisionEntry | EndEntry, delivery_id: str) -> bool:
    return any(verdict.delivery == delivery_id for verdict in entry.verdicts)


def _everything(connection: Connection) -> Iterator[tuple[TopicPartition, Record]]:
    """All records of all topics, decisions first, with a bar on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    from hub.bus.limits import Limits
    from hub.bus.offsets import spans
    from hub.bus.restore import partitions_of_all, read_table
    from hub.bus.topics import CONNECTORS, CONTROL, DECISIONS, GUIDELINES, QUARANTINE, administration, agency_of

    limits = Limits()
    with administration(connection, limits) as admin:
        names = {topic["name"] for topic in admin.describe_topics()}
    first = [name for name in (DECISIONS, QUARANTINE) if name in names]
    rest = sorted(
        name
        for name in names - {*first, GUIDELINES}
        if (agency_of(name) is not None and not name.startswith(CONNECTORS)) or name in (CONTROL, "holdings")
    )
    waves = [partitions_of_all(connection, wave, limits) for wave in (first, rest) if wave]
    columns = (BarColumn(), TextColumn("{task.completed:,.0f} of about {task.total:,.0f} records"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        begin, end = spans(connection, [at for wave in waves for at in wave], limits)
        task = bar.add_task("", total=sum(end.values()) - sum(begin.values()))
        for wave in waves:
            for number, found in enumerate(read_table(connection, wave, limits), start=1):
                if number % ADVANCE_EVERY == 0:
                    bar.update(task, advance=ADVANCE_EVERY)
                yield found
