"""Why a likeness is one, in Spanish and English: which parts agreed and how far, never what they say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .likeness import Degree, Likeness, PartName

_PARTS: Final[Mapping[PartName, tuple[str, str]]] = {
    "family-name-1": ("primer apellido", "family name 1"),
    "family-name-2": ("segundo apellido", "family name 2"),
    "given-name": ("nombre", "given name"),
    "birth-date": ("fecha de nacimiento", "birth date"),
    "nationality": ("nacionalidad", "nationality"),
}
_DEGREES: Final[Mapping[Degree, tuple[str, str]]] = {
    "same": ("igual", "same"),
    "similar": ("parecido", "similar"),
    "missing": ("falta en una parte", "missing on one side"),
    "differs": ("distinto", "differs"),
}
# A birth date is not "similar": day and month are known to agree only in part, or stand in the other order.
_BIRTH_IN_PART: Final = ("coincide en parte", "agrees in part")


def told(likeness: Likeness | None) -> str:
    """One sentence in each language, after a hit's first words; nothing if names could not be compared."""
    if likeness is None:
        return ""
    sentences = []
    for language, head in enumerate(("Puntos: {points} de 100", "Points: {points} of 100")):
        parts = []
        for part in likeness.parts:
            in_part = part.name == "birth-date" and part.degree == "similar"
            degree = _BIRTH_IN_PART if in_part else _DEGREES[part.degree]
            parts.append(f"{_PARTS[part.name][language]}: {degree[language]}")
        sentences.append(f"{head.format(points=likeness.points)} ({'; '.join(parts)}).")
    return " ".join(sentences)
