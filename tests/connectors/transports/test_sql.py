"""Tables as a source, on SQLite and PostgreSQL: every change once, late commits too, and no name or value where it does not
belong."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import Engine, create_engine, make_url, text

from connectors.sdk import BadRecord, Credentials, Read, Transient
from connectors.transports.sql import BadTable, LostPosition, SqlOptions, SqlRow, SqlTable
from connectors.transports.sql_position import NoOverlap, SqlPosition, before, key_text
from tests.postgres_fixture import new_database


def naive(year: int, month: int = 1, day: int = 1, hour: int = 0) -> dt.datetime:
    """A time without a zone, as many systems keep it."""
    return dt.datetime(year, month, day, hour, tzinfo=dt.UTC).replace(tzinfo=None)


NOON = naive(2026, 3, 1, 12)
NOW = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


@dataclass
class Base:
    """A database with one table of cases, and a reader of it."""

    engine: Engine
    url: str
    name: str
    readers: list[SqlTable] = field(default_factory=list)

    def put(self, case: int, at: dt.datetime | None, words: str = "x", gone: bool | None = None) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(f'DELETE FROM "{self.name}" WHERE "case id" = :case'), {"case": case})
            connection.execute(
                text(f'INSERT INTO "{self.name}" VALUES (:case, :at, :words, :gone)'),
                {"case": case, "at": at, "words": words, "gone": gone},
            )

    def reader(self, **fields: Any) -> SqlTable:
        options = {
            "database": self.url,
            "table": self.name,
            "columns": ["case id", "words"],
            "key": ["case id"],
            "changed": "changed at",
            "deleted": "gone",
            "page_rows": 3,
            **fields,
        }
        made = SqlTable(SqlOptions.model_validate(options), lambda: NOW)
        self.readers.append(made)
        return made


@pytest.fixture(scope="module")
def database(postgres: str) -> Iterator[str]:
    with new_database(postgres) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Base]:
    sqlite = f"sqlite:///{tmp_path / 'agency.db'}"
    url = sqlite if request.param == "sqlite" else request.getfixturevalue("database")
    engine = create_engine(url)
    made = Base(engine, url, f"cases {uuid.uuid4().hex[:12]}")
    with engine.begin() as connection:
        connection.execute(
            text(f'CREATE TABLE "{made.name}" ("case id" INTEGER, "changed at" TIMESTAMP, words TEXT, gone BOOLEAN)')
        )
    yield made
    for reader in made.readers:
        reader.close()
    with engine.begin() as connection:
        connection.execute(text(f'DROP TABLE "{made.name}"'))
    engine.dispose()


def at(minutes: float) -> dt.datetime:
    return NOON + dt.timedelta(minutes=minutes)


def rows(reader: SqlTable, after: str | None = None) -> tuple[list[SqlRow], str | None]:
    """What there is to read, and the position then."""
    found = []
    for read in reader.read(after):
        assert isinstance(read, Read), read
        found.append(read.native)
        after = read.position
    return found, after


def cases(reader: SqlTable, after: str | None = None) -> tuple[list[int], str | None]:
    found, position = rows(reader, after)
    return [row.values["case id"] for row in found], position


def test_rows_come_in_the_order_of_their_change_page_by_page_and_each_once(base: Base) -> None:
    for case in range(10):
        base.put(case, at(-case))
    reader = base.reader()
    found, position = cases(reader)
    assert found == list(range(9, -1, -1))
    assert cases(reader, position)[0] == []


def test_many_rows_of_one_moment_are_all_read(base: Base) -> None:
    for case in range(10):
        base.put(case, at(0))
    assert cases(base.reader())[0] == list(range(10))


def test_a_row_that_changed_comes_again_as_it_is_now(base: Base) -> None:
    base.put(1, at(0), "first")
    base.put(2, at(1))
    reader = base.reader()
    _, position = cases(reader)
    base.put(1, at(2), "second")
    found, _ = rows(reader, position)
    assert [(row.values["case id"], row.values["words"]) for row in found] == [(1, "second")]


def test_a_table_that_is_asked_again_says_every_row_as_it_is_and_reading_goes_on_as_before(base: Base) -> None:
    for case in range(7):
        base.put(case, at(case))
    reader = base.reader()
    _, position = cases(reader)
    base.put(0, at(0), "changed by a hand that set no marker")
    base.put(4, at(9), gone=True)
    standing = [read.native for read in reader.standing() if isinstance(read, Read)]
    assert [row.values["case id"] for row in standing] == [0, 1, 2, 3, 5, 6, 4]
    assert [row.values["words"] for row in standing if row.values["case id"] == 0] != ["x"]
    assert [row.deleted for row in standing] == [False] * 6 + [True]
    assert cases(reader, position)[0] == [4]


def test_a_row_that_was_committed_late_is_found_within_the_overlap(base: Base) -> None:
    base.put(1, at(0))
    base.put(2, at(10))
    reader = base.reader(overlap=600)
    _, position = cases(reader)
    base.put(3, at(5))  # its transaction took the time earlier than it committed
    base.put(4, at(-5))  # and this one longer than the overlap
    found, after = cases(reader, position)
    assert found == [3] and after != position
    assert cases(reader, after)[0] == []


def test_after_a_restart_the_overlap_is_said_again_and_no_more(base: Base) -> None:
    for case in range(6):
        base.put(case, at(case))
    _, position = cases(base.reader())
    assert cases(base.reader(overlap=120), position)[0] == [3, 4, 5]
    assert cases(base.reader(overlap=0), position)[0] == [5]


def test_what_was_read_and_not_published_is_said_again(base: Base) -> None:
    for case in range(6):
        base.put(case, at(case))
    reader = base.reader()
    positions = [read.position for read in reader.read(None)]
    assert cases(reader, positions[1])[0] == [0, 1, 2, 3, 4, 5]
    _, position = cases(reader)
    base.put(9, at(2))
    late, _ = cases(reader, position)
    assert late == [9]
    assert 9 in cases(reader, position)[0]  # the bus did not take it


def test_a_withdrawn_row_says_so(base: Base) -> None:
    base.put(1, at(0), gone=True)
    base.put(2, at(1), gone=False)
    base.put(3, at(2), gone=None)
    found, _ = rows(base.reader())
    assert [row.deleted for row in found] == [True, False, False]
    found, _ = rows(base.reader(deleted_when="set"))
    assert [row.deleted for row in found] == [True, True, False]
    assert "gone" not in found[0].values


def test_one_clock_in_the_future_hides_nothing_that_changes_after_it(base: Base) -> None:
    base.put(1, naive(2099))
    base.put(2, at(0))
    reader = base.reader()
    found, position = cases(reader)
    assert found == [2, 1]
    base.put(3, at(1))
    found, position = cases(reader, position)
    assert found == [3]
    assert cases(reader, position)[0] == []


def test_only_rows_that_are_so_are_read(base: Base) -> None:
    base.put(1, at(0), "open")
    base.put(2, at(1), "'; DROP TABLE cases; --")
    assert cases(base.reader(only={"words": "open"}))[0] == [1]
    assert cases(base.reader(only={"words": "'; DROP TABLE cases; --"}))[0] == [2]
    assert cases(base.reader(only={"gone": True}))[0] == []


def test_rows_without_a_marker_or_key_are_counted_once_and_not_passed_over_in_silence(base: Base) -> None:
    base.put(1, None)
    base.put(2, None)
    base.put(3, at(0))
    reader = base.reader()
    told = [item for item in reader.read(None) if isinstance(item, BadRecord)]
    assert [bad.reason for bad in told] == ["2 rows have no change marker or no key and are not read"]
    assert [item for item in reader.read(None) if isinstance(item, BadRecord)] == []


def test_a_row_larger_than_the_limit_is_set_aside_and_the_others_go_on(base: Base) -> None:
    base.put(1, at(0), "y" * 5_000)
    base.put(2, at(1))
    found = list(base.reader(row_bytes=4_000).read(None))
    bad, good = found
    assert isinstance(bad, BadRecord) and bad.code == "row-too-large" and bad.position
    assert isinstance(good, Read) and good.native.values["case id"] == 2


def test_a_column_or_table_that_is_missing_is_told_by_name(base: Base) -> None:
    for fields in ({"columns": ["nothing"]}, {"table": "nowhere"}, {"columns": ['words", "x']}):
        with pytest.raises(BadTable, match="missing"):
            list(base.reader(**fields).read(None))
        with pytest.raises(BadTable, match="missing"):
            base.reader(**fields).check()
    base.reader().check()


def test_a_marker_of_two_kinds_is_told_and_not_guessed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'agency.db'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE cases (id INTEGER, changed)"))
        connection.execute(text("INSERT INTO cases VALUES (1, 5), (2, '2026-01-01 10:00:00')"))
    engine.dispose()
    before = (tmp_path / "agency.db").read_bytes()
    fields = {"database": url, "table": "cases", "columns": ["id"], "key": ["id"], "changed": "changed"}
    reader = SqlTable(SqlOptions.model_validate(fields))
    with pytest.raises(BadTable, match="put in order"):
        list(reader.read(None))
    reader.close()
    assert (tmp_path / "agency.db").read_bytes() == before, "the agency's own file"


def test_an_address_that_is_none_is_told_without_showing_it() -> None:
    for url in ("no address hidden", "nosuch://officer:hidden@host/"):
        fields = {"database": url, "table": "t", "columns": ["a"], "key": ["a"], "changed": "a"}
        with pytest.raises(ValueError, match="SQLAlchemy URL") as told:
            SqlTable(SqlOptions.model_validate(fields))
        assert "hidden" not in str(told.value)


def test_the_reader_changes_nothing_and_holds_nothing_open(base: Base) -> None:
    for case in range(7):
        base.put(case, at(case))
    reading = base.reader().read(None)
    next(reading)
    base.put(3, at(20))  # would wait for a transaction that was left open
    assert [item.native.values["case id"] for item in reading if isinstance(item, Read)] == [1, 2, 4, 5, 6, 3]


@pytest.mark.parametrize("position", ["nonsense", "[1]", '[["uuid", "x"], 1]', '[["time", "x"], 1]', "{}", "null"])
def test_a_position_that_is_none_is_told(tmp_path: Path, position: str) -> None:
    options = {"database": f"sqlite:///{tmp_path}/a.db", "table": "t", "columns": ["a"], "key": ["a"], "changed": "a"}
    reader = SqlTable(SqlOptions.model_validate(options))
    reader._checked = True
    with pytest.raises(LostPosition):
        list(reader.read(position))
    reader.close()


def test_a_database_that_is_not_there_is_waited_for_and_its_password_told_nowhere() -> None:
    options = SqlOptions.model_validate(
        {
            "database": "postgresql+psycopg://officer:hidden@127.0.0.1:1/agency?connect_timeout=2",
            "table": "t",
            "columns": ["a"],
            "key": ["a"],
            "changed": "a",
        }
    )
    reader = SqlTable(options)
    with pytest.raises(Transient) as told:
        list(reader.read(None))
    assert told.value.__suppress_context__
    for shown in (str(told.value), repr(options), repr(reader)):
        assert "hidden" not in shown and "officer" not in shown


def test_a_refused_password_is_told_apart_from_a_database_that_is_not_there(database: str) -> None:
    url = make_url(database).set(username="nobody-known", password="hidden").render_as_string(hide_password=False)
    fields = {"database": url, "table": "t", "columns": ["a"], "key": ["a"], "changed": "a"}
    reader = SqlTable(SqlOptions.model_validate(fields))
    with pytest.raises(Credentials) as told:
        reader.check()
    assert "hidden" not in str(told.value) and "nobody-known" not in str(told.value)


def test_names_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValidationError):
        SqlOptions.model_validate(
            {"database": "sqlite://", "table": "t", "columns": [""], "key": ["a"], "changed": "a"}
        )


MARKERS = st.one_of(
    st.integers(-(2**60), 2**60),
    st.datetimes(naive(1990), naive(2200)),
    st.datetimes(naive(1990), naive(2200), timezones=st.just(dt.UTC)),
    st.dates(dt.date(1990, 1, 1), dt.date(2200, 1, 1)),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9),
    st.floats(-1e9, 1e9),
    st.binary(min_size=1, max_size=8),
    st.text(),
)


@given(MARKERS, st.integers(0, 10**12))
def test_a_position_is_read_as_it_was_written(marker: Any, count: int) -> None:
    position = SqlPosition(marker, count)
    assert SqlPosition.parse(position.text()) == position


@given(MARKERS, st.integers(1, 100_000))
def test_looking_back_is_never_looking_ahead(marker: Any, overlap: int) -> None:
    try:
        assert before(marker, overlap) < marker
    except NoOverlap:
        assert isinstance(marker, str | bytes)


@given(st.datetimes(naive(1990), naive(2200)), st.sampled_from([" ", "T"]), st.integers(1, 9_999))
def test_times_as_text_are_in_order_with_the_times_that_they_look_back_to(
    moment: dt.datetime, separator: str, overlap: int
) -> None:
    earlier = (moment - dt.timedelta(seconds=overlap)).isoformat(sep=separator)
    assert before(moment.isoformat(sep=separator), overlap) <= earlier


KEYS = st.lists(
    st.one_of(st.integers(), st.text(), st.uuids(), st.booleans(), st.just(Decimal(1))), min_size=1, max_size=3
)


@given(KEYS, KEYS)
def test_different_keys_are_different_texts(one: list[Any], other: list[Any]) -> None:
    same = [(type(value), value) for value in one] == [(type(value), value) for value in other]
    assert (key_text(tuple(one)) == key_text(tuple(other))) == same


@settings(max_examples=15)
@given(st.data())
def test_whatever_is_written_when_and_wherever_reading_stops_each_last_state_is_said(data: st.DataObject) -> None:
    """Writers take a marker and commit later, within the overlap; the reader stops anywhere and starts anew anywhere."""
    folder = Path(tempfile.mkdtemp())
    url = f"sqlite:///{folder}/agency.db"
    engine = create_engine(url)
    keeper = engine.connect()
    keeper.execute(text("CREATE TABLE cases (id INTEGER PRIMARY KEY, changed INTEGER, words INTEGER)"))
    keeper.commit()
    fields = {"database": url, "table": "cases", "columns": ["id", "words"], "key": ["id"], "changed": "changed"}
    options = SqlOptions.model_validate({**fields, "overlap": 4, "page_rows": 2})
    reader, position, said, now = SqlTable(options), None, dict[int, int](), 100
    truth: dict[int, int] = {}
    for words in range(data.draw(st.integers(1, 12))):
        now += data.draw(st.integers(0, 2))
        case, late = data.draw(st.integers(1, 4)), data.draw(st.integers(0, 3))
        statement = "INSERT OR REPLACE INTO cases VALUES (:id, :changed, :words)"
        keeper.execute(text(statement), {"id": case, "changed": now - late, "words": words})
        keeper.commit()
        truth[case] = words
        match data.draw(st.sampled_from(["go on", "read", "read a part", "restart", "read in vain"])):
            case "restart":
                reader.close()
                reader = SqlTable(options)
            case "read in vain":
                list(reader.read(position))
            case "read" | "read a part" as how:
                limit = data.draw(st.integers(1, 3)) if how == "read a part" else 1_000
                for _, read in zip(range(limit), reader.read(position), strict=False):
                    assert isinstance(read, Read)
                    said[read.native.values["id"]] = read.native.values["words"]
                    position = read.position
    for read in reader.read(position):
        assert isinstance(read, Read)
        said[read.native.values["id"]] = read.native.values["words"]
    reader.close()
    keeper.close()
    engine.dispose()
    shutil.rmtree(folder)
    assert said == truth
