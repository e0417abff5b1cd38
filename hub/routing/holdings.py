"""Who holds which revision and which categories of an alert: a lane's memory, kept as bytes and opened when needed.

The same bytes stand on the `holdings` topic. What a batch changes is staged and becomes memory only after its commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from hub.bus.bus import Record, TopicPartition
from hub.model import splice
from hub.model.avro import Undecodable, decode, unframe

POSITION_KEY: Final = b"@position/"
NOTHING_SEEN: Final = bytes(16)
FORGOTTEN: Final = b""  # staged for an alert whose holding ends: the tombstone, until it is committed


class Held(NamedTuple):
    """What one recipient holds. Revision 0: nothing any more, but its deliveries go on being counted."""

    agency: str
    number: int = 0
    revision: int = 0
    categories: tuple[str, ...] = ()
    seen: bytes = NOTHING_SEEN
    owed: str | None = None


class Holding(NamedTuple):
    """One alert's state. `source`: where the bytes of its highest revision stand."""

    originator: str
    revision: int
    cancelled: bool
    content: bytes
    source: splice.Position
    valid_until_ms: int
    recipients: Mapping[str, Held]


def opened(value: bytes) -> Holding:
    """A holding from its framed bytes. Raises Undecodable."""
    fields = decode("Holding", unframe(value)[1])
    return Holding(
        fields["originator"],
        fields["revision"],
        fields["cancelled"],
        fields["content"],
        splice.Position(fields["topic"], fields["partition"], fields["offset"], -1),
        fields["valid_until_ms"],
        {held["agency"]: _held(held) for held in fields["recipients"]},
    )


def of_alerts(table: Iterable[tuple[TopicPartition, Record]]) -> Iterator[tuple[int, bytes, Holding | None]]:
    """Lane, alert id and holding by each record of the topic `holdings` that is of an alert; None: forgotten. Of several of
    one alert the last counts. Raises Undecodable."""
    for at, record in table:
        if record.key is not None and not record.key.startswith(POSITION_KEY):
            yield at.partition, record.key, None if record.value is None else opened(record.value)


def known_of(holdings: Mapping[bytes, bytes], alert: bytes) -> Holding | None:
    """What a lane knows of an alert, if it knows it."""
    value = holdings.get(alert)
    return opened(value) if value else None


def _held(fields: Mapping[str, Any]) -> Held:
    return Held(
        fields["agency"],
        fields["number"],
        fields["revision"],
        tuple(fields["categories"]),
        fields["seen"],
        fields["owed"],
    )


class TornState(Exception):
    """A lane's position and its committed offset do not belong together, or its state cannot be read."""


@dataclass
class Lane:
    """The state of one lane: holdings by alert id, and how far it has come in each topic."""

    holdings: dict[bytes, bytes] = field(default_factory=dict)
    positions: dict[str, tuple[int, int]] = field(default_factory=dict)  # topic: (next offset, last decided)

    def restore(self, key: bytes | None, value: bytes | None) -> None:
        """Takes one record of the `holdings` topic in. Raises TornState if it is not one of ours."""
        if key is None:
            raise TornState("a record without a key")
        if not key.startswith(POSITION_KEY):
            if value is None:
                self.holdings.pop(key, None)
            else:
                self.holdings[key] = value
        elif value is not None:
            try:
                topic, fields = key[len(POSITION_KEY) :].decode(), decode("Position", unframe(value)[1])
            except (Undecodable, UnicodeDecodeError) as error:
                raise TornState(f"a position ({type(error).__name__})") from None
            self.positions[topic] = fields["next_offset"], fields["last_decided"]

    def keep(self, staged: Mapping[bytes, bytes]) -> None:
        """Takes in what a batch changed, once that is committed."""
        self.holdings.update(staged)
        for alert in [alert for alert, value in staged.items() if value == FORGOTTEN]:
            del self.holdings[alert]

    def next_offset(self, topic: str) -> int:
        return self.positions.get(topic, (0, -1))[0]

    def previous(self, topic: str) -> int:
        return self.positions.get(topic, (0, -1))[1]
