"""Alerts with unmistakable personal data in every section and in every field that an agency can fill, good and bad ones.

`found` looks for what was planted in whatever came out, however it is written: as it is, in hexadecimal or in base64.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from typing import Any, Final

from hub.bus.bus import Outgoing
from hub.bus.records import pack_headers
from hub.model.codes import CATEGORIES
from hub.model.compose import DAY_MS
from hub.model.core import Alert
from hub.model.sections import CONTENTS, Content
from tests.routing.alerts import NOW_MS, alert, framed, record_of, replaced

MARK: Final = "ZQXPLANTEDZQX"
BORN: Final = "1907-03-19"
PARTITIONS: Final = 2
GOOD: Final = 6  # alerts that are in order, numbered from 1; the last one is restricted
JPEG: Final = b"\xff\xd8\xff\xdb\x00\x12" + MARK.encode() + b"...\xff\xda" + MARK.encode() + b"\xff\xd9"

_PERSON: Final = {"names": [{"full": f"María {MARK}", "family": MARK, "given": MARK}], "birth_date": BORN,
                  "birth_place": MARK, "documents": [{"number": f"PA-{MARK}", "type": "P", "expiry": BORN}],
                  "physical": {"marks": f"a scar, {MARK}"}}  # fmt: skip
_CONTACT: Final = {"addresses": [f"Calle {MARK} 7"], "phones": [f"+507 {MARK}"], "emails": [f"{MARK}@example.org"],
                   "online": [f"https://example.org/{MARK}"]}  # fmt: skip
_PLANTED: Final[dict[str, dict[str, Any]]] = {
    "circumstances": {"indicators": [MARK]},
    "narrative": {"text": f"she said that {MARK} took her passport"},
    "handling": {"text": f"call {MARK} first"},
    "links": {"links": [{"alert": "0" * 36, "relation": MARK}]},
    "journey": {"legs": [{"carrier": MARK, "number": MARK}], "crossing_point": MARK},
    "goods": {"items": [{"description": MARK}]},
    "finance": {"transfers": [{"sender": MARK, "receiver": MARK, "reference": MARK}], "accounts": [f"PA12{MARK}"]},
    "organisation": {"name": f"Hotel {MARK}", "address": MARK},
    "witness.identity": {"person": "w1", **_PERSON},
    "informant": {"person": "i1", "name": MARK, "contact": MARK, "note": MARK},
    "case": {"number": MARK, "authority": MARK, "summary": MARK},
    "evidence": {"exhibits": [{"digest": MARK.ljust(32).encode(), "media_type": MARK, "ask": MARK, "reference": MARK}]},
    "statistics": {"period": "2026", "threshold": 5, "cells": [{"exploitation": MARK, "count": 5}]},
    "victim.location": {"person": "v1", "place": MARK},
    "victim.care": {"person": "v1", "needs": [MARK], "assistance": [MARK], "provider": MARK},
}


def contents() -> list[Content]:
    """One section of every category there is, each with MARK in it."""
    return [Content(category, CONTENTS[category].model_validate(_said(category))) for category in CATEGORIES]


def _said(category: str) -> dict[str, Any]:
    if category in _PLANTED:
        return _PLANTED[category]
    role, _, kind = category.partition(".")
    person = {"person": f"{role[0]}1"}
    if kind == "image":
        return {**person, "jpeg": JPEG}
    if kind == "description":
        return {**person, "role": MARK}
    return {**person, **(_CONTACT if kind == "contact" else _PERSON)}


def good(number: int, **fields: Any) -> Alert:
    """An alert that is in order, with everything planted."""
    until_ms = time.time_ns() // 1_000_000 - NOW_MS + 30 * DAY_MS
    return alert(number, sections=(), contents=contents(), valid_ms=until_ms, **fields)


def bad() -> Iterator[Outgoing]:
    """Records that agencies might write, each wrong in a way of its own: none may be told by what stands in it."""
    key = record_of(good(100), PARTITIONS)
    yield key._replace(value=(key.value or b"")[:-3])  # undecodable
    yield key._replace(value=MARK.encode())
    yield key._replace(value=b"\0\x7f\xff\xff\xff" + MARK.encode() * 40)
    yield key._replace(key=MARK.ljust(16).encode()[:16])  # key-mismatch
    yield key._replace(key=MARK.encode())
    yield key._replace(partition=1 - key.partition)  # wrong-lane
    yield key._replace(topic="alerts.police")  # foreign-topic
    yield key._replace(headers=pack_headers([(MARK, MARK.encode())]), value=b"\0\0\0\0\1")
    yield key._replace(value=framed(good(100)) + b"x" * 10 + MARK.encode())
    for number, facts in enumerate(_facts(), start=101):
        yield _unchecked(number, **facts)
    yield _unchecked(120, labelled={"class": MARK})
    yield _unchecked(121, labelled={"purposes": (MARK,)})
    made = record_of(good(122, caveats=(MARK,)), PARTITIONS)
    yield made
    huge = record_of(good(123), PARTITIONS)
    yield huge._replace(value=(huge.value or b"") + MARK.encode() * 78_000)  # too-large: over 1,000,000 bytes
    cancel = alert(124, kind="cancel")
    whole = replaced(cancel, sections=good(124).sections)  # digest-mismatch: a cancel with sections
    yield record_of(whole, PARTITIONS)
    for topic in ("receipts.police", "receipts.shelter"):
        yield key._replace(topic=topic, value=MARK.encode())


def _facts() -> Iterator[dict[str, Any]]:
    """Every list of the routing block with MARK in it."""
    for name in ("origin", "nationality", "act", "means", "exploitation", "indicators", "releasable_to", "legal_basis"):
        yield {name: (MARK,)}
    yield {"minor": MARK}
    yield {"consent": MARK}


def _unchecked(number: int, labelled: dict[str, Any] | None = None, **facts: Any) -> Outgoing:
    """An alert whose routing block was not checked by its writer."""
    made = good(number)
    label = replaced(made.routing.label, **{"class_" if k == "class" else k: v for k, v in (labelled or {}).items()})
    routing = replaced(made.routing, label=label, **facts)
    whole = replaced(made, routing=routing, core=replaced(made.core, label=label))
    return record_of(whole, PARTITIONS)


def _forms(value: str) -> list[bytes]:
    raw = value.encode()
    shifted = [base64.b64encode(b"x" * shift + raw)[4 if shift else 0 : -4] for shift in range(3)]
    return [raw.lower(), raw.hex().encode(), *(each.lower() for each in shifted)]


FORMS: Final = [form for value in (MARK, BORN) for form in _forms(value)]


def found(out: str | bytes) -> list[bytes]:
    """In which forms what was planted stands in something that came out."""
    raw = (out if isinstance(out, bytes) else out.encode("utf-8", "surrogateescape")).lower()
    return [form for form in FORMS if form in raw]
