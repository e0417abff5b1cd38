"""Invented STIX objects, and what becomes of a bundle of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from connectors.formats.stix_markings import TLP_2_IDS
from connectors.sdk import Alert, BadNative, BadRecord, Cancel, Note, Read
from connectors.sica.connector import BundleOptions, BundleSource
from connectors.sica.ours import Received
from hub.model.text import to_json

Json = dict[str, Any]
TIME = "2026-05-01T00:00:00.000Z"
Told = Alert | Cancel | Note | BadRecord | BadNative


def made(kind: str, number: int, **more: object) -> Json:
    identifier = f"{kind}--00000000-0000-4000-8000-{number:012d}"
    return {"type": kind, "spec_version": "2.1", "id": identifier, "created": TIME, "modified": TIME, **more}


def report(number: int, *members: Json, tlp: Any = "GREEN", **more: object) -> Json:
    fields: Json = {
        "name": "Patrón",
        "published": TIME,
        "labels": ["suspected-transit"],
        "object_refs": [each["id"] for each in members],
        "object_marking_refs": [TLP_2_IDS[tlp]],
    }
    return made("report", number, **{**fields, **more})


def place(number: int, country: str) -> Json:
    return made("location", number, country=country)


def joined(number: int, kind: str, source: Json, target: Json) -> Json:
    return made("relationship", number, relationship_type=kind, source_ref=source["id"], target_ref=target["id"])


def business(number: int, name: str = "Agencia Inventada") -> Json:
    return made("identity", number, name=name, identity_class="organization")


def told(path: Path, *objects: Json, **options: Any) -> list[Told]:
    """All that becomes of a bundle of these objects, in order."""
    file = path / "bundle.json"
    file.write_text(json.dumps({"type": "bundle", "id": "bundle--x", "objects": objects}), encoding="utf-8")
    return told_of(file, **options)


def told_of(file: Path, **options: Any) -> list[Told]:
    source = BundleSource(BundleOptions(files=(file,), **options))
    found: list[Told] = []
    for item in source.read(None):
        if isinstance(item, BadRecord):
            found.append(item)
        elif isinstance(item, Read) and isinstance(item.native, Received):
            try:
                found += source.alerts(item.native)
            except BadNative as bad:
                found.append(bad)
    source.close()
    return found


def alerts(found: list[Told]) -> list[Alert]:
    return [each for each in found if isinstance(each, Alert)]


def alert(path: Path, *objects: Json, **options: Any) -> Alert:
    found = told(path, *objects, **options)
    (one,) = alerts(found)
    return one


def bad(found: list[Told]) -> list[str]:
    return [each.field for each in found if isinstance(each, BadNative | BadRecord)]


def codes(found: list[Told]) -> list[str]:
    return [each.code for each in found if isinstance(each, Note | BadRecord)]


def sections(found: Alert) -> dict[str, Json]:
    opened = {each.category: to_json(each.content) for each in found.contents}
    return {name: {key: value for key, value in each.items() if value} for name, each in opened.items()}
