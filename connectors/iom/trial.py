"""What the contract suite tries the IOM connector on: an invented file of cases with bad rows, a folder for referrals."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from connectors.formats.tabular_cells import Value
from connectors.formats.tabular_write import write_csv
from connectors.sdk import Options, Trial

from .referrals import NOTICES, OBLIGATIONS, PENDING, WITHDRAWN

PLANTED: Final = ("PLANTEDGIVENQZ", "PLANTEDFAMILYQZ", "PLANTEDDOCQZ77", "plantedaccountqz")
GOOD: Final = 10
COLUMNS: Final = (
    *(
        "Case No",
        "prs_FirstName",
        "prs_SecondName",
        "prs_Birthdate",
        "prs_Gender",
        "prs_Citizenship",
        "prs_IdentityNumber",
    ),
    *("con_Consent", "vic_TraffickingStatus", "vic_TypeOfExploitation", "cco_CaseComment"),
)


def _row(number: str, **changes: Value) -> list[Value]:
    row: dict[str, Value] = {
        "Case No": number,
        "prs_FirstName": PLANTED[0],
        "prs_SecondName": PLANTED[1],
        "prs_Birthdate": "1995-02-05",
        "prs_Gender": "Feminine",
        "prs_Citizenship": "CO",
        "prs_IdentityNumber": PLANTED[2],
        "con_Consent": "yes",
        "vic_TraffickingStatus": "PossibleVictimOfTrafficking",
        "vic_TypeOfExploitation": "ForcedLabour",
        "cco_CaseComment": PLANTED[3],
    }
    return [{**row, **changes}[name] for name in COLUMNS]


def trial_files(folder: Path, options: type[Options]) -> Trial:
    """Ten cases; a status that the standard lacks, a box that says neither, a row without number and one number twice."""
    rows = [_row(f"C-{number}") for number in range(GOOD)]
    rows.insert(3, _row("B-1", vic_TraffickingStatus=PLANTED[3]))
    rows.insert(5, _row("B-2", con_Consent=PLANTED[0]))
    rows.insert(7, _row(""))
    rows.append(_row("C-0"))
    with (folder / "cases.csv").open("wb") as file:
        write_csv(file, [COLUMNS, *rows])
    put = folder / "referrals"
    put.mkdir()
    fields: dict[str, Any] = {"files": (folder / "cases.csv",), "case_number": ("Case No",), "consent_question": "uses"}
    made = options.model_validate({**fields, "referrals": put, "format": "csv"})
    return Trial(made, alerts=GOOD, set_aside=4, planted=PLANTED, effects=lambda: _files(put))


def _files(folder: Path) -> object:
    """Everything that was put there, by name."""
    found = [path for name in (PENDING, OBLIGATIONS) for path in (folder / name).glob("*")]
    lists = [folder / name for name in (WITHDRAWN, NOTICES) if (folder / name).exists()]
    return sorted((path.name, path.read_text(encoding="utf-8")) for path in (*found, *lists))
