"""Mapping files made up for tests: the page's own example, and what is put in its place."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, Final

from connectors.sdk import Alert, Cancel, Note
from connectors.sdk.mapping import BadMapping, Mapping, mapping_of

PAGE: Final = Path(__file__).parents[3] / "docs" / "connectors" / "mapping.md"
SMALL: Final = """
name: small
key: [id]
label: {class: victim-identified, purposes: [investigation]}
"""
RECORD: Final[dict[str, Any]] = {
    "report_no": "R-1",
    "kind": "Víctima",
    "received": "24/11/2026",
    "source": "Policía",
    "from_country": "Colombia",
    "exploitation": "Laboral; SEXUAL",
    "name": "Ana María Inventada de la Nada",
    "born": "05/02/1995",
    "age": None,
    "sex": "f ",
    "nationality": "COL; Venezuela",
    "passport": "ZZ100200",
    "issued_by": "Colombia",
    "consents": "Si",
    "phone": "555-0100",
    "mobile": "",
    "needs": "shelter, lawyer",
    "account": "An invented account.",
    "file_no": "F-9",
    "status": "abierta",
    "operator": "somebody",
}


@cache
def page() -> Mapping:
    """The mapping that docs/connectors/mapping.md shows."""
    found = re.search(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return mapping_of(found[1].encode(), "mapping.yaml")


def small(more: str = "") -> Mapping:
    return mapping_of((SMALL + more).encode(), "small.yaml")


def problems(text: str) -> list[str]:
    """What is wrong with a mapping file, as `line:column: message`."""
    try:
        mapping_of(text.encode(), "m.yaml")
    except BadMapping as bad:
        return [str(problem).removeprefix("m.yaml:") for problem in bad.problems]
    return []


def mapped(mapping: Mapping, record: dict[str, Any]) -> tuple[Alert, list[Note]]:
    """The one alert of a record, and the notes on it."""
    found = list(mapping.alerts(record))
    alerts = [each for each in found if isinstance(each, Alert)]
    assert len(alerts) == 1 and not any(isinstance(each, Cancel) for each in found)
    return alerts[0], [each for each in found if isinstance(each, Note)]


def said(alert: Alert, category: str) -> Any:
    """The one section of a category."""
    (found,) = [each.content for each in alert.contents if each.category == category]
    return found


def categories(alert: Alert) -> list[str]:
    return sorted(each.category for each in alert.contents)
