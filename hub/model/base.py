"""What every model shares: closed fields, frozen values, no input in errors; personal values, ids and times."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import uuid_utils
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Secret, StringConstraints

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

MAX_TEXT = 20_000  # characters of any free text
MAX_ITEMS = 1_000  # items of any list


class Model(BaseModel):
    """A record. Errors never show the input: it may be personal data."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        populate_by_name=True,
        ser_json_bytes="base64",
        val_json_bytes="base64",
    )


Text = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT)]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$")]
Personal = Secret[ShortText]
PersonalText = Secret[Text]

_PARTIAL_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")


def partial_date(text: str) -> str:
    match = _PARTIAL_DATE.fullmatch(text)
    if not match:
        raise ValueError("a date is YYYY, YYYY-MM or YYYY-MM-DD")
    year, month, day = (int(part) if part else 1 for part in match.groups())
    try:
        datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        raise ValueError("no such date") from None
    return text


# A date that keeps what it has: YYYY, YYYY-MM or YYYY-MM-DD. It gains no day or month.
PartialDate = Annotated[str, AfterValidator(partial_date)]


def new_alert_id() -> uuid.UUID:
    """A UUIDv7: ids sort by the time at which they were made."""
    return uuid.UUID(int=uuid_utils.uuid7().int)


def _uuid(value: Any) -> Any:
    return uuid.UUID(bytes=value) if isinstance(value, bytes) and len(value) == 16 else value


AlertId = Annotated[uuid.UUID, BeforeValidator(_uuid)]


def to_rfc3339(time_ms: int) -> str:
    """Milliseconds since 1970 as RFC 3339 in UTC, with milliseconds."""
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_rfc3339(text: str) -> int:
    """Milliseconds since 1970; a time without an offset is refused, as nobody knows which it is."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("a time is written as in 2026-11-24T09:30:00Z") from None
    if moment.tzinfo is None:
        raise ValueError("a time needs its offset, as in 2026-11-24T09:30:00Z")
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _time_ms(value: Any) -> Any:
    return from_rfc3339(value) if isinstance(value, str) else value


FIRST_MS = -62_135_596_800_000  # the years 0001 to 9999
LAST_MS = 253_402_300_799_999
# Milliseconds since 1970; from JSON also as RFC 3339.
TimeMs = Annotated[int, BeforeValidator(_time_ms), Field(ge=FIRST_MS, le=LAST_MS)]
