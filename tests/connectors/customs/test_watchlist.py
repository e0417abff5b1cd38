"""Whom the border looks for: entries from deliveries, and from a list of the agency's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from connectors.customs import watchlist
from connectors.customs.connector import BadOptions, CustomsOptions, WatchListSink
from connectors.customs.listing import entries
from connectors.customs.watchlist import Entry, WatchList, load, read_csv
from connectors.formats.names import name_keys
from connectors.sdk import BadRecord, Content, Deletion, Delivery
from connectors.sdk.effects import effects, open_engine
from hub.model.obligation import Obligation
from tests.connectors.deliveries import (
    ALERT,
    DAY,
    MISSING,
    NOW_MS,
    WANTED,
    missing,
    narrative,
    record,
    suspect,
    victim,
)

OTHER, THIRD = (ALERT.__class__(int=ALERT.int + number) for number in (1, 2))
NAME = name_keys("Invented", "Ana María")


class Border:
    """The sink with its database, and a look at what is listed."""

    def __init__(self, folder: Path) -> None:
        options = CustomsOptions(database=f"sqlite:///{folder}/watch.db")
        self.sink = WatchListSink(options)
        self.engine = open_engine(str(options.database))

    def take(self, kind: str = "release", contents: Iterable[Content] = (), label: Any = WANTED, **more: Any) -> Any:
        made = list(contents)
        return self.sink.deliver(Delivery(record(kind, made, label, **more), tuple(made)))

    def listed(self, now_ms: int = NOW_MS) -> list[Entry]:
        return list(load(self.engine, now_ms))


@pytest.fixture
def border(tmp_path: Path) -> Iterator[Border]:
    border = Border(tmp_path)
    yield border
    border.sink.close()
    border.engine.dispose()


def test_a_wanted_person_is_listed_with_the_label_and_reference_of_the_alert(border: Border) -> None:
    effect = border.take(contents=[suspect(), narrative()])
    assert effect.state == "effected" and effect.reference == "1 entries"
    (entry,) = border.listed()
    assert entry.sought == "suspect" and entry.name_keys >= NAME and entry.documents == {"ZZ100200"}
    assert entry.birth_date == "1990-05-17"
    assert entry.provenance is not None
    assert entry.provenance.reference.alert == ALERT and entry.provenance.label.handling == ("H1",)


def test_a_missing_person_is_listed_whatever_the_reliability(border: Border) -> None:
    border.take(contents=[missing()], label={**MISSING, "reliability": "F", "credibility": "6"})
    assert [entry.sought for entry in border.listed()] == ["missing"]


@pytest.mark.parametrize(
    "lacking",
    [
        {"reliability": "D"},
        {"reliability": "F"},
        {"credibility": "4"},
        {"credibility": "6"},
        {"purposes": ["investigation"]},
    ],
)
def test_a_suspect_below_the_quality_bar_is_received_and_not_listed(border: Border, lacking: dict[str, Any]) -> None:
    assert border.take(contents=[suspect()], label={**WANTED, **lacking}).reference == "0 entries"
    assert border.listed() == []


def test_nobody_is_listed_for_another_class_nor_a_victim_for_any(border: Border) -> None:
    border.take(contents=[suspect()], label={**WANTED, "class": "suspected-transit"}, number=1)
    border.take(contents=[victim()], label=WANTED, number=2)
    border.take(contents=[victim()], label=MISSING, number=3)
    assert border.listed() == []


def test_a_person_of_whom_only_name_and_year_are_known_is_not_listed(border: Border) -> None:
    border.take(contents=[missing(birth_date="1990", documents=[])], label=MISSING)
    assert border.listed() == []  # it could never be found: nothing of it is kept
    border.take(contents=[missing(birth_date="1990-05", documents=[])], label=MISSING, number=2, revision=2)
    assert len(border.listed()) == 1


@pytest.mark.parametrize("named", [(), ("attorney-general", "customs")])
def test_an_entry_keeps_the_recipients_whom_the_originator_named(border: Border, named: tuple[str, ...]) -> None:
    label = {**WANTED, "tlp": "RED", "handling": ["H2"]}
    border.take(contents=[suspect(nationalities=["CO"])], label=label, obligation=Obligation(onward_to=named))
    (entry,) = border.listed()
    assert entry.provenance is not None and entry.provenance.releasable_to == named
    assert entry.person.readings and entry.nationalities == {"CO"}


def test_a_birth_date_that_lacks_its_day_matches_nobody_by_name() -> None:
    for known, sent in (("1990-05", "1990-05"), ("1990-05-17", "1990-05"), ("1990-05", "1990-05-17")):
        entry = Entry("x", "missing", NAME, known, frozenset({"AB1"}))
        assert WatchList([entry]).matches([], NAME, sent, NOW_MS) == []
        assert WatchList([entry]).matches(["AB1"], NAME, sent, NOW_MS)


@pytest.mark.parametrize(
    ("valid_days", "keep_days", "expected_days"), [(10, None, 10), (80, 30, 30), (20, 30, 20), (88, 9000, 88)]
)
def test_an_entry_ends_with_the_alert_or_with_the_retention_whichever_is_first(
    border: Border, valid_days: int, keep_days: int | None, expected_days: int
) -> None:
    border.take(contents=[suspect()], valid_days=valid_days, obligation=Obligation(keep_days=keep_days))
    (entry,) = border.listed()
    assert entry.until_ms == NOW_MS + expected_days * DAY
    assert border.listed(NOW_MS + expected_days * DAY) == []
    watch = WatchList([entry])
    assert watch.matches(["ZZ100200"], frozenset(), None, entry.until_ms - 1)
    assert not watch.matches(["ZZ100200"], frozenset(), None, entry.until_ms)


def test_an_entry_that_has_ended_is_deleted_and_its_receipt_is_owed(border: Border) -> None:
    border.take(contents=[suspect()], obligation=Obligation(keep_days=30))
    border.take(contents=[narrative()], alert=OTHER, obligation=Obligation(keep_days=30))  # lists nobody
    border.take(contents=[suspect()], alert=THIRD, obligation=Obligation(keep_days=40))
    border.take(contents=[suspect()], alert=THIRD, obligation=Obligation(keep_days=50), number=2, revision=2)
    assert border.sink.housekeeping(NOW_MS + 30 * DAY - 1) == []
    (deletion,) = border.sink.housekeeping(NOW_MS + 30 * DAY)
    assert deletion == Deletion(record().id, ALERT, NOW_MS + 30 * DAY, "kept-until")
    (left,) = border.listed(0)
    assert left.provenance and left.provenance.reference.alert == THIRD
    border.sink.receipted([deletion])
    (last,) = border.sink.housekeeping(NOW_MS + 50 * DAY)
    assert (last.alert, last.delivery) == (THIRD, record(alert=THIRD, number=2).id) and border.listed(0) == []


def test_a_new_revision_replaces_the_entries_and_a_withdrawal_takes_them_away(border: Border) -> None:
    border.take(contents=[suspect(documents=[{"number": "OLD1"}])])
    border.take(contents=[suspect(documents=[{"number": "NEW2"}])], number=2, revision=2)
    (entry,) = border.listed()
    assert entry.documents == {"NEW2"} and entry.provenance and entry.provenance.reference.revision == 2
    border.take("withdrawal", number=3)
    assert border.listed() == []


def test_a_release_without_the_identity_takes_the_entries_of_the_alert_away(border: Border) -> None:
    border.take(contents=[suspect()])
    border.take(contents=[narrative()], number=2, revision=2)
    assert border.listed() == []


def test_feedback_and_requests_change_nothing_that_is_listed(border: Border) -> None:
    border.take(contents=[suspect()])
    border.take("feedback", number=2, reason="undecodable")
    border.take("request", number=3)
    assert len(border.listed()) == 1


def test_a_delivery_that_comes_again_has_no_second_effect(border: Border) -> None:
    first = border.take(contents=[suspect()])
    border.take("withdrawal", number=2)
    assert border.take(contents=[suspect()]) == first
    assert border.listed() == []
    with border.engine.connect() as connection:
        assert len(connection.execute(select(effects)).all()) == 2


def test_what_fails_half_way_leaves_neither_effect_nor_memory(border: Border, monkeypatch: pytest.MonkeyPatch) -> None:
    border.take(contents=[suspect()])

    def broken(_entry: Entry) -> dict[str, object]:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(watchlist, "_row", broken)
        with pytest.raises(RuntimeError):
            border.take(contents=[suspect(documents=[{"number": "NEW2"}])], number=2, revision=2)
    assert [entry.documents for entry in border.listed()] == [{"ZZ100200"}]
    border.take(contents=[suspect(documents=[{"number": "NEW2"}])], number=2, revision=2)
    assert [entry.documents for entry in border.listed()] == [{"NEW2"}]


def test_errors_of_the_database_show_no_personal_data(border: Border) -> None:
    with border.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE watch_entry")
    with pytest.raises(Exception) as caught:
        border.take(contents=[suspect(documents=[{"number": "SECRET99"}])])
    assert "SECRET99" not in str(caught.value) and "INVENTED" not in str(caught.value).upper()


def test_entries_hide_whom_they_are_about(border: Border) -> None:
    made = [suspect()]
    shown = repr(list(entries(Delivery(record(contents=made), tuple(made)))))
    assert "INVENTED" not in shown.upper() and "ZZ100" not in shown and "1990" not in shown


def test_the_watch_list_needs_a_database() -> None:
    with pytest.raises(BadOptions):
        WatchListSink(CustomsOptions())


def rows(folder: Path, text: str | bytes) -> list[Entry | BadRecord]:
    path = folder / "list.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read_csv(path))


HEADER = "document_number,name,birth_date\n"


def test_a_row_needs_a_document_or_a_name_with_a_whole_birth_date(tmp_path: Path) -> None:
    found = rows(
        tmp_path,
        HEADER
        + "AB123,,\n"
        + ",Ana Invented,1990-05-17\n"
        + ",Ana Invented,\n"
        + ",Ana Invented,1990\n"
        + ",Ana Invented,1990-05\n"
        + ",,1990-05-17\n"
        + "000000,,\n",
    )
    assert [isinstance(each, Entry) for each in found] == [True, True, False, False, False, False, False]
    assert [each.line for each in found if isinstance(each, BadRecord)] == [4, 5, 6, 7, 8]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("AB1,,17/05/1990", "YYYY-MM-DD"),
        ("AB1,,1990-02-30", "YYYY-MM-DD"),
        ("AB1,,1990-5-7", "YYYY-MM-DD"),
        ('"AB1,,\nAB2,,', "quote"),
    ],
)
def test_a_bad_row_says_what_is_wrong_and_not_what_it_says(tmp_path: Path, row: str, words: str) -> None:
    (bad,) = rows(tmp_path, HEADER + row + "\n")
    assert isinstance(bad, BadRecord) and words in bad.reason
    assert not any(value in str(bad) for value in ("AB1", "17/05", "02-30"))


def test_a_row_that_is_no_csv_is_reported_and_the_next_one_read(tmp_path: Path) -> None:
    bad, entry = rows(tmp_path, HEADER + "A" * 200_000 + ",,\nAB1,,\n")
    assert isinstance(bad, BadRecord) and "CSV" in bad.reason
    assert isinstance(entry, Entry) and entry.documents == {"AB1"}


def test_a_list_in_another_encoding_is_reported_rather_than_never_matched(tmp_path: Path) -> None:
    (bad,) = rows(tmp_path, (HEADER + ",Ana Núñez,1990-05-17\n").encode("latin-1"))
    assert isinstance(bad, BadRecord) and "UTF-8" in bad.reason


def test_a_list_with_a_byte_order_mark_spaces_and_blank_lines_is_read(tmp_path: Path) -> None:
    found = rows(tmp_path, "\ufeffDocument_Number, Name ,BIRTH_DATE\r\n\r\n AB 123 , , \r\n,,\r\n".encode())
    assert [entry.documents for entry in found if isinstance(entry, Entry)] == [{"AB123"}]
    assert len(found) == 1


@pytest.mark.parametrize("text", ["", "name,birth_date\n", "document_number;name;birth_date\nAB1;;\n"])
def test_a_list_without_its_header_is_not_read(tmp_path: Path, text: str) -> None:
    (bad,) = rows(tmp_path, text)
    assert isinstance(bad, BadRecord) and bad.line == 1 and "header" in bad.reason


def test_a_list_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchlist, "CSV_MAX_ROWS", 3)
    *_, last = rows(tmp_path, HEADER + "AB1,,\n" * 9)
    assert isinstance(last, BadRecord) and "more than 3 rows" in last.reason
    monkeypatch.setattr(watchlist, "CSV_MAX_BYTES", 10)
    (only,) = rows(tmp_path, HEADER + "AB1,,\n")
    assert isinstance(only, BadRecord)


def test_a_row_keeps_its_name_when_rows_are_added_above_it(tmp_path: Path) -> None:
    (before,) = rows(tmp_path, HEADER + "AB1,,\n")
    _, after = rows(tmp_path, HEADER + "AB2,,\nAB1,,\n")
    assert isinstance(before, Entry) and isinstance(after, Entry) and before.id == after.id
