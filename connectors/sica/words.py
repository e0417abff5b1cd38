"""What a pattern says in STIX labels and relationships, the same in both directions.

`class:recruitment-offer`, `act:recruitment`, `means:deception`, `exploitation:forced-labour`, `indicator:G13`, `exercise`;
on input also without the prefix, as partners write them. Countries are locations, and the kind of the relationship to them says
whether people come from there, pass, or are taken there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from hub.model.codes import ACTS, CLASSES, EXPLOITATIONS, INDICATORS, MEANS

Place = Literal["origin", "transit", "destination"]

SENT_CLASSES: Final = ("recruitment-offer", "document-fraud", "financial-flow", "suspected-transit")
LISTS: Final[Mapping[str, tuple[str, ...]]] = {
    "class": CLASSES,
    "act": ACTS,
    "means": MEANS,
    "exploitation": EXPLOITATIONS,
    "indicator": INDICATORS,
}
_SPELLED: Final = {name: {code.lower(): code for code in codes} for name, codes in LISTS.items()}
EXERCISES: Final = ("exercise", "test")
KINDS: Final[Mapping[Place, str]] = {"origin": "has-origin", "transit": "has-transit", "destination": "has-destination"}
PLACES: Final[Mapping[str, Place]] = {
    **{kind: place for place, kind in KINDS.items()},
    "originates-from": "origin",
    "transits": "transit",
    "targets": "destination",
}
CLASS_NAMES: Final[Mapping[str, str]] = {
    "suspected-transit": "Posible tránsito",
    "document-fraud": "Fraude documental",
    "recruitment-offer": "Oferta de captación",
    "seizure": "Incautación",
    "financial-flow": "Flujo financiero",
}


@dataclass
class Told:
    """What labels say, by list; `strange` counts labels that say nothing to us."""

    codes: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in LISTS})
    exercise: str | None = None
    wrong: list[str] = field(default_factory=list)  # names of lists, of which a code is none
    strange: int = 0


def read(labels: Iterable[str]) -> Told:
    """The codes that labels say, whatever their case."""
    told = Told()
    for label in labels:
        prefix, colon, code = label.strip().lower().partition(":")
        if prefix == "tlp" or not label.strip():
            continue
        if prefix in EXERCISES and not colon:
            told.exercise = prefix
        elif colon and prefix in LISTS:
            found = _in_list(prefix, code)
            if found is None:
                told.wrong.append(prefix)
            else:
                told.codes[prefix].append(found)
        else:
            name = next((name for name in LISTS if _in_list(name, prefix) is not None), None) if not colon else None
            if name is None:
                told.strange += 1
            else:
                told.codes[name].append(_in_list(name, prefix) or prefix)
    return told


def written(**codes: Iterable[str]) -> Iterator[str]:
    """Labels by list, in the lists' order."""
    for name in LISTS:
        yield from (f"{name}:{code}" for code in codes.get(name, ()))


def _in_list(name: str, code: str) -> str | None:
    """A code in its own spelling."""
    return _SPELLED[name].get(code.strip())
