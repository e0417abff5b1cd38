"""How times, spans, numbers and sizes are written for people, in their language and the configured zone. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from markupsafe import Markup

from hub.guidelines.language import Language

MONTHS: Final = {
    "es": ("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"),
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_AGO: Final = {"es": "hace {span}", "en": "{span} ago"}
_NOW: Final = {"es": "ahora mismo", "en": "just now"}
NOTHING: Final = Markup("–")


class Shown:
    """One reader's way of writing. Spanish numbers are written as in Panama, which is as in English."""

    def __init__(self, language: Language, zone: str, now_ms: int) -> None:
        self._language = language
        self._zone = ZoneInfo(zone)
        self.now_ms = now_ms

    def moment(self, time_ms: int) -> datetime:
        return (_EPOCH + timedelta(milliseconds=time_ms)).astimezone(self._zone)

    def time(self, time_ms: int | None) -> Markup:
        """The time in the configured zone, with UTC on hover. Today without its date."""
        if time_ms is None:
            return NOTHING
        local, today = self.moment(time_ms), self.moment(self.now_ms)
        text = f"{local:%H:%M:%S}"
        if local.date() != today.date():
            text = f"{local.day} {MONTHS[self._language][local.month - 1]} {local.year}, {text}"
        utc = local.astimezone(UTC)
        return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
            f"{utc:%Y-%m-%dT%H:%M:%SZ}", f"{utc:%Y-%m-%d %H:%M:%S}", text
        )

    def ago(self, time_ms: int | None) -> Markup:
        """How long ago, with the time on hover."""
        if time_ms is None:
            return NOTHING
        span_ms = self.now_ms - time_ms
        text = _NOW[self._language] if span_ms < 1_000 else _AGO[self._language].format(span=self.span(span_ms))
        local = self.moment(time_ms)
        utc = local.astimezone(UTC)
        return Markup('<time datetime="{}" title="{} · {} UTC">{}</time>').format(
            f"{utc:%Y-%m-%dT%H:%M:%SZ}", f"{local:%Y-%m-%d %H:%M:%S}", f"{utc:%H:%M:%S}", text
        )

    def span(self, span_ms: int | float | None) -> str:
        """`45 s`, `14 min`, `3 h 20 min`, `2 d 4 h`."""
        if span_ms is None:
            return NOTHING
        seconds = max(0, round(span_ms / 1_000))
        if seconds < 100:
            return f"{seconds} s"
        minutes, hours = seconds // 60, seconds // 3_600
        if minutes < 100:
            return f"{minutes} min"
        if hours < 48:
            return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
        return f"{hours // 24} d {hours % 24} h" if hours % 24 else f"{hours // 24} d"

    def number(self, value: float | None) -> str:
        if value is None:
            return NOTHING
        return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"

    def size(self, size_bytes: int | None) -> str:
        if size_bytes is None:
            return NOTHING
        size, unit = float(size_bytes), "B"
        for unit in ("B", "kB", "MB", "GB", "TB"):
            if size < 1_000 or unit == "TB":
                break
            size /= 1_000
        return f"{size:,.0f} {unit}" if unit == "B" else f"{size:,.1f} {unit}"


def shift_began(now_ms: int, clock: str, zone: str) -> int:
    """When the wall clock last showed `clock` (HH:MM) in this zone, in milliseconds since 1970."""
    hours, minutes = (int(part) for part in clock.split(":"))
    now = (_EPOCH + timedelta(milliseconds=now_ms)).astimezone(ZoneInfo(zone))
    began = now.replace(hour=min(hours, 23), minute=minutes, second=0, microsecond=0)
    if began > now:
        began = (now - timedelta(days=1)).replace(hour=min(hours, 23), minute=minutes, second=0, microsecond=0)
    return int(began.timestamp() * 1_000)
