"""Another system's list over HTTP, each item an alert by a mapping file: a connector without code.

Turning pages, and what is new, changed or gone, is connectors/transports/paged.py's; what an item means is the mapping's
(docs/connectors/mapping.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from connectors.sdk import Alert, BadNative, BadRecord, Cancel, Connector, Note, Read
from connectors.sdk.mapping import load_mapping
from connectors.transports.paged import Gone, Item, PagedList, PagedOptions

from .json_lines import MOST_COLUMNS_TOLD


class PagedFeedOptions(PagedOptions):
    mapping: Path = Field(description="the mapping file: docs/connectors/mapping.md; its `key` is the one of the list")


class PagedSource:
    """Items by a mapping; one that is gone ends its alert."""

    def __init__(self, options: PagedFeedOptions) -> None:
        """Raises BadMapping, BadAddress; ValueError if the keys of mapping and list differ, or `memory` is no such file."""
        self.mapping = load_mapping(options.mapping)
        if self.mapping.file.key != (options.key,):
            raise ValueError("key: must be the one key of the mapping, or what is gone could not be known by it")
        original = self.mapping.file.original
        self._key = options.key
        self._list = PagedList(options, original.ask if original else None)
        self._told: set[str] = set()

    def read(self, after: str | None) -> Iterator[Read[Item | Gone | None] | BadRecord]:
        """Raises what PagedList raises."""
        for item in self._list.read(after):
            if isinstance(item, Read) and isinstance(item.native, Item) and isinstance(item.native.value, dict):
                yield from self._unmapped(item.native.value, item.file, item.line)
            yield item

    def standing(self) -> Iterator[Read[Item]]:
        """Every item that the list has now."""
        return self._list.standing()

    def alerts(self, native: Item | Gone | None) -> Iterable[Alert | Cancel | Note]:
        """Raises BadNative."""
        if native is None:
            return ()
        if isinstance(native, Gone):
            return [Cancel(self.mapping.key_of({self._key: native.key}))]
        if not isinstance(native.value, dict):
            raise BadNative("an item must be a JSON object")
        return self.mapping.alerts(native.value)

    def settled(self, position: str) -> None:
        self._list.settled(position)

    def check(self) -> None:
        """Reads the first page."""
        self._list.check()

    def close(self) -> None:
        self._list.close()

    def _unmapped(self, value: dict[str, Any], file: str, line: int | None) -> Iterator[BadRecord]:
        for note in self.mapping.unmapped_of(value):
            if note.field not in self._told and len(self._told) < MOST_COLUMNS_TOLD:
                self._told.add(note.field)
                yield BadRecord(file, note.reason, line=line, field=note.field, code=note.code, level="warning")


CONNECTOR = Connector(
    name="paged",
    agency="",
    title="Any system's list over HTTP by a mapping file",
    options=PagedFeedOptions,
    source=PagedSource,
)
