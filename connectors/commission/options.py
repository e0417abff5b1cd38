"""The options of the Commission's connector for reports and the register; those of statistics stand in statistics.py."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from connectors.sdk import Options


class CommissionOptions(Options):
    files: tuple[Path, ...] = Field((), description="reports: the form's JSON lines, registers as CSV or xlsx")
    folder: Path | None = Field(None, description="a folder into which such files are put")
    complete: Literal["quiet", "marker"] = Field(
        "quiet", description="when a file in the folder is complete: not written to for a while, or NAME.done beside it"
    )
    quiet_s: float = Field(2.0, ge=0, le=3600, description="seconds without writing after which a file is complete")
    database: str | None = Field(None, description="the victim unit's register, as an SQLAlchemy URL")
    caveats: Path | None = Field(None, description="the profile's words for caveats (YAML), shown beside each case")
