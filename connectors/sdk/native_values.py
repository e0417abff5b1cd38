"""Native values as agencies' systems give them, read plainly: text, many values in one, dates in every order. Pure.

A native record is a dict of text, numbers, booleans, None, dates (as SQL drivers give them), lists and dicts. What a value
means in an alert is mapping.py's. Nothing here repeats a value in an error.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any, Final, Literal

from connectors.formats.dates import partial

Native = Mapping[str, Any]
Order = Literal["ymd", "dmy", "mdy", "ym", "my", "y", "ymd2", "dmy2", "mdy2", "excel", "excel1904"]

MAX_VALUES: Final = 1_000
MAX_DATE_CHARACTERS: Final = 60
_MONTHS: Final = (
    ("JAN", "ENE"),
    ("FEB",),
    ("MAR",),
    ("APR", "ABR"),
    ("MAY",),
    ("JUN",),
    ("JUL",),
    ("AUG", "AGO"),
    ("SEP", "SET"),
    ("OCT",),
    ("NOV",),
    ("DEC", "DIC"),
)
_UNKNOWN_PART: Final = re.compile(r"(0+|[X?*_-]+|ND|NN)\Z")
_CLOCK: Final = re.compile(
    r"(?:T|\s+)(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?\Z", re.IGNORECASE
)
_ISO: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_EXCEL: Final = re.compile(r"\d{1,7}(?:\.\d+)?\Z")


class Unreadable(ValueError):
    """A native value is not of the kind that its place needs. The words hold no value."""


def text_of(value: Any) -> str:
    """A single native value as text without blanks around it; nothing is "". Raises Unreadable for lists and dicts."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | Decimal):
        number = float(value)
        return str(int(number)) if abs(number) < 1e15 and number == int(number) else str(value)
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value).replace("\xa0", " ").strip()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    raise Unreadable("is not a plain value (a text, a number, yes or no)")


