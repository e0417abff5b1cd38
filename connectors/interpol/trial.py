"""What the contract suite tries the INTERPOL connector on: invented notices with bad ones, and a folder for requests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from connectors.sdk import Options, Trial

PLANTED: Final = ("PLANTEDFAMILYQZ", "PLANTEDGIVENQZ")
NOTICES: Final = 10


def notice(number: int, colour: str = "red") -> dict[str, Any]:
    """An invented notice."""
    return {
        "entity_id": f"2020/{number}",
        "name": PLANTED[0],
        "forename": PLANTED[1],
        "date_of_birth": "1990/05/17",
        "nationalities": ["CO"],
        "_links": {"self": {"href": f"https://notices.example/notices/v1/{colour}/2020-{number}"}},
    }


def listed() -> list[dict[str, Any]]:
    """Ten notices; one of another colour, and one without its number."""
    good = [notice(number, "red" if number % 2 else "yellow") for number in range(NOTICES)]
    nameless = {name: value for name, value in good[0].items() if name != "entity_id"}
    return [*good[:4], notice(99, "blue"), nameless, *good[4:]]


def notices(folder: Path, options: type[Options]) -> Trial:
    (folder / "notices.json").write_text(json.dumps(listed()), encoding="utf-8")
    put = folder / "requests"
    made = options.model_validate({"files": (folder / "notices.json",), "requests": put})
    return Trial(made, alerts=NOTICES, set_aside=2, planted=PLANTED, effects=put_there(put))


def put_there(folder: Path) -> Callable[[], object]:
    """The files of requests, by name."""
    return lambda: sorted((path.name, path.read_text(encoding="utf-8")) for path in folder.rglob("*.json"))
