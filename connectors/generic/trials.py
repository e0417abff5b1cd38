"""What the contract suite tries the generic connectors on: a small invented feed with its mapping, and bad records in it."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from connectors.sdk import Trial

from .mapped import MappedOptions

PLANTED: Final = ("PLANTEDNAMEQZ", "PLANTEDPASSQZ77", "plantedaccountqz")
GOOD: Final = 12
MAPPING: Final = """
name: trial
key: [id]
label: {class: victim-identified, purposes: [investigation, victim-assistance], tlp: AMBER}
persons:
  - role: victim
    names: {full: {from: name}}
    birth_date: {from: born, dates: [dmy]}
    sex: {from: sex, codes: {F: female, M: male}}
    nationalities: {from: nationality}
    documents: {number: {from: passport}}
sections: {narrative: {text: {from: account}}}
original: {ask: the trial's own desk, media_type: text/csv}
"""
_ROW: Final = {
    "name": PLANTED[0],
    "born": "05/02/1995",
    "sex": "F",
    "nationality": "CO",
    "passport": PLANTED[1],
    "account": f"an invented account, {PLANTED[2]}",
}


def rows() -> list[dict[str, Any]]:
    """Good records, and three that cannot be said."""
    good = [{"id": f"R-{number}", **_ROW, "account": f"{_ROW['account']} {number}"} for number in range(GOOD)]
    bad = [
        {**_ROW, "id": "B-1", "born": PLANTED[0]},
        {**_ROW, "id": "B-2", "nationality": PLANTED[1]},
        {**_ROW, "id": ""},
    ]
    return [*good[:5], bad[0], *good[5:9], *bad[1:], *good[9:]]


def table_trial(folder: Path, options: type[MappedOptions]) -> Trial:
    """A CSV of the feed."""
    with (folder / "feed.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["id", *_ROW])
        writer.writeheader()
        writer.writerows(rows())
    return _trial(folder, options, folder / "feed.csv")


def json_lines_trial(folder: Path, options: type[MappedOptions]) -> Trial:
    """JSON lines of the feed, and one that is cut short."""
    lines = [json.dumps(row) for row in rows()]
    lines.insert(3, lines[3][:-20])
    (folder / "feed.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return _trial(folder, options, folder / "feed.jsonl", more_bad=1)


def _trial(folder: Path, options: type[MappedOptions], file: Path, more_bad: int = 0) -> Trial:
    mapping = folder / "mapping.yaml"
    mapping.write_text(MAPPING, encoding="utf-8")
    fields: Mapping[str, Any] = {"mapping": mapping, "files": (file,)}
    return Trial(options.model_validate(fields), alerts=GOOD, set_aside=3 + more_bad, planted=PLANTED)
