"""docs/connectors/tenth-agency.md is true: its files are written and its commands run, in their order, against a real Kafka.

A fenced block with a path behind its kind is that file; a `console` block is commands with what they print, as
tests/kafka/test_stewards_walk.py reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.bus.bus import Record
from hub.cli.seen import records
from hub.model.avro import decode_as, decode_payload, unframe
from hub.model.core import Alert
from hub.model.sections import Evidence
from tests.kafka.test_stewards_walk import Command, File, aligned, commands, hub

PAGE = Path(__file__).parents[2] / "docs" / "connectors" / "tenth-agency.md"
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def steps(page: str) -> Iterator[File | Command]:
    for kind, path, text in BLOCK.findall(page):
        if path:
            yield File(path, text)
        else:
            assert kind == "console"
            yield from commands(text)


def alerts(found: list[Record]) -> list[Alert]:
    return [decode_as(Alert, unframe(record.value or b"")[1]) for record in found]


@pytest.mark.kafka
def test_every_command_of_the_page_prints_what_it_says_and_the_alerts_are_on_the_bus() -> None:
    with hub() as (shell, connection):
        for step in steps(PAGE.read_text(encoding="utf-8")):
            if isinstance(step, File):
                folder = str(Path(step.path).parent)
                assert (
                    shell.lines(f"mkdir -p {folder}; cat > {step.path} <<'END-OF-FILE'\n{step.text}END-OF-FILE") == []
                )
                continue
            real = shell.lines(step.text)
            pairs = aligned(step.printed, real)
            assert pairs is not None, "\n".join(["", f"$ {step.text}", *real, "--- the page says", *step.printed])
        published = alerts(records(connection, "alerts.migration"))
    assert sorted((each.core.label.class_, each.core.revision) for each in published) == [
        ("suspected-transit", 1),
        ("suspected-transit", 2),
        ("victim-identified", 1),
        ("victim-identified", 1),
        ("victim-identified", 1),
    ]
    for each in published:
        (section,) = [section for section in each.sections if section.category == "evidence"]
        content = decode_payload("evidence", section.version, section.payload)
        assert isinstance(content, Evidence) and "Migración" in content.exhibits[0].ask


def test_the_page_needs_no_python() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert "```python" not in page and ".py`" not in page.replace("tests/connectors/test_tenth_agency.py`", "")
    assert {path for _, path, _ in BLOCK.findall(page) if path.endswith(".yaml")} == {"migration.yaml", "table.yaml"}
