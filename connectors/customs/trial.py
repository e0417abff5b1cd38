"""What the contract suite tries the Customs connectors on: small invented lists and reports, with bad ones."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy import create_engine, select

from connectors.sdk import Options, Trial
from connectors.sdk.effects import effects

from .watchlist import entries

PLANTED: Final = ("PLANTEDFAMILYQZ", "PLANTEDGIVENQZ", "PLANTEDDOC77QZ")
LISTS: Final = 10
REPORTS: Final = 8
_PERSON: Final = (
    "NAD+FL+++{family}:{given}'ATT+2++M'DTM+329:{born}'LOC+178+BOG'LOC+179+PTY'"
    "NAT+2+COL'RFF+AVF:B{number}'DOC+P:110:111+{number}'"
)
_LIST: Final = (
    "UNA:+.? 'UNB+UNOA:4+AIR+ADUANA+260930:1200+{control}++APIS'UNH+M1+PAXLST:D:05B:UN:IATA'BGM+745'TDT+20+CM123+++CM'"
    "LOC+125+BOG'DTM+189:2609301540:201'LOC+87+PTY'DTM+232:2609301740:201'{people}CNT+42:2'UNT+27+M1'UNZ+1+{control}'"
)
_REPORT: Final = {
    "No. de acta": "",
    "Renglón": "1",
    "Fecha y hora": "03/02/2026 14:20",
    "Recinto": "Paso Canoas",
    "Mercancía": "contratos en blanco",
    "Cantidad": "40",
    "Unidad": "ejemplares",
    "Medio": "terrestre",
    "Empresa de transporte": "",
    "Vuelo o placa": "",
    "Procedencia": "Costa Rica",
    "Destino": "Panamá",
    "Nombre del portador": f"{PLANTED[1]} {PLANTED[0]}",
    "Nacimiento del portador": "17/05/1990",
    "Nacionalidad del portador": "CO",
    "Documento del portador": PLANTED[2],
    "Presunta víctima": "no",
    "Observaciones": "un relato inventado",
    "Estado": "firme",
}


def lists(folder: Path, options: type[Options]) -> Trial:
    """Ten lists, each with one person who is looked for by document and one by likeness; one list is no list."""
    for number in range(LISTS):
        people = [
            {"family": PLANTED[0], "given": PLANTED[1], "number": f"{PLANTED[2]}{number}", "born": "720907"},
            {"family": f"{PLANTED[0]}S", "given": PLANTED[1], "number": f"OTHER{number}", "born": "900517"},
        ]
        whole = _LIST.format(control=number, people="".join(_PERSON.format(**each) for each in people))
        (folder / f"{number}.edi").write_text(whole, encoding="utf-8")
    (folder / "99.edi").write_text(f"no list at all, of {PLANTED[0]}", encoding="utf-8")
    own = [f"{PLANTED[2]}{number},," for number in range(LISTS)] + [f",{PLANTED[1]} {PLANTED[0]},1990-05-17"]
    (folder / "own.csv").write_text("\n".join(["document_number,name,birth_date", *own, ""]), encoding="utf-8")
    database = f"sqlite:///{folder / 'watch.db'}"
    fields = {"files": tuple(sorted(folder.glob("*.edi"))), "watchlist": folder / "own.csv", "database": database}
    return Trial(
        options.model_validate(fields),
        alerts=2 * LISTS,
        set_aside=1,
        planted=PLANTED,
        effects=_looked_at(database),
    )


def seizures(folder: Path, options: type[Options]) -> Trial:
    """Eight reports; one without its number, one of a country that there is not, one whose victim nobody can say."""
    rows = [{**_REPORT, "No. de acta": f"D-{number}"} for number in range(REPORTS)]
    rows.insert(2, {**_REPORT, "No. de acta": ""})
    rows.insert(4, {**_REPORT, "No. de acta": "B-1", "Procedencia": PLANTED[0]})
    rows.insert(6, {**_REPORT, "No. de acta": "B-2", "Presunta víctima": PLANTED[1]})
    with (folder / "decomisos.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(_REPORT))
        writer.writeheader()
        writer.writerows(rows)
    made = options.model_validate({"files": (folder / "decomisos.csv",)})
    return Trial(made, alerts=REPORTS, set_aside=3, planted=PLANTED)


def _looked_at(database: str) -> Callable[[], object]:
    """The watch list and the sink's memory, without the times at which they were written."""

    def look() -> object:
        engine = create_engine(database)
        with engine.connect() as connection:
            found = [
                sorted(
                    repr({name: value for name, value in row.items() if not name.endswith("_ms")})
                    for row in connection.execute(select(table)).mappings()
                )
                for table in (entries, effects)
            ]
        engine.dispose()
        return found

    return look
