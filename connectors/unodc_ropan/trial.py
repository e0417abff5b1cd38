"""What the contract suite tries the connector on: an empty folder for its files."""

from __future__ import annotations

from pathlib import Path

from connectors.sdk import Trial

from .options import UnodcOptions


def folder_of_files(folder: Path) -> Trial:
    """The files, but not the database that remembers deliveries: its bytes are of no concern."""
    place = folder / "unodc"
    place.mkdir(exist_ok=True)

    def look() -> object:
        return sorted((path.name, path.read_bytes()) for path in place.iterdir() if not path.name.startswith("."))

    return Trial(UnodcOptions(folder=place), effects=look)
