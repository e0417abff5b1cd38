"""What the doctor looks at beside topics and transactions: brokers, registry, clocks, certificates, guidelines, the recorder.

Each check says what was found and, where it is not well, what to do. doctor.py has the command and the order.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from .settings import Settings

if TYPE_CHECKING:
    from hub.bus.settings import Connection
    from hub.bus.topics import Admin
    from hub.guidelines.bundle import Bundle

SOON_DAYS: Final = 30
YEAR_MINUTES: Final = 525_600
CLOCK_MS: Final = 1_000  # two clocks may differ by so much
SAMPLE_MS: Final = 90_000  # a recorder takes a sample every 15 s
BEHIND_OFFSETS: Final = 100_000  # about what a recorder takes in within seconds


class Check(NamedTuple):
    """One thing looked at. `advice` is what to do when it is not well."""

    what: str
    well: bool
    found: str
    advice: str = ""


class _Rule(NamedTuple):
    """A broker's setting: `least` is a number that it must reach, `be` the words that are well."""

    name: str
    least: int | None
    be: tuple[str, ...]
    why: str


# KAFKA.md, rules 15, 17 and 20: what holds for every cluster, and what for one that is to survive the loss of a machine.
ALWAYS: Final = (
    _Rule("unclean.leader.election.enable", None, ("false",), "else acknowledged records can be lost"),
    _Rule("auto.create.topics.enable", None, ("false",), "else a misspelt name makes a topic with other partitions"),
    _Rule("offsets.retention.minutes", YEAR_MINUTES, (), "else a long outage forgets how far the routers had come"),
)
PRODUCTION: Final = (
    _Rule("default.replication.factor", 3, (), "else a topic made by hand is lost with one machine"),
    _Rule("min.insync.replicas", 2, (), "else an acknowledged record may stand on one machine only"),
    _Rule("offsets.topic.replication.factor", 3, (), "else how far the routers had come is lost with one machine"),
    _Rule("transaction.state.log.replication.factor", 3, (), "else transactions hang when one machine is lost"),
    _Rule("transaction.state.log.min.isr", 2, (), "else what was decided on a transaction may be lost"),
    _Rule(
        "authorizer.class.name",
        None,
        ("org.apache.kafka.metadata.authorizer.StandardAuthorizer",),
        "else every agency may read every topic",
    ),
    _Rule("allow.everyone.if.no.acl.found", None, ("false",), "else what nobody thought of is allowed"),
)


def brokers(admin: Admin, production: bool) -> Iterator[Check]:
    """Settings of every broker. `production`: more than one copy of everything is wanted (ENLACE_REPLICATION)."""
    from kafka.admin import ConfigResource

    client, resource = cast(Any, admin), cast(Any, ConfigResource)
    ids = sorted(each["node_id" if "node_id" in each else "broker_id"] for each in client.describe_cluster()["brokers"])
    wanted = [resource("BROKER", str(number)) for number in ids]
    settings = client.describe_configs(wanted, config_filter="all")["broker"]
    wrong = [each for number in ids for each in wrong_settings(number, _plain(settings[str(number)]), production)]
    if production:
        found, advice = f"{len(ids)} of them", "three at least: with fewer, one loss stops the hub or loses records"
        yield Check("brokers", len(ids) >= 3, found, "" if len(ids) >= 3 else advice)
    yield from wrong
    if not wrong:
        kind = "as in production" if production else "for one machine (ENLACE_REPLICATION is 1 or 2)"
        yield Check("brokers' settings", True, f"{len(ids)} brokers, {kind}")


