"""Files as a source: complete ones only, each once, whatever other systems do with names."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.sdk import BadRecord, Read
from connectors.transports.files import Files, LostPosition, NoFolder, Taken, Unreadable

LONG_AGO_S = 1_000_000_000


def put(path: Path, text: str = "x", at_s: int = LONG_AGO_S) -> Path:
    path.write_text(text)
    os.utime(path, (at_s, at_s))
    return path


def names(files: Files, after: str | None = None) -> list[tuple[str, int]]:
    return [(taken.path.name, taken.skip) for taken in files.taken(after)]


def first(files: Files) -> Taken:
    return next(iter(files.taken(None)))


def test_files_of_a_folder_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("2.edi", "10.edi", "1.edi"):
        put(tmp_path / name)
    assert names(Files(folder=tmp_path)) == [("1.edi", 0), ("10.edi", 0), ("2.edi", 0)]


def test_what_is_still_being_written_waits(tmp_path: Path) -> None:
    for name in ("a.part", "b.tmp", ".c", "d.filepart"):
        put(tmp_path / name)
    (tmp_path / "fresh.edi").write_text("x")
    (tmp_path / "done").mkdir()
    assert names(Files(folder=tmp_path, quiet_s=3600)) == []
    assert names(Files(folder=tmp_path, quiet_s=-1)) == [("fresh.edi", 0)]


def test_a_finished_file_leaves_the_folder_and_is_kept(tmp_path: Path) -> None:
    put(tmp_path / "a.edi", "first")
    files = Files(folder=tmp_path)
    files.settled(first(files).position(3))
    assert names(files) == [("a.edi", 0)]
    files.settled(first(files).position(3, end=True))
    assert names(files) == []
    assert (tmp_path / "done" / "a.edi").read_text() == "first"


def test_a_second_file_of_the_same_name_is_read_too_and_does_not_overwrite_the_first(tmp_path: Path) -> None:
    files = Files(folder=tmp_path)
    put(tmp_path / "a.edi", "first")
    position = first(files).position(1, end=True)
    files.settled(position)
    put(tmp_path / "a.edi", "other", at_s=LONG_AGO_S + 1)
    files.settled(position)  # a connector says so again at each start
    assert names(files, position) == [("a.edi", 0)]
    files.settled(first(files).position(1, end=True))
    assert sorted(path.read_text() for path in (tmp_path / "done").iterdir()) == ["first", "other"]


def test_a_file_that_was_finished_and_not_moved_is_not_read_again(tmp_path: Path) -> None:
    put(tmp_path / "a.edi")
    put(tmp_path / "b.edi")
    files = Files(folder=tmp_path)
    position = first(files).position(9, end=True)
    assert names(files, position) == [("b.edi", 0)]


def test_reading_goes_on_after_the_last_record_that_was_published(tmp_path: Path) -> None:
    put(tmp_path / "a.edi")
    put(tmp_path / "b.edi")
    files = Files(folder=tmp_path)
    assert names(files, first(files).position(7)) == [("a.edi", 7), ("b.edi", 0)]


def test_a_file_that_is_gone_or_another_in_the_middle_is_told_and_not_guessed(tmp_path: Path) -> None:
    put(tmp_path / "a.edi")
    files = Files(folder=tmp_path)
    position = first(files).position(7)
    put(tmp_path / "a.edi", "longer")
    with pytest.raises(LostPosition, match=r"a\.edi: gone, or another one, after record 7"):
        names(files, position)
    (tmp_path / "a.edi").unlink()
    with pytest.raises(LostPosition):
        names(files, position)


def test_files_that_were_given_stay_where_they_are_and_each_is_read_once(tmp_path: Path) -> None:
    paths = [put(tmp_path / name) for name in ("b.edi", "a.edi", "c.edi")]
    files = Files(paths)
    position: str | None = None
    read = []
    while found := list(files.taken(position)):
        read.append(found[0].path.name)
        position = found[0].position(1, end=True)
        files.settled(position)
    assert read == ["b.edi", "a.edi", "c.edi"]
    assert all(path.is_file() for path in paths)


def test_a_position_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(LostPosition, match="not a position"):
        names(Files(folder=tmp_path), "7")


def test_a_folder_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(NoFolder):
        Files(folder=tmp_path / "nowhere")


class Clock:
    """Seconds since 1970, as this machine has them."""

    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_file_is_complete_when_two_looks_find_the_same(tmp_path: Path) -> None:
    clock = Clock()
    files = Files(folder=tmp_path, quiet_s=10, now_s=clock)
    put(tmp_path / "a.edi", "begun", at_s=1_800_000_000 - 60)  # the writer's clock is a minute behind
    assert names(files) == []
    clock.now_s += 9
    put(tmp_path / "a.edi", "begun, and more", at_s=1_800_000_000 - 55)
    assert names(files) == []
    clock.now_s += 9
    assert names(files) == []
    clock.now_s += 1
    assert names(files) == [("a.edi", 0)]


def test_a_file_from_a_clock_that_is_ahead_waits_and_is_not_lost(tmp_path: Path) -> None:
    clock = Clock()
    files = Files(folder=tmp_path, quiet_s=10, now_s=clock)
    put(tmp_path / "a.edi", at_s=1_800_000_000 + 60)
    assert names(files) == []
    clock.now_s += 50
    assert names(files) == []
    clock.now_s += 20
    assert names(files) == [("a.edi", 0)]


def test_with_markers_a_file_is_complete_when_its_own_stands_there_and_both_go(tmp_path: Path) -> None:
    files = Files(folder=tmp_path, complete="marker")
    put(tmp_path / "a.edi")
    put(tmp_path / "b.edi")
    put(tmp_path / "c.done")
    assert names(files) == []
    (tmp_path / "a.edi.done").touch()
    assert names(files) == [("a.edi", 0)]
    files.settled(first(files).position(1, end=True))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.edi", "c.done", "done"]


def test_a_file_that_is_renamed_when_it_is_whole_is_taken_then(tmp_path: Path) -> None:
    files = Files(folder=tmp_path)
    put(tmp_path / "a.edi.part")
    assert names(files) == []
    (tmp_path / "a.edi.part").rename(tmp_path / "a.edi")
    assert names(files) == [("a.edi", 0)]


def test_after_a_restart_the_file_that_was_being_read_needs_no_second_look(tmp_path: Path) -> None:
    clock = Clock()
    put(tmp_path / "a.edi", at_s=1_800_000_000)
    position = Taken(tmp_path / "a.edi", 0, f"1-{1_800_000_000 * 10**9}").position(7)
    assert names(Files(folder=tmp_path, quiet_s=10, now_s=clock), position) == [("a.edi", 7)]


def test_a_file_that_may_not_be_read_is_told_once_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "a.edi")
    put(tmp_path / "b.edi")
    files = Files(folder=tmp_path)
    opened = Path.open

    def locked(path: Path, mode: str = "r") -> IO[Any]:
        if path.name == "a.edi":
            raise PermissionError
        return opened(path, mode)

    position = first(files).position(3)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", locked)
        assert names(files) == [("b.edi", 0)]
        assert [(bad.file, bad.code) for bad in files.troubles()] == [("a.edi", "unreadable")]
        assert names(files) == [("b.edi", 0)] and files.troubles() == []
        with pytest.raises(Unreadable, match="after record 3"):
            names(files, position)
    assert names(files) == [("a.edi", 0), ("b.edi", 0)]


def lines(stream: BinaryIO, name: str) -> Iterator[Read[bytes] | BadRecord]:
    for number, text in enumerate(stream, start=1):
        if text.startswith(b"bad"):
            yield BadRecord(name, "bad", line=number)
        else:
            yield Read(text.strip(), "", line=number)


@settings(max_examples=30)
@given(st.lists(st.lists(st.sampled_from(["x", "y", "bad"]), max_size=4), max_size=3), st.data())
def test_wherever_reading_stops_it_goes_on_with_the_next_record(texts: list[list[str]], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, text in enumerate(texts):
            put(folder / f"{number}.txt", "".join(f"{word}\n" for word in text))
        found: list[str] = []
        position: str | None = None
        for _ in range(20):
            files = Files(folder=folder)  # as after a restart
            if position is not None:
                files.settled(position)
            for _, item in zip(range(data.draw(st.integers(1, 6))), files.read(position, lines), strict=False):
                position = item.position
                if isinstance(item, Read) and item.settle and position and data.draw(st.booleans()):
                    files.settled(position)
                    continue
                if isinstance(item, Read) and item.settle:
                    break  # a crash between the commit and the moving away
                if isinstance(item, BadRecord) or item.records:
                    found.append("bad" if isinstance(item, BadRecord) else (item.native or b"").decode())
        if position is not None:
            Files(folder=folder).settled(position)
        assert found == [word for text in texts for word in text]
        assert [path.name for path in folder.iterdir()] == (["done"] if texts else [])
