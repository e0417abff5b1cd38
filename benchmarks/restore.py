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
DISTINCT = 256  # lists of recipients


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
        found = results.get(timeout=300)
        process.join()
    assert found.holdings == HOLDINGS, found.holdings
    return {
        "restore of 1,000,000 holdings, s": found.seconds,
        "processor time of it, s": found.cpu_s,
        "peak memory, MB": found.peak_mb,
        "memory before, MB": found.before_mb,
        "times restored (1: heartbeats were kept)": float(found.times),
    }


def _write(connection: Connection) -> None:
    """Holdings of about 250 bytes, as the router writes them, with two or three recipients each."""
    chance = random.Random(3)
    lists = [[_held(chance) for _ in range(chance.randrange(2, 4))] for _ in range(DISTINCT)]
    frame = LOCAL_IDS.frames["Holding"]
    publisher = KafkaPublisher(connection, name="restore", compression="lz4", batch_bytes=900_000)
    for start in range(0, HOLDINGS, AT_ONCE):
        records = []
        for offset in range(start, start + AT_ONCE):
            key = chance.randbytes(16)
            value = frame + splice.holding(
                originator=load.ORIGINATOR,
                revision=1,
                cancelled=False,
                content=chance.randbytes(32),
                source=splice.Position(load.TOPIC, 0, offset, -1),
                valid_until_ms=now_ms() + load.DAY_MS,
                recipients=lists[offset % DISTINCT],
            )
            records.append(Outgoing(STATE_TOPIC, lane(key, load.PARTITIONS), key, value))
        publisher.publish(records)
    publisher.close()


def _held(chance: random.Random) -> bytes:
    agency = f"agency-{chance.randrange(50):02d}"
    return splice.held(agency, 1, 1, ("circumstances", "journey", "suspect.identity"), chance.randbytes(16), None)
