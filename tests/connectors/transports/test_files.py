"""Files as a source: complete ones only, each once, whatever other systems do with names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from connectors.transports.files import Files, LostPosition, NoFolder, Taken

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