def folded(text: str) -> str:
    """For comparison with a code list: without case, accents and repeated blanks."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(bare.casefold().split())


def at(native: Native, path: str) -> Any:
    """The value of a column, or of a path with dots into nested objects; None if it is not there."""
    if path in native:
        return native[path]
    found: Any = native
    for part in path.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found


def several(value: Any, separators: Sequence[str]) -> list[str]:
    """The values of one native value: the items of a list, or the parts of a text. Raises Unreadable."""
    items = value if isinstance(value, list | tuple) else [value]
    if len(items) > MAX_VALUES:
        raise Unreadable(f"has more than {MAX_VALUES} values")
    texts = [text_of(item) for item in items]
    for separator in separators:
        texts = [part.strip() for text in texts for part in text.split(separator)]
    if len(texts) > MAX_VALUES:
        raise Unreadable(f"has more than {MAX_VALUES} values")
    return [text for text in texts if text]


def columns_of(native: Native, prefix: str = "") -> Iterator[str]:
    """The paths of all plain values; objects in a list are told as one."""
    for name, value in native.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from columns_of(value, f"{path}.")
        elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            for item in value[:MAX_VALUES]:
                if isinstance(item, Mapping):
                    yield from columns_of(item, f"{path}.")
        else:
            yield path


def read_date(text: str, orders: Sequence[Order], first_year: int | None = None) -> str | None:
    """ISO text of the precision that is known (`YYYY`, `YYYY-MM`, `YYYY-MM-DD`), by the first order that fits; None if
    none does.

    A part that is `00`, `XX` or `??` is not known. `first_year`: two-digit years (`dmy2` ...) are of the hundred years
    from it on.
    """
    day, _ = _split_clock(text)
    if _ISO.match(day):  # as xlsx and SQL give dates: there is but one way to read it
        return _by_order(day, "ymd", None)
    return next((found for order in orders if (found := _by_order(day, order, first_year))), None)


def read_moment(text: str, orders: Sequence[Order], zone: tzinfo, first_year: int | None = None) -> int | None:
    """Milliseconds since 1970 of a whole date, with its time of day if it has one; times without an offset are local to
    `zone`."""
    day, clock = _split_clock(text)
    excel = next((order for order in orders if order.startswith("excel")), None)
    if excel and _EXCEL.match(text):
        moment = _excel_moment(float(text), excel)
        return _ms(moment.replace(tzinfo=zone)) if moment else None
    found = read_date(day, orders, first_year)
    if found is None or len(found) != 10:
        return None
    try:
        return _ms(_with_clock(found, clock, zone))
    except ValueError:
        return None


def read_local_time(text: str, orders: Sequence[Order], first_year: int | None = None) -> str | None:
    """`YYYY-MM-DD[THH:MM]` of a whole date, in the words of its own place."""
    day, clock = _split_clock(text)
    found = read_date(day, orders, first_year)
    if found is None or len(found) != 10:
        return None
    if clock is None:
        return found
    hour, minute = int(clock[1]), int(clock[2])
    return f"{found}T{hour:02d}:{minute:02d}" if hour < 24 and minute < 60 else None


def _split_clock(text: str) -> tuple[str, re.Match[str] | None]:
    if len(text) > MAX_DATE_CHARACTERS:
        return "", None
    clock = _CLOCK.search(text)
    return (text[: clock.start()].strip(), clock) if clock else (text, None)


def _with_clock(day: str, clock: re.Match[str] | None, zone: tzinfo) -> datetime:
    if clock is None:
        return datetime.fromisoformat(day).replace(tzinfo=zone)
    hour, minute, second = int(clock[1]), int(clock[2]), int(clock[3] or 0)
    offset = (clock[4] or "").upper().replace("Z", "+00:00")
    moment = datetime.fromisoformat(f"{day}T{hour:02d}:{minute:02d}:{second:02d}{offset}")
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _by_order(text: str, order: Order, first_year: int | None) -> str | None:
    if order.startswith("excel"):
        moment = _excel_moment(float(text), order) if _EXCEL.match(text) else None
        return moment.date().isoformat() if moment else None
    short = order.endswith("2")
    letters = order.rstrip("2")
    parts = _parts(text, letters, short)
    if parts is None or len(parts) != len(letters):
        return None
    named = dict(zip(letters, parts, strict=True))
    year = _year(named["y"], short, first_year)
    month, day = _number(named.get("m")), _number(named.get("d"))
    if year is None or month == -1 or day == -1 or (day and not month):
        return None
    return partial(year, month or None, day or None)


def _parts(text: str, letters: str, short: bool) -> list[str] | None:
    """The parts of a date in their order; a text of digits alone is cut by the widths of its parts."""
    upper = "".join(c for c in unicodedata.normalize("NFKD", text.upper()) if not unicodedata.combining(c))
    if upper.isdecimal() and len(letters) > 1:
        widths = [4 if letter == "y" and not short else 2 for letter in letters]
        if len(upper) != sum(widths):
            return None
        ends = [sum(widths[: n + 1]) for n in range(len(widths))]
        return [upper[end - width : end] for end, width in zip(ends, widths, strict=True)]
    spaced = re.sub(r"\b(DE|DEL|OF)\b|,", " ", upper)
    return [part for part in re.split(r"[-/.\s]+", spaced) if part] if "--" not in spaced else spaced.split("/")


def _year(text: str, short: bool, first_year: int | None) -> int | None:
    if not text.isdecimal() or not text.isascii() or len(text) != (2 if short else 4):
        return None
    if not short:
        return int(text)
    if first_year is None:
        return None
    year = first_year - first_year % 100 + int(text)
    return year if year >= first_year else year + 100


def _number(text: str | None) -> int:
    """A month or day; 0 if it is not known, -1 if it is none."""
    if text is None or _UNKNOWN_PART.match(text):
        return 0
    if text.isdecimal() and text.isascii():
        return int(text) if len(text) <= 2 else -1
    found = [number for number, names in enumerate(_MONTHS, start=1) if len(text) >= 3 and text[:3] in names]
    return found[0] if found else -1


def _excel_moment(serial: float, order: str) -> datetime | None:
    """A serial of a spreadsheet as a moment. In the 1900 system there is a 29 February 1900 that never was: 60 is no day."""
    if order == "excel1904":
        start = datetime(1904, 1, 1)  # noqa: DTZ001  the zone is the caller's
    elif serial >= 61:
        start = datetime(1899, 12, 30)  # noqa: DTZ001
    elif serial < 60:
        start = datetime(1899, 12, 31)  # noqa: DTZ001
    else:
        return None
    return start + timedelta(days=serial) if 1 <= serial <= 2_958_465 else None
