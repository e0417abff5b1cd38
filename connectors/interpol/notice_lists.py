"""INTERPOL's lists of notices over HTTP, as one source: one list for each colour, read one after the other.

Turning pages, and what is new, changed or gone, is connectors/transports/paged.py's. A list answer has a notice in short; its
details (sex, warrants) are what a file of notices has.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from connectors.sdk import BadRecord, Gap, Read
from connectors.transports.addresses import Resolve, resolved
from connectors.transports.paged import Gone, NextLink, PagedList, PagedOptions, PageNumber

ASK: Final = "INTERPOL, Oficina Central Nacional"


class NoticeListOptions(PagedOptions):
    """A list as INTERPOL's published interface gives it."""

    colour: Literal["red", "yellow"] = Field(description="which notices the list has")
    items: str = Field("_embedded.notices", description="path to the notices in a page")
    key: str = Field("entity_id", min_length=1, description="path in a notice to INTERPOL's own number")
    pages: Annotated[NextLink | PageNumber, Field(discriminator="style")] = NextLink(at="_links.next.href")


@dataclass(frozen=True)
class Withdrawn:
    """A notice that its list does not have any more. Numbers are of one colour: another may have the same."""

    colour: str
    entity_id: str = field(repr=False)


class LostPosition(Gap, ValueError):
    """The position is none of these lists: rewind the connector."""


class NoticeLists:
    """Several lists read in turn. A position is how far each of them was read."""

    def __init__(self, lists: Sequence[NoticeListOptions], resolve: Resolve = resolved) -> None:
        """Raises BadAddress; ValueError if a memory is no such file, or two lists have one."""
        memories = [each.memory for each in lists if each.memory is not None]
        if len(set(memories)) < len(memories):
            raise ValueError("memory: each list needs a file of its own")
        self._colours = [each.colour for each in lists]
        self._lists = [PagedList(each, ASK, resolve) for each in lists]

    def read(self, after: str | None) -> Iterator[Read[Any] | BadRecord]:
        """Reads of Item, Withdrawn and None. Raises what PagedList raises, and LostPosition."""
        at = self._position(after)
        for number, each in enumerate(self._lists):
            for item in each.read(at[number] or None):
                if item.position is not None:
                    at[number] = item.position
                if isinstance(item, Read) and isinstance(item.native, Gone):
                    withdrawn = Withdrawn(self._colours[number], item.native.key)
                    yield Read(withdrawn, json.dumps(at), item.file, item.line)
                else:
                    yield replace(item, position=json.dumps(at))

    def standing(self) -> Iterator[Read[Any]]:
        """Every notice that the lists have now."""
        for each in self._lists:
            yield from each.standing()

    def settled(self, position: str) -> None:
        for each, at in zip(self._lists, self._position(position), strict=True):
            if at:
                each.settled(at)

    def check(self) -> None:
        """Reads the first page of each."""
        for each in self._lists:
            each.check()

    def close(self) -> None:
        for each in self._lists:
            each.close()

    def _position(self, text: str | None) -> list[str]:
        """Lists that were added since begin at their beginning."""
        try:
            found = json.loads(text) if text is not None else []
        except ValueError:
            found = None
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise LostPosition("this is not a position of notice lists: rewind the connector")
        return [*found, *[""] * len(self._lists)][: len(self._lists)]
