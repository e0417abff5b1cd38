"""Restore: what it takes to be assigned 1,000,000 holdings: seconds, peak memory of the process, and its place kept.

The process that restores is a fresh one, so that its peak is its own. A group that is not heard from gives its lanes away:
the state is written so that this would be seen as a second restore.
"""

from __future__ import annotations

import multiprocessing
import random
import tempfile
from multiprocessing.queues import Queue
from pathlib import Path

from hub.bus.bus import Outgoing, lane
from hub.bus.kafka import KafkaPublisher
from hub.bus.limits import HUB_BATCH_BYTES
from hub.bus.local import LocalKafka
from hub.bus.settings import Connection
from hub.model import splice
from hub.model.avro import LOCAL_IDS
from hub.router import STATE_TOPIC

from . import load
from .alerts import now_ms
from .loops import make_topics
from .restoring import Restored, restore

HOLDINGS = 1_000_000
AT_ONCE = 20_000
DISTINCT = 256  # shapes
CONTENT_BYTES = 32
PATIENCE_S = 300


def measure() -> dict[str, float]:
    """Seconds and megabytes; see Restored."""
    folder = Path(tempfile.mkdtemp(prefix="enlace-restore-"))
    with LocalKafka(folder, fast_start=False, heap_mib=1024) as broker:
        connection = Connection(bootstrap_servers=broker.bootstrap_servers)
        make_topics(connection)
        _write(connection)
        spawning = multiprocessing.get_context("spawn")
        results: Queue[Restored] = spawning.Queue()
        process = spawning.Process(target=restore, args=(connection, load.TOPIC, results), daemon=True)
        process.start()
        found = results.get(timeout=PATIENCE_S)
        process.join()
    assert found.holdings == HOLDINGS, found.holdings
    return {
        "from no assignment to the first batch, s": found.seconds,
        "from the assignment to the state, s": found.restoring_s,
        "processor time of all, s": found.cpu_s,
        "memory it took, peak, MB": found.peak_mb - found.before_mb,
        "memory of the process, peak, MB": found.peak_mb,
        "times restored (1: heartbeats were kept)": float(found.times),
    }


def _write(connection: Connection) -> None:
    """Holdings of about 250 bytes, as the router writes them, with two or three recipients each; keys and contents differ,
    as they compress worst. One alert besides, for the first batch to hold."""
    chance = random.Random(3)
    shapes = [_shape(chance) for _ in range(DISTINCT)]
    publisher = KafkaPublisher(connection, name="restore", compression="lz4", batch_bytes=HUB_BATCH_BYTES)
    for start in range(0, HOLDINGS, AT_ONCE):
        records = []
        for number in range(start, min(start + AT_ONCE, HOLDINGS)):
            before, after = shapes[number % DISTINCT]
            made = chance.randbytes(16 + CONTENT_BYTES)
            key = made[:16]
            records.append(Outgoing(STATE_TOPIC, lane(key, load.PARTITIONS), key, before + made[16:] + after))
        publisher.publish(records)
    publisher.publish([Outgoing(load.TOPIC, 0, None, b"")])
    publisher.close()


def _shape(chance: random.Random) -> tuple[bytes, bytes]:
    """A framed holding as (before the content's digest, after it): putting each together anew takes most of the time."""
    content = chance.randbytes(CONTENT_BYTES)
    value = LOCAL_IDS.frames["Holding"] + splice.holding(
        originator=load.ORIGINATOR,
        revision=1,
        cancelled=False,
        content=content,
        source=splice.Position(load.TOPIC, 0, chance.randrange(HOLDINGS), -1),
        valid_until_ms=now_ms() + load.DAY_MS,
        recipients=[_held(chance) for _ in range(chance.randrange(2, 4))],
    )
    before, after = value.split(content)
    return before, after


def _held(chance: random.Random) -> bytes:
    agency = f"agency-{chance.randrange(50):02d}"
    return splice.held(agency, 1, 1, ("circumstances", "journey", "suspect.identity"), chance.randbytes(16), None)
