"""The table of long fault runs in docs/faults.md: one line a run, and what happened in all of them together."""

from __future__ import annotations

import datetime
import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.kafka.faults.campaign import Result

PAGE: Final = Path(__file__).parents[3] / "docs" / "faults.md"
BEGIN, END = "<!-- runs: begin -->", "<!-- runs: end -->"
HEAD = (
    "| seed | records published | faults | lost | twice | misdirected | out of order | other findings |\n"
    "|---|---|---|---|---|---|---|---|"
)


def row(result: Result) -> str:
    cells = (
        result.seed,
        result.records,
        result.faults.total(),
        result.lost,
        result.twice,
        result.misdirected,
        result.out_of_order,
        result.others,
    )
    return "| " + " | ".join(f"{cell:,}" if number else str(cell) for number, cell in enumerate(cells)) + " |"


def text(results: Sequence[Result], seconds: float, routers: int, day: datetime.date) -> str:
    """The part of the page that a campaign writes."""
    faults = Counter[str]()
    for result in results:
        faults += result.faults
    lines = [
        f"{len(results)} runs of {seconds:.0f} s over {routers} routers, {os.cpu_count()} cores, {day.isoformat()}.",
        "",
        HEAD,
        *map(row, results),
        "",
        "| fault | how often, in all runs |",
        "|---|---|",
        *(f"| {kind} | {count:,} |" for kind, count in sorted(faults.items())),
    ]
    return "\n".join(lines)


def write(results: Sequence[Result], seconds: float, routers: int) -> None:
    """Writes the page anew between its two marks."""
    today = datetime.datetime.now(datetime.UTC).date()
    page = PAGE.read_text(encoding="utf-8")
    between = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    assert between.search(page), f"{PAGE.name} has no place for the table"
    made = f"{BEGIN}\n{text(results, seconds, routers, today)}\n{END}"
    PAGE.write_text(between.sub(lambda _: made, page), encoding="utf-8")
