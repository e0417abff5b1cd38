"""Native values as systems give them: text, many in one, dates in every order."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sdk.mapping_leaf import name_parts
from connectors.sdk.native_values import Order, columns_of, folded, read_date, read_local_time, read_moment, text_of
from hub.model.base import partial_date

PANAMA = ZoneInfo("America/Panama")
DATES: list[tuple[str, list[Order], str | None]] = [
    ("24/11/1998", ["dmy"], "1998-11-24"),
    ("11/24/1998", ["mdy"], "1998-11-24"),
    ("11/24/1998", ["dmy"], None),
    ("03.02.1998", ["dmy"], "1998-02-03"),
    ("3-2-1998", ["dmy"], "1998-02-03"),
    ("1998-02-03", ["ymd"], "1998-02-03"),
    ("1998-02-03T10:11:12", ["ymd"], "1998-02-03"),
    ("19980203", ["ymd"], "1998-02-03"),
    ("03021998", ["dmy"], "1998-02-03"),
    ("3 de febrero de 1998", ["dmy"], "1998-02-03"),
    ("03-FEB-1998", ["dmy"], "1998-02-03"),
    ("Feb 3, 1998", ["mdy"], "1998-02-03"),
    ("dic. 1998", ["my"], "1998-12"),
    ("00/02/1998", ["dmy"], "1998-02"),
    ("XX/XX/1998", ["dmy"], "1998"),
    ("??/??/1998", ["dmy"], "1998"),
    ("12/00/1998", ["dmy"], None),
    ("1998", ["ymd", "y"], "1998"),
    ("02/1998", ["my"], "1998-02"),
    ("30/02/1998", ["dmy"], None),
    ("29/02/1900", ["dmy"], None),
    ("03/02/98", ["dmy"], None),
    ("03/02/98", ["dmy2"], "1998-02-03"),
    ("03/02/29", ["dmy2"], "2029-02-03"),
    ("35829", ["excel"], "1998-02-03"),
    ("35829.5", ["excel"], "1998-02-03"),
    ("60", ["excel"], None),
    ("59", ["excel"], "1900-02-28"),
    ("34367", ["excel1904"], "1998-02-03"),
    ("24/11/1998", ["ymd", "dmy"], "1998-11-24"),
    ("", ["dmy", "ymd", "y", "excel"], None),
    ("٢٤/١١/١٩٩٨", ["dmy"], None),
]


@pytest.mark.parametrize(("text", "orders", "expected"), DATES)
def test_a_date_is_read_in_its_order_and_gains_nothing(text: str, orders: list[Order], expected: str | None) -> None:
    assert read_date(text, orders, 1930) == expected


@given(st.text(max_size=40), st.sampled_from([["ymd"], ["dmy2", "excel"], ["mdy", "my", "y", "excel1904"]]))
def test_whatever_the_text_is_it_is_a_date_or_none(text: str, orders: list[Order]) -> None:
    found = read_date(text, orders, 1930)
    assert found is None or partial_date(found) == found
    moment = read_moment(text, orders, PANAMA, 1930)
    assert moment is None or isinstance(moment, int)
    read_local_time(text, orders, 1930)


@given(st.dates(dt.date(1901, 1, 1), dt.date(2199, 12, 31)))
def test_every_day_is_read_in_every_order(day: dt.date) -> None:
    iso = day.isoformat()
    assert read_date(day.strftime("%d/%m/%Y"), ["dmy"]) == iso
    assert read_date(day.strftime("%m-%d-%Y"), ["mdy"]) == iso
    assert read_date(day.strftime("%Y%m%d"), ["ymd"]) == iso
    assert read_date(str((day - dt.date(1899, 12, 30)).days), ["excel"]) == iso


def test_a_time_without_an_offset_is_local_to_the_zone() -> None:
    noon = int(dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC).timestamp() * 1000)
    for text in ("24/11/2026 07:00", "24/11/2026T12:00:00Z", "24/11/2026 13:00+01:00", "46350.29166666666"):
        found = read_moment(text, ["dmy", "excel"], PANAMA)
        assert found is not None and abs(found - noon) <= 1
    assert read_moment("00/11/2026", ["dmy"], PANAMA) is None
    assert read_moment("24/11/2026 25:00", ["dmy"], PANAMA) is None
    assert read_local_time("24/11/2026 7:05", ["dmy"]) == "2026-11-24T07:05"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (3.0, "3"),
        (3.5, "3.5"),
        (Decimal("10.00"), "10"),
        (" a\xa0", "a"),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (7, "7"),
        (float("inf"), "inf"),
    ],
)
def test_a_plain_value_is_text(value: Any, text: str) -> None:
    assert text_of(value) == text


def test_comparison_knows_no_case_accents_or_blanks() -> None:
    assert folded("  SÍ,  Señor ") == folded("si, senor")


def test_columns_of_nested_records_are_paths() -> None:
    record = {"a": {"b": 1, "c": [1, 2]}, "d": [{"e": 1}, {"f": {"g": 2}}]}
    assert list(columns_of(record)) == ["a.b", "a.c", "d.e", "d.f.g"]


@pytest.mark.parametrize(
    ("text", "parts", "expected"),
    [
        ("Nada, Ana María", "family, given", ("Nada", "Ana María")),
        ("Ana María Inventada", "given family", ("Inventada", "Ana María")),
        ("Ana Inventada de la Nada", "given family family", ("Inventada de la Nada", "Ana")),
        ("de la Nada Inventada Ana", "family family given", ("de la Nada Inventada", "Ana")),
        ("Inventada Ana María", "family given", ("Inventada", "Ana María")),
        ("Ana Nada", "given family family", ("Nada", "Ana")),
        ("Ana", "given family", ("Ana", "")),
    ],
)
def test_a_name_is_cut_as_the_mapping_says(text: str, parts: str, expected: tuple[str, str]) -> None:
    assert name_parts(text, parts) == expected
