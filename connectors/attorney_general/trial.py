"""What the contract suite tries the Attorney General's connector on: an invented case database with bad rows, and an inbox."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from sqlalchemy import column, create_engine, delete, insert, select, table, text

from connectors.sdk import Options, Trial
from connectors.sdk.effects import effects

from .inbox import alerts, sections

PLANTED: Final = ("PLANTEDFAMILYQZ", "PLANTEDGIVENQZ", "PLANTEDDOC77QZ", "plantedaccountqz")
SOUGHT: Final = 8
COLUMNS: Final = (
    *("persona_id", "expediente", "delito", "juzgado", "orden_no", "orden_fecha", "orden_juzgado", "estado"),
    *("apellidos", "nombres", "alias", "nacimiento", "sexo", "nacionalidad"),
    *("documento_no", "documento_tipo", "documento_pais", "explotacion", "posible_victima", "reserva", "solo_para"),
    *("resumen", "modificado", "anulado"),
)
# The same in SQLite, which keeps times as text, and in PostgreSQL.
CREATE: Final = """
CREATE TABLE enlace_casos (
    persona_id INTEGER PRIMARY KEY, expediente VARCHAR(40), delito VARCHAR(200), juzgado VARCHAR(200), orden_no VARCHAR(40),
    orden_fecha DATE, orden_juzgado VARCHAR(200), estado VARCHAR(40), apellidos VARCHAR(200), nombres VARCHAR(200),
    alias VARCHAR(200), nacimiento DATE, sexo CHAR(1), nacionalidad VARCHAR(80), documento_no VARCHAR(40),
    documento_tipo VARCHAR(20), documento_pais VARCHAR(80), explotacion VARCHAR(200), posible_victima VARCHAR(2),
    reserva VARCHAR(40), solo_para VARCHAR(200), resumen TEXT, modificado TIMESTAMP NOT NULL, anulado BOOLEAN
)
"""
_ROW: Final[Mapping[str, Any]] = {
    "delito": "trata de personas",
    "juzgado": "Un juzgado inventado",
    "orden_no": "OC-1",
    "orden_fecha": "2026-02-03",
    "orden_juzgado": "Un juzgado inventado",
    "estado": "orden vigente",
    "apellidos": PLANTED[0],
    "nombres": PLANTED[1],
    "alias": None,
    "nacimiento": "1980-05-17",
    "sexo": "M",
    "nacionalidad": "CO",
    "documento_no": PLANTED[2],
    "documento_tipo": "pasaporte",
    "documento_pais": "CO",
    "explotacion": "laboral",
    "posible_victima": "no",
    "reserva": "ninguna",
    "solo_para": None,
    "resumen": PLANTED[3],
    "anulado": False,
}


def row(number: int, **changes: Any) -> dict[str, Any]:
    """A row of the view; each was changed a minute after the one before."""
    stamp = f"2026-03-04 {number // 60:02d}:{number % 60:02d}:00"
    return {**_ROW, "persona_id": number, "expediente": f"2026-{number:04d}", "modificado": stamp, **changes}


def put(database: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """The rows into the case database, in place of those of the same key; makes the table."""
    engine = create_engine(database, hide_parameters=True)
    view = table("enlace_casos", *(column(name) for name in COLUMNS))
    with engine.begin() as connection:
        connection.execute(text(CREATE.replace("TABLE", "TABLE IF NOT EXISTS")))
        for each in rows:
            connection.execute(delete(view).where(view.c.persona_id == each["persona_id"]))
            connection.execute(insert(view).values(dict(each)))
    engine.dispose()


def cases(folder: Path, options: type[Options]) -> Trial:
    """Eight persons sought, two whose cases ended, one under investigation; one without warrant, one in a state unknown."""
    source, inbox = f"sqlite:///{folder / 'casos.db'}", f"sqlite:///{folder / 'inbox.db'}"
    sought = [row(number) for number in range(SOUGHT)]
    ended = [row(20, estado="absuelto"), row(21, estado="prescrito")]
    bad = [row(5, persona_id=30, orden_no=None), row(6, persona_id=31, estado=PLANTED[3])]
    put(source, [*sought, *ended, row(22, estado="en investigación"), *bad])
    made = options.model_validate({"database": inbox, "cases": {"database": source, "page_rows": 4}})
    return Trial(made, alerts=SOUGHT + 2, set_aside=2, planted=PLANTED, effects=looked_at(inbox))


def looked_at(database: str) -> Callable[[], object]:
    """The rows of the inbox and the sink's memory, without the times at which they were written."""

    def look() -> object:
        engine = create_engine(database)
        with engine.connect() as connection:
            found = [
                sorted(
                    repr({name: value for name, value in each.items() if not name.endswith("_ms")})
                    for each in connection.execute(select(looked)).mappings()
                )
                for looked in (alerts, sections, effects)
            ]
        engine.dispose()
        return found

    return look
