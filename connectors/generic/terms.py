"""What a delivery obliges its recipient to, with dates in place of hours and days: sinks keep it with what they were sent."""

from __future__ import annotations

from typing import Any, Final

from hub.model.base import to_rfc3339
from hub.model.delivery import Delivery
from hub.model.text import to_json

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS


def acknowledge_by_ms(record: Delivery) -> int | None:
    """Until when the delivery is to be acknowledged, if it is."""
    hours = record.obligation.acknowledge_hours if record.obligation else None
    return record.decided_ms + hours * HOUR_MS if hours else None


def keep_until_ms(record: Delivery) -> int | None:
    """Until when what was delivered may be kept, if a number of days says so."""
    days = record.obligation.keep_days if record.obligation else None
    return record.decided_ms + days * DAY_MS if days else None


def caveats(record: Delivery) -> tuple[str, ...]:
    """The codes of the caveats that every reader is shown: the obligation's and the originator's own, sorted."""
    own = record.view.core.caveats if record.view else ()
    return tuple(sorted({*own, *(record.obligation.caveats if record.obligation else ())}))


def terms_json(record: Delivery) -> dict[str, Any] | None:
    """The obligation as JSON, with `acknowledge_by` and `keep_until` as dates; None if there is none."""
    if record.obligation is None:
        return None
    said: dict[str, Any] = to_json(record.obligation)
    acknowledge_ms, keep_ms = acknowledge_by_ms(record), keep_until_ms(record)
    return {
        **said,
        "acknowledge_by": to_rfc3339(acknowledge_ms) if acknowledge_ms else None,
        "keep_until": to_rfc3339(keep_ms) if keep_ms else None,
        "caveats": list(caveats(record)),
    }
