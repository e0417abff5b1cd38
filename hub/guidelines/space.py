"""All alerts at once: regions of the space of what guidelines can test, and how to take guidelines away from a region.

An alert is a point: an originator, a day, a value of each attribute. Every test is one or two conditions on one attribute,
and the contrary of a condition is a condition, so a guideline is a box, and whether something is left of a box without
others is found by splitting, exactly, without listing alerts. What guidelines do with an alert is regions.py's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Final, Literal, NamedTuple

from hub.model.codes import ATTRIBUTES, COUNTS, LIST_OF, MULTIPLE

from .bundle import Bundle

ORIGINATOR: Final = "originator"
DAY: Final = "day"  # as the ordinal of a date
AXES: Final = (ORIGINATOR, *ATTRIBUTES, DAY)
NUMBERS: Final = (*COUNTS, DAY)
NEVER_EMPTY: Final = ("handling", "purposes")  # lists of at least one code
MOST: Final = 1_000_000  # the highest count of an alert
LAST_DAY: Final = date.max.toordinal()
_AXIS: Final = {name: number for number, name in enumerate(AXES)}

Kind = Literal["hits", "within", "least", "most"]


class Condition(NamedTuple):
    """On one attribute. `hits`: has a code of the set; `within`: has none outside it, and may have none at all; `least`,
    `most`: bounds of a number. `value`: the set as bits of the attribute's codes, or the bound."""

    axis: int
    kind: Kind
    value: int


class Codes(NamedTuple):
    """The values that a list of codes may have: any set within `allowed` that has a code of each of `hits`.

    `one`: exactly one code. No member of `hits` contains another; each lies within `allowed`.
    """

    allowed: int
    hits: tuple[int, ...] = ()
    one: bool = False


class Numbers(NamedTuple):
    least: int
    most: int


Values = Codes | Numbers
Box = tuple[Condition, ...]  # all of them hold


class Region(NamedTuple):
    """A part of the space that is not empty: for each attribute the values that it may have."""

    values: tuple[Values, ...]

    def meet(self, condition: Condition) -> Region | None:
        """The part where the condition holds, or None if there is none."""
        values = self.values[condition.axis]
        met = _meet(values, condition)
        if met is None or met is values:
            return None if met is None else self
        return Region((*self.values[: condition.axis], met, *self.values[condition.axis + 1 :]))

    def within(self, box: Iterable[Condition]) -> Region | None:
        region: Region | None = self
        for condition in box:
            region = region.meet(condition) if region else None
        return region

    def open(self, box: Iterable[Condition]) -> list[Condition] | None:
        """The conditions of a box that do not already hold everywhere here; None if no point here is in the box."""
        found, narrowed = [], dict[int, Values]()
        for condition in box:
            axis = condition.axis
            values = narrowed[axis] if axis in narrowed else self.values[axis]
            met = _meet(values, condition)
            if met is None:
                return None
            if met is not values:
                found.append(condition)
                narrowed[axis] = met
        return found

    def of(self, name: str) -> Values:
        return self.values[_AXIS[name]]


