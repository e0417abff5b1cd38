"""Lists over HTTP, from a real server: what is new, changed or gone, though pages shift, repeat or fail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import stamina
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import JSONResponse, Response

from connectors.sdk import BadRecord, Credentials, Read, Rejected, Transient
from connectors.transports.addresses import AddressRefused
from connectors.transports.outgoing import Busy
from connectors.transports.paged import BadPages, Gone, Item, PagedList, PagedOptions
from connectors.transports.paged_page import BadPage, page_of
from tests.connectors.transports.servers import Seen, Stage, certificates, serving

SIZE = 3


@pytest.fixture(autouse=True)
def _no_pauses() -> Iterator[None]:
    with stamina.set_testing(True, attempts=10, cap=True):
        yield


@pytest.fixture(scope="module", autouse=True)
def _authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A short list of authorities: reading the system's takes longer than most of these tests."""
    few = certificates(tmp_path_factory.mktemp("few")).authority
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SSL_CERT_FILE", str(few))
        yield


class Notices:
    """Another system's list, in pages of three, told in whichever style."""

    def __init__(self, style: str = "link") -> None:
        self.style = style
        self.items: list[dict[str, Any]] = []
        self.failing: list[int] = []
        self.tags = False
        self.shift_after: dict[int, list[dict[str, Any]]] = {}  # items as they are after a page was served

    def put(self, *ids: str, **fields: object) -> None:
        left = [item for item in self.items if item["id"] not in ids]
        self.items = left + [{"id": each, **fields} for each in ids]

    def __call__(self, seen: Seen) -> Response:
        if self.failing:
            status = self.failing.pop(0)
            if status:
                return Response("words that nobody repeats", status)
        query = parse_qs(urlsplit(seen.url).query)
        first = int(query["offset"][0]) if self.style == "offset" else (int(query.get("page", ["1"])[0]) - 1) * SIZE
        page: dict[str, Any] = {"list": {"notices": self.items[first : first + SIZE]}}
        headers = {}
        if first + SIZE < len(self.items):
            following = f"/notices?page={first // SIZE + 2}"
            if self.style == "link":
                page["links"] = {"next": {"href": following}}
            if self.style == "header":
                headers["Link"] = f'<{following}>; rel="next"'
        tag = '"' + str(hash(json.dumps(page))) + '"'
        if self.tags:
            headers["ETag"] = tag
        self.items = self.shift_after.pop(first // SIZE + 1, self.items)
        if self.tags and seen.headers.get("if-none-match") == tag:
            return Response(status_code=304)
        return JSONResponse(page, headers=headers)


STYLES: dict[str, dict[str, Any]] = {
    "link": {"style": "link", "at": "links.next.href"},
    "header": {"style": "link"},
    "page": {"style": "page"},
    "offset": {"style": "page", "parameter": "offset", "first": 0, "step": SIZE},
}


def options(stage: Stage, style: str = "link", **fields: object) -> PagedOptions:
    return PagedOptions.model_validate(
        {
            "url": f"http://127.0.0.1:{stage.port}/notices",
            "items": "list.notices",
            "key": "id",
            "pages": STYLES[style],
            "allow_networks": ["127.0.0.0/8"],
            "allow_plain": True,
            "every_s": 0,
            "attempts": 2,
            **fields,
        }
    )


class Reader:
    """The kit: reads, and commits what it read."""

    def __init__(self, options: PagedOptions) -> None:
        self.list = PagedList(options)
        self.position: str | None = None

    def turn(self, commit: bool = True) -> list[str]:
        """What was said: keys, those that are gone with a minus, bad items with a question mark."""
        said = []
        for read in self.list.read(self.position):
            if commit:
                self.position = read.position
            if isinstance(read, BadRecord):
                said.append("?" + read.code)
            elif isinstance(read.native, Item):
                said.append(read.native.key)
            elif isinstance(read.native, Gone):
                said.append("-" + read.native.key)
        if commit and self.position:
            self.list.settled(self.position)
        return said


@contextmanager
def reading(notices: Notices, style: str = "link", **fields: object) -> Iterator[tuple[Reader, Stage]]:
    with serving(notices) as stage:
        reader = Reader(options(stage, style, **fields))
        try:
            yield reader, stage
        finally:
            reader.list.close()


IDS = [f"2026/{number}" for number in range(7)]


@pytest.mark.parametrize("style", STYLES)
def test_all_pages_are_read_and_then_only_what_changed(style: str) -> None:
    notices = Notices(style)
    notices.put(*IDS)
    with reading(notices, style) as (reader, _):
        reader.list.check()
        assert reader.turn() == IDS
        assert reader.turn() == []
        notices.put("2026/3", name="changed")
        notices.put("2026/9")
        assert reader.turn() == ["2026/3", "2026/9"]


def test_an_item_that_two_whole_passes_do_not_have_is_gone_once() -> None:
    notices = Notices()
    notices.put(*IDS)
    with reading(notices) as (reader, _):
        reader.turn()
        notices.items.pop(2)
        assert [reader.turn() for _ in range(4)] == [[], ["-2026/2"], [], []]
        notices.put("2026/2")
        assert reader.turn() == ["2026/2"]


def test_pages_that_shift_underneath_lose_nothing_and_say_nothing_twice() -> None:
    notices = Notices("page")
    notices.put(*IDS)
    with reading(notices, "page") as (reader, _):
        notices.shift_after = {1: notices.items[1:]}  # one goes, the others move up: one slips through
        first = reader.turn()
        assert len(first) == len(set(first)) == 6
        second = reader.turn()
        assert set(first) | set(second) == set(IDS) and not set(first) & set(second)
        new = {"id": "new"}
        notices.shift_after = {1: [new, *notices.items]}  # one comes, the others move down: one is seen twice
        assert reader.turn() == ["-2026/0"]
        assert reader.turn() == ["new"]


def test_a_pass_that_failed_says_of_no_item_that_it_is_gone() -> None:
    notices = Notices()
    notices.put(*IDS)
    with reading(notices) as (reader, _):
        reader.turn()
        for _ in range(3):
            notices.failing = [0, 500, 500]
            with pytest.raises(Busy):
                reader.turn()
        assert reader.turn() == []


def test_a_server_that_recovers_is_no_failure() -> None:
    notices = Notices()
    notices.put(*IDS)
    notices.failing = [503, 0, 429, 0]
    with reading(notices) as (reader, _):
        assert reader.turn() == IDS


def test_what_was_said_and_not_committed_is_said_again() -> None:
    notices = Notices()
    notices.put(*IDS)
    with reading(notices, every_s=3600) as (reader, _):
        assert reader.turn(commit=False) == IDS
        assert reader.turn() == IDS
        assert reader.turn() == []


def test_a_list_is_asked_for_no_more_often_than_agreed() -> None:
    notices = Notices()
    notices.put(*IDS)
    with reading(notices, every_s=3600) as (reader, stage):
        reader.turn()
        asked = len(stage.seen)
        assert reader.turn() == [] and len(stage.seen) == asked


def test_unchanged_pages_are_not_sent_again() -> None:
    notices = Notices()
    notices.tags = True
    notices.put(*IDS)
    with reading(notices) as (reader, stage):
        reader.turn()
        assert reader.turn() == [] and reader.turn() == []
        assert [seen.headers.get("if-none-match") is None for seen in stage.seen] == [True] * 3 + [False] * 6
        notices.items[6] = {"id": IDS[6], "name": "changed"}
        assert reader.turn() == [IDS[6]]
        notices.items.pop()
        assert [reader.turn() for _ in range(2)] == [[], ["-" + IDS[6]]]


def test_a_list_that_is_asked_again_says_all_that_it_has_and_passes_go_on_as_before() -> None:
    notices = Notices()
    notices.tags = True
    notices.put(*IDS)
    with reading(notices) as (reader, _):
        reader.turn()
        notices.items = [*notices.items[:3], *[{"number": number} for number in range(12)], *notices.items[3:6]]
        standing = [read.native.key for read in reader.list.standing()]
        assert standing == IDS[:6]
        assert [reader.turn() for _ in range(2)] == [["?item-without-key"] * 12, []]
        notices.items = notices.items[:2]
        assert [reader.turn() for _ in range(2)] == [[], ["-" + each for each in IDS[2:]]]


def test_an_unchanged_page_does_not_hide_what_was_never_committed() -> None:
    notices = Notices()
    notices.tags = True
    notices.put(*IDS)
    with reading(notices) as (reader, _):
        reader.turn(commit=False)
        assert reader.turn() == IDS


def test_with_a_memory_a_restart_says_nothing_twice_and_finds_what_went_meanwhile(tmp_path: Path) -> None:
    notices = Notices()
    notices.put(*IDS)
    memory = tmp_path / "known.json"
    with reading(notices, memory=memory) as (reader, stage):
        assert reader.turn() == IDS
        notices.items.pop(0)
        again = Reader(options(stage, memory=memory, gone_after=1))
        assert again.turn() == ["-2026/0"]
        again.list.close()
        assert memory.stat().st_mode & 0o077 == 0
        memory.write_text("[1]")
        with pytest.raises(ValueError, match=r"known\.json: not the memory of a list"):
            Reader(options(stage, memory=memory))


def test_a_bad_item_is_told_once_and_takes_no_other_with_it() -> None:
    bad = '{"list":{"notices":[{"id":"a"},{"id":"b","id":"c"},{"name":"x"},{"id":true},{"id":"d","deep":%s}]}}'
    body = bad % ("[" * 50 + "]" * 50)
    with serving(lambda _seen: Response(body)) as stage:
        reader = Reader(options(stage))
        assert reader.turn() == ["a", "?json-duplicate-key", "?item-without-key", "?item-without-key", "?json-too-deep"]
        assert reader.turn() == []
        reader.list.close()


def test_while_an_item_cannot_be_read_none_is_called_gone() -> None:
    bodies = ['[{"id":"a"},{"id":"b"}]', '[{"id":"a"},{"id":"b","id":"b"}]', '[{"id":"a"}]', '[{"id":"a"}]']
    with serving(lambda _seen: Response(bodies.pop(0))) as stage:
        reader = Reader(options(stage, items="", gone_after=1))
        assert reader.turn() == ["a", "b"]
        assert reader.turn() == ["?json-duplicate-key"]
        assert reader.turn() == ["-b"]
        reader.list.close()


@pytest.mark.parametrize("style", ["link", "page"])
def test_pages_that_go_in_a_circle_are_left(style: str) -> None:
    page = {"list": {"notices": [{"id": "a"}]}, "links": {"next": {"href": "/notices"}}}
    with serving(lambda _seen: JSONResponse(page)) as stage:
        reader = Reader(options(stage, style))
        with pytest.raises(BadPages, match="circle"):
            reader.turn()
        assert len(stage.seen) < 10
        reader.list.close()


def test_a_list_without_an_end_is_left_at_the_limit() -> None:
    def endless(seen: Seen) -> Response:
        number = int(parse_qs(urlsplit(seen.url).query).get("page", ["0"])[0])
        page = {"list": {"notices": [{"id": number}]}, "links": {"next": {"href": f"?page={number + 1}"}}}
        return JSONResponse(page)

    with serving(endless) as stage:
        reader = Reader(options(stage, max_pages=5))
        with pytest.raises(BadPages, match="limit"):
            reader.turn()
        assert len(stage.seen) == 5
        reader.list.close()


@pytest.mark.parametrize(
    "href", ["http://169.254.169.254/latest", "//127.0.0.1:1/", "https://127.0.0.1/", "file:///etc/passwd"]
)
def test_the_next_page_is_not_looked_for_elsewhere(href: str) -> None:
    page = {"list": {"notices": []}, "links": {"next": {"href": href}}}
    with serving(lambda _seen: JSONResponse(page)) as stage:
        reader = Reader(options(stage))
        with pytest.raises(BadPages, match="another host"):
            reader.turn()
        reader.list.close()


def test_addresses_inside_are_refused_here_too() -> None:
    with serving(Notices()) as stage:
        reader = Reader(options(stage, allow_networks=[]))
        with pytest.raises(AddressRefused):
            reader.turn()
        with pytest.raises(AddressRefused):
            reader.list.check()
        reader.list.close()
        assert stage.seen == []


def test_a_key_is_sent_and_a_refused_one_is_told_apart() -> None:
    def guarded(seen: Seen) -> Response:
        return Response("[]") if seen.headers.get("x-api-key") == "hidden" else Response(status_code=401)

    with serving(guarded) as stage:
        right = options(stage, items="", headers={"X-Api-Key": "hidden"})
        assert "hidden" not in repr(right)
        for found, wanted in ((right, True), (options(stage, items=""), False)):
            reader = Reader(found)
            if wanted:
                assert reader.turn() == []
            else:
                with pytest.raises(Credentials):
                    reader.turn()
            reader.list.close()


def test_the_end_of_numbered_pages_may_be_a_404_but_not_the_beginning() -> None:
    left = [JSONResponse({"list": {"notices": [{"id": "a"}]}}), Response(status_code=404), Response(status_code=404)]
    with serving(lambda _seen: left.pop(0)) as stage:
        reader = Reader(options(stage, "page"))
        assert reader.turn() == ["a"]
        with pytest.raises(Rejected):
            reader.turn()
        reader.list.close()


@pytest.mark.parametrize(
    "body", [b"", b"[", b"{}", b"[] []", b"\xff", b'"text"', b'{"list": {"notices": {}}}', b'{"list":[]}']
)
def test_what_is_no_page_is_told(body: bytes) -> None:
    with serving(lambda _seen: Response(body)) as stage:
        reader = Reader(options(stage))
        with pytest.raises(Transient):
            reader.turn()
        reader.list.close()


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
JSON = st.recursive(
    LEAVES, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=5), v, max_size=3), max_leaves=5
)
ITEMS = st.lists(JSON | st.fixed_dictionaries({"id": LEAVES, "more": JSON}), max_size=6)


@settings(max_examples=40)
@given(ITEMS, st.dictionaries(st.text(max_size=5), JSON, max_size=3))
def test_every_item_of_a_page_is_an_item_or_told(items: list[Any], others: dict[str, Any]) -> None:
    body = json.dumps({**others, "items": items}).encode()
    page = page_of(body, "items", "id", "next", 32)
    assert len(page.items) == len(items)
    assert [item.value for item in page.items if item.key is not None] == [
        item
        for item in items
        if isinstance(item, dict)
        and isinstance(item.get("id"), str | int)
        and not isinstance(item["id"], bool)
        and 0 < len(str(item["id"])) <= 500
    ]


@given(st.binary())
def test_whatever_bytes_come_are_a_page_or_told(body: bytes) -> None:
    try:
        page_of(body, "", "id", None, 32)
    except BadPage as told:
        assert str(told)


def test_positions_belong_to_their_pass() -> None:
    notices = Notices()
    notices.put("a")
    with reading(notices) as (reader, _):
        reads = [read for read in reader.list.read(None) if isinstance(read, Read)]
        assert [read.settle for read in reads] == [False, True]
        reader.list.settled("of/1")
        reader.list.settled("another pass/99")
        assert reader.turn() == ["a"]
