"""A delivery as the ministry's own system is told of it: what to do, with what, and under which terms."""

from __future__ import annotations

from typing import Any, Final

from connectors.sdk import Delivery
from connectors.sdk.terms import terms_json
from hub.model.base import to_rfc3339
from hub.model.text import to_json

# `replace`: this is all that you have of the alert now; what you had and is not here goes. `delete`: all of it goes, copies
# too. `note`: a request or feedback on an alert of your own; nothing that you hold changes.
ACTIONS: Final = {"release": "replace", "withdrawal": "delete", "request": "note", "feedback": "note"}


def delivered_json(delivery: Delivery) -> dict[str, Any]:
    """The message's body: times in RFC 3339, the view by category (several sections of one category are a list).

    `withdrawn`: categories that were released before and are not any more; `withheld`: how many sections the originator's alert
    has beside those that were released.
    """
    record = delivery.record
    core = record.view.core if record.view else None
    view: dict[str, list[Any]] = {}
    for each in delivery.contents:
        view.setdefault(each.category, []).append(to_json(each.content))
    return {
        "id": record.id.hex(),
        "kind": record.kind,
        "action": ACTIONS[record.kind],
        "alert": str(record.alert),
        "revision": record.revision,
        "number": record.number,
        "decided": to_rfc3339(record.decided_ms),
        "bundle": record.bundle.hex(),
        "reason": record.reason,
        "originator": core.originator if core else None,
        "label": to_json(core.label) if core else None,
        "observed": to_rfc3339(core.observed_ms) if core and core.observed_ms is not None else None,
        "valid_until": to_rfc3339(core.valid_until_ms) if core else None,
        "view": view if core else None,
        "withheld": len(core.digests) - len(delivery.contents) if core else 0,
        "withdrawn": list(record.withdrawn),
        "obligation": terms_json(record),
    }
