"""How long the bus waits for anything, and how much it takes at once. Every wait of hub/bus ends by one of these."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Milliseconds = Annotated[int, Field(gt=0, le=600_000)]

HUB_RECORD_BYTES = 4 * 1024 * 1024  # max.message.bytes of the topics that the hub writes
AGENCY_RECORD_BYTES = 1024 * 1024  # ... and of those that an agency writes: what fits there fits quarantine, whole
FETCH_BYTES = 8 * 1024 * 1024  # of one partition at a time; over the largest record
REQUEST_BYTES = 16 * 1024 * 1024  # of one request to a broker
HUB_BATCH_BYTES = 900_000  # under every topic's limit: a batch over it is split, record by record
AGENCY_BATCH_BYTES = 256 * 1024


class Limits(BaseModel):
    """Times in milliseconds. Each of the first six is longer than the one before, so that the inner wait ends first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    request_ms: Milliseconds = Field(5_000, description="one request to a broker")
    delivery_ms: Milliseconds = Field(10_000, description="a batch with all its retries")
    wait_ms: Milliseconds = Field(12_000, description="one step of ours: flush, offsets, commit, a committed offset")
    transaction_ms: Milliseconds = Field(20_000, description="until the broker aborts an open transaction")
    watchdog_ms: Milliseconds = Field(30_000, description="without a sign of life, until the process is ended")
    max_poll_ms: Milliseconds = Field(60_000, description="between two polls, until the group goes on without us")
    session_ms: Milliseconds = Field(10_000, description="without a heartbeat, until the group goes on without us")
    heartbeat_ms: Milliseconds = Field(2_000, description="between two heartbeats; three fit into a session")

    @model_validator(mode="after")
    def _nested(self) -> Self:
        order = ("request_ms", "delivery_ms", "wait_ms", "transaction_ms", "watchdog_ms", "max_poll_ms")
        for inner, outer in pairwise(order):
            if getattr(self, inner) >= getattr(self, outer):
                raise ValueError(f"{inner} must be shorter than {outer}")
        if 3 * self.heartbeat_ms > self.session_ms:
            raise ValueError("three heartbeat_ms must fit into session_ms")
        return self
