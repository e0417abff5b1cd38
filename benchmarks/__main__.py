"""`make bench`: all measurements in one run, as a table and as benchmarks/latest.json; `python -m benchmarks NAME`: one."""

from __future__ import annotations

import importlib
import json
import logging
import platform
import sys
from pathlib import Path

from hub.cli.logs import configure

SECTIONS = {
    name: name for name in ("steps", "pipeline", "processes", "latency", "restore", "guidelines", "replay", "readmodel")
}


def main(chosen: list[str]) -> None:
    found: dict[str, dict[str, float]] = {}
    for name, module in SECTIONS.items():
        if chosen and name not in chosen:
            continue
        print(f"{name} ...", flush=True)
        found[name] = importlib.import_module(f"benchmarks.{module}").measure()
        for what, value in found[name].items():
            print(f"  {what:<60} {value:>12,.2f}")
    machine = {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}
    path = Path(__file__).with_name("latest.json")
    path.write_text(json.dumps({"machine": machine, **found}, indent=1) + "\n", encoding="utf-8")
    print(f"written to {path.name}")


configure("warning")
logging.getLogger("kafka").setLevel(logging.CRITICAL)  # it tells of what a loaded machine makes late
main(sys.argv[1:])
