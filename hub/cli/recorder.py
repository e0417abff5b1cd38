"""`enlace recorder`: the recording process, and its read model made anew."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import typer

from . import logs
from .cluster import reached, schema_ids
from .output import fail
from .recorded import engine, now_ms
from .router import SLOT_TAKEN, Stop, answering
from .rules import keys_of_first
from .settings import settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from hub.bus.settings import Connection
    from hub.metrics import RecorderMetrics
    from hub.readmodel.sampling import Sampler
    from hub.recorder import Recorder

app = typer.Typer(help="The recorder: what stands on the topics as SQL, for operators.", no_args_is_help=True)


@app.command()
def run() -> None:
    """Record until stopped. Ends with code 71, and must not be restarted, when another recorder is at work."""
    from hub.metrics import RecorderMetrics
    from hub.readmodel.sampling import Sampler
    from hub.recorder import AnotherRecorder
    from hub.recorder import run as record_until

    chosen = settings()
    logs.configure(chosen.log_level)
    database = _upgraded()
    with reached() as connection:
        recorder, metrics = _recorder(connection, database), RecorderMetrics()
        sampler = Sampler(connection, database, time.monotonic, now_ms)
        stop = Stop()

        def turn() -> None:
            metrics.stands(recorder.recorded, len(recorder.stopped))
            if sampler():
                _tell(metrics, recorder, sampler, database)

        try:
            with answering(metrics.registry, metrics.progress, chosen):
                record_until(recorder, stop, turn)
        except AnotherRecorder as another:
            fail(str(another), SLOT_TAKEN)
        finally:
            sampler.close()
            recorder.close()
            database.dispose()


def _tell(metrics: RecorderMetrics, recorder: Recorder, sampler: Sampler, database: Engine) -> None:
    """What the read model says, with each sample, for Prometheus."""
    from hub.readmodel.queries import alarms, lags, quarantine_groups, reconciliation

    total = recorder.progress()
    metrics.behind(total.total - total.done)
    metrics.held(len(sampler.held))
    with database.connect() as connection:
        seen = lags(connection, now_ms())
        sums = reconciliation(connection, now_ms(), seen)
        metrics.found(Counter(each.kind for each in alarms(connection)), sums, quarantine_groups(connection), seen)


@app.command()
def rebuild() -> None:
    """Drop what is recorded and record it again from the topics. A recorder that runs meanwhile ends by itself. The audit
    log stays."""
    from hub.recorder import AnotherRecorder, empty

    logs.configure("warning")
    database = _upgraded()
    with reached() as connection:
        recorder = _recorder(connection, database)
        try:
            empty(database)
            _to_the_end(recorder)
        except AnotherRecorder:
            fail("a recorder was started meanwhile: end it, then rebuild again", SLOT_TAKEN)
        finally:
            recorder.close()
            database.dispose()
    typer.echo(f"{recorder.recorded} records recorded again")


@app.command()
def migrate() -> None:
    """Bring the read model's tables to this version. `run` does it by itself."""
    _upgraded().dispose()
    typer.echo("the read model is of this version")


def _to_the_end(recorder: Recorder) -> None:
    """Up to where the topics ended when this began, with a bar."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    recorder.open()
    total = recorder.progress().total
    columns = (BarColumn(), TextColumn("{task.completed:,.0f} of {task.total:,.0f} records"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        while True:
            count = recorder.step()
            bar.update(task, completed=recorder.recorded)
            if not count and recorder.caught_up:
                return


def _recorder(connection: Connection, database: Engine) -> Recorder:
    from hub.readmodel.reading import KafkaReading
    from hub.recorder import Recorder

    ids = schema_ids(connection)
    return Recorder(lambda: KafkaReading(connection), database, ids=ids, keys_of_first=keys_of_first())


def _upgraded() -> Engine:
    from sqlalchemy.exc import DBAPIError

    from hub.readmodel.database import DatabaseError, upgrade

    database = engine()
    try:
        upgrade(database)
    except DatabaseError as error:
        fail(str(error))
    except DBAPIError as error:
        fail(f"the read model cannot be used ({type(error.orig).__name__}): is the database running?")
    return database
