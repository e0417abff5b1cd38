"""Files as a source: given ones, or a folder into which another system puts them. A file is taken only when it is complete.

A position is a file with the running number of the record in it. In a folder, a file whose records are committed is moved to
`done/`; after a crash in between, the position tells that it was. Another system may use a name again, so a file is known by
its name, size and time of writing together. What stands in a file is left to the formats.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final, Literal, TypeVar

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.sdk import BadRecord, Gap, Options, Read

log = structlog.get_logger()
Native = TypeVar("Native")
Complete = Literal["quiet", "marker"]

UNFINISHED_SUFFIXES: Final = (".part", ".tmp", ".filepart", ".crdownload", ".lock")
MARKER_SUFFIX: Final = ".done"
SKEW_S: Final = 3600.0  # by so much the clock of a shared folder may differ from ours


class FolderOptions(Options):
    """For a connector that reads a folder: `Files(folder=..., quiet_s=..., complete=...)`."""

    folder: Path = Field(description="a folder into which another system puts files")
    complete: Complete = Field(
        "quiet",
        description="when a file is complete: `quiet`, its size and time of writing stay the same for quiet_s; "
        "`marker`, a file of its name with .done at the end stands beside it",
    )
    quiet_s: float = Field(2.0, ge=0, le=3600, description="seconds without writing after which a file is complete")


class FilePosition(BaseModel):
    """After `record` records of `file`; `end`: after its last one. `mark` tells the file from another of that name."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    file: str
    record: int
    end: bool = False
    mark: str = ""

    def text(self) -> str:
        return json.dumps(self.model_dump())


class LostPosition(Gap, ValueError):
    """The file that was being read is gone: its other records cannot be read. Put it back, or rewind the connector."""


class NoFolder(ValueError):
    """The folder into which files are put is not there."""


