"""Deliveries made up for the contract suite: every kind, and every section, full of unmistakable words."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final

from hub.bus.bus import Outgoing, lane
from hub.bus.memory_log import START_MS
from hub.model import sections as say
from hub.model.avro import LOCAL_IDS, encode, frame
from hub.model.compose import Draft, compose
from hub.model.core import Label
from hub.model.delivery import Delivery as DeliveryRecord
from hub.model.delivery import View
from hub.model.obligation import Obligation
from hub.model.sections import Content

from .kinds import Delivery

KEY: Final = b"the key of an originator that is not"
KEEP_DAYS: Final = 30
WORDS: Final = ("INVENTEDFAMILYQZ", "INVENTEDGIVENQZ", "INVENTEDDOCQZ9", "inventedaccountqz", "INVENTEDPHONEQZ")
_NAME: Final = {"family": WORDS[0], "given": WORDS[1]}
_PERSON: Final[dict[str, Any]] = {
    "names": [_NAME],
    "birth_date": "1990-05-17",
    "birth_country": "CO",
    "sex": "female",
    "nationalities": ["CO"],
    "documents": [{"number": WORDS[2], "type": "P", "issuer": "CO"}],
}


def _contents(**values: dict[str, Any]) -> list[Content]:
    made = []
    for name, fields in values.items():
        category = name.replace("__", ".")
        made.append(Content(category, say.CONTENTS[category].model_validate(fields)))
    return made


_ABOUT_VICTIM: Final = _contents(
    victim__identity={"person": "v1", **_PERSON},
    victim__contact={"person": "v1", "phones": [WORDS[4]], "addresses": [WORDS[3]]},
    victim__location={"person": "v1", "place": WORDS[3], "country": "PA"},
    victim__care={"person": "v1", "needs": ["shelter"]},
    narrative={"text": WORDS[3]},
)
_ABOUT_SUSPECT: Final = _contents(
    suspect__identity={"person": "s1", **_PERSON, "warrants": [{"issuing_country": "CO", "charge": WORDS[3]}]},
    suspect__contact={"person": "s1", "online": [WORDS[4]]},
    case={"number": WORDS[2], "authority": "An invented court", "status": "wanted"},
    journey={"legs": [{"mode": "air", "departure_country": "CO", "arrival_country": "PA"}]},
    goods={"items": [{"description": "passports", "quantity": 3}]},
    finance={"transfers": [{"amount": "10", "currency": "USD", "sender": WORDS[0]}], "accounts": [WORDS[2]]},
    organisation={"name": "An invented company"},
    links={"links": [{"alert": str(uuid.UUID(int=9)), "relation": "same-case"}]},
    handling={"text": "Ask first."},
    evidence={"exhibits": [{"digest": bytes(32), "media_type": "text/plain", "ask": "the desk"}]},
)
_ABOUT_MISSING: Final = _contents(
    missing__identity={
        "person": "m1",
        **_PERSON,
        "event_date": "2026-01-02",
        "parents": [{"relation": "mother", **_NAME}],
    },
    witness__identity={"person": "w1", **_PERSON},
    informant={"person": "i1", "name": WORDS[0], "note": WORDS[3]},
    statistics={"period": "2026", "threshold": 11, "cells": [{"sex": "female", "count": 12}]},
)


def _record(agency: str, number: int, kind: str, contents: Sequence[Content] = (), revision: int = 1) -> DeliveryRecord:
    alert = uuid.UUID(int=(0x0190 << 112) | (7 << 76) | (2 << 62) | (number % 3))
    view = None
    if kind == "release":
        label = Label.model_validate(
            {"class": "wanted-person", "purposes": ["investigation", "search"], "tlp": "AMBER"}
        )
        made = compose(
            Draft(label=label),
            contents,
            originator="somebody-else",
            alert_id=alert,
            revision=revision,
            now_ms=START_MS,
            key=KEY,
        )
        view = View(core=made.core, sections=made.sections)
    return DeliveryRecord(
        id=hashlib.sha256(f"{agency}{number}".encode()).digest()[:16],
        kind=kind,
        recipient=agency,
        alert=alert,
        revision=revision if kind == "release" else 0,
        number=number,
        decided_ms=START_MS,
        bundle=bytes(32),
        obligation=Obligation(keep_days=KEEP_DAYS) if kind == "release" else None,
        reason="cancelled" if kind == "withdrawal" else None,
        view=view,
    )


def _records(agency: str) -> list[tuple[DeliveryRecord, tuple[Content, ...]]]:
    made: list[tuple[str, Sequence[Content], int]] = [
        ("release", _ABOUT_VICTIM, 1),
        ("release", _ABOUT_SUSPECT, 1),
        ("release", _ABOUT_MISSING, 1),
        ("release", _ABOUT_VICTIM[:1], 2),  # a later revision of the first, with less
        ("release", (), 1),  # the core alone
        ("withdrawal", (), 0),
        ("request", (), 0),
        ("feedback", (), 0),
    ]
    return [
        (_record(agency, number, kind, contents, revision), tuple(contents))
        for number, (kind, contents, revision) in enumerate(made)
    ]


def _sample(number: int) -> Callable[[str], Delivery]:
    def made(agency: str) -> Delivery:
        record, contents = _records(agency)[number]
        return Delivery(record, contents)

    return made


RELEASES: Final = 5  # come first
SAMPLES: Final = tuple(_sample(number) for number in range(8))


def deliveries(agency: str, partitions: int) -> list[Outgoing]:
    """One delivery of each kind, as they stand on the agency's topic."""
    number = LOCAL_IDS.by_name["Delivery"]
    return [
        Outgoing(
            f"deliveries.{agency}",
            lane(record.alert.bytes, partitions),
            record.alert.bytes,
            frame(number, encode(record)),
        )
        for record, _ in _records(agency)
    ]
