"""The options of UNODC ROPAN's connector."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from connectors.sdk import Options


class UnodcOptions(Options):
    folder: Path = Field(description="where the files are put: statistics_<class>_<period>.csv, and .json beside each")
    least_k: int = Field(11, ge=2, le=1000, description="statistics made with a smaller threshold are refused")
