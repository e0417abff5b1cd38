"""Files as a source: given ones, or a folder into which another system puts them. A file is taken only when it is complete.

A position is a file with the running number of the record in it. In a folder, a file whose records are committed is moved to
`done/`; after a crash in between, the position tells that it was. Another system may use a name again, so a file is known by
its name, size and time of writing together.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

UNFINISHED_SUFFIXES: Final = (".part", ".tmp", ".filepart", ".crdownload", ".lock")


class FilePosition(BaseModel):
    """After `record` records of `file`; `end`: after its last one. `mark` tells the file from another of that name."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    file: str
    record: int
    end: bool = False
    mark: str = ""

    def text(self) -> str:
        return json.dumps(self.model_dump())


class LostPosition(ValueError):
    """The file that was being read is gone: its other records cannot be read. Put it back, or rewind the connector."""


class NoFolder(ValueError):
    """The folder into which files are put is not there."""


@dataclass(frozen=True)
class Taken:
    """A file to read; its first `skip` records were published before."""

    path: Path
    skip: int
    mark: str

    def position(self, record: int, *, end: bool = False) -> str:
        """The position after a record of this file, or after its last."""
        return FilePosition(file=self.path.name, record=record, end=end, mark=self.mark).text()


class Files:
    """The files of a source, in the order of their names."""

    def __init__(self, paths: Sequence[Path] = (), folder: Path | None = None, quiet_s: float = 2.0) -> None:
        """`quiet_s`: a file in `folder` is complete when it was not written to for so long. Raises NoFolder."""
        if folder is not None and not folder.is_dir():
            raise NoFolder(f"{folder}: no such folder")
        self._paths = tuple(paths)
        self._folder = folder
        self._quiet_s = quiet_s

    def taken(self, after: str | None) -> Iterator[Taken]:
        """The files from a position on. Raises LostPosition."""
        position = _position(after)
        waiting = self._waiting()
        current = next((at for at, path in enumerate(waiting) if position and _is_file_of(path, position)), None)
        if position is not None and current is None and not position.end:
            raise LostPosition(f"{position.file}: gone, or another one, after record {position.record}")
        if current is not None:
            path = waiting.pop(current)
            if position is not None and not position.end:
                yield Taken(path, position.record, _mark(path))
            if self._folder is None:  # given files stay where they are: those before this one were read
                del waiting[:current]
        for path in waiting:
            yield Taken(path, 0, _mark(path))

    def settled(self, position: str) -> None:
        """What was read up to here is committed: a finished file leaves the folder."""
        done = _position(position)
        if self._folder is None or done is None or not done.end:
            return
        path = self._folder / done.file
        if path.exists() and _is_file_of(path, done):
            target = self._folder / "done" / done.file
            target.parent.mkdir(exist_ok=True)
            if target.exists():
                target = target.with_name(f"{target.name}.{time.time_ns()}")
            path.rename(target)

    def _waiting(self) -> list[Path]:
        if self._folder is None:
            return list(self._paths)
        newest_s = time.time() - self._quiet_s
        return sorted(path for path in self._folder.iterdir() if _is_complete(path, newest_s))


def _is_file_of(path: Path, position: FilePosition) -> bool:
    return path.name == position.file and _mark(path) == position.mark


def _mark(path: Path) -> str:
    """What tells a file from another of its name; moving it changes nothing."""
    found = path.stat()
    return f"{found.st_size}-{found.st_mtime_ns}"


def _is_complete(path: Path, newest_s: float) -> bool:
    if path.name.startswith(".") or path.name.endswith(UNFINISHED_SUFFIXES) or not path.is_file():
        return False
    return path.stat().st_mtime <= newest_s


def _position(text: str | None) -> FilePosition | None:
    if text is None:
        return None
    try:
        return FilePosition.model_validate_json(text)
    except ValidationError:
        raise LostPosition("this is not a position of a file source: rewind the connector") from None
