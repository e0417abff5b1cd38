"""What a person asks of a connector while it runs: pause, resume, rewind. Files in its state folder, which the running process
looks at between two batches; they outlive a restart."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PAUSED: Final = "paused"
REWIND: Final = "rewind.json"
MAX_POSITION: Final = 10_000


@dataclass(frozen=True)
class Rewind:
    """Where the source is to begin again; None: at its beginning."""

    position: str | None


class Control:
    """The wishes that stand in a connector's state folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def paused(self) -> bool:
        return (self._folder / PAUSED).exists()

    def pause(self) -> None:
        """It stops publishing and taking deliveries after its current batch, and keeps running."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / PAUSED).touch()

    def resume(self) -> None:
        (self._folder / PAUSED).unlink(missing_ok=True)

    def ask_rewind(self, position: str | None) -> None:
        """Whole or not at all. Raises ValueError if the position is too long to be one."""
        if position is not None and not 0 < len(position) <= MAX_POSITION:
            raise ValueError(f"a position has 1 to {MAX_POSITION} characters")
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self._folder / f"{REWIND}.part"
        part.write_text(json.dumps({"position": position}), encoding="utf-8")
        part.replace(self._folder / REWIND)

    def rewind(self) -> Rewind | None:
        """The rewind that was asked for and not yet made."""
        try:
            found = json.loads((self._folder / REWIND).read_text(encoding="utf-8"))
            position = found["position"]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return Rewind(position) if position is None or isinstance(position, str) else None

    def rewound(self) -> None:
        """The bus has it."""
        (self._folder / REWIND).unlink(missing_ok=True)
