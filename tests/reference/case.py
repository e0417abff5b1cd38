"""One case for every evaluator: a bundle, an alert, a time, grants. Found differences are kept as JSON in `found/`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hub.guidelines.bundle import Bundle
from hub.model.core import Core, Routing

FOUND = Path(__file__).parent / "found"


@dataclass(frozen=True)
class Case:
    bundle: Bundle
    routing: Routing
    core: Core
    categories: tuple[str, ...]
    now_ms: int
    grants: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def keep(self, name: str) -> Path:
        """Writes the case to `found/`; the last and smallest of a shrinking run stays."""
        FOUND.mkdir(exist_ok=True)
        path = FOUND / f"{name}.json"
        fields = {
            "bundle": json.loads(self.bundle.to_json()),
            "routing": self.routing.model_dump(mode="json", by_alias=True),
            "core": self.core.model_dump(mode="json", by_alias=True),
            "categories": self.categories,
            "now_ms": self.now_ms,
            "grants": {agency: sorted(each) for agency, each in self.grants.items()},
        }
        path.write_text(json.dumps(fields, sort_keys=True) + "\n")
        return path


def kept() -> Iterator[tuple[str, Case]]:
    """The cases that once showed a difference, by name."""
    for path in sorted(FOUND.glob("*.json")):
        fields = json.loads(path.read_text())
        yield (
            path.stem,
            Case(
                Bundle.model_validate(fields["bundle"]),
                Routing.model_validate(fields["routing"]),
                Core.model_validate(fields["core"]),
                tuple(fields["categories"]),
                fields["now_ms"],
                {agency: frozenset(each) for agency, each in fields["grants"].items()},
            ),
        )
