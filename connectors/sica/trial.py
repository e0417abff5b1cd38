"""What the contract suite tries the SICA connector on: an invented bundle with objects and reports that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from connectors.formats.stix_markings import TLP_2_IDS
from connectors.sdk import Options, Trial

PLANTED: Final = ("PLANTEDPERSONQZ", "plantedaccountqz")
GOOD: Final = 10
_TIME: Final = "2026-05-01T00:00:00.000Z"


def _made(kind: str, number: int, **more: object) -> dict[str, Any]:
    identifier = f"{kind}--00000000-0000-4000-8000-{number:012d}"
    return {"type": kind, "spec_version": "2.1", "id": identifier, "created": _TIME, "modified": _TIME, **more}


def _report(number: int, *members: dict[str, Any], **more: object) -> dict[str, Any]:
    fields: dict[str, object] = {
        "name": f"Oferta {number}",
        "description": f"Anuncio de empleo, {PLANTED[1]} {number}",
        "published": _TIME,
        "labels": ["recruitment-offer", "act:recruitment"],
        "object_refs": [each["id"] for each in members],
        "object_marking_refs": [TLP_2_IDS["GREEN"]],
    }
    return _made("report", number, **{**fields, **more})


def trial_bundles(folder: Path, options: type[Options]) -> Trial:
    """Ten reports on a business in a country; one that names a person, one of no class, one object without an id."""
    place = _made("location", 100, country="CR")
    business = _made("identity", 101, name="Agencia Inventada", identity_class="organization")
    joined = _made(
        "relationship", 102, relationship_type="originates-from", source_ref=business["id"], target_ref=place["id"]
    )
    person = _made("identity", 103, name=PLANTED[0], identity_class="individual")
    reports = [_report(number, business, place) for number in range(GOOD)]
    bad = [_report(50, person), _report(51, business, labels=["nothing known"]), {"type": "report", "name": PLANTED[0]}]
    objects = [place, business, joined, person, *reports[:4], *bad, *reports[4:]]
    file = folder / "bundle.json"
    file.write_text(json.dumps({"type": "bundle", "id": "bundle--x", "objects": objects}, indent=1), encoding="utf-8")
    put = folder / "bundles"
    put.mkdir()
    fields: dict[str, Any] = {"files": (file,), "bundles": put, "database": f"sqlite:///{folder / 'sica.db'}"}
    made = options.model_validate({**fields, "max_tlp": "AMBER"})
    return Trial(made, alerts=GOOD, set_aside=len(bad), planted=PLANTED, effects=lambda: _files(put))


def _files(folder: Path) -> object:
    """Every bundle that was put there, by name."""
    return sorted((path.name, path.read_text(encoding="utf-8")) for path in folder.glob("*"))
