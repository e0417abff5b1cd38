"""Received statistics as files that a statistician can use: a CSV of cells, and beside it what they mean (JSON). Pure.

Nothing here is about a person. A cell is a row; an empty dimension is the total over it; a count that the originator hid has an
empty `count` and `suppressed` true, and is not zero.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from connectors.formats.tabular_write import write_csv
from connectors.sdk import Delivery
from hub.model.base import to_rfc3339
from hub.model.core import Core
from hub.model.sections import Statistics

HEADER: Final = ("period", "class", "exploitation", "sex", "age_band", "country", "count", "suppressed")
NOTICE: Final = {
    "es": "Retirado por quien lo emitió: no use ni cite esta estadística, y suprima sus copias.",
    "en": "Withdrawn by its originator: do not use or cite these statistics, and delete your copies.",
}
DEFINITIONS: Final[dict[str, dict[str, str]]] = {
    "period": {
        "es": "año (AAAA), mes (AAAA-MM), trimestre (AAAA-33 a AAAA-36, ISO 8601-2) o tres años (AAAA/AAAA)",
        "en": "year (YYYY), month (YYYY-MM), quarter (YYYY-33 to YYYY-36, ISO 8601-2) or three years (YYYY/YYYY)",
    },
    "class": {"es": "clase de las alertas contadas", "en": "class of what is counted"},
    "exploitation": {
        "es": "forma de explotación (Protocolo de Palermo, art. 3); `several`: más de una; vacío: todas",
        "en": "form of exploitation (Palermo Protocol, art. 3); `several`: more than one; empty: all",
    },
    "sex": {"es": "sexo; vacío: todos", "en": "sex; empty: all"},
    "age_band": {
        "es": "edad en años cumplidos, en las franjas de CTDC; vacío: todas",
        "en": "age in full years, in the bands of CTDC; empty: all",
    },
    "country": {
        "es": "nacionalidad (ISO 3166-1); ZZ: otra, varias, ninguna o desconocida; vacío: todas",
        "en": "nationality (ISO 3166-1); ZZ: another, several, none or unknown; empty: all",
    },
    "count": {
        "es": "personas; vacío donde fue suprimido, lo que no significa cero",
        "en": "persons; empty where it was suppressed, which does not mean none",
    },
    "suppressed": {
        "es": "true: menor que el umbral k, o suprimido para que no se pueda calcular otro que lo es",
        "en": "true: under the threshold k, or suppressed so that another that is cannot be computed",
    },
}
_PERIOD: Final = re.compile(r"(\d{4})(?:-(\d{2})|/(\d{4}))?\Z", re.ASCII)
_QUARTERS: Final = {33: 1, 34: 4, 35: 7, 36: 10}
_OF_FILE: Final = re.compile(r"[^a-z0-9-]+")


@dataclass(frozen=True)
class Files:
    """A CSV and its description, by a name without ending."""

    name: str
    table: bytes
    description: bytes


def released(delivery: Delivery, core: Core, found: Sequence[Statistics]) -> Files:
    """The files of a release. Raises Unwritable for a text that no table can hold."""
    return Files(name_of(core, found), _table(core, found), _json(_description(delivery, core, found)))


def withdrawn(name: str, before: dict[str, Any], delivery: Delivery) -> Files:
    """What stands in place of files that were withdrawn: no figure of them."""
    record = delivery.record
    kept = {key: before[key] for key in ("class", "periods", "source") if key in before}
    state = {
        "state": "withdrawn",
        "notice": NOTICE,
        "reason": record.reason,
        "withdrawn": to_rfc3339(record.decided_ms),
        "withdrawal": record.id.hex(),
    }
    return Files(name, _csv([("es", "en"), (NOTICE["es"], NOTICE["en"])]), _json({**state, **kept}))


def name_of(core: Core, found: Sequence[Statistics]) -> str:
    """`statistics_<class>_<period>`, of characters that every system takes."""
    said = [core.label.class_, *sorted({each.period for each in found})[:3]]
    return "_".join(["statistics", *(_OF_FILE.sub("-", part.lower())[:60] for part in said)])


def _table(core: Core, found: Sequence[Statistics]) -> bytes:
    rows = [
        (
            each.period,
            core.label.class_,
            cell.exploitation,
            cell.sex,
            cell.age_band,
            cell.country,
            cell.count,
            cell.count is None,
        )
        for each in found
        for cell in each.cells
    ]
    return _csv([HEADER, *rows])


def _csv(rows: Sequence[Sequence[Any]]) -> bytes:
    out = io.BytesIO()
    write_csv(out, rows)
    return out.getvalue()


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode("utf-8")


def _description(delivery: Delivery, core: Core, found: Sequence[Statistics]) -> dict[str, Any]:
    record, terms = delivery.record, delivery.record.obligation
    cells = [cell for each in found for cell in each.cells]
    return {
        "state": "released",
        "class": core.label.class_,
        "periods": [_period(each.period) for each in found],
        "k": max(each.threshold for each in found),
        "cells": len(cells),
        "suppressed": sum(cell.count is None for cell in cells),
        "definitions": DEFINITIONS,
        "source": {
            "originator": core.originator,
            "alert": str(record.alert),
            "revision": record.revision,
            "delivery": record.id.hex(),
            "received": to_rfc3339(record.decided_ms),
            "tlp": core.label.tlp,
        },
        "obligations": {
            "keep_until": to_rfc3339(record.decided_ms + terms.keep_days * 86_400_000)
            if terms and terms.keep_days
            else None,
            "onward": terms.onward if terms else None,
            "caveats": sorted({*(terms.caveats if terms else ()), *core.caveats}),
        },
    }


def _period(code: str) -> dict[str, Any]:
    """A period with its first and last day, and as people say it; of one that is not known, the code alone."""
    match = _PERIOD.match(code)
    if match is None:
        return {"code": code}
    year, part, last_year = int(match[1]), int(match[2] or 0), match[3]
    month = _QUARTERS.get(part, part or 1)
    if not 1 <= month <= 12 or year < 1:
        return {"code": code}
    months = 3 if part in _QUARTERS else 1 if part else 12 * (int(last_year) - year + 1) if last_year else 12
    after = year * 12 + month - 1 + months
    if months < 1 or after // 12 > 9_999:
        return {"code": code}
    last = date(after // 12, after % 12 + 1, 1) - timedelta(days=1)
    found: dict[str, Any] = {"code": code, "from": date(year, month, 1).isoformat(), "to": last.isoformat()}
    if part in _QUARTERS:
        number = part - 32
        found |= {"es": f"trimestre {number} de {year}", "en": f"quarter {number} of {year}"}
    return found
