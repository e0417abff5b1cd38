"""`enlace doctor`: what is wrong with this machine, this cluster or its topics, and what to do about it."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import checks
from .checks import Check
from .cluster import connection
from .output import FAILURE, JsonFlag, print_json, table
from .recorded import now_ms
from .settings import Settings, load_bundle, settings
from .watching import busy

if TYPE_CHECKING:
    from hub.bus.hanging import Hanging
    from hub.bus.settings import Connection
    from hub.guidelines.bundle import Bundle

FREE_DISK_BYTES = 2 << 30


def doctor(
    profile: Annotated[Path | None, typer.Option(help="The profile's folder.")] = None,
    finish: Annotated[
        bool, typer.Option("--finish", help="End transactions that hang, as their coordinator's log says.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """What is wrong, and what to do: this machine, certificates, guidelines that end soon, brokers, topics, registry,
    transactions that hang, clocks, the recorder. Exit code 1 if anything is wrong."""
    with busy("looking"):
        found = [*_machine(), *_profile(profile), *_cluster(profile, finish)]
    if as_json:
        print_json([check._asdict() for check in found])
    else:
        rows = (("ok" if check.well else "WRONG", check.what, check.found, check.advice) for check in found)
        table("Doctor", ("", "what", "found", "what to do"), rows)
    if not all(check.well for check in found):
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
    told = f"{len(bundle.agencies)} agencies, {len(bundle.guidelines)} guidelines, {bundle.name[:12]}"
    yield Check("profile", True, told)


def _cluster(profile: Path | None, finish: bool) -> Iterator[Check]:
    from kafka.errors import KafkaError

    from hub.bus.topics import GUIDELINES, TopicError, administration, check

    where = connection()
    yield from checks.certificates(checks.files(where))
    chosen, bundle = settings(), load_bundle(profile)
    try:
        with administration(where) as admin:
            findings = check(admin, [agency.id for agency in bundle.agencies], chosen.partitions, chosen.replication)
    except (TopicError, KafkaError) as error:
        advice = "start it (enlace up), or set ENLACE_BOOTSTRAP_SERVERS and the security settings"
        yield Check("cluster", False, f"{where.bootstrap_servers}: {type(error).__name__}", advice)
        return
    yield Check("cluster", True, where.bootstrap_servers)
    yield from _brokers(where, chosen)
    for finding in findings:
        yield Check(f"topic {finding.topic}", False, f"{finding.setting} is {finding.found}", finding.advice)
    if not findings:
        yield Check("topics", True, "as declared")
    if any(finding.topic == GUIDELINES and finding.found == "absent" for finding in findings):
        yield from checks.guidelines(bundle, now_ms())
    else:
        yield from _guidelines(where, bundle)
    yield from _transactions(where, finish)
    yield from checks.registry()
    yield from checks.recorder(where)


def _guidelines(where: Connection, local: Bundle) -> Iterator[Check]:
    """Of the bundle in force; of the profile, while none was published."""
    from kafka.errors import KafkaError

    from hub.bus.bus import BusError

    from .cluster import schema_ids
    from .rules import read_topic

    try:
        in_force = read_topic(where, schema_ids(where))[0].in_force
    except (BusError, KafkaError, typer.Exit) as error:
        yield Check("guidelines", False, f"cannot be looked at: {type(error).__name__}", "enlace guidelines history")
        return
    yield from checks.guidelines(in_force.bundle if in_force else local, now_ms())


def _brokers(where: Connection, chosen: Settings) -> Iterator[Check]:
    from kafka.errors import KafkaError

    from hub.bus import library
    from hub.bus.topics import CONTROL, DECISIONS, HOLDINGS, TopicError, administration

    try:
        with administration(where) as admin:
            yield checks.versions(admin, library.VERSION)
            yield checks.clock(admin, (DECISIONS, HOLDINGS, CONTROL), now_ms())
            yield from checks.brokers(admin, checks.is_production(chosen))
    except (TopicError, KafkaError) as error:
        advice = "the user of this command needs the right to describe the cluster and its settings"
        yield Check("brokers", False, f"cannot be looked at: {type(error).__name__}", advice)


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
