"""STIX objects put together to units of exchange: a report, grouping, incident or note with all it refers to.

Versions: of objects with one id the highest `modified` stays; two that differ in the same version are both set aside, since
which is meant is unknown. Circles are walked once, references to what is not in the file are told. A report or grouping is a
unit of its own; an incident is one if no unit holds it, and so is a note; other objects outside every unit are errors, as
alone they say nothing. What stands in an object is `stix.py`'s business.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from connectors.formats.records import Note
from connectors.formats.stix_ids import provenance
from connectors.formats.stix_markings import UNMARKED, Tlp, strictest
from connectors.formats.stix_record import BadObject, Relation, StixObject, Unit

_CONTAINERS: Final = ("report", "grouping")
_LATER_ROOTS: Final = ("incident", "note")
_COMMENTS: Final = ("note", "opinion", "sighting")
_OLDEST: Final = datetime(1, 1, 2, tzinfo=UTC)


class Assembly:
    """The objects of a file by id, each in its highest version."""

    def __init__(self) -> None:
        self.objects: dict[str, StixObject] = {}
        self._conflicts: dict[str, BadObject] = {}

    def add(self, item: StixObject) -> BadObject | None:
        """Keep the object if it is the first or the highest version; an error if it contradicts one of the same version."""
        held = self.objects.get(item.id)
        if held is None or _version(item) > _version(held):
            self._conflicts.pop(item.id, None)
            self.objects[item.id] = (
                item if held is None else replace(item, notes=(*item.notes, Note("older-version", "id")))
            )
        elif _version(item) < _version(held):
            if not any(note.code == "older-version" for note in held.notes):
                self.objects[item.id] = replace(held, notes=(*held.notes, Note("older-version", "id")))
        elif item.content != held.content:
            self._conflicts[held.id] = BadObject("stix-version-conflict", held.line, "modified", record=held.record)
            return BadObject("stix-version-conflict", item.line, "modified", record=item.record)
        return None

    def conflicts(self) -> Iterator[BadObject]:
        """Set aside what is still contradicted now that all were added."""
        for identifier, bad in self._conflicts.items():
            del self.objects[identifier]
            yield bad


def _is_subject(item: StixObject, target: str) -> bool:
    """A sighting is about what was seen, not about who saw it, where, and in which data."""
    return item.type != "sighting" or not target.startswith(("identity--", "location--", "observed-data--"))


def _version(item: StixObject) -> datetime:
    return item.modified or _OLDEST


def units(assembly: Assembly, unit_members: int, steps: int) -> Iterator[Unit | BadObject]:
    """The units of a file and, for every object in none of them, an error. `steps` bounds the work over all units."""
    graph = _Graph(assembly.objects)
    covered: set[str] = set()
    refused: set[str] = set()
    for root in graph.roots(covered):
        # What stands in a unit that was refused is not exchanged on its own: the unit's label would be lost.
        reached = None if refused.intersection(root.refers) else graph.reach(root, unit_members, steps)
        covered.add(root.id)
        if reached is None:
            graph.spread(root, refused)
            covered |= refused
            yield BadObject("stix-unit-too-large", line=root.line, record=root.record)
            continue
        steps -= sum(1 + len(item.refers) for item in reached.values())
        covered.update(reached, (each.creator for each in reached.values() if each.creator))
        yield graph.unit(root, reached)
    for item in assembly.objects.values():
        if item.id not in covered:
            yield BadObject("stix-outside-unit", line=item.line, record=item.record)


class _Graph:
    """Who refers to whom, both ways."""

    def __init__(self, objects: dict[str, StixObject]) -> None:
        self._objects = objects
        self._referrers: dict[str, list[StixObject]] = defaultdict(list)
        self._needs: dict[str, int] = {}
        for item in objects.values():
            if item.type in (*_COMMENTS, "relationship"):
                needed = [target for target in item.refers if target in objects and _is_subject(item, target)]
                self._needs[item.id] = len(needed)
                for target in needed:
                    self._referrers[target].append(item)

    def roots(self, covered: set[str]) -> Iterator[StixObject]:
        """The units' roots; `covered` grows while they are taken, so that what a unit holds is no root of its own."""
        contained = {target for item in self._of(_CONTAINERS) for target in item.refers if target != item.id}
        yield from (item for item in self._of(_CONTAINERS) if item.id not in contained)
        for types in (_CONTAINERS, *((kind,) for kind in _LATER_ROOTS)):
            yield from (item for item in self._of(types) if item.id not in covered)

    def _of(self, types: Iterable[str]) -> Iterator[StixObject]:
        return (item for item in self._objects.values() if item.type in types)

    def reach(self, root: StixObject, most: int, steps: int) -> dict[str, StixObject] | None:
        """What the root refers to near or far, and what is said about it; the root first. None if it is too much.

        A relationship belongs to a unit that holds both its ends, a comment to one that holds all that it is about: else a
        place or an agency that many units share would draw the others' persons into this one.
        """
        reached = {root.id: root}
        waiting = deque([root])
        lacking: dict[str, int] = {}
        while waiting:
            item = waiting.popleft()
            steps -= 1 + len(item.refers) + len(self._referrers[item.id])
            if len(reached) > most + 1 or steps < 0:
                return None
            found = [self._objects[target] for target in item.refers if target in self._objects]
            for about in self._referrers[item.id]:
                lacking[about.id] = lacking.get(about.id, self._needs[about.id]) - 1
                if lacking[about.id] == 0:
                    found.append(about)
            for each in found:
                if each.id not in reached:
                    reached[each.id] = each
                    waiting.append(each)
        return reached

    def spread(self, root: StixObject, marked: set[str]) -> None:
        """Add the root and all it refers to near or far to `marked`; what is there already is not walked again."""
        waiting = [root]
        while waiting:
            item = waiting.pop()
            if item.id not in marked:
                marked.add(item.id)
                waiting += [self._objects[target] for target in item.refers if target in self._objects]

    def unit(self, root: StixObject, reached: dict[str, StixObject]) -> Unit:
        others = [item for item in reached.values() if item.id != root.id]
        members = tuple(item for item in others if not item.revoked)
        creators = {item.creator: None for item in (root, *members) if item.creator}
        known = {identifier: self._objects[identifier] for identifier in creators if identifier in self._objects}
        missing = {
            target: None
            for item in (root, *members)
            for target in (*item.refers, *([item.creator] if item.creator else []))
            if target not in self._objects
        }
        tlp = _tlp(root, members)
        notes = [note for item in (root, *members) for note in item.notes]
        notes += [Note("reference-missing", "object_refs")] if missing else []
        notes += [Note("member-revoked", "object_refs")] if len(members) < len(others) else []
        notes += [Note("cycle", "object_refs")] if _circular(reached) else []
        notes += [Note("unmarked", "object_marking_refs")] if tlp is None else []
        return Unit(
            root=root,
            members=members,
            relations=tuple(_relations(members)),
            creators=tuple(known.values()),
            missing=tuple(missing),
            tlp=tlp or UNMARKED,
            revoked=root.revoked,
            provenance=provenance(root.id, root.external),
            notes=tuple(dict.fromkeys(notes)),
        )


def _tlp(root: StixObject, members: tuple[StixObject, ...]) -> Tlp | None:
    """None if nothing at all is marked."""
    marked = [item.tlp for item in (root, *members) if item.tlp]
    return strictest([root.tlp or UNMARKED, *marked]) if marked else None


def _relations(members: tuple[StixObject, ...]) -> Iterator[Relation]:
    for item in members:
        if item.type == "relationship" and item.ends:
            yield Relation(item.ends[0], item.kinds[0] if item.kinds else "related-to", item.ends[1], item)


def _circular(reached: dict[str, StixObject]) -> bool:
    """Whether the unit's references run in a circle: not all of its objects can be put in an order (Kahn)."""
    incoming = dict.fromkeys(reached, 0)
    for item in reached.values():
        for target in item.refers:
            if target in incoming:
                incoming[target] += 1
    free = [identifier for identifier, count in incoming.items() if count == 0]
    ordered = 0
    while free:
        ordered += 1
        for target in reached[free.pop()].refers:
            if target in incoming:
                incoming[target] -= 1
                if incoming[target] == 0:
                    free.append(target)
    return ordered < len(reached)
