"""`enlace schemas`: the schemas as files, and the lock that never forgets one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.model.schema import of_model
from hub.model.sections import CONTENTS

app = typer.Typer(help="Avro schemas: made from the models, locked for ever.", no_args_is_help=True)

RECORDS = (
    "Alert",
    "Delivery",
    "Decision",
    "Noted",
    "Ended",
    "Holding",
    "Position",
    "Quarantined",
    "Control",
    "Receipt",
    "SourcePosition",
    "NativeKey",
    "Health",
    "Publication",
    "HoldOrder",
)


def current_records() -> Iterator[tuple[str, Any]]:
    """Every record's schema as the models have it now."""
    from hub.model import core, decision, delivery, publication, receipt

    for name in RECORDS:
        model = next(
            vars(room)[name] for room in (core, delivery, decision, receipt, publication) if name in vars(room)
        )
        yield name, of_model(model)


def current_sections() -> Iterator[tuple[str, Any]]:
    """Every section's schema as the models have it now."""
    for category, model in CONTENTS.items():
        yield category, of_model(model)


def extended(lock: dict[str, Any]) -> dict[str, Any]:
    """The lock with a new version for each schema that differs from its newest one. What stands there stays."""
    records, sections = list(lock["records"]), list(lock["sections"])
    for name, schema in current_records():
        versions = [entry for entry in records if entry["name"] == name]
        if not versions or versions[-1]["schema"] != schema:
            records.append({"name": name, "version": len(versions) + 1, "id": len(records) + 1, "schema": schema})
    for name, schema in current_sections():
        versions = [entry for entry in sections if entry["name"] == name]
        if not versions or versions[-1]["schema"] != schema:
            sections.append({"name": name, "version": len(versions) + 1, "schema": schema})
    newest = {entry["name"]: entry["version"] for entry in records}
    family = {name: newest[name] for name in ("Alert", "Delivery", "Decision")}
    families = [*lock["families"], *([family] if family not in lock["families"] else [])]
    return {"families": families, "records": records, "sections": sections}


@app.command("lock")
def write_lock(
    folder: Annotated[Path, typer.Argument(help="The folder of the schemas package.")] = Path("schemas"),
) -> None:
    """Write *.avsc from the models, and add to lock.json what changed."""
    path = folder / "lock.json"
    old = (
        json.loads(path.read_text(encoding="utf-8"))
        if path.exists()
        else {"families": [], "records": [], "sections": []}
    )
    new = extended(old)
    path.write_text(json.dumps(new, indent=1) + "\n", encoding="utf-8")
    for name, schema in current_records():
        (folder / f"{name}.avsc").write_text(json.dumps(schema, indent=2) + "\n", encoding="utf-8")
    for name, schema in current_sections():
        (folder / "sections" / f"{name}.avsc").write_text(json.dumps(schema, indent=2) + "\n", encoding="utf-8")
    added = len(new["records"]) + len(new["sections"]) - len(old["records"]) - len(old["sections"])
    typer.echo(f"{added} versions added, {len(new['records'])} records and {len(new['sections'])} sections locked")
