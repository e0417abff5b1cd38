"""The table of docs/faults.md says what a run found, and nothing else of the page changes when it is written."""

from __future__ import annotations

import datetime
from collections import Counter
from pathlib import Path

import pytest

from tests.auditor import Finding
from tests.kafka.faults import table
from tests.kafka.faults.campaign import Result

DAY = datetime.date(2026, 11, 24)


def test_every_finding_is_counted_in_one_column() -> None:
    kinds = ("lost", "twice", "misdirected", "sections", "order", "chain", "holding")
    findings = [Finding(kind, "alerts.customs/0/1", "invented") for kind in kinds]
    result = Result(7, 1_234, Counter({"router killed": 3}), findings, missing=2)
    assert table.row(result) == "| 7 | 1,234 | 3 | 3 | 1 | 2 | 1 | 2 |"


def test_the_table_has_a_line_for_each_run_and_each_kind_of_fault() -> None:
    results = [Result(seed, 10, Counter({"router killed": seed, "END_TXN cut": 1})) for seed in (1, 2)]
    text = table.text(results, 180, 3, DAY)
    assert text.startswith("2 runs of 180 s over 3 routers")
    assert "| 1 | 10 | 2 | 0 |" in text and "| 2 | 10 | 3 | 0 |" in text
    assert "| END_TXN cut | 2 |\n| router killed | 3 |" in text


def test_only_what_stands_between_the_marks_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "faults.md"
    page.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(table, "PAGE", page)
    table.write([Result(1)], 60, 2)
    written = page.read_text(encoding="utf-8")
    assert written.startswith(f"before\n{table.BEGIN}\n1 runs of 60 s") and written.endswith(f"{table.END}\nafter\n")
    assert "old" not in written


def test_the_page_has_a_place_for_the_table() -> None:
    page = table.PAGE.read_text(encoding="utf-8")
    assert page.index(table.BEGIN) < page.index(table.END)
