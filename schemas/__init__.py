"""The Avro schemas that travel: *.avsc are the newest versions, lock.json every version that was ever published, with its id.

The .avsc files are made from hub/model by `enlace schemas lock`, which adds a version to the lock where one changed and
never alters one that stands there. Imports nothing of the hub.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

Schema = Any


@cache
def lock() -> dict[str, Any]:
    """lock.json: `records` and `sections`, each a list of versions (name, version, id for records, schema); `families`:
    which versions of Alert, Delivery and Decision embed the same core and routing block."""
    loaded: dict[str, Any] = json.loads(files(__name__).joinpath("lock.json").read_text(encoding="utf-8"))
    return loaded


def records() -> dict[str, Schema]:
    """The newest schema of every record, by the record's name."""
    newest: dict[str, Schema] = {}
    for entry in lock()["records"]:  # versions stand in ascending order
        newest[entry["name"]] = entry["schema"]
    return newest


def ids() -> dict[str, int]:
    """The id of every record's newest schema in a cluster without a registry."""
    return {entry["name"]: entry["id"] for entry in lock()["records"]}


def sections() -> dict[tuple[str, int], Schema]:
    """Every version of every section's schema, by category and version."""
    return {(entry["name"], entry["version"]): entry["schema"] for entry in lock()["sections"]}
