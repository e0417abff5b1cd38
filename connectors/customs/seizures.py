"""Autoridad Nacional de Aduanas: seizure reports (CSV, xlsx) as alerts, by the mapping in seizures.yaml.

A connector of its own beside the passenger lists: it reads other files, and nothing of it is screened.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

from pydantic import Field

from connectors.generic.table import TableOptions, TableSource
from connectors.sdk import Connector

from . import trial

MAPPING: Final = Path(str(files(__package__) / "seizures.yaml"))


class SeizureOptions(TableOptions):
    mapping: Path = Field(
        MAPPING, description="the mapping file, if the reports have other columns than seizures.yaml's"
    )


def _options_of_files(paths: Sequence[Path], watchlist: Path | None) -> SeizureOptions:
    if watchlist is not None:
        raise ValueError("this connector screens nothing and takes no watch list")
    return SeizureOptions(files=tuple(paths))


CONNECTOR = Connector(
    name="customs-seizures",
    agency="customs",
    title="Autoridad Nacional de Aduanas: seizure reports (CSV, xlsx)",
    options=SeizureOptions,
    source=TableSource,
    files=_options_of_files,
    trial=lambda folder: trial.seizures(folder, SeizureOptions),
)
