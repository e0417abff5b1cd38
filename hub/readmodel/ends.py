"""An alert's end as it is recorded: what followed from an order to expire or forget it, which names the alert and carries
nothing of it. Taking it in is called by taking.py, its rows are written by writing.py."""

from __future__ import annotations

from typing import Any, NamedTuple

from hub.bus.bus import Record, TopicPartition

from . import tidy

EXPIRED = "expired"


class Ended(NamedTuple):
    """An end, tidied. `row`: of the table. `sent`: (agency, delivery id) of the withdrawals that it ordered."""

    row: tuple[Any, ...]
    log_ms: int
    partition: int
    offset: int
    alert: bytes
    revision: int
    outcome: str
    sent: tuple[tuple[str, bytes], ...]


def ended(fields: dict[str, Any], verdict: bytes, at: TopicPartition, record: Record) -> Ended:
    """`fields`: of the record; `verdict`: the fragment that tells of each agency."""
    outcome, source = tidy.code(fields["outcome"]), fields["source"]
    revision = tidy.number(fields["revision"])
    row = (
        at.partition,
        record.offset,
        record.timestamp_ms,
        tidy.words(source["topic"], 249),
        source["partition"],
        source["offset"],
        fields["decided_ms"],
        fields["bundle"],
        outcome,
        fields["alert"],
        revision,
        verdict,
    )
    sent = tuple(
        (tidy.code(each["agency"])[:40], each["delivery"])
        for each in fields["outcomes"]
        if each["delivery"] is not None
    )
    return Ended(row, record.timestamp_ms, at.partition, record.offset, fields["alert"], revision, outcome, sent)


def verdict_of(fields: dict[str, Any]) -> list[list[Any]]:
    """Each agency's outcome as a decision's verdict has it."""
    return [[tidy.code(each["agency"])[:40], tidy.code(each["reason"]), []] for each in fields["outcomes"]]
