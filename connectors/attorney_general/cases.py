"""The prosecutors' case database as a source: persons sought under a warrant, and how their cases ended.

A row is a person in a case. While a warrant is in force it is a wanted person (mapping.yaml). Acquittal, dismissal, time-bar,
conviction or a revoked warrant cancels that alert, so that everyone who holds it gives it back, and makes an alert on the
outcome without the person (outcome.yaml). Reading rows as they change is connectors/transports/sql.py's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Final

from pydantic import Field

from connectors.generic.sql import SqlFeedOptions, SqlSource
from connectors.sdk import Alert, BadRecord, Cancel, Note, Read
from connectors.sdk.mapping import load_mapping
from connectors.transports.sql import SqlRow

WANTED: Final = Path(str(files(__package__) / "mapping.yaml"))
OUTCOME: Final = Path(str(files(__package__) / "outcome.yaml"))


class CaseOptions(SqlFeedOptions):
    """A view of the case database. What names a row for ever is `persona_id`: a person in one case."""

    table: str = Field("enlace_casos", min_length=1, max_length=200, description="table or view")
    key: tuple[str, ...] = Field(
        ("persona_id",), min_length=1, max_length=8, description="columns that name a row for ever"
    )
    changed: str = Field("modificado", description="the column that grows with every change: a time or a number")
    deleted: str | None = Field("anulado", description="the column that says a row was withdrawn")
    mapping: Path = Field(WANTED, description="the mapping file of persons sought")
    outcomes: Path = Field(OUTCOME, description="the mapping file of outcomes; both read the same rows")


class CaseSource:
    """Rows of the case database; nothing, if there is none."""

    def __init__(self, options: CaseOptions | None) -> None:
        """Raises BadMapping; ValueError if `database` is no address of a database."""
        self._sought: SqlSource | None = None
        if options is None:
            return
        self._outcome = load_mapping(options.outcomes)
        columns = tuple(dict.fromkeys((*options.columns, *sorted(self._outcome.columns()))))
        self._sought = SqlSource(options.model_copy(update={"columns": columns}))

    def read(self, after: str | None) -> Iterator[Read[SqlRow] | BadRecord]:
        """Raises what SqlTable raises."""
        return self._sought.read(after) if self._sought is not None else iter(())

    def standing(self) -> Iterator[Read[SqlRow] | BadRecord]:
        """Every row as it is now: warrants in force are told anew, outcomes are not. Raises what SqlTable raises."""
        return self._sought.standing() if self._sought is not None else iter(())

    def alerts(self, native: SqlRow) -> Iterable[Alert | Cancel | Note]:
        """One of the two alerts, and a cancel of the other: a case may be opened again. Raises BadNative."""
        assert self._sought is not None
        found = list(self._sought.alerts(native))
        outcome = Cancel(self._outcome.key_of(native.values))
        if native.deleted or not any(isinstance(each, Cancel) for each in found):
            return [*found, outcome]
        ended = list(self._outcome.alerts(native.values))
        return [*found, *ended, *([] if any(isinstance(each, Alert) for each in ended) else [outcome])]

    def settled(self, position: str) -> None:
        """The position is all that there is to know."""

    def check(self) -> None:
        """Tries the connection and every name. Raises as SqlTable.check."""
        if self._sought is not None:
            self._sought.check()

    def close(self) -> None:
        if self._sought is not None:
            self._sought.close()
