"""Which entries of two bundles are not the same, whether or not a decision differs by it. What differs is changes.py's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from hub.model.base import Model

from .bundle import Bundle
from .language import Guideline


class Edit(Model):
    """A guideline, agency or list that is not the same, whether or not a decision differs by it."""

    what: Literal["guideline", "agency", "vocabulary", "caveat", "instrument", "terms"]
    id: str
    how: Literal["added", "removed", "changed"]
    fields: tuple[str, ...] = ()


def edits(old: Bundle, new: Bundle) -> Iterator[Edit]:
    """Entries that are not the same in both, by kind and id."""
    yield from _entries("guideline", old.guidelines, new.guidelines)
    yield from _entries("agency", old.agencies, new.agencies)
    yield from _entries("caveat", old.caveats, new.caveats)
    yield from _entries("instrument", old.legal_basis, new.legal_basis)
    for name in sorted(set(old.vocabularies) | set(new.vocabularies)):
        if old.vocabularies.get(name) != new.vocabularies.get(name):
            yield Edit(what="vocabulary", id=name, how="changed")
        if old.terms.get(name) != new.terms.get(name):
            yield Edit(what="terms", id=name, how="changed")


def _entries(what: Any, old: Iterable[Any], new: Iterable[Any]) -> Iterator[Edit]:
    before, after = {each.id: each for each in old}, {each.id: each for each in new}
    for entry in sorted(before.keys() | after.keys()):
        one, other = before.get(entry), after.get(entry)
        if one is None or other is None:
            yield Edit(what=what, id=entry, how="removed" if other is None else "added")
        elif one != other:
            yield Edit(what=what, id=entry, how="changed", fields=_fields(one, other))


def _fields(one: Guideline, other: Guideline) -> tuple[str, ...]:
    return tuple(
        info.alias or name
        for name, info in type(one).model_fields.items()
        if getattr(one, name) != getattr(other, name)
    )
