"""What a STIX marking says in TLP 2.0 labels, and which of several is the strictest.

Sources: STIX 2.1 (OASIS Standard) section 7.2.1.4 for the ids of TLP 1; OASIS cti-stix-common-objects, extension definition
"TLP 2.0", for those of TLP 2; OpenCTI for its own AMBER+STRICT, which was there first and is still about. Senders leave the
definitions of the well-known ones out, so their ids must be known here. What a label lets a recipient do is left to others.

A marking that cannot be looked up counts as AMBER+STRICT, which is what an alert without a label counts as: it is mostly a
statement of copyright, and setting the whole record aside for it would stop the exchange. A definition that does say a TLP
level, but one that we do not know, is another thing: it may be narrower than any of ours, so whatever bears it is refused.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from connectors.formats.strict_json import JsonValue

Tlp = Literal["RED", "AMBER+STRICT", "AMBER", "GREEN", "CLEAR"]
Problem = Literal["marking-unknown", "tlp-unknown"]
# Marking definitions of a file by id: where files were put together, one id may be defined several times, with differences.
Definitions = Mapping[str, Sequence[Mapping[str, JsonValue]]]

STRICTEST_FIRST: Final[tuple[Tlp, ...]] = ("RED", "AMBER+STRICT", "AMBER", "GREEN", "CLEAR")
UNMARKED: Final[Tlp] = "AMBER+STRICT"

TLP_2_EXTENSION: Final = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
TLP_2_CREATED: Final = "2022-10-01T00:00:00.000Z"
TLP_2_IDS: Final[Mapping[Tlp, str]] = {
    "RED": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
    "AMBER+STRICT": "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    "AMBER": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "GREEN": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "CLEAR": "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
}
TLP_1_IDS: Final[Mapping[Tlp, str]] = {
    "RED": "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
    "AMBER": "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
    "GREEN": "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
    "CLEAR": "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",  # WHITE there
}
_OPENCTI_AMBER_STRICT: Final = "marking-definition--826578e1-40ad-459f-bc73-ede076f81f37"
_KNOWN_IDS: Final[Mapping[str, Tlp]] = {
    **{marking: tlp for tlp, marking in TLP_2_IDS.items()},
    **{marking: tlp for tlp, marking in TLP_1_IDS.items()},
    _OPENCTI_AMBER_STRICT: "AMBER+STRICT",
}
_WORDS: Final[Mapping[str, Tlp]] = {
    **{tlp: tlp for tlp in STRICTEST_FIRST},
    "WHITE": "CLEAR",
    "AMBER-STRICT": "AMBER+STRICT",
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one marking says: a level, or none (a statement), or a problem. An unknown one has a level and a problem."""

    tlp: Tlp | None
    problem: Problem | None = None


def strictest(levels: Iterable[Tlp]) -> Tlp | None:
    """The narrowest of the labels; None of none."""
    return min(levels, key=STRICTEST_FIRST.index, default=None)


def from_word(word: str) -> Tlp | None:
    """The label of `red`, `TLP:RED`, `tlp:white` and the like, in any case; None if it is none."""
    return _WORDS.get(word.strip().upper().removeprefix("TLP:").strip())


def from_label(label: str) -> Meaning:
    """What an object's `labels` item says: senders also write `tlp:amber` there. Any other label says nothing."""
    if not label.strip().lower().startswith("tlp:"):
        return Meaning(None)
    tlp = from_word(label)
    return Meaning(tlp, None if tlp else "tlp-unknown")


def meaning(marking: str, definitions: Definitions) -> Meaning:
    """What the marking with this id says, by its id and by its definitions in the file; where they differ, the strictest."""
    by_id = _KNOWN_IDS.get(marking)
    defined = [_defined(definition) for definition in definitions.get(marking, ())]
    if any(each.problem == "tlp-unknown" for each in defined):
        return Meaning(None, "tlp-unknown")
    if by_id is None and (not defined or any(each.problem for each in defined)):
        return Meaning(UNMARKED, "marking-unknown")
    levels = [each.tlp for each in defined if each.tlp and not each.problem]
    return Meaning(strictest([*levels, *([by_id] if by_id else [])]))


def _defined(definition: Mapping[str, JsonValue]) -> Meaning:
    """The strictest of what the definition says in its extension, as TLP 1, and by its name."""
    said: list[JsonValue] = []
    extensions, inner = definition.get("extensions"), definition.get("definition")
    if isinstance(extensions, dict):
        said += [each["tlp_2_0"] for each in extensions.values() if isinstance(each, dict) and "tlp_2_0" in each]
    if isinstance(inner, dict) and "tlp" in inner:
        said.append(inner["tlp"])
    name = definition.get("name")
    if isinstance(name, str) and name.strip().upper().startswith("TLP:"):
        said.append(name)
    levels = [from_word(word) if isinstance(word, str) else None for word in said]
    if None in levels:
        return Meaning(None, "tlp-unknown")
    if levels:
        return Meaning(strictest(level for level in levels if level))
    if definition.get("definition_type") == "statement":
        return Meaning(None)
    return Meaning(UNMARKED, "marking-unknown")
