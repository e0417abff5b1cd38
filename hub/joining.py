"""An agency joins: its topics, its user, what the user may do, and the settings file that its connector needs.

Each step may be repeated: what is there stays. The hub's own services get users in the same way. What an agency may be
sent is no matter of access rules; that is the guidelines'.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hub.bus import access, schema_ids
from hub.bus.bus import Record, TopicPartition
from hub.bus.limits import Limits
from hub.bus.restore import partitions_of, read_table
from hub.bus.secured import connection as secured_connection
from hub.bus.settings import Connection
from hub.bus.topics import CONNECTORS, HOLDINGS, administration, create, declared
from hub.routing.holdings import of_alerts

PASSWORD_BYTES = 32
PREFIX = "ENLACE_"


class Joined(NamedTuple):
    """`made`: the topics that were missing. `settings`: the file with the new password; None if the user had one, or the
    cluster is not secured."""

    made: Sequence[str]
    secured: bool
    settings: Path | None


class Standing(NamedTuple):
    """What the cluster has of an agency. `rules`: what its user may do, a line each."""

    topics: Sequence[str]
    missing: Sequence[str]
    secured: bool
    user: bool
    suspended: bool
    rules: Sequence[str]


class StillHeld(NamedTuple):
    """How many alerts an agency holds or is owed; until when the last of them is valid."""

    alerts: int
    until_ms: int


def add(
    admin_connection: Connection,
    agency: str,
    folder: Path,
    *,
    partitions: int,
    replication: int,
    new_password: bool = False,
) -> Joined:
    """Topics first, `alerts.` last of them; then the user. Raises TopicError, AccessError, KafkaError, BusError."""
    with administration(admin_connection) as opened:
        admin: Any = opened
        made = create(admin, [agency], partitions, replication)
        secured = access.is_secured(admin)
        settings = None
        if secured:
            user = access.user_of(agency)
            access.allow(admin, user, access.of_agency(agency))
            settings = _let_in(admin, admin_connection, user, folder / f"{agency}.env", new_password)
    if secured:
        schema_ids.hand_to(admin_connection, CONNECTORS + agency)
    return Joined(made, secured, settings)


def add_service(admin_connection: Connection, service: str, folder: Path) -> Path | None:
    """The user of a service of the hub, and its settings file if it is new. Only for a secured cluster."""
    with administration(admin_connection) as opened:
        user = access.service_user(service)
        access.allow(opened, user, access.SERVICES[service])
        return _let_in(opened, admin_connection, user, folder / f"{service}.env", False)


def show(admin_connection: Connection, agency: str, partitions: int) -> Standing:
    """Raises TopicError, KafkaError."""
    with administration(admin_connection) as opened:
        admin: Any = opened
        there = {topic["name"] for topic in admin.describe_topics()}
        wanted = _topics_of(agency, partitions)
        secured = access.is_secured(admin)
        user = access.user_of(agency)
        return Standing(
            topics=[name for name in wanted if name in there],
            missing=[name for name in wanted if name not in there],
            secured=secured,
            user=secured and access.has_password(admin, user),
            suspended=secured and access.suspended(admin, user),
            rules=access.rules_of(admin, user) if secured else (),
        )


def suspend(admin_connection: Connection, agency: str) -> None:
    """Its connectors reach nothing from now on. What waits for it stays. Raises AccessError."""
    with administration(admin_connection) as admin:
        access.suspend(admin, access.user_of(agency))


def resume(admin_connection: Connection, agency: str) -> None:
    """Takes back suspend()."""
    with administration(admin_connection) as admin:
        access.resume(admin, access.user_of(agency))


def remove(admin_connection: Connection, agency: str, *, topics: bool, partitions: int) -> Sequence[str]:
    """Its user and rules end; with `topics`, its topics and all that is in them too. Returns the topics that went."""
    with administration(admin_connection) as opened:
        admin: Any = opened
        if access.is_secured(admin):
            access.forget(admin, access.user_of(agency))
        if not topics:
            return ()
        there = {topic["name"] for topic in admin.describe_topics()}
        # `alerts.` first: nothing can be published any more for what is then no longer there.
        gone = [name for name in reversed(_topics_of(agency, partitions)) if name in there]
        for name in gone:
            admin.delete_topics([name])
        return gone


def still_held(connection: Connection, agency: str) -> StillHeld:
    """What an agency holds or is owed now. Raises Indefinite and KafkaError."""
    limits = Limits()
    return held_in(read_table(connection, partitions_of(connection, HOLDINGS, limits), limits), agency)


def held_in(table: Iterable[tuple[TopicPartition, Record]], agency: str) -> StillHeld:
    """The same by the records of the topic `holdings`: the newest of each alert counts."""
    until_ms: dict[bytes, int] = {}
    for _, alert, holding in of_alerts(table):
        until_ms.pop(alert, None)
        held = holding.recipients.get(agency) if holding else None
        if holding and held and (held.revision or held.owed):
            until_ms[alert] = holding.valid_until_ms
    return StillHeld(len(until_ms), max(until_ms.values(), default=0))


def environment(path: Path) -> dict[str, str]:
    """A settings file as environment variables."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def _topics_of(agency: str, partitions: int) -> list[str]:
    """In the order of creation."""
    return [spec.name for spec in declared([agency], partitions) if spec.name.endswith(f".{agency}")]


def _let_in(admin: Any, admin_connection: Connection, user: str, path: Path, new_password: bool) -> Path | None:
    if access.has_password(admin, user) and not new_password:
        return None
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    authority = Path(admin_connection.ssl_cafile) if admin_connection.ssl_cafile else None
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    copy = path.parent / "ca.pem"
    if authority:
        copy.write_bytes(authority.read_bytes())
    theirs = secured_connection(admin_connection.bootstrap_servers, user, password, copy if authority else None)
    _write(path, {**_settings(theirs), f"{PREFIX}SASL_PLAIN_PASSWORD": password})
    access.set_password(admin, user, password)
    return path


def _settings(connection: Connection) -> Mapping[str, str]:
    """What differs from the defaults, without secrets."""
    given = connection.model_dump(exclude_defaults=True, exclude={"sasl_plain_password"})
    return {f"{PREFIX}{name.upper()}": str(value) for name, value in given.items()}


def _write(path: Path, values: Mapping[str, str]) -> None:
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("# Holds a password: give it to this agency's operator over a safe channel, and to nobody else.\n")
        file.writelines(f"{name}={value}\n" for name, value in values.items())
    part.replace(path)
