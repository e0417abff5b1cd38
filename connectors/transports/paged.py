"""Another system's list, read page by page over HTTP, again and again: what is new in it, what changed, what is gone.

One look at the list is a pass. Pages may shift while they are turned: an item is known by its key, so one seen twice is one,
and one that slipped through is found by the next pass. An item counts as gone when `gone_after` whole passes in a row did not
have it; a pass with an item that could not be read says nothing about that, since it may be the one. What was published is
remembered (key and digest, no content), in a file if there is one; a page that the server calls unchanged is not asked for
again. What an item means is left to the mapping.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal

import httpx
from pydantic import Field, SecretStr

from connectors.formats.strict_json import JsonValue
from connectors.sdk import BadRecord, Options, Original, Read, Rejected, Transient

from .addresses import Resolve, resolved
from .outgoing import NOT_MODIFIED, Outgoing, Reach
from .paged_known import BAD, Known
from .paged_page import BadPage, Page, PageItem, page_of

STUCK_PAGES: Final = 3  # in a row without a new item: the pages go round


class NextLink(Options):
    style: Literal["link"] = "link"
    at: str | None = Field(
        None, description="path to the next page's address, as in _links.next.href; without, Link header"
    )


class PageNumber(Options):
    style: Literal["page"]
    parameter: str = Field("page", description="query parameter for the page's number")
    first: int = Field(1, ge=0, description="number of the first page")
    step: int = Field(1, ge=1, le=10_000, description="from one page to the next; for an offset, the size of a page")


class PagedOptions(Reach):
    url: SecretStr = Field(description="the list's address, with its query")
    headers: dict[str, SecretStr] = Field(default_factory=dict, description="headers of each request, as for a key")
    items: str = Field(
        "", description="path to the list in a page, as in _embedded.notices; without, the page is the list"
    )
    key: str = Field(min_length=1, description="path in an item to what names it for ever")
    pages: Annotated[NextLink | PageNumber, Field(discriminator="style")] = NextLink()
    every_s: float = Field(300.0, ge=0, le=604_800, description="seconds from one pass to the next")
    max_pages: int = Field(1_000, ge=1, le=100_000, description="pages in a pass")
    max_items: int = Field(200_000, ge=1, le=1_000_000, description="items in a pass")
    depth: int = Field(32, ge=1, le=100, description="the deepest nesting of an item")
    gone_after: int = Field(2, ge=1, le=100, description="passes in a row without an item after which it is gone")
    memory: Path | None = Field(None, description="a file for what was published; without, a restart reads all as news")
    answer_bytes: int = Field(8_000_000, gt=0, le=64_000_000, description="the largest page that is read")


@dataclass(frozen=True)
class Item:
    key: str = field(repr=False)
    value: JsonValue = field(repr=False)


@dataclass(frozen=True)
class Gone:
    """The list does not have this item any more."""

    key: str = field(repr=False)


class BadPages(Transient):
    """The pages cannot be followed: not JSON, in a circle, too many. The address or `pages` may be wrong."""


@dataclass(frozen=True)
class _Kept:
    """A page as it was last: what the server needs to say that it is unchanged, and what stood in it."""

    conditions: dict[str, str]
    items: tuple[tuple[str, bytes], ...] = field(repr=False)
    next: str | None = field(repr=False)


@dataclass
class _Pass:
    """One look at the list, while it goes on."""

    name: str
    count: int = 0
    whole: bool = True
    over: bool = False
    seen: dict[str, bytes] = field(default_factory=dict, repr=False)

    def position(self) -> str:
        return f"{self.name}/{self.count}"


class PagedList:
    """A list over HTTP as a source's records: Item, Gone, and None where a pass ends."""

    def __init__(
        self,
        options: PagedOptions,
        ask: str | None = None,
        resolve: Resolve = resolved,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`ask`: whom to ask for the original of an item (see Original). Raises BadAddress; ValueError if `memory` is not
        such a file."""
        self._options = options
        self._ask = ask
        self._outgoing = Outgoing(options.url.get_secret_value(), options, resolve)
        self._now_s = now_s
        self._due_s = now_s()
        self._known = Known(options.memory)
        self._kept: dict[str, _Kept] = {}
        self._pass: _Pass | None = None

    def read(self, after: str | None) -> Iterator[Read[Item | Gone | None] | BadRecord]:
        """What is new, changed or gone, if a pass is due; all of it again that was not committed.

        Raises Transient (also BadPages, Credentials ...) and Rejected.
        """
        unfinished = self._pass is not None and self._pass.count > 0 and after != self._pass.position()
        if self._now_s() < self._due_s and not unfinished:
            return
        self._known.begin()
        self._pass = at = _Pass(secrets.token_hex(6))
        for page in self._pages(at):
            yield from self._items(at, page)
        for key in [] if not at.whole else self._known.gone(at.seen.keys(), self._options.gone_after):
            yield self._said(at, Gone(key), None)
        self._due_s = self._now_s() + self._options.every_s
        if at.count:
            at.count, at.over = at.count + 1, True
            yield Read(None, at.position(), records=0, settle=True)

    def standing(self) -> Iterator[Read[Item]]:
        """Every item that the list has now, whatever was said before; passes go on as if nobody had asked. Raises as `read`."""
        at = _Pass("")
        for page in self._pages(at, whole=True):
            for item in page.items:
                name = BAD + item.digest.hex() if item.key is None else item.key
                if name in at.seen:
                    continue
                at.seen[name] = item.digest
                if item.key is not None:  # a bad one is told when it is read
                    yield Read(Item(item.key, item.value), "", "list", len(at.seen), original=self._original(item))

    def settled(self, position: str) -> None:
        """Committed up to here: it is not said again."""
        name, _, count = position.partition("/")
        if self._pass is not None and name == self._pass.name:
            self._known.settle(int(count), last=self._pass.over and int(count) == self._pass.count)

    def check(self) -> None:
        """Reads the first page. Raises as `read`."""
        self._page(self._first(), first=True)

    def close(self) -> None:
        self._outgoing.close()

    def _pages(self, at: _Pass, whole: bool = False) -> Iterator[Page]:
        """The pages of one look, each taken into `at.seen` by the caller; `whole`: also those that are unchanged."""
        url: httpx.URL | None = self._first()
        turned: set[str] = set()
        stuck = 0
        while url is not None:
            if str(url) in turned or stuck >= STUCK_PAGES:
                raise BadPages("the pages go in a circle")
            if len(turned) >= self._options.max_pages or len(at.seen) > self._options.max_items:
                raise BadPages("more pages or items than the limit")
            turned.add(str(url))
            before = len(at.seen)
            page = self._page(url, first=len(turned) == 1, whole=whole)
            if page is None:
                return
            yield page
            stuck = stuck + 1 if len(at.seen) == before and page.items else 0
            url = self._next(url, page, len(turned))

    def _items(self, at: _Pass, page: Page) -> Iterator[Read[Item | Gone | None] | BadRecord]:
        for item in page.items:
            if item.key is None:
                yield from self._bad(at, item)
                continue
            if at.seen.get(item.key) == item.digest:
                continue
            at.seen[item.key] = item.digest
            if not self._known.has(item.key, item.digest):
                yield self._said(at, Item(item.key, item.value), item.digest, self._original(item))

    def _original(self, item: PageItem) -> Original | None:
        return Original(item.original, "application/json", self._ask) if self._ask else None

    def _bad(self, at: _Pass, item: PageItem) -> Iterator[BadRecord]:
        """Told once, as long as it stays as it is."""
        at.whole = False
        key = BAD + item.digest.hex()
        at.seen[key] = item.digest
        if not self._known.has(key, item.digest):
            at.count += 1
            self._known.say(at.count, key, item.digest)
            yield BadRecord("list", item.reason, line=item.line, code=item.code, position=at.position())

    def _said(
        self, at: _Pass, native: Item | Gone, digest: bytes | None, original: Original | None = None
    ) -> Read[Item | Gone | None]:
        at.count += 1
        self._known.say(at.count, native.key, digest)
        return Read(native, at.position(), file="list", line=at.count, original=original)

    def _page(self, url: httpx.URL, first: bool, whole: bool = False) -> Page | None:
        """One page; None after the last, where servers that count pages may say 404. `whole`: not to be told that it is
        unchanged."""
        kept = None if whole else self._kept.get(str(url))
        if kept is not None and not all(self._known.has(key, digest) for key, digest in kept.items):
            kept = None  # something of it was never committed: have the whole page again
        headers = {name: value.get_secret_value() for name, value in self._options.headers.items()}
        headers |= {"Accept": "application/json", "User-Agent": "Enlace"} | (kept.conditions if kept else {})
        try:
            answer = self._outgoing.ask("GET", url, headers)
        except Rejected as rejected:
            if rejected.reason == "http-404" and not first and isinstance(self._options.pages, PageNumber):
                return None
            raise
        if answer.status == NOT_MODIFIED:
            if kept is None:
                raise BadPages("answered 304 without having been asked")
            return Page.unchanged(kept.items, kept.next)
        link_at = self._options.pages.at if isinstance(self._options.pages, NextLink) else None
        try:
            page = page_of(answer.body, self._options.items, self._options.key, link_at, self._options.depth)
        except BadPage as bad:
            raise BadPages(str(bad)) from None
        if isinstance(self._options.pages, NextLink) and link_at is None:
            page = page.linked(httpx.Response(200, headers=dict(answer.headers)).links.get("next", {}).get("url"))
        self._keep(url, answer.headers.get("etag"), answer.headers.get("last-modified"), page)
        return page

    def _keep(self, url: httpx.URL, etag: str | None, modified: str | None, page: Page) -> None:
        conditions = {"If-None-Match": etag} if etag else {"If-Modified-Since": modified} if modified else None
        self._kept.pop(str(url), None)
        if conditions and all(item.key is not None for item in page.items):
            items = tuple((item.key, item.digest) for item in page.items if item.key is not None)
            self._kept[str(url)] = _Kept(conditions, items, page.next)
            while len(self._kept) > self._options.max_pages:
                del self._kept[next(iter(self._kept))]

    def _first(self) -> httpx.URL:
        pages = self._options.pages
        if isinstance(pages, PageNumber):
            return self._outgoing.url.copy_set_param(pages.parameter, pages.first)
        return self._outgoing.url

    def _next(self, url: httpx.URL, page: Page, turned: int) -> httpx.URL | None:
        pages = self._options.pages
        if isinstance(pages, PageNumber):
            if not page.items:
                return None
            return self._outgoing.url.copy_set_param(pages.parameter, pages.first + turned * pages.step)
        if page.next is None:
            return None
        try:
            following = url.join(page.next)
        except (httpx.InvalidURL, ValueError):
            raise BadPages("the next page's address is none") from None
        if (following.scheme, following.host, following.port) != (url.scheme, url.host, url.port):
            raise BadPages("the next page is at another host")
        return following.copy_with(fragment=None)
