"""Which ids the schemas have on a cluster: by lock.json (`local`), or by a registry (registry.py). Settled once, for ever.

The hub settles it at its first start and records it on the topic `guidelines` under the key `schema-ids`. Whoever starts
later must agree; connectors and commands that look read the record and ask no registry. Nothing is asked for a message.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError

import schemas
from hub.bus.bus import BusError, Indefinite, Outgoing, Publisher, Record, SlotTaken
from hub.bus.kafka import KafkaPublisher
from hub.bus.limits import HUB_RECORD_BYTES, Limits
from hub.bus.restore import partitions_of, read_table
from hub.bus.settings import Connection
from hub.bus.topics import GUIDELINES
from hub.model.avro import SchemaIds
from hub.model.base import Model

KEY: Final = b"schema-ids"
PUBLISHER: Final = "enlace-schema-ids"
REGISTRY_SETTING: Final = "ENLACE_SCHEMA_REGISTRY_URL"
ATTEMPTS: Final = 3

Id = Annotated[int, Field(ge=1, le=2**31 - 1)]


class SchemaIdsDiffer(Exception):
    """These are not the ids that the cluster was started with, or none can be had. One line, with what to do."""


class Settled(Model):
    """Where a cluster's ids come from, and each schema's id by `<record>/<version>`."""

    source: Literal["local", "registry"]
    ids: Annotated[dict[str, Id], Field(max_length=10_000)]

    def current(self) -> SchemaIds:
        """The ids of the newest schemas that this software has. Raises SchemaIdsDiffer."""
        newest = {entry["name"]: f"{entry['name']}/{entry['version']}" for entry in _locked()}
        missing = [key for key in newest.values() if key not in self.ids]
        if missing:
            raise SchemaIdsDiffer(f"the cluster has no id for schema {missing[0]}: start the newer hub first")
        return SchemaIds({name: self.ids[key] for name, key in newest.items()})


def local() -> Settled:
    """The ids of lock.json."""
    return Settled(source="local", ids={f"{each['name']}/{each['version']}": each["id"] for each in _locked()})


def asked() -> Settled:
    """The ids of the registry that the settings name. Raises registry.RegistryError, and ValidationError of settings."""
    from hub.bus.registry import Locked, RegistrySettings, registered  # noqa: PLC0415 - needs the extra `hub`

    settings = RegistrySettings()
    wanted = [Locked(each["name"], each["version"], each["schema"]) for each in _locked()]
    numbers = registered(settings, wanted)
    return Settled(
        source="registry",
        ids={f"{each.name}/{each.version}": number for each, number in zip(wanted, numbers, strict=True)},
    )


def recorded(connection: Connection, limits: Limits | None = None, topic: str = GUIDELINES) -> Settled | None:
    """What the cluster was started with; None if no hub was ever started there. Raises BusError, SchemaIdsDiffer.

    An agency may not read `guidelines`: it was handed a copy on its own topic `connectors.`.
    """
    limits = limits or Limits()
    table = read_table(connection, partitions_of(connection, topic, limits), limits)
    return _last(record for _, record in table)


def settle(connection: Connection, wanted: Settled) -> Settled:
    """What holds on the cluster from now on: `wanted`, recorded if it is the first or adds new schemas.

    Two that start at once cannot both record: the publisher's name is a slot, and whoever lost it reads again. Raises
    SchemaIdsDiffer if the cluster was started with another source or other ids, and BusError.
    """
    doubt: BusError | None = None
    for _ in range(ATTEMPTS):
        found = recorded(connection)
        if found == agreed(found, wanted):
            return found
        publisher = KafkaPublisher(connection, name=PUBLISHER, record_bytes=HUB_RECORD_BYTES)
        try:
            return record(publisher, wanted)
        except (Indefinite, SlotTaken) as unknown:
            doubt = unknown
        finally:
            publisher.close()
    raise BusError(f"the schema ids could not be recorded on {GUIDELINES}: {doubt}")


def hand_to(connection: Connection, topic: str) -> None:
    """Copies what was settled to an agency's own topic, where its connectors find it. Raises as settle() does."""
    settled = recorded(connection)
    if settled is None or settled == recorded(connection, topic=topic):
        return
    publisher = KafkaPublisher(connection, name=f"{PUBLISHER}-{topic}")
    try:
        publisher.publish([Outgoing(topic, 0, KEY, settled.model_dump_json().encode())])
    finally:
        publisher.close()


def record(publisher: Publisher, wanted: Settled) -> Settled:
    """As settle(). Reading under the publisher's name comes first: what a predecessor had under way is decided then."""
    found = _last(record for _, record in publisher.table(GUIDELINES))
    joined = agreed(found, wanted)
    if found != joined:
        publisher.publish([Outgoing(GUIDELINES, 0, KEY, joined.model_dump_json().encode())])
    return joined


def agreed(found: Settled | None, wanted: Settled) -> Settled:
    """`found` with the schemas that only `wanted` has. Raises SchemaIdsDiffer where the two contradict each other."""
    if found is None:
        return wanted
    if found.source != wanted.source:
        raise SchemaIdsDiffer(
            f"this cluster was started with schema ids of the {_named(found)}, and this start would take those of the "
            f"{_named(wanted)}: {'unset' if found.source == 'local' else 'set'} {REGISTRY_SETTING}"
        )
    for key in found.ids.keys() & wanted.ids.keys():
        if found.ids[key] != wanted.ids[key]:
            raise SchemaIdsDiffer(
                f"schema {key} has id {wanted.ids[key]} by the {_named(wanted)}, and {found.ids[key]} on this cluster: "
                "records could not be read any more. Is it the same registry, with its data?"
            )
    both = {**found.ids, **wanted.ids}
    if len(set(both.values())) != len(both):
        raise SchemaIdsDiffer("a new schema has the id that another one has on this cluster: is it the same registry?")
    return Settled(source=found.source, ids=both)


def _named(settled: Settled) -> str:
    return "lock" if settled.source == "local" else "registry"


def _locked() -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = schemas.lock()["records"]
    return records


def _last(records: Iterable[Record]) -> Settled | None:
    found = None
    for each in records:
        if each.key == KEY:
            found = each.value
    if found is None:
        return None
    try:
        return Settled.model_validate_json(found)
    except ValidationError:
        raise SchemaIdsDiffer(
            f"the record {KEY.decode()} on {GUIDELINES} cannot be read: was it written by us?"
        ) from None
