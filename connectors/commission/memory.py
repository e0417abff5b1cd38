"""What the Commission has told before, in its own database: each release with its true counts, which never leave it.

Without this memory nobody could say whether a new release and an old one together tell of a few persons. It holds counts,
and no person. A release is remembered before it is published: one that was never sent is sent at the next start.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import BigInteger, Column, Engine, Integer, MetaData, RowMapping, String, Table, Text, insert, select
from sqlalchemy.exc import IntegrityError, OperationalError

from connectors.sdk import Transient

from .cells import Where
from .periods import Period
from .releases import Release

metadata = MetaData()
releases = Table(
    "statistics_release",
    metadata,
    Column("class", String(64), primary_key=True),
    Column("first_month", Integer, primary_key=True),  # counted from January of the year 0
    Column("months", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("k", Integer, nullable=False),
    Column("cells", Text, nullable=False),  # JSON: [[where, count, whether it was told], ...]
    Column("at_ms", BigInteger, nullable=False),
)


class Memory:
    """All releases so far."""

    def __init__(self, engine: Engine) -> None:
        """Raises Transient when the database is not ready."""
        self._engine = engine
        try:
            metadata.create_all(engine)
        except OperationalError as error:
            raise Transient(type(error).__name__) from None

    def all(self) -> list[Release]:
        """By class, period and number. Raises Transient."""
        try:
            with self._engine.connect() as connection:
                rows = connection.execute(select(releases).order_by(*releases.primary_key.columns)).mappings().all()
        except OperationalError as error:
            raise Transient(type(error).__name__) from None
        return [_release(row) for row in rows]

    def add(self, new: Sequence[Release], now_ms: int) -> None:
        """In one transaction. Raises Transient, also if another process has added the same."""
        if not new:
            return
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(releases), [_row(each, now_ms) for each in new])
        except (OperationalError, IntegrityError) as error:
            raise Transient(type(error).__name__) from None


def _row(release: Release, now_ms: int) -> dict[str, object]:
    cells = [[list(where), count, release.cells[where] is not None] for where, count in release.counts.items()]
    return {
        "class": release.alert_class,
        "first_month": release.period.first,
        "months": release.period.months,
        "number": release.number,
        "k": release.k,
        "cells": json.dumps(cells),
        "at_ms": now_ms,
    }


def _release(row: RowMapping) -> Release:
    counts: dict[Where, int] = {}
    cells: dict[Where, int | None] = {}
    for where, count, shown in json.loads(row["cells"]):
        counts[Where(*where)] = count
        cells[Where(*where)] = count if shown else None
    period = Period(row["first_month"], row["months"])
    return Release(row["class"], period, row["k"], row["number"], cells, counts)