class Budget:
    """How much a search may still look at, in boxes held against regions. `spent`: it would have needed more, so what it
    said is not exact. `regions`: how many it looked at."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.used = 0
        self.regions = 0

    def take(self, boxes: int) -> bool:
        self.used += boxes + 1
        self.regions += not self.spent
        return not self.spent

    @property
    def spent(self) -> bool:
        return self.used > self.steps


def without(region: Region, boxes: Sequence[Box], budget: Budget) -> Iterator[Region]:
    """Disjoint regions that together are `region` less all the boxes. Ends early when the budget is spent."""
    waiting: list[tuple[Region, Sequence[Box]]] = [(region, boxes)]
    while waiting:
        region, boxes = waiting.pop()
        if not budget.take(len(boxes)):
            return
        left = [(found, box) for box in boxes if (found := region.open(box)) is not None]
        if not left:
            yield region
            continue
        tightest = min(left, key=lambda each: len(each[0]))
        if tightest[0]:  # otherwise all of the region lies in a box
            others = [box for _, box in left if box is not tightest[1]]
            waiting.extend((part, others) for part in reversed(_split(region, tightest[0])))


def _split(region: Region, conditions: Iterable[Condition]) -> list[Region]:
    """A region cut along conditions of which the next is always open, without the part where all hold: the parts where the
    first, the second ... fails. The simplest comes first."""
    parts, inside = [], region
    for condition in conditions:
        fails, holds = inside.meet(contrary(condition)), inside.meet(condition)
        assert fails is not None
        assert holds is not None
        parts.append(fails)
        inside = holds
    return parts


def contrary(condition: Condition) -> Condition:
    """What holds where the condition does not."""
    axis, kind, value = condition
    if kind == "least":
        return Condition(axis, "most", value - 1)
    if kind == "most":
        return Condition(axis, "least", value + 1)
    return Condition(axis, "within" if kind == "hits" else "hits", ~value)


def _meet(values: Values, condition: Condition) -> Values | None:
    """The values for which the condition holds; the very same if it holds for all, None if for none."""
    return _meet_numbers(values, condition) if isinstance(values, Numbers) else _meet_codes(values, condition)


def _meet_numbers(values: Numbers, condition: Condition) -> Numbers | None:
    least = max(values.least, condition.value) if condition.kind == "least" else values.least
    most = min(values.most, condition.value) if condition.kind == "most" else values.most
    if least > most:
        return None
    return values if (least, most) == values else Numbers(least, most)


def _meet_codes(values: Codes, condition: Condition) -> Codes | None:
    common = values.allowed & condition.value
    if condition.kind == "hits" and not values.one:
        return _meet_hit(values, common)
    if common == values.allowed:
        return values
    if values.one:
        return Codes(common, (), True) if common else None
    hits = tuple(hit & common for hit in values.hits)
    return Codes(common, _least(hits)) if all(hits) else None


def _meet_hit(values: Codes, hit: int) -> Codes | None:
    if not hit:
        return None
    if any(other & ~hit == 0 for other in values.hits):
        return values
    return Codes(values.allowed, _least((*values.hits, hit)))


def _least(hits: tuple[int, ...]) -> tuple[int, ...]:
    """Those that contain no other, in a fixed order."""
    if len(hits) < 2:
        return hits
    different = set(hits)
    return tuple(sorted(each for each in different if not any(o != each and o & ~each == 0 for o in different)))


class Space:
    """The attributes of one or several bundles, with the codes that any of them knows."""

    def __init__(self, *bundles: Bundle) -> None:
        self.codes: dict[str, tuple[str, ...]] = {}
        for name in AXES:
            if name not in NUMBERS:
                known = sorted({code for bundle in bundles for code in _known(bundle, name)})
                self.codes[name] = tuple(known)
        self._bits = {
            name: {code: 1 << number for number, code in enumerate(codes)} for name, codes in self.codes.items()
        }

    def bits(self, name: str, codes: Iterable[str]) -> int:
        """A set of codes as bits; what the attribute does not know is left out."""
        bits, known = 0, self._bits[name]
        for code in codes:
            bits |= known.get(code, 0)
        return bits

    def names(self, name: str, bits: int) -> tuple[str, ...]:
        return tuple(code for number, code in enumerate(self.codes[name]) if bits >> number & 1)

    def all(self, name: str) -> int:
        return (1 << len(self.codes[name])) - 1

    def hits(self, name: str, codes: Iterable[str]) -> Condition:
        return Condition(_AXIS[name], "hits", self.bits(name, codes))

    def inside(self, name: str, codes: Iterable[str]) -> Condition:
        return Condition(_AXIS[name], "within", self.bits(name, codes))

    def outside(self, name: str, codes: Iterable[str]) -> Condition:
        return Condition(_AXIS[name], "within", self.all(name) & ~self.bits(name, codes))

    def test(self, name: str, test: Mapping[str, object]) -> Box:
        """A test of the language as conditions. `test`: its words and what they say."""
        return tuple(condition for word, wanted in test.items() for condition in self._test(name, word, wanted))

    def _test(self, name: str, word: str, wanted: object) -> Box:
        if isinstance(wanted, int) and word in ("min", "max"):
            return (Condition(_AXIS[name], "least" if word == "min" else "most", wanted),)
        if word == "absent":
            return (self.inside(name, ()),)
        given = self.hits(name, self.codes[name])
        if word == "present" or not isinstance(wanted, tuple):
            return (given,)
        if word == "any":
            return (self.hits(name, wanted),)
        if word == "only":
            return (self.inside(name, wanted), given)
        return (self.outside(name, wanted), given)

    def days(self, first: date | None, last: date | None) -> Box:
        box = [Condition(_AXIS[DAY], "least", first.toordinal())] if first else []
        return (*box, *([Condition(_AXIS[DAY], "most", last.toordinal())] if last else []))

    def everything(self, first: date, last: date = date.max) -> Region:
        """Every alert of these days that is not expired and has only codes that are known."""
        return Region(tuple(self._values(name, first, last) for name in AXES))

    def _values(self, name: str, first: date, last: date) -> Values:
        if name == DAY:
            return Numbers(first.toordinal(), last.toordinal())
        if name in COUNTS:
            return Numbers(0, MOST)
        one = name not in MULTIPLE
        return Codes(self.all(name), (self.all(name),) if name in NEVER_EMPTY else (), one)


def _known(bundle: Bundle, name: str) -> Iterable[str]:
    if name == ORIGINATOR:
        return bundle.known.agencies
    if name == "derived_from":  # its values are alerts: all that can be tested is whether there is one
        return ("alert",)
    if name == "minor":  # unknown counts as yes
        return ("no", "yes")
    return bundle.known.list_of(name) if name in LIST_OF else ()
