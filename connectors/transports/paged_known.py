"""Which items of a list were published, by key and digest, and for how many passes each was missing.

What is said is known only once it is committed. The file is written when a pass is: after a crash in between, items are said
again, and the kit makes nothing of them.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

BAD: Final = "\0"  # begins the key of an item that could not be used: known so that it is told once


@dataclass
class _Entry:
    digest: bytes
    missing: int = 0


class Known:
    def __init__(self, path: Path | None) -> None:
        """Raises ValueError if the file is none of these."""
        self._path = path
        self._entries = _loaded(path) if path is not None and path.exists() else {}
        self._said: deque[tuple[int, str, bytes | None]] = deque()

    def begin(self) -> None:
        """A new pass: what was said and not committed is said again."""
        self._said.clear()

    def has(self, key: str, digest: bytes) -> bool:
        found = self._entries.get(key)
        return found is not None and found.digest == digest

    def say(self, count: int, key: str, digest: bytes | None) -> None:
        """The item is said as the `count`th of its pass; None: that it is gone."""
        self._said.append((count, key, digest))

    def settle(self, count: int, last: bool) -> None:
        """What was said up to `count` is committed; `last`: that was the pass."""
        while self._said and self._said[0][0] <= count:
            _, key, digest = self._said.popleft()
            if digest is None:
                self._entries.pop(key, None)
            else:
                self._entries[key] = _Entry(digest)
        if last and self._path is not None:
            _store(self._path, self._entries)

    def gone(self, seen: Collection[str], after: int) -> list[str]:
        """Called at the end of a whole pass that had these items: the keys that are gone now."""
        for key, entry in self._entries.items():
            entry.missing = 0 if key in seen else entry.missing + 1
        found = [key for key, entry in self._entries.items() if entry.missing >= after]
        for key in found:
            if key.startswith(BAD):
                del self._entries[key]
        return [key for key in found if not key.startswith(BAD)]


def _loaded(path: Path) -> dict[str, _Entry]:
    try:
        stored: Any = json.loads(path.read_bytes())
        return {str(key): _Entry(bytes.fromhex(digest), int(missing)) for key, (digest, missing) in stored.items()}
    except (ValueError, TypeError, AttributeError):
        raise ValueError(f"{path.name}: not the memory of a list: take it away, and all is read as news") from None


def _store(path: Path, entries: dict[str, _Entry]) -> None:
    """Whole or not at all, for the connector's eyes only."""
    partial = path.with_name(path.name + ".part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({key: [entry.digest.hex(), entry.missing] for key, entry in entries.items()}, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
