"""`enlace doctor`: what is wrong with this machine, this cluster or its topics, and what to do about it."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from .cluster import connection
from .output import FAILURE, JsonFlag, print_json, table
from .settings import load_bundle, settings

if TYPE_CHECKING:
    from hub.bus.hanging import Hanging
    from hub.bus.settings import Connection

FREE_DISK_BYTES = 2 << 30


class Check(NamedTuple):
    """One thing looked at. `advice` is what to do when it is not well."""

    what: str
    well: bool
    found: str
    advice: str = ""


def doctor(
    profile: Annotated[Path | None, typer.Option(help="The profile's folder.")] = None,
    finish: Annotated[
        bool, typer.Option("--finish", help="End transactions that hang, as their coordinator's log says.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """First checks: Python, checksum library, disk, profile, cluster, topics, transactions that hang. Exit code 1 if
    anything is wrong."""
    checks = [*_machine(), *_profile(profile), *_cluster(profile, finish)]
    if as_json:
        print_json([check._asdict() for check in checks])
    else:
        rows = (("ok" if check.well else "WRONG", check.what, check.found, check.advice) for check in checks)
        table("Doctor", ("", "what", "found", "what to do"), rows)
    if not all(check.well for check in checks):
        raise typer.Exit(FAILURE)


def _machine() -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check("Python", sys.version_info >= (3, 11), version, "install Python 3.11 or newer")
    fast = importlib.util.find_spec("crc32c") is not None
    advice = "pip install kafka-python[crc32c]: without it most of the time goes into checksums"
    yield Check("checksum library", fast, "crc32c" if fast else "pure Python", "" if fast else advice)
    home = settings().home
    existing = next(path for path in (home.absolute(), *home.absolute().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    yield Check("disk", free >= FREE_DISK_BYTES, f"{free >> 20} MiB free", "make room: a full disk stops the broker")


def _profile(profile: Path | None) -> Iterator[Check]:
    bundle = load_bundle(profile)
    yield Check(
        "profile", True, f"{len(bundle.agencies)} agencies, {len(bundle.guidelines)} guidelines, {bundle.name[:12]}"
    )


def _cluster(profile: Path | None, finish: bool) -> Iterator[Check]:
    from kafka.errors import KafkaError

    from hub.bus.topics import TopicError, administration, check

    where = connection()
    chosen, bundle = settings(), load_bundle(profile)
    try:
        with administration(where) as admin:
            findings = check(admin, [agency.id for agency in bundle.agencies], chosen.partitions, chosen.replication)
    except (TopicError, KafkaError) as error:
        advice = "start it (enlace up), or set ENLACE_BOOTSTRAP_SERVERS and the security settings"
        yield Check("cluster", False, f"{where.bootstrap_servers}: {type(error).__name__}", advice)
        return
    yield Check("cluster", True, where.bootstrap_servers)
    for finding in findings:
        yield Check(f"topic {finding.topic}", False, f"{finding.setting} is {finding.found}", finding.advice)
    if not findings:
        yield Check("topics", True, "as declared")
    yield from _transactions(where, finish)


def _transactions(where: Connection, finish: bool) -> Iterator[Check]:
    """A broker that crashed may leave transactions hanging, at which readers wait for ever."""
    from kafka.errors import KafkaError

    from hub.bus import hanging
    from hub.bus.bus import BusError
    from hub.bus.topics import TopicError

    try:
        found = hanging.find(where)
        for each in found:
            if finish and each.verdict is not None:
                hanging.finish(where, each)
                yield Check(_hanging(each), True, f"finished: {each.verdict}")
            else:
                yield Check(_hanging(each), False, f"hangs, decided: {each.verdict or 'unknown'}", _advice(each))
    except (TopicError, BusError, KafkaError) as error:
        advice = "the user of this command needs the right to describe and alter the cluster, and to read every topic"
        yield Check("transactions", False, f"cannot be looked at: {type(error).__name__}", advice)
        return
    if not found:
        yield Check("transactions", True, "none hangs")


def _hanging(each: Hanging) -> str:
    return f"transaction of {each.transactional_id or each.producer_id} in {each.at.topic}-{each.at.partition} at {each.start}"


def _advice(each: Hanging) -> str:
    if each.verdict is not None:
        return "write the marker that is missing: enlace doctor --finish"
    return "the coordinator's log does not tell how it ended: compare with what its producer knows, never abort blindly"