def _plain(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    return {name: str(setting["value"]) for name, setting in settings.items()}


def wrong_settings(broker: int, found: Mapping[str, str], production: bool) -> Iterator[Check]:
    """Those settings of one broker that are not as they must be."""
    for name, least, be, why in (*ALWAYS, *(PRODUCTION if production else ())):
        value = found.get(name, "")
        good = value in be if least is None else value.lstrip("-").isdigit() and int(value) >= least
        if not good:
            wanted = be[0] if least is None else str(least)
            advice = f"set {name}={wanted} in its server.properties: {why}"
            yield Check(f"broker {broker}", False, f"{name} is {value or 'not set'}", advice)


def versions(admin: Admin, pinned: str) -> Check:
    """The client library, whose private names are used, and what the brokers speak."""
    from importlib.metadata import version

    ours = version("kafka-python")
    speaks = cast(Any, admin).config.get("api_version") if hasattr(admin, "config") else None
    brokers_are = f", brokers at least {'.'.join(map(str, speaks))}" if speaks else ""
    advice = f"pip install kafka-python=={pinned}: the bus was tested with that one only"
    return Check("versions", ours == pinned, f"kafka-python {ours}{brokers_are}", advice)


def clock(admin: Admin, topics: Iterable[str], now_ms: int) -> Check:
    """This machine's clock against the brokers' stamps. Nothing is written for it: the newest stamp says how far this clock
    may be ahead at most, and that it is behind if the stamp lies in its future."""
    from kafka.admin import OffsetSpec
    from kafka.structs import TopicPartition

    client = cast(Any, admin)
    described = {each["name"]: len(each["partitions"]) for each in client.describe_topics()}
    places = [TopicPartition(name, number) for name in topics for number in range(described.get(name, 0))]
    found = client.list_partition_offsets(dict.fromkeys(places, OffsetSpec.MAX_TIMESTAMP)) if places else {}
    return clock_against(max((each.timestamp for each in found.values()), default=-1), now_ms)


def clock_against(stamp_ms: int, now_ms: int) -> Check:
    """`stamp_ms`: when a broker appended the newest record; -1: there is none."""
    if stamp_ms < 0:
        return Check("clock", True, "no record yet to compare with")
    ahead_s = (now_ms - stamp_ms) / 1000
    if now_ms < stamp_ms - CLOCK_MS:
        advice = "let both machines follow a time server (chrony): validity and deadlines are worked out by this clock"
        return Check("clock", False, f"{-ahead_s:.1f} s behind the brokers'", advice)
    return Check("clock", True, f"not behind the brokers'; ahead by {max(0.0, ahead_s):.1f} s at most")


def certificates(files: Mapping[str, str | Path | None], now: datetime | None = None) -> Iterator[Check]:
    """Certificates in PEM files, by the setting that names each: those that end soon, and files that hold none."""
    for setting, path in files.items():
        if path is None:
            continue
        try:
            ends = _ends(Path(path))
        except ImportError:
            yield Check(setting, True, "not looked at: it needs the extra `hub`")
        except (OSError, ValueError) as error:
            yield Check(setting, False, f"cannot be read ({type(error).__name__})", "name a PEM file with certificates")
        else:
            yield _certificate(setting, ends, now or datetime.now(UTC))


def _ends(path: Path) -> datetime:
    """When the first of a file's certificates ends. Raises ValueError if there is none."""
    from cryptography import x509

    return min(each.not_valid_after_utc for each in x509.load_pem_x509_certificates(path.read_bytes()))


def _certificate(setting: str, ends: datetime, now: datetime) -> Check:
    days = (ends - now) // timedelta(days=1)
    word = "ended" if ends <= now else "ends"
    advice = "ask the authority for a new one, put it in place and restart what uses it"
    well = days >= SOON_DAYS
    return Check(setting, well, f"{word} on {ends:%Y-%m-%d} ({days} days)", "" if well else advice)


def guidelines(bundle: Bundle, now_ms: int) -> Iterator[Check]:
    """Guidelines in force that end within SOON_DAYS: a permit that ends withholds alerts, a safeguard that ends releases."""
    soon = 0
    for each in bundle.guidelines:
        end_ms = each.valid.ends_ms
        if end_ms is not None and now_ms < end_ms <= now_ms + SOON_DAYS * 86_400_000:
            soon += 1
            advice = "tell the stewards: prolong it or replace it (docs/change-control.md)"
            found = f"its last day is {each.valid.until}: a {each.effect}{', a safeguard' if each.safeguard else ''}"
            yield Check(f"guideline {each.id}", False, found, advice)
    if not soon:
        yield Check("guidelines", True, f"none of {len(bundle.guidelines)} ends within {SOON_DAYS} days")


def registry() -> Iterator[Check]:
    """Whether the registry itself refuses what would break readers, for each of our subjects; nothing if none is set."""
    import os

    from hub.bus.schema_ids import REGISTRY_SETTING

    if not os.environ.get(REGISTRY_SETTING):
        return
    from hub.bus.registry import COMPATIBILITY, RegistryError, RegistrySettings, levels

    try:
        found = levels(RegistrySettings())
    except (RegistryError, ValueError) as error:
        told = str(error) if isinstance(error, RegistryError) else "its settings are wrong"
        yield Check("schema registry", False, told, f"see {REGISTRY_SETTING}")
        return
    wrong = {subject: level for subject, level in found.items() if level != COMPATIBILITY}
    for subject, level in wrong.items():
        advice = f"enlace topics create sets it to {COMPATIBILITY}"
        yield Check(f"subject {subject}", False, f"compatibility is {level}", advice)
    if not wrong:
        yield Check("schema registry", True, f"{len(found)} subjects are {COMPATIBILITY}")


def recorder(connection: Connection) -> Iterator[Check]:
    """Whether somebody records, how far he is, and what he found that must never happen. Nothing where none ever did."""
    from .recorded import engine, is_there

    if not is_there():
        return
    from sqlalchemy import func, select
    from sqlalchemy.exc import DBAPIError

    from hub.bus.limits import Limits
    from hub.bus.offsets import spans
    from hub.readmodel.database import DatabaseError, check_version
    from hub.readmodel.queries import alarms
    from hub.readmodel.tables import Sample
    from hub.readmodel.writing import positions

    database = engine()
    try:
        check_version(database)
        with database.connect() as db:
            at, sampled_ms, found = positions(db), db.execute(select(func.max(Sample.at_ms))).scalar(), alarms(db)
        _, ends = spans(connection, sorted(at), Limits()) if at else ({}, {})
    except DatabaseError as error:
        yield Check("recorder", False, str(error), "enlace recorder migrate")
        return
    except DBAPIError as error:
        yield Check("recorder", False, f"its database: {type(error.orig).__name__}", "see ENLACE_DATABASE_URL")
        return
    finally:
        database.dispose()
    yield recording(sum(max(0, ends[each] - at[each]) for each in ends), sampled_ms, time.time_ns() // 1_000_000)
    if found:
        kinds = ", ".join(sorted({each.kind for each in found}))
        yield Check("record", False, f"{len(found)} alarms: {kinds}", "enlace audit reconcile; docs/operations.md")


def recording(behind: int, sampled_ms: int | None, now_ms: int) -> Check:
    """`behind`: offsets that are not recorded yet; `sampled_ms`: when the recorder last looked at the cluster."""
    silent = sampled_ms is None or sampled_ms < now_ms - SAMPLE_MS
    if silent:
        when = "never" if sampled_ms is None else f"{(now_ms - sampled_ms) // 1000} s ago"
        advice = "start it: enlace recorder run; the console shows what is recorded only"
        return Check("recorder", False, f"last at work: {when}; {behind} offsets behind", advice)
    well = behind <= BEHIND_OFFSETS
    advice = "" if well else "look at its log and its database; it goes on from where it is"
    return Check("recorder", well, f"at work, {behind} offsets behind", advice)


def files(where: Connection) -> dict[str, str | Path | None]:
    """The certificate files that the settings name, by the setting."""
    import os

    return {
        "ENLACE_SSL_CAFILE": where.ssl_cafile,
        "ENLACE_SSL_CERTFILE": where.ssl_certfile,
        **{name: os.environ.get(name) for name in ("ENLACE_CONSOLE_TLS_CERTFILE", "ENLACE_SCHEMA_REGISTRY_CAFILE")},
    }


def is_production(chosen: Settings) -> bool:
    """Whether the loss of one machine is to be survived."""
    return chosen.replication >= 3
