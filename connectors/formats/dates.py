"""Partial dates: text in, ISO 8601 text of the precision that is known out (`YYYY`, `YYYY-MM`, `YYYY-MM-DD`).

Nothing is added: an unknown day or month is left off, never set to 1, and a date whose day and month could be either
way round keeps its year only. Which of a record's fields are dates is left to the formats.
"""

import calendar
import re
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

Precision = Literal["year", "month", "day"]
Problem = Literal["date-invalid", "date-order-unknown", "date-unknown"]

FIRST_YEAR: Final = 1850
LAST_YEAR: Final = 2199
WINDOW_YEARS: Final = 50

_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
# ICAO Doc 9303 part 3: unknown parts of a birth date are `<` in the machine-readable zone, `X` in the visual one.
_UNKNOWN: Final = re.compile(r"[0Xx<]*")
_YEAR_FIRST: Final = re.compile(r"(\d{4})(?:[-/.]([\dXx<]{1,2})(?:[-/.]([\dXx<]{1,2}))?)?", re.ASCII)
_YEAR_LAST: Final = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})", re.ASCII)
_COMPACT: Final = re.compile(r"(\d{4})([\dXx<]{2})([\dXx<]{2})", re.ASCII)
_SHORT: Final = re.compile(r"(\d{2})([\dXx<]{2})([\dXx<]{2})", re.ASCII)
_MONTH_NAME: Final = re.compile(r"(\d{1,2})[- /]?([A-Za-z]{3})[- /]?(\d{4}|\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a date text gave: `value` is ISO text or None; `problem` says why it is less than was sent, if it is."""

    value: str | None = field(repr=False)
    problem: Problem | None = None


INVALID: Final = Reading(None, "date-invalid")
UNKNOWN: Final = Reading(None, "date-unknown")


def precision(value: str) -> Precision:
    """The precision of an ISO text made by this module."""
    kinds: dict[int, Precision] = {4: "year", 7: "month", 10: "day"}
    return kinds[len(value)]


def partial(year: int, month: int | None = None, day: int | None = None) -> str | None:
    """ISO text of a possible date of the calendar, or None."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    if month is None:
        return f"{year:04d}" if day is None else None
    if not 1 <= month <= 12:
        return None
    if day is None:
        return f"{year:04d}-{month:02d}"
    if not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None
    return f"{year:04d}-{month:02d}-{day:02d}"


def parse(text: str) -> Reading:
    """Read a date with a four-digit year: `1998/02/03`, `1998-02`, `1998`, `1998-00-00`, `19980203`, `03/02/1998`.

    `03/02/1998` is February or March: only 1998 is kept. `25/12/1998` has but one reading.
    """
    text = text.strip()
    if match := _YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text):
        return _from_texts(int(match[1]), match[2], match[3])
    if match := _YEAR_LAST.fullmatch(text):
        return _order_unknown(int(match[1]), int(match[2]), int(match[3]))
    if match := _MONTH_NAME.fullmatch(text):
        month = _month_named(match[2])
        if month and len(match[3]) == 4:
            return _or_invalid(partial(int(match[3]), month, int(match[1])))
    return INVALID


def parse_birth(text: str, today: date) -> Reading:
    """Read a birth date as passenger lists send it: `YYMMDD`, `07SEP72`, or as `parse`.

    A two-digit year that would lie after `today` is of the last century; a four-digit one that does is invalid.
    """
    reading = _two_digit_year(text, today, birth=True) or parse(text)
    if reading.value is not None and reading.value > today.isoformat()[: len(reading.value)]:
        return INVALID
    return reading


def parse_expiry(text: str, today: date) -> Reading:
    """Read a document's expiry as `YYMMDD` or as `parse`; two-digit years are of this century."""
    return _two_digit_year(text, today, birth=False) or parse(text)


def parse_time(text: str, today: date) -> Reading:
    """Read `YYMMDDHHMM`, `CCYYMMDDHHMM`, `YYMMDD` or `CCYYMMDD` to local time text `YYYY-MM-DD[THH:MM]`."""
    digits = text.strip()
    if not re.fullmatch(r"\d+", digits, re.ASCII) or len(digits) not in (6, 8, 10, 12):
        return INVALID
    clock = digits[-4:] if len(digits) >= 10 else ""
    day = parse_expiry(digits[: len(digits) - len(clock)], today)
    if day.value is None or not clock:
        return day
    if len(day.value) != 10 or int(clock[:2]) > 23 or int(clock[2:]) > 59:
        return INVALID
    return Reading(f"{day.value}T{clock[:2]}:{clock[2:]}")


def _two_digit_year(text: str, today: date, *, birth: bool) -> Reading | None:
    """None when the text has no two-digit year."""
    text = text.strip()
    if match := _SHORT.fullmatch(text):
        short, month, day = match[1], match[2], match[3]
    elif (match := _MONTH_NAME.fullmatch(text)) and len(match[3]) == 2 and (named := _month_named(match[2])):
        short, month, day = match[3], f"{named:02d}", match[1]
    else:
        return None
    if short + month + day == "000000":
        return UNKNOWN  # what systems send for "not known", not the year 2000
    century = today.year // 100 * 100
    year = century + int(short)
    if birth:
        this_century = _from_texts(year, month, day)
        later = this_century.value is not None and this_century.value > today.isoformat()[: len(this_century.value)]
        return _from_texts(year - 100, month, day) if later or year > today.year else this_century
    # Documents and flights lie ahead: a year far behind us, at a century's end, is of the next one.
    return _from_texts(year + 100 if year < today.year - WINDOW_YEARS else year, month, day)


def _from_texts(year: int, month: str | None, day: str | None) -> Reading:
    if month is None or _UNKNOWN.fullmatch(month):
        known_day = day is not None and not _UNKNOWN.fullmatch(day)
        return INVALID if known_day else _or_invalid(partial(year))
    if not month.isdecimal():
        return INVALID
    if day is None or _UNKNOWN.fullmatch(day):
        return _or_invalid(partial(year, int(month)))
    return _or_invalid(partial(year, int(month), int(day))) if day.isdecimal() else INVALID


def _order_unknown(first: int, second: int, year: int) -> Reading:
    day_first, month_first = partial(year, second, first), partial(year, first, second)
    if day_first is not None and month_first is not None and day_first != month_first:
        return Reading(partial(year), "date-order-unknown")
    return _or_invalid(day_first or month_first)


def _or_invalid(value: str | None) -> Reading:
    return INVALID if value is None else Reading(value)


def _month_named(text: str) -> int | None:
    return _MONTHS.index(text.upper()) + 1 if text.upper() in _MONTHS else None
