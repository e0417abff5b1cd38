"""What the coordinator decided on transactions, read from its log, the topic `__transaction_state`.

The coordinator itself forgets a transaction once it believes it done; its log still tells. Read as any topic is, so it
works on every cluster; it needs the right to read that topic. Format: Kafka's TransactionLogValue.json, versions 0 and 1,
which begin alike; what follows the fields used here is not read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from hub.bus.bus import TopicPartition
from hub.bus.limits import Limits
from hub.bus.restore import read_table
from hub.bus.settings import Connection

TOPIC: Final = "__transaction_state"
VERSIONS: Final = (0, 1)

Verdict = Literal["commit", "abort"]

_VALUE = struct.Struct(">hqhib")  # version, producer id, epoch, timeout, status
_KEY = struct.Struct(">hh")  # version, length of the transactional id, which follows
_ONGOING: Final = 1
# PrepareCommit, PrepareAbort, CompleteCommit, CompleteAbort, PrepareEpochFence; the others decide nothing
_VERDICTS: Final[dict[int, Verdict]] = {2: "commit", 3: "abort", 4: "commit", 5: "abort", 7: "abort"}


class Entry(NamedTuple):
    """One line of the log. `status` is Kafka's number."""

    transactional_id: str
    producer_id: int
    producer_epoch: int
    status: int


def entry(key: bytes | None, value: bytes | None) -> Entry | None:
    """A record of the log; None for one that names no transaction: a tombstone, or of a version that we do not know."""
    if key is None or value is None or len(value) < _VALUE.size or len(key) < _KEY.size:
        return None
    version, producer_id, epoch, _timeout_ms, status = _VALUE.unpack_from(value)
    if version not in VERSIONS:
        return None
    _, length = _KEY.unpack_from(key)
    name = key[_KEY.size : _KEY.size + length].decode(errors="replace")
    return Entry(name, producer_id, epoch, status)


def read_entries(connection: Connection, partitions: int, producers: Iterable[int], limits: Limits) -> list[Entry]:
    """All that the log still tells of some producers (by id), in order. Raises Indefinite and KafkaError."""
    wanted = set(producers)
    places = [TopicPartition(TOPIC, number) for number in range(partitions)]
    read = (entry(record.key, record.value) for _, record in read_table(connection, places, limits))
    return [each for each in read if each is not None and each.producer_id in wanted]


def verdict_on(entries: Sequence[Entry], producer_id: int, producer_epoch: int) -> Verdict | None:
    """What was decided on the transaction of that producer and epoch; None if the log does not tell for certain.

    Some transactions are ended under the next epoch: those that a coordinator ends by itself, because their producer is
    gone or a newer one came, and all of newer clients. That counts only if the log shows the transaction under way
    before: what stands there without that is the verdict on the next one. The hub takes a new epoch for each
    transaction; a producer that does not has several under one, and then they must agree.
    """
    verdicts: set[Verdict] = set()
    ongoing = False
    for each in entries:
        if each.producer_id != producer_id:
            continue
        decided = _VERDICTS.get(each.status)
        if each.producer_epoch == producer_epoch:
            ongoing = each.status == _ONGOING
        elif each.producer_epoch == producer_epoch + 1 and ongoing and decided:
            ongoing = False
        else:
            continue
        if decided:
            verdicts.add(decided)
    return verdicts.pop() if len(verdicts) == 1 and not ongoing else None
