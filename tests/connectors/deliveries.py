"""Deliveries made up for tests, as a sink gets them and as they stand on the bus."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from hub.bus.bus import Outgoing, lane
from hub.model.avro import LOCAL_IDS, encode, frame
from hub.model.compose import DAY_MS, Draft, compose
from hub.model.core import Label
from hub.model.delivery import Delivery as DeliveryRecord
from hub.model.delivery import View
from hub.model.sections import Content, Identity, MissingIdentity, Narrative, SuspectIdentity

NOW_MS = 1_795_000_000_000  # 2026-11-18
DAY = DAY_MS
KEY = b"an invented connector's key"
ALERT = uuid.UUID("01900000-0000-7000-8000-000000000001")

SOUGHT: Mapping[str, Any] = {"class": "wanted-person", "purposes": ["investigation", "border-control"]}
WANTED: Mapping[str, Any] = {**SOUGHT, "reliability": "A", "credibility": "1", "handling": ["H1"], "tlp": "AMBER"}
MISSING: Mapping[str, Any] = {"class": "missing-person", "purposes": ["search"]}
PERSON: Mapping[str, Any] = {
    "names": [{"family": "Invented", "given": "Ana María"}],
    "birth_date": "1990-05-17",
    "documents": [{"number": "ZZ 100-200"}],
}


def suspect(**fields: Any) -> Content:
    return Content("suspect.identity", SuspectIdentity.model_validate({"person": "s1", **PERSON, **fields}))


def missing(**fields: Any) -> Content:
    return Content("missing.identity", MissingIdentity.model_validate({"person": "m1", **PERSON, **fields}))


def victim(**fields: Any) -> Content:
    return Content("victim.identity", Identity.model_validate({"person": "v1", **PERSON, **fields}))


def narrative(text: str = "an invented account") -> Content:
    return Content("narrative", Narrative.model_validate({"text": text}))


def record(
    kind: str = "release",
    contents: Iterable[Content] = (),
    label: Mapping[str, Any] = WANTED,
    *,
    number: int = 1,
    revision: int = 1,
    alert: uuid.UUID = ALERT,
    recipient: str = "customs",
    originator: str = "interpol",
    valid_days: int = 60,
    **fields: Any,
) -> DeliveryRecord:
    """A delivery record; a release has a view of all the contents, as the originator composed them."""
    view = None
    if kind == "release":
        draft = Draft(label=Label.model_validate(label), valid_ms=valid_days * DAY)
        made = compose(
            draft, list(contents), originator=originator, alert_id=alert, revision=revision, now_ms=NOW_MS, key=KEY
        )
        view = View(core=made.core, sections=made.sections)
    return DeliveryRecord(
        id=hashlib.sha256(f"{alert}{recipient}{number}".encode()).digest()[:16],
        kind=kind,
        recipient=recipient,
        alert=alert,
        revision=revision if kind == "release" else 0,
        number=number,
        decided_ms=NOW_MS,
        bundle=bytes(32),
        view=view,
        **fields,
    )


def outgoing(delivery: DeliveryRecord, partitions: int = 6, schema_id: int | None = None) -> Outgoing:
    """The record on its recipient's topic."""
    key = delivery.alert.bytes
    number = LOCAL_IDS.by_name["Delivery"] if schema_id is None else schema_id
    return Outgoing(f"deliveries.{delivery.recipient}", lane(key, partitions), key, frame(number, encode(delivery)))
