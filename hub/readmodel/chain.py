"""The chain of positions (KAFKA.md, rule 16): is every record of a partition accounted for, and each once? Pure.

Every decision, note and quarantined record says which record of its source it is about, and which was the one before. The
links arrive by two topics (decisions and quarantine), so that they are out of order for a while: unbroken pieces are kept, and
grow together. What is whole is one piece from -1. A gap that stays once both topics were read to their ends is a break.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

START: Final = -1  # there was no record before


class Place(NamedTuple):
    """A partition of a source topic."""

    topic: str
    partition: int


class Piece(NamedTuple):
    """From after `previous` to `last`."""

    previous: int
    last: int


class Pieces:
    """The pieces of one partition, none touching another."""

    def __init__(self, pieces: Iterable[Piece] = ()) -> None:
        self._pieces = sorted(pieces)

    def __iter__(self) -> Iterator[Piece]:
        return iter(self._pieces)

    def add(self, previous: int, offset: int) -> bool:
        """Takes a link in; False if this record, or one between, is accounted for already: a repeat. It changes nothing."""
        pieces = self._pieces
        if pieces and pieces[-1].last == previous < offset:  # nearly always
            pieces[-1] = Piece(pieces[-1].previous, offset)
            return True
        at = bisect_right(pieces, Piece(previous, offset))
        if offset <= previous or self._overlaps(at, previous, offset):
            return False
        joined = Piece(previous, offset)
        if at < len(pieces) and pieces[at].previous == offset:
            joined = Piece(joined.previous, pieces.pop(at).last)
        if at and pieces[at - 1].last == previous:
            joined = Piece(pieces.pop(at - 1).previous, joined.last)
        insort(pieces, joined)
        return True

    def _overlaps(self, at: int, previous: int, offset: int) -> bool:
        before = self._pieces[at - 1].last if at else START - 1
        after = self._pieces[at].previous if at < len(self._pieces) else offset
        return before > previous or after < offset

    def gaps(self) -> list[Piece]:
        """What is missing: after `previous`, up to `last`. The record at `last` is the latest of each gap."""
        found, reached = [], START
        for piece in self._pieces:
            if piece.previous != reached:
                found.append(Piece(reached, piece.previous))
            reached = piece.last
        return found

    def forgive(self) -> None:
        """Takes the gaps as they are: what stood there is not kept any more."""
        if self._pieces:
            self._pieces = [Piece(START, self._pieces[-1].last)]


class Chain:
    """All partitions. What changed since the last `saved()` is told by `changes()`, so that it can be written."""

    def __init__(self, rows: Iterable[tuple[str, int, int, int]] = ()) -> None:
        """`rows`: topic, partition, previous, last."""
        kept: dict[Place, list[Piece]] = {}
        for topic, partition, previous, last in rows:
            kept.setdefault(Place(topic, partition), []).append(Piece(previous, last))
        self._pieces = {place: Pieces(pieces) for place, pieces in kept.items()}
        self._saved = {place: frozenset(pieces) for place, pieces in self._pieces.items()}
        self._touched: set[Place] = set()

    def add(self, place: Place, previous: int, offset: int) -> bool:
        """Takes a link in; False if it is a repeat."""
        pieces = self._pieces.get(place)
        if pieces is None:
            pieces = self._pieces[place] = Pieces()
        self._touched.add(place)
        return pieces.add(previous, offset)

    def changes(self) -> tuple[list[tuple[str, int, int]], list[tuple[str, int, int, int]]]:
        """Rows to delete (topic, partition, previous), then rows to write (topic, partition, previous, last)."""
        gone, come = [], []
        for place in self._touched:
            before, after = self._saved.get(place, frozenset()), frozenset(self._pieces[place])
            starts = {piece.previous for piece in after}
            gone += [(*place, piece.previous) for piece in before - after if piece.previous not in starts]
            come += [(*place, *piece) for piece in after - before]
        return sorted(gone), sorted(come)

    def saved(self) -> None:
        """What changed was committed."""
        for place in self._touched:
            self._saved[place] = frozenset(self._pieces[place])
        self._touched.clear()

    def gaps(self) -> dict[Place, list[Piece]]:
        """Every gap, by partition."""
        return {place: found for place, pieces in self._pieces.items() if (found := pieces.gaps())}

    def forgive(self, place: Place) -> None:
        """See Pieces.forgive."""
        self._pieces[place].forgive()
        self._touched.add(place)
