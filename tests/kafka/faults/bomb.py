"""A Produce request as an agency might write it that means harm: 700 MB in a record of some kilobytes, packed by zstd.

The frame is written by hand, as no client would send it: RFC 8878 has blocks of one repeated byte (RLE), 128 KiB in four
bytes. Kafka's record batch version 2 and its Produce request version 7 (the first with zstd) are those of the protocol guide.
"""

from __future__ import annotations

import socket
import struct
import time

from crc32c import crc32c

from hub.bus.records import varint

BLOCK_BYTES = 128 * 1024
ZSTD = 4  # the codec's number in a batch's attributes
MAGIC = 0xFD2FB528
RLE = 1
NOT_LEADER = 6
ANSWER_S = 60.0
MOST_ANSWER_BYTES = 2**20


def zeros(size_bytes: int, head: bytes, tail: bytes) -> bytes:
    """A zstd frame of `head`, `size_bytes` zero bytes (rounded up to whole blocks) and `tail`."""
    descriptor = 0b00000000  # no content size, no checksum, no dictionary; a window follows
    window = (17 - 10) << 3  # 128 KiB
    blocks = [_block(0, len(head)) + head]
    blocks += [_block(RLE, BLOCK_BYTES) + b"\0"] * (-(-size_bytes // BLOCK_BYTES))
    blocks.append(_block(0, len(tail), last=True) + tail)
    return struct.pack("<IBB", MAGIC, descriptor, window) + b"".join(blocks)


def _block(kind: int, size: int, *, last: bool = False) -> bytes:
    return (int(last) | kind << 1 | size << 3).to_bytes(3, "little")


def batch(key: bytes, size_bytes: int) -> bytes:
    """A record batch of one record, whose value is `size_bytes` (rounded up to whole blocks) of zeros."""
    value_bytes = -(-size_bytes // BLOCK_BYTES) * BLOCK_BYTES
    inner = b"\0\0\0" + varint(len(key)) + key + varint(value_bytes)  # attributes, time, offset, key, value's length
    tail = b"\0"  # no headers
    head = varint(len(inner) + value_bytes + len(tail)) + inner
    records = zeros(value_bytes, head, tail)
    checked = struct.pack(">hiqqqhii", ZSTD, 0, 0, 0, -1, -1, -1, 1) + records
    body = struct.pack(">iBI", -1, 2, crc32c(checked)) + checked
    return struct.pack(">qi", 0, len(body)) + body


def produce(port: int, topic: str, partition: int, records: bytes) -> int:
    """Sends it, again while the broker does not lead the partition yet; the error code that it answers.

    Raises OSError and EOFError if it does not answer.
    """
    deadline = time.monotonic() + ANSWER_S
    while (code := _produce(port, topic, partition, records)) == NOT_LEADER and time.monotonic() < deadline:
        time.sleep(0.05)
    return code


def _produce(port: int, topic: str, partition: int, records: bytes) -> int:
    name = topic.encode()
    body = struct.pack(">hhih", 0, 7, 1, -1)  # Produce, version 7, correlation id 1, no client id
    body += struct.pack(">hhii", -1, -1, int(ANSWER_S * 1000), 1)  # no transaction, all replicas, one topic
    body += struct.pack(">h", len(name)) + name + struct.pack(">iii", 1, partition, len(records)) + records
    with socket.create_connection(("127.0.0.1", port), ANSWER_S) as connection:
        connection.sendall(struct.pack(">i", len(body)) + body)
        answer = _read(connection, int.from_bytes(_read(connection, 4), "big"))
    # correlation id, one topic, its name, one partition, its number: the error code is next
    return int.from_bytes(answer[4 + 4 + 2 + len(name) + 4 + 4 :][:2], "big", signed=True)


def _read(connection: socket.socket, count: int) -> bytes:
    if count > MOST_ANSWER_BYTES:
        raise EOFError(f"an answer of {count} bytes")
    found = b""
    while len(found) < count:
        more = connection.recv(count - len(found))
        if not more:
            raise EOFError("the broker closed the connection")
        found += more
    return found
