"""Any agency's messages over signed HTTP, each an alert by a mapping file: a connector without code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import Field

from connectors.sdk import Connector, Trial
from connectors.sdk.mapping import load_mapping

from .messages import MessageOptions, MessageSource
from .trials import GOOD, MAPPING, PLANTED, rows


class IntakeOptions(MessageOptions):
    mapping: Path = Field(description="the mapping file: docs/connectors/mapping.md")


def source(options: IntakeOptions) -> MessageSource:
    """Raises BadMapping, and what MessageSource raises."""
    mapping = load_mapping(options.mapping)
    original = mapping.file.original
    return MessageSource(
        options, mapping, agency="agency", ask=original.ask if original else None, title=f"Enlace: {mapping.file.name}"
    )


def _trial(folder: Path) -> Trial:
    """Messages in a file, one of them cut short."""
    (folder / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
    lines = [json.dumps(row) for row in rows()]
    lines.insert(3, lines[3][:-20])
    (folder / "messages.jsonl").write_text("\n".join(lines), encoding="utf-8")
    fields: dict[str, Any] = {"mapping": folder / "mapping.yaml", "files": (folder / "messages.jsonl",)}
    return Trial(IntakeOptions.model_validate(fields), alerts=GOOD, set_aside=4, planted=PLANTED)


CONNECTOR = Connector(
    name="intake",
    agency="",
    title="Any agency's messages over signed HTTP by a mapping file",
    options=IntakeOptions,
    source=source,
    trial=_trial,
)
