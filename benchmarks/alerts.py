"""Alerts to measure with: a mix as the Panamanian profile would see them from Customs, each with an id of its own."""

from __future__ import annotations

import time
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from hub.bus.bus import Outgoing, Record, lane
from hub.guidelines.bundle import Bundle
from hub.guidelines.profile import load_profile
from hub.model.avro import LOCAL_IDS, encode, frame
from hub.model.base import new_alert_id
from hub.model.compose import Draft, compose
from hub.model.core import Label
from hub.model.derive import Facts
from hub.model.sections import CONTENTS, Content
from hub.routing.route import route
from hub.routing.state import Arrived, State

TEXT = "Una pasajera viaja con tres personas que hablan por ella. " * 4


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@cache
def bundle() -> Bundle:
    """The Panamanian profile."""
    return load_profile(Path(str(files("profiles") / "panama")))


@cache
def templates() -> tuple[tuple[bytes, bytes], ...]:
    """Framed alerts of Customs as (before the id, after the id)."""
    label: dict[str, Any] = {"purposes": ["investigation", "victim-assistance", "border-control"], "reliability": "B"}
    kinds = [
        ("suspected-transit", "AMBER+STRICT", ("unknown",), ("victim", "suspect")),
        ("suspected-transit", "AMBER", ("given",), ("victim",)),
        ("wanted-person", "AMBER+STRICT", (), ("suspect",)),
        ("seizure", "GREEN", (), ()),
        ("missing-person", "AMBER+STRICT", (), ("missing",)),
        ("document-fraud", "AMBER+STRICT", (), ("suspect",)),
    ]
    made = []
    for alert_class, tlp, consents, subjects in kinds:
        contents = [
            _content("journey", {"legs": [{"mode": "air", "departure_country": "CO", "arrival_country": "PA"}]})
        ]
        contents.append(_content("narrative", {"text": TEXT}))
        contents += [_content(f"{subject}.identity", _person(f"{subject[0]}1")) for subject in subjects]
        draft = Draft(
            label=Label.model_validate({**label, "class": alert_class, "tlp": tlp, "credibility": "2"}),
            facts=Facts(consents=consents, act=("transportation",), indicators=("G18",)),
        )
        now_ms = time.time_ns() // 1_000_000
        marker = new_alert_id()
        alert = compose(
            draft, contents, originator="customs", alert_id=marker, revision=1, now_ms=now_ms, key=b"benchmark"
        )
        before, after = frame(LOCAL_IDS.by_name["Alert"], encode(alert)).split(marker.bytes)
        made.append((before, after))
    return tuple(made)


def records(count: int) -> list[tuple[bytes, bytes]]:
    """Keys and values of `count` alerts, each with a new id."""
    shapes = templates()
    found = []
    for number in range(count):
        key = new_alert_id().bytes
        before, after = shapes[number % len(shapes)]
        found.append((key, before + key + after))
    return found


def arrived(records: list[tuple[bytes, bytes]], partitions: int) -> list[Arrived]:
    """The records as the router reads them."""
    now_ms = time.time_ns() // 1_000_000
    return [
        Arrived("alerts.customs", lane(key, partitions), Record(number, now_ms, key, value), number - 1)
        for number, (key, value) in enumerate(records)
    ]


def state(partitions: int) -> State:
    return State(bundle(), LOCAL_IDS, partitions, time.time_ns() // 1_000_000, {})


def routed(records: list[tuple[bytes, bytes]], _bundle: Bundle, partitions: int) -> dict[bytes, list[Outgoing]]:
    """What the router writes for each alert."""
    where = state(partitions)
    found = {}
    for each in arrived(records, partitions):
        result = route(each, where)
        assert result.result == "decided", result.result
        found[each.record.key or b""] = result.outgoing
    return found


def _content(category: str, fields: dict[str, Any]) -> Content:
    return Content(category, CONTENTS[category].model_validate(fields))


def _person(reference: str) -> dict[str, Any]:
    return {
        "person": reference,
        "names": [{"family": "RODRIGUEZ DE LA CRUZ", "given": "MARIA FERNANDA"}],
        "birth_date": "1998-04-12",
        "sex": "female",
        "nationalities": ["CO"],
        "documents": [{"number": "AR5521907", "type": "P", "issuer": "CO", "expiry": "2031-02-01"}],
    }
