"""The rules for Prometheus speak of metrics that exist, in both languages, and lead to what is to be done."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from hub.cli.pages import told
from hub.metrics import SETTLED, UNSOUND
from hub.model.decision import QUARANTINE_REASONS
from hub.readmodel.results import ALARMS, LAG_STATES

DOCS = Path(__file__).parents[1] / "docs"
KNOWN = {series: set(each.all_labels) for found in told().values() for each in found for series in each.series}
VALUES = {
    ("enlace_lag_state", "state"): LAG_STATES,
    ("enlace_router_quarantined_total", "reason"): QUARANTINE_REASONS,
    ("enlace_router_records_total", "outcome"): SETTLED,
    ("enlace_recorder_alarms", "kind"): ALARMS,
    ("enlace_reconciliation", "what"): UNSOUND,
    ("enlace_connector_state", "state"): ("running", "waiting", "stopped", "failed"),
    ("enlace_lag_state", "topic"): ("alerts", "deliveries", "receipts", "control"),
    ("enlace_lag_records", "topic"): ("alerts", "deliveries", "receipts", "control"),
    ("enlace_console_sign_ins_total", "outcome"): ("succeeded", "failed", "limited"),
}
ADDED = {"instance", "job"}  # by Prometheus itself


def rules() -> list[dict[str, Any]]:
    file = YAML(typ="safe").load((DOCS / "alert-rules.yaml").read_text(encoding="utf-8"))
    assert set(file) == {"groups"}
    return [rule for group in file["groups"] for rule in group["rules"]]


def selected(expression: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Each series of an expression with its matchers."""
    found = re.findall(r"\b(enlace_[a-z_]+)(?:\{([^}]*)\})?", expression)
    return [(name, re.findall(r'([a-z_]+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"', matchers)) for name, matchers in found]


def anchors(page: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_a_rule_speaks_of_what_exists_and_says_what_to_do_in_both_languages(rule: dict[str, Any]) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"] in ({"severity": "page"}, {"severity": "ticket"})
    assert set(rule["annotations"]) == {"summary", "resumen", "runbook"}
    series = selected(rule["expr"])
    assert series, "it watches something"
    known = set(ADDED)
    for name, matchers in series:
        assert name in KNOWN, f"{name} is told by nobody"
        known |= KNOWN[name]
        for label, pattern in matchers:
            assert label in KNOWN[name], f"{name} has no label {label}"
            possible = VALUES[name, label]
            assert set(pattern.split("|")) <= set(possible), f"{label} is one of {possible}"
    for grouped in re.findall(r"by \(([a-z_, ]+)\)", rule["expr"]):
        assert set(grouped.replace(" ", "").split(",")) <= known
    for text in rule["annotations"].values():
        assert set(re.findall(r"\$labels\.([a-z_]+)", text)) <= known
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert anchor in anchors(page)


def test_names_of_rules_are_different() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names) > 10


def test_every_runbook_is_for_a_rule() -> None:
    wanted = {rule["annotations"]["runbook"].partition("#")[2] for rule in rules()}
    assert anchors("operations.md") - wanted == {"operations", "every-day", "metrics-and-health"}


@pytest.mark.parametrize(("expression", "names"), [('a(enlace_x_total{reason!~"b|c"}[5m]) > 0', ["enlace_x_total"])])
def test_the_reading_of_an_expression_finds_names_and_matchers(expression: str, names: list[str]) -> None:
    assert [(name, matchers) for name, matchers in selected(expression)] == [(names[0], [("reason", "b|c")])]
