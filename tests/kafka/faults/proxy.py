"""A proxy in the network path of Kafka clients that reads frames, and does to some of them what a network may do.

A request is a length (4 bytes), an API key and version (2 each), a correlation id (4) and a body; its answer a length, the
correlation id and a body (Kafka's protocol guide). A rule names an API and what happens to its next requests or answers:

    hold          the request waits, the connection stays, whatever follows on it waits too; delivered late
    cut           the connection is closed at once; the request is delivered late all the same
    sever         the connection is closed at once; the request is never delivered
    drop          the request is never delivered, the connection stays
    drop-answer   the request is delivered, its answer never
    delay-answer  the request is delivered, its answer late
    forge         the request is never delivered and answered as done (WriteTxnMarkers only): a marker that gets lost

Each connection is served by itself. A rule counts what it did (its mark), so that a test can say that its fault happened.
Which faults there are, and when, is left to the tests.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Literal, Self, cast

from kafka.protocol.producer.transaction import WriteTxnMarkersRequest, WriteTxnMarkersResponse

HOST = "127.0.0.1"
HEADER = struct.Struct(">hhi")  # API key, API version, correlation id
MOST_BYTES = 128 * 2**20  # of a frame
BUFFER_BYTES = 2**20
LONGEST_S = 30.0  # that anything is held
ANSWER_S = 3.0  # that a late request's connection is kept, so that the broker reads it
CONNECT_S = 5.0
END_S = 10.0

Action = Literal["hold", "cut", "sever", "drop", "drop-answer", "delay-answer", "forge"]


class Api(IntEnum):
    """The API keys of which a rule may speak."""

    PRODUCE = 0
    FETCH = 1
    METADATA = 3
    OFFSET_FETCH = 9
    FIND_COORDINATOR = 10
    JOIN_GROUP = 11
    HEARTBEAT = 12
    SYNC_GROUP = 14
    INIT_PRODUCER_ID = 22
    ADD_PARTITIONS = 24
    ADD_OFFSETS = 25
    END_TXN = 26
    WRITE_MARKERS = 27
    TXN_OFFSET_COMMIT = 28


class NotHit(AssertionError):
    """What a rule waits for did not come: the test would show nothing."""


@dataclass(eq=False)
class Rule:
    """What happens to the next `times` requests of an API that contain `mentions` (a name, say).

    Held and delayed frames go on after `for_s`, or when release() is called if it is None; after LONGEST_S in any case.
    """

    api: Api
    action: Action
    times: int = 1
    for_s: float | None = None
    mentions: bytes = b""
    hits: int = 0
    answers: list[bytes] = field(default_factory=list)  # without length and correlation id
    _hit: threading.Event = field(default_factory=threading.Event, repr=False)
    _used_up: threading.Event = field(default_factory=threading.Event, repr=False)
    _answered: threading.Event = field(default_factory=threading.Event, repr=False)
    _released: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def name(self) -> str:
        return f"{self.api.name} {self.action}"

    def await_hit(self, within_s: float = LONGEST_S) -> None:
        """Raises NotHit."""
        if not self._hit.wait(within_s):
            raise NotHit(f"no {self.api.name} came to be dealt with by {self.action}")

    def await_used_up(self, within_s: float = LONGEST_S) -> None:
        """Until it has dealt with all its `times`. Raises NotHit."""
        if not self._used_up.wait(within_s):
            raise NotHit(f"only {self.hits} {self.api.name} came to be dealt with by {self.action}")

    def await_answer(self, within_s: float = LONGEST_S) -> bytes:
        """What the broker said to the first request that this rule dealt with. Raises NotHit."""
        if not self._answered.wait(within_s):
            raise NotHit(f"the broker did not answer {self.api.name}")
        return self.answers[0]

    def release(self) -> None:
        """What is held goes on."""
        self._released.set()

    def hit(self) -> None:
        """It deals with one more."""
        self.hits += 1
        self._hit.set()
        if self.hits == self.times:
            self._used_up.set()

    def takes(self, api: int, frame: bytes) -> bool:
        return self.hits < self.times and api == self.api and self.mentions in frame

    async def wait(self) -> None:
        """As long as a frame is held."""
        left_s = min(LONGEST_S, LONGEST_S if self.for_s is None else self.for_s)
        while left_s > 0 and not self._released.is_set():
            await asyncio.sleep(min(0.01, left_s))
            left_s -= 0.01


class Proxy:
    """Listens at `port` from start() to stop(); `target_port` is asked for with each connection."""

    def __init__(self, target_port: Callable[[], int]) -> None:
        self._target_port = target_port
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="faults-proxy")
        self._connections: set[asyncio.Task[None]] = set()
        self.marks = Counter[str]()
        self.frames = Counter[str]()
        self.port = 0

    def start(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(END_S)
        return self

    def stop(self) -> None:
        self.calm()
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(END_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(END_S)

    def arm(self, rule: Rule) -> Rule:
        """From now on; the first rule that takes a request is the one."""
        with self._lock:
            self._rules.append(rule)
        return rule

    def calm(self) -> None:
        """No rule any more; what is held goes on."""
        with self._lock:
            rules, self._rules = self._rules, []
        for rule in rules:
            rule.release()

    def _rule_for(self, api: int, frame: bytes) -> Rule | None:
        with self._lock:
            rule = next((each for each in self._rules if each.takes(api, frame)), None)
            if rule is not None:
                self.marks[rule.name] += 1
                rule.hit()
        return rule

    async def _listen(self) -> None:
        server = await asyncio.start_server(self._serve, HOST, 0, limit=BUFFER_BYTES)
        self.port = server.sockets[0].getsockname()[1]
        self._server = server

    async def _end(self) -> None:
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._connections.add(task)
        try:
            async with asyncio.timeout(CONNECT_S):
                broker = await asyncio.open_connection(HOST, self._target_port(), limit=BUFFER_BYTES)
            await _Connection(self, (reader, writer), broker).run()
        except (OSError, EOFError, TimeoutError, ValueError):
            pass  # either side is gone
        except asyncio.CancelledError:
            pass  # the proxy ends
        finally:
            self._connections.discard(task)
            writer.close()


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Connection:
    """One client's connection and the one to the broker that belongs to it."""

    def __init__(self, proxy: Proxy, client: Stream, broker: Stream) -> None:
        self._proxy = proxy
        self._client, self._broker = client, broker
        self._waiting: dict[int, Rule] = {}  # correlation id -> the rule that dealt with the request

    async def run(self) -> None:
        answers = asyncio.ensure_future(self._answers())
        try:
            with contextlib.suppress(EOFError):
                while await self._request():
                    pass
            await self._read_late(answers)
        finally:
            answers.cancel()
            self._broker[1].close()

    async def _request(self) -> bool:
        """Deals with one request; whether the connection is to go on."""
        frame = await _frame(self._client[0])
        api, version, correlation = HEADER.unpack_from(frame)
        self._proxy.frames[Api(api).name if api in Api.__members__.values() else str(api)] += 1
        rule = self._proxy._rule_for(api, frame)
        if rule is None:
            return await self._deliver(frame)
        self._waiting[correlation] = rule
        match rule.action:
            case "sever":
                del self._waiting[correlation]
                return False
            case "drop":
                del self._waiting[correlation]
                return True
            case "forge":
                del self._waiting[correlation]
                await _write(self._client[1], struct.pack(">iB", correlation, 0) + _done(frame, version))
                return True
            case "cut":
                self._client[1].close()
                await rule.wait()
                await self._deliver(frame)
                return False
            case "hold":
                await rule.wait()
        return await self._deliver(frame)

    async def _deliver(self, frame: bytes) -> bool:
        await _write(self._broker[1], frame)
        return True

    async def _answers(self) -> None:
        try:
            while True:
                frame = await _frame(self._broker[0])
                rule = self._waiting.pop(int.from_bytes(frame[:4], "big"), None)
                if rule is not None:
                    rule.answers.append(frame[4:])
                    rule._answered.set()
                    if rule.action == "drop-answer":
                        continue
                    if rule.action == "delay-answer":
                        await rule.wait()
                with contextlib.suppress(OSError):  # a client that is gone does not keep the broker's answer away
                    await _write(self._client[1], frame)
        except (OSError, EOFError):
            self._client[1].close()

    async def _read_late(self, answers: asyncio.Future[None]) -> None:
        """Until the broker has answered what was delivered after its client went."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                while self._waiting and not answers.done():
                    await asyncio.sleep(0.01)


async def _frame(reader: asyncio.StreamReader) -> bytes:
    length = int.from_bytes(await reader.readexactly(4), "big")
    if length > MOST_BYTES:
        raise ValueError(f"a frame of {length} bytes")
    return await reader.readexactly(length)


async def _write(writer: asyncio.StreamWriter, frame: bytes) -> None:
    writer.write(len(frame).to_bytes(4, "big") + frame)
    await writer.drain()


def _done(frame: bytes, version: int) -> bytes:
    """The answer to WriteTxnMarkers as if all its markers were written."""
    asked: Any = cast(Any, WriteTxnMarkersRequest).decode(frame, version=version, header=True)
    answer: Any = cast(Any, WriteTxnMarkersResponse)
    markers = [
        answer.WritableTxnMarkerResult(
            producer_id=marker.producer_id,
            topics=[
                answer.WritableTxnMarkerResult.WritableTxnMarkerTopicResult(
                    name=topic.name,
                    partitions=[
                        answer.WritableTxnMarkerResult.WritableTxnMarkerTopicResult.WritableTxnMarkerPartitionResult(
                            partition_index=index, error_code=0
                        )
                        for index in topic.partition_indexes
                    ],
                )
                for topic in marker.topics
            ],
        )
        for marker in asked.markers
    ]
    return cast(bytes, answer(markers=markers).encode(version=version))
