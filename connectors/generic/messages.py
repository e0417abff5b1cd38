"""JSON messages by mapping files, as a system sends them over signed HTTP, or as JSON lines in files.

What the connector `intake` and the parties that send messages have in common. Listening is connectors/transports/intake.py's,
which needs the extra `http` and is imported only where somebody listens: converting files works without. What a message means
is the mapping's (docs/connectors/mapping.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal, Protocol

from pydantic import Field, model_validator

from connectors.sdk import Alert, BadNative, BadRecord, Cancel, Note, Options, Original, Read
from connectors.sdk.mapping import Mapping as MappingOfRecords
from connectors.transports.files import Files
from connectors.transports.intake_options import IntakeOptions

from .json_lines import MOST_COLUMNS_TOLD, objects

if TYPE_CHECKING:
    from connectors.transports.intake import Intake

MEDIA_TYPE: Final = "application/json"
NOT_AN_OBJECT: Final = "a message must be a JSON object"
Message = Mapping[str, Any]


class MessageOptions(Options):
    """Where messages come from: `listen`, or `folder`; `files` are read in place of either."""

    listen: IntakeOptions | None = Field(None, description="listen for signed messages over HTTP")
    files: tuple[Path, ...] = Field((), description="files of JSON lines to read")
    folder: Path | None = Field(None, description="a folder into which files of JSON lines are put")
    complete: Literal["quiet", "marker"] = Field(
        "quiet", description="when a file in the folder is complete: not written to for a while, or NAME.done beside it"
    )
    quiet_s: float = Field(2.0, ge=0, le=3600, description="seconds without writing after which a file is complete")

    @model_validator(mode="after")
    def _one_way_in(self) -> MessageOptions:
        if not self.files and (self.listen is None) == (self.folder is None):
            raise ValueError("set one of `listen` and `folder`, or name `files`")
        return self


class Messages(Protocol):
    """What messages mean: a mapping, or several."""

    def alerts(self, native: Message, /) -> Iterable[Alert | Cancel | Note]:
        """Raises BadNative."""

    def unmapped_of(self, native: Message, /) -> list[Note]: ...


class ByKind:
    """Messages of several kinds, told apart by a field; each kind has a mapping of its own."""

    def __init__(self, field: str, mappings: Mapping[str, MappingOfRecords]) -> None:
        self._field = field
        self._mappings = mappings

    def alerts(self, native: Message, /) -> Iterator[Alert | Cancel | Note]:
        mapping = self._of(native)
        if mapping is None:
            known = ", ".join(self._mappings)
            raise BadNative(f"is no kind of message that is known here ({known})", self._field)
        yield from mapping.alerts(native)

    def unmapped_of(self, native: Message, /) -> list[Note]:
        mapping = self._of(native)
        return mapping.unmapped_of(native) if mapping is not None else []

    def _of(self, native: Message) -> MappingOfRecords | None:
        kind = native.get(self._field)
        return self._mappings.get(kind) if isinstance(kind, str) else None


class MessageSource:
    """Messages as a source. `ask`: whom to ask for the original of a message."""

    def __init__(
        self, options: MessageOptions, messages: Messages, *, agency: str, ask: str | None, title: str
    ) -> None:
        """Raises NoFolder; ValueError if listening needs what is not installed, or its options do not fit; OSError."""
        self._options = options
        self._messages = messages
        self._ask = ask
        self._told: set[str] = set()
        listens = options.listen is not None and not options.files
        folder = None if options.files else options.folder
        self._files = Files(options.files, folder, options.quiet_s, options.complete)
        self._intake = self._listening(options.listen, agency, title) if listens and options.listen else None

    def start(self) -> int:
        """Listens from now on, and not from the first `read`; the port, 0 if it reads files. Raises CannotListen."""
        return self._intake.start() if self._intake is not None else 0

    def read(self, after: str | None) -> Iterator[Read[Message | None] | BadRecord]:
        """The messages after a position; None as a message ends a file."""
        yield from self._files.read(after, self._lines) if self._intake is None else self._heard(self._intake, after)

    def alerts(self, native: Message | None) -> Iterable[Alert | Cancel | Note]:
        return self._messages.alerts(native) if native is not None else ()

    def settled(self, position: str) -> None:
        (self._files if self._intake is None else self._intake).settled(position)

    def check(self) -> None:
        """Looks at the folder. Raises OSError."""
        if self._options.folder is not None:
            next(self._options.folder.iterdir(), None)

    def close(self) -> None:
        if self._intake is not None:
            self._intake.close()

    def _listening(self, options: IntakeOptions, agency: str, title: str) -> Intake:
        try:
            from connectors.transports.intake import Intake, Received, publishable  # noqa: PLC0415
        except ImportError:
            raise ValueError("listen: needs the extra `http` (fastapi, uvicorn)") from None

        def proposed(received: Received) -> Iterable[object]:
            if not isinstance(received.value, dict):
                raise BadNative(NOT_AN_OBJECT)
            return self._messages.alerts(received.value)

        return Intake(options, publishable(proposed, agency), {"type": "object"}, title, self._ask)

    def _heard(self, intake: Intake, after: str | None) -> Iterator[Read[Message | None] | BadRecord]:
        for item in intake.read(after):
            if isinstance(item, BadRecord):
                yield item
                continue
            value = item.native.value
            if not isinstance(value, dict):  # was taken under another version
                yield BadRecord(item.file, NOT_AN_OBJECT, line=1, code="json-not-an-object", position=item.position)
                continue
            for note in self._messages.unmapped_of(value):
                if note.field not in self._told and len(self._told) < MOST_COLUMNS_TOLD:
                    self._told.add(note.field)
                    yield BadRecord(item.file, note.reason, field=note.field, code=note.code, level="warning")
            yield Read(value, item.position, item.file, original=item.original)

    def _lines(self, stream: BinaryIO, file: str) -> Iterator[Read[Message] | BadRecord]:
        for item in objects(stream, file, self._messages):
            if isinstance(item, BadRecord):
                yield item
            else:
                original = Original(item.data, MEDIA_TYPE, self._ask) if self._ask else None
                yield Read(item.values, "", file, item.line, original=original)