class Unreadable(OSError):
    """The file in whose middle reading stopped may not be read now: mend its rights."""


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

    def __init__(
        self,
        paths: Sequence[Path] = (),
        folder: Path | None = None,
        quiet_s: float = 2.0,
        complete: Complete = "quiet",
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """`quiet_s` and `complete` as in FolderOptions. Raises NoFolder."""
        if folder is not None and not folder.is_dir():
            raise NoFolder(f"{folder}: no such folder")
        self._paths = tuple(paths)
        self._folder = folder
        self._quiet_s = quiet_s
        self._complete = complete
        self._now_s = now_s
        self._looks: dict[str, tuple[str, float]] = {}  # how each file looked, and since when
        self._told: dict[str, str] = {}  # unreadable files, each told once
        self._troubles: list[BadRecord] = []

    def taken(self, after: str | None) -> Iterator[Taken]:
        """The files from a position on; one that may not be read is passed over and told (`troubles`).

        Raises LostPosition, and Unreadable for the file that was being read.
        """
        position = _position(after)
        waiting = self._waiting(position)
        current = next((at for at, path in enumerate(waiting) if position and _is_file_of(path, position)), None)
        if position is not None and current is None and not position.end:
            raise LostPosition(f"{position.file}: gone, or another one, after record {position.record}")
        if current is not None:
            path = waiting.pop(current)
            if position is not None and not position.end:
                if not _may_be_read(path):
                    raise Unreadable(f"{path.name}: may not be read any more, after record {position.record}")
                yield Taken(path, position.record, _mark(path))
            if self._folder is None:  # given files stay where they are: those before this one were read
                del waiting[:current]
        for path in waiting:
            if self._is_readable(path):
                yield Taken(path, 0, _mark(path))

    def read(
        self, after: str | None, parse: Callable[[BinaryIO, str], Iterable[Read[Native] | BadRecord]]
    ) -> Iterator[Read[Native | None] | BadRecord]:
        """What `parse` makes of each file (its bytes and its name), with positions; its own are not looked at.

        After the last record of a file comes a Read of None without a record, which settles the file. `parse` must make
        the same of the same file again, since reading goes on by counting. Raises as `taken`.
        """
        for taken in self.taken(after):
            yield from self.troubles()
            number, name = 0, taken.path.name
            with taken.path.open("rb") as stream:
                for number, item in enumerate(parse(stream, name), start=1):
                    if number <= taken.skip:
                        continue
                    if isinstance(item, BadRecord):
                        yield replace(item, position=taken.position(number), file=name)
                    else:
                        yield _placed(item, taken.position(number), name)
            yield Read(None, taken.position(number, end=True), file=name, records=0, settle=True)
        yield from self.troubles()

    def troubles(self) -> list[BadRecord]:
        """The files that may not be read, each once, since this was last asked."""
        found, self._troubles = self._troubles, []
        return found

    def settled(self, position: str) -> None:
        """What was read up to here is committed: a finished file leaves the folder, its marker goes."""
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
            if self._complete == "marker":
                _marker(path).unlink(missing_ok=True)

    def _waiting(self, position: FilePosition | None) -> list[Path]:
        """The files that are complete. The one that is being read was, if it is still the same."""
        if self._folder is None:
            return list(self._paths)
        looked, self._looks = self._looks, {}
        complete = self._has_marker if self._complete == "marker" else lambda path: self._is_quiet(path, looked)
        found = sorted(path for path in self._folder.iterdir() if _is_candidate(path))
        return [path for path in found if (position and _is_file_of(path, position)) or complete(path)]

    @staticmethod
    def _has_marker(path: Path) -> bool:
        return not path.name.endswith(MARKER_SUFFIX) and _marker(path).exists()

    def _is_quiet(self, path: Path, looked: dict[str, tuple[str, float]]) -> bool:
        """Two looks, `quiet_s` apart, found the same, and its time of writing is past as well. The second alone would
        trust the clock of whoever wrote; a file of more than an hour ago needs no second look."""
        now_s = self._now_s()
        try:
            written_s, mark = path.stat().st_mtime, _mark(path)
        except OSError:  # gone since it was listed
            return False
        known, since_s = looked.get(path.name, (mark, now_s))
        if known != mark:
            since_s = now_s
        self._looks[path.name] = mark, since_s
        age_s = now_s - written_s
        return age_s >= self._quiet_s and (now_s - since_s >= self._quiet_s or age_s >= SKEW_S + self._quiet_s)

    def _is_readable(self, path: Path) -> bool:
        if _may_be_read(path):
            self._told.pop(path.name, None)
            return True
        try:
            mark = _mark(path)
        except OSError:
            mark = ""
        if self._told.get(path.name) != mark:
            self._told[path.name] = mark
            self._troubles.append(BadRecord(path.name, "the file may not be read: mend its rights", code="unreadable"))
            log.warning("files.unreadable")
        return False


def _placed(read: Read[Native], position: str, name: str) -> Read[Native | None]:
    return Read(read.native, position, name, read.line, read.segment, read.records, original=read.original)


def _is_file_of(path: Path, position: FilePosition) -> bool:
    try:
        return path.name == position.file and _mark(path) == position.mark
    except OSError:  # gone
        return False


def _mark(path: Path) -> str:
    """What tells a file from another of its name; moving it changes nothing."""
    found = path.stat()
    return f"{found.st_size}-{found.st_mtime_ns}"


def _marker(path: Path) -> Path:
    return path.with_name(path.name + MARKER_SUFFIX)


def _may_be_read(path: Path) -> bool:
    try:
        with path.open("rb"):
            return True
    except OSError:
        return False


def _is_candidate(path: Path) -> bool:
    return not path.name.startswith(".") and not path.name.endswith(UNFINISHED_SUFFIXES) and path.is_file()


def _position(text: str | None) -> FilePosition | None:
    if text is None:
        return None
    try:
        return FilePosition.model_validate_json(text)
    except ValidationError:
        raise LostPosition("this is not a position of a file source: rewind the connector") from None
