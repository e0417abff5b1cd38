"""What the commands share about the topic `guidelines`: stewards' keys from the settings, what is in force, drafts as files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from .output import BAD_INPUT, fail
from .settings import load_bundle, settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.bus.bus import Record
    from hub.bus.kafka import KafkaPublisher
    from hub.bus.settings import Connection
    from hub.guidelines.bundle import Bundle
    from hub.guidelines.rulebook import Rulebook
    from hub.inforce import InForce
    from hub.model.avro import SchemaIds
    from hub.model.publication import HoldOrder, Publication

T = TypeVar("T")

PUBLISHER = "enlace-guidelines"  # one at a time: whoever publishes later ends whoever was at it


class StewardSettings(BaseSettings):
    """Who may sign the first bundle: from the environment, on every machine that runs a router or publishes."""

    model_config = SettingsConfigDict(env_prefix="ENLACE_", extra="ignore", hide_input_in_errors=True)

    steward_keys: str = Field("", description="stewards' public keys for the first bundle: base64, separated by commas")


class Entry(NamedTuple):
    """One record of the topic, with what came of it: taken, or refused for a reason."""

    record: Record
    taken: Publication | HoldOrder | None
    refused: str


def keys_of_first() -> frozenset[bytes]:
    """The keys of ENLACE_STEWARD_KEYS."""
    from hub.guidelines.approval import BadKey, public_key

    try:
        return frozenset(public_key(text.strip()) for text in StewardSettings().steward_keys.split(",") if text.strip())
    except BadKey as error:
        fail(f"setting ENLACE_STEWARD_KEYS: {error}", BAD_INPUT)


def for_router(connection: Connection, profile: Path | None, ids: SchemaIds) -> InForce:
    """What a router takes its rules from: the topic; and while nothing is published there, a profile that was named by
    --profile or ENLACE_PROFILE. Nothing that is merely installed is used unasked."""
    from hub.bus.follow import Follower
    from hub.inforce import PLACE, InForce

    named = profile or settings().profile
    local = load_bundle(named) if named is not None else None
    return InForce(Follower(connection, PLACE), keys_of_first(), unpublished=local, ids=ids)


def read(records: Iterable[Record], ids: SchemaIds) -> tuple[Rulebook, list[Entry]]:
    """What the records of the topic add up to, and each bundle's and hold's record by itself."""
    from hub.guidelines.approval import NotApproved
    from hub.guidelines.holds import NotAHold
    from hub.guidelines.rulebook import ELSEWHERE, Rulebook, Stray

    book = Rulebook(keys_of_first(), ids)
    entries = []
    for record in records:
        if record.key in ELSEWHERE:
            continue
        try:
            entries.append(Entry(record, book.take(record.key, record.value), ""))
        except (NotApproved, NotAHold, Stray) as refused:
            entries.append(Entry(record, None, refused.reason))
    return book, entries


def read_topic(connection: Connection, ids: SchemaIds) -> tuple[Rulebook, list[Entry]]:
    """As the topic stands now. Raises Indefinite and KafkaError."""
    from hub.bus.limits import Limits
    from hub.bus.restore import read_table
    from hub.inforce import PLACE

    return read([record for _, record in read_table(connection, [PLACE], Limits())], ids)


def publisher(connection: Connection) -> KafkaPublisher:
    """For the topic: under one name, so that two people at it at once cannot both believe that they were first."""
    from hub.bus.kafka import KafkaPublisher
    from hub.bus.limits import HUB_RECORD_BYTES

    return KafkaPublisher(connection, name=PUBLISHER, record_bytes=HUB_RECORD_BYTES)


def from_file(path: Path, parsed: Callable[[str], T]) -> T:
    """What a draft's or an approval's file holds; one line if it does not."""
    from hub.guidelines.draft import BadFile

    try:
        return parsed(path.read_text(encoding="utf-8"))
    except BadFile as error:
        fail(f"{path.name}: {error}", BAD_INPUT)
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{path.name}: cannot be read ({type(error).__name__})", BAD_INPUT)


def bundle_of(draft: Path) -> Bundle:
    """A draft as a bundle: a draft's file, a bundle's, or a profile's folder."""
    from hub.guidelines.draft import bundle_from_text

    return load_bundle(draft) if draft.is_dir() else from_file(draft, bundle_from_text)
