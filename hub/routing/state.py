"""What routing is given and gives: a record with its place, the state of its lane, what follows. No rules here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from hub.bus.bus import Outgoing, Record
from hub.guidelines.bundle import Bundle
from hub.model.avro import SchemaIds
from hub.model.splice import Position, stamp

EVERYBODY: Final = "*"


class Arrived(NamedTuple):
    """A record with its place, and the offset decided upon before it in the same topic and partition (-1: none)."""

    topic: str
    partition: int
    record: Record
    previous: int

    @property
    def source(self) -> Position:
        return Position(self.topic, self.partition, self.record.offset, self.previous)


@dataclass(frozen=True)
class State:
    """What a decision depends on. `holdings`: the lane's, by alert id, framed, with what this batch staged. `held`: the
    agencies whose deliveries an operator holds, EVERYBODY for all."""

    bundle: Bundle
    ids: SchemaIds
    partitions: int
    now_ms: int
    holdings: Mapping[bytes, bytes]
    held: frozenset[str] = frozenset()

    @cached_property
    def stamp(self) -> bytes:
        """When it is decided and under which bundle, as every delivery and decision says it."""
        return stamp(self.now_ms, self.bundle.digest)

    def holds(self, agency: str) -> bool:
        return agency in self.held or EVERYBODY in self.held


class Routed(NamedTuple):
    """What follows from a record: records to write, holdings to stage (holdings.FORGOTTEN for one that ends), and one word
    for operators."""

    outgoing: list[Outgoing]
    holdings: dict[bytes, bytes]
    result: str
