"""What the contract suite tries our own connectors on: small invented inputs, with bad records in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from sqlalchemy import create_engine, text

from connectors.attorney_general.connector import CONNECTOR as ATTORNEY_GENERAL
from connectors.attorney_general.connector import InboxOptions
from connectors.customs.connector import CONNECTOR as CUSTOMS
from connectors.customs.connector import CustomsOptions
from connectors.generic.json_lines import CONNECTOR as JSON_LINES
from connectors.generic.table import CONNECTOR as TABLE
from connectors.interpol.connector import CONNECTOR as INTERPOL
from connectors.interpol.connector import NoticeOptions
from connectors.sdk import Connector, Trial
from tests.connectors.formats import lists

PLANTED: Final = ("PLANTEDFAMILYQZ", "PLANTEDGIVENQZ", "PLANTEDDOC77QZ")


def rows_of(database: str, *tables: str) -> Callable[[], object]:
    """What a sink's tables hold, without the times at which it was written."""

    def look() -> object:
        engine = create_engine(database)
        with engine.connect() as connection:
            found = []
            for table in tables:
                rows = connection.execute(text(f"SELECT * FROM {table}")).mappings()
                found.append(sorted(repr({k: v for k, v in row.items() if not k.endswith("_ms")}) for row in rows))
        engine.dispose()
        return found

    return look


def customs(folder: Path) -> Trial:
    """Ten lists, each with one person who is looked for and one who is not; one list is cut short."""
    for number in range(10):
        sought = lists.person(f"{PLANTED[0]}", PLANTED[1], number=f"{PLANTED[2]}{number}")
        other = lists.person("NOBODY", "ELSE", number=f"OTHER{number}")
        whole = lists.interchange(lists.message([sought, other]))
        (folder / f"{number}.edi").write_text(whole, encoding="utf-8")
    (folder / "99.edi").write_text(f"no list at all, of {PLANTED[0]}", encoding="utf-8")
    own = "document_number,name,birth_date\n" + "".join(f"{PLANTED[2]}{number},,\n" for number in range(10))
    (folder / "own.csv").write_text(own, encoding="utf-8")
    database = f"sqlite:///{folder / 'watch.db'}"
    return Trial(
        CustomsOptions(files=tuple(sorted(folder.glob("*.edi"))), watchlist=folder / "own.csv", database=database),
        alerts=10,
        set_aside=1,
        planted=PLANTED,
        effects=rows_of(database, "watch_entry", "enlace_effects"),
    )


def interpol(folder: Path) -> Trial:
    notices: list[Mapping[str, Any]] = [
        {
            "entity_id": f"2020/{number}",
            "name": PLANTED[0],
            "forename": PLANTED[1],
            "date_of_birth": "1990/05/17",
            "nationalities": ["CO"],
            "_links": {"self": {"href": f"https://notices.example/notices/v1/red/2020-{number}"}},
        }
        for number in range(10)
    ]
    blue = {**notices[0], "entity_id": "9", "_links": {"self": {"href": "https://notices.example/notices/v1/blue/9"}}}
    nameless = {key: value for key, value in notices[0].items() if key != "entity_id"}
    (folder / "notices.json").write_text(json.dumps([*notices[:4], blue, nameless, *notices[4:]]), encoding="utf-8")
    return Trial(NoticeOptions(files=(folder / "notices.json",)), alerts=10, set_aside=2, planted=PLANTED[:2])


def attorney_general(folder: Path) -> Trial:
    database = f"sqlite:///{folder / 'inbox.db'}"
    tables = ("inbox_alert", "inbox_section", "enlace_effects")
    return Trial(InboxOptions(database=database), effects=rows_of(database, *tables))


def _own(connector: Connector[Any]) -> Callable[[Path], Trial]:
    assert connector.trial is not None
    return connector.trial


OURS: Final[dict[str, tuple[Connector[Any], Callable[[Path], Trial]]]] = {
    "customs": (CUSTOMS, customs),
    "interpol": (INTERPOL, interpol),
    "attorney-general": (ATTORNEY_GENERAL, attorney_general),
    "table": (TABLE, _own(TABLE)),
    "json-lines": (JSON_LINES, _own(JSON_LINES)),
}
