"""What the contract suite tries the Commission's connectors on: small invented files, with bad records in them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

from sqlalchemy import create_engine, select

from connectors.sdk import Trial
from connectors.sdk.effects import effects, metadata

from .options import CommissionOptions
from .statistics import StatisticsOptions

PLANTED: Final = ("PLANTEDFAMILYQZ", "PLANTEDPHONEQZ55", "plantedaccountqz")
HOTLINE: Final[dict[str, str]] = {
    "No. de reporte": "",
    "Persona": "1",
    "Fecha y hora": "03/02/2026 14:20",
    "Tipo de reporte": "Posible víctima",
    "Desea": "denuncia y asistencia",
    "Fuente": "Particular",
    "Verificado": "no",
    "Forma de explotación": "laboral",
    "País de origen": "Nicaragua",
    "No informar a": "",
    "Nombre": f"Ana {PLANTED[0]}",
    "Fecha de nacimiento": "05/02/1995",
    "Edad": "",
    "Sexo": "F",
    "Nacionalidad": "Nicaragua",
    "Acepta compartir datos": "sí",
    "Teléfono": PLANTED[1],
    "Dónde está": "",
    "Necesidades": "albergue",
    "Sospechoso": "",
    "Relato": PLANTED[2],
    "Denunciante": "",
    "Teléfono del denunciante": "",
    "Empresa o anuncio": "",
    "Estado": "abierto",
}
ASSISTANCE: Final[dict[str, str]] = {
    "Expediente": "",
    "Persona asistida": "1",
    "Fecha de ingreso": "10/03/2026",
    "Autoriza denuncia": "no",
    "Forma de explotación": "Trabajo forzado",
    "Referir a": "",
    "Contacto consular": "no",
    "Apellidos": PLANTED[0],
    "Nombres": "Ana",
    "Fecha de nacimiento": "",
    "Edad": "",
    "Sexo": "F",
    "Nacionalidad": "Venezuela",
    "Documento": "",
    "País del documento": "",
    "Idiomas": "es",
    "Consiente compartir": "sí",
    "Teléfono": PLANTED[1],
    "Albergue": "",
    "Necesidades": "salud; albergue",
    "Servicios prestados": "",
    "Entidad que asiste": "",
    "Estado": "activo",
}
CASE: Final[dict[str, str]] = {
    "expediente": "",
    "persona": "1",
    "fecha_de_identificacion": "",
    "tipo_de_caso": "víctima identificada",
    "forma_de_explotacion": "explotación sexual",
    "edad": "30",
    "sexo": "F",
    "nacionalidad": "Colombia",
    "nombre": f"Ana {PLANTED[0]}",
    "estado": "cerrado",
}


def form(number: str, *persons: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """A report as the form posts it."""
    return {
        "numero_de_reporte": number,
        "fecha_y_hora": "2026-02-03T14:20:00",
        "tipo_de_reporte": "Posible víctima",
        "desea": "denuncia y asistencia",
        "fuente": "particular",
        "personas": list(persons),
        "relato": PLANTED[2],
        "estado": "abierto",
        **fields,
    }


def victim(name: str = PLANTED[0], age: int | None = 30, consent: str | None = "sí", **fields: Any) -> dict[str, Any]:
    """A victim in the form's list of persons."""
    said = {"papel": "víctima", "nombre": f"Ana {name}", "edad": age, "sexo": "F", "acepta_compartir_datos": consent}
    return {name: value for name, value in {**said, **fields}.items() if value is not None}


def write_csv(path: Path, rows: Iterable[Mapping[str, str]]) -> Path:
    made = list(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(made[0]))
        writer.writeheader()
        writer.writerows(made)
    return path


def reports(folder: Path) -> Trial:
    """Eight rows of the line's register and four of assistance, three posted forms of which one is parted; bad ones between."""
    good = [{**HOTLINE, "No. de reporte": f"R-{number}"} for number in range(8)]
    bad = {**HOTLINE, "No. de reporte": "B-1", "Tipo de reporte": PLANTED[0]}
    nobody = {**HOTLINE, "No. de reporte": "", "Nombre": PLANTED[0]}
    hotline = write_csv(folder / "1-linea.csv", [*good[:3], bad, *good[3:], nobody])
    assisted = [{**ASSISTANCE, "Expediente": f"A-{number}"} for number in range(4)]
    assistance = write_csv(
        folder / "2-asistencia.csv", [*assisted, {**assisted[0], "Expediente": "A-9", "Sexo": PLANTED[1]}]
    )
    posted = [
        form("F-1", victim()),
        form("F-2", victim(age=15), victim(consent="no")),
        form("F-3", {"papel": "sospechosa", "nombre": PLANTED[0]}, tipo_de_reporte="Traslado sospechoso"),
        form("F-4", victim(age=30, consent=PLANTED[1])),
    ]
    lines = [json.dumps(each, ensure_ascii=False) for each in posted]
    lines.insert(2, lines[0][:-10])
    posts = folder / "3-formulario.jsonl"
    posts.write_text("\n".join(lines), encoding="utf-8")
    database = f"sqlite:///{folder / 'register.db'}"
    return Trial(
        CommissionOptions(files=(hotline, assistance, posts), database=database),
        alerts=8 + 4 + 4,
        set_aside=2 + 1 + 2,
        planted=PLANTED,
        effects=looked_at(database),
    )


def statistics(folder: Path) -> Trial:
    """Nine years of cases, each a release; no bad row, since an export that is not whole is not counted."""
    rows = [
        {**CASE, "expediente": f"E-{year}-{number}", "fecha_de_identificacion": f"{1 + number % 28:02d}/05/{year}"}
        for year in range(2015, 2024)
        for number in range(4)
    ]
    export = write_csv(folder / "cerrados.csv", rows)
    options = StatisticsOptions(
        files=(export,), database=f"sqlite:///{folder / 'told.db'}", today=date(2026, 5, 1), k=3
    )
    return Trial(options, alerts=9, planted=())


def looked_at(database: str) -> Callable[[], object]:
    """The rows of the register, without the times at which it was written."""

    def look() -> object:
        engine = create_engine(database)
        found = []
        with engine.connect() as connection:
            for name, table in sorted(metadata.tables.items()):
                if name.startswith("register_") or table is effects:
                    rows = connection.execute(select(table)).mappings()
                    found.append(sorted(repr({k: v for k, v in row.items() if not k.endswith("_ms")}) for row in rows))
        engine.dispose()
        return found

    return look
