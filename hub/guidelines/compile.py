"""A bundle made into bit sets, once: bit i of every set stands for guideline i. Nothing here decides; decide.py does.

Each attribute's value selects the guidelines that it satisfies; what a value selects is remembered, by the value or by
its raw Avro bytes, so that the hot loop is one lookup and one AND an attribute. All memories are bounded.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar

from hub.model.codes import ATTRIBUTES, COUNTS, LIST_OF
from hub.model.obligation import Obligation, merge

from .bundle import Bundle
from .language import Categories, Choice, Guideline, Test, categories_of, parties_of
from .outcome import UnknownValue

K = TypeVar("K")
V = TypeVar("V")

REMEMBERED: Final = 4_096  # entries of a memory
REMEMBERED_BYTES: Final = 1_024  # a raw value longer than this is worked out each time


class Memory(dict[K, V], Generic[K, V]):
    """A bounded cache of a pure function: `memory[key]` is `work(key)`. Forgets everything when it is full."""

    def __init__(self, work: Callable[[K], V]) -> None:
        super().__init__()
        self.work = work

    def __missing__(self, key: K) -> V:
        return self.keep(key, self.work(key))

    def keep(self, key: K, value: V) -> V:
        if isinstance(key, bytes) and len(key) > REMEMBERED_BYTES:
            return value
        if len(self) >= REMEMBERED:
            self.clear()
        self[key] = value
        return value


class Bits:
    """A bit set while it is being filled."""

    def __init__(self, size: int) -> None:
        self._bytes = bytearray(size // 8 + 1)

    def add(self, number: int) -> None:
        self._bytes[number >> 3] |= 1 << (number & 7)

    def done(self) -> int:
        return int.from_bytes(self._bytes, "little")


def members(bits: int) -> Iterator[int]:
    """The numbers in a set, ascending."""
    text = bin(bits)[:1:-1]
    at = text.find("1")
    while at >= 0:
        yield at
        at = text.find("1", at + 1)


class Selection:
    """Which guidelines a value of one attribute satisfies."""

    def __init__(self, attribute: str, guidelines: tuple[Guideline, ...], known: frozenset[str]) -> None:
        self.attribute = attribute
        self.known = known
        self.all = (1 << len(guidelines)) - 1
        tests = [(number, each.when[attribute]) for number, each in enumerate(guidelines) if attribute in each.when]
        done = self._sets(tests)
        self.when_absent = self.all & ~done.pop("tested", 0)
        self.when_present = self.all & ~done.pop("absent", 0)
        self.has = {word: done.pop(word, 0) for word in ("any", "only")}  # test -> guidelines that put it
        counted = attribute in COUNTS
        self.listing = {} if counted else done  # (test, code) -> guidelines whose list has the code
        self.bounds = done if counted else {}  # (min, max) -> guidelines that set these

    def _sets(self, tests: list[tuple[int, Test]]) -> dict[Any, int]:
        size = self.all.bit_length()
        sets: dict[Any, Bits] = {}
        for number, test in tests:
            sets.setdefault("absent" if test.absent else "tested", Bits(size)).add(number)
            if self.attribute in COUNTS:
                sets.setdefault((test.min, test.max), Bits(size)).add(number)
            for word in ("any", "only", "none"):
                codes = getattr(test, word)
                if codes is not None and word != "none":
                    sets.setdefault(word, Bits(size)).add(number)
                for code in codes or ():
                    sets.setdefault((word, code), Bits(size)).add(number)
        return {key: bits.done() for key, bits in sets.items()}

    def of_key(self, key: Any) -> int:
        """The selection of a value or of its raw Avro bytes. Raises UnknownValue if it is not in the attribute's list."""
        if self.attribute == "derived_from":  # its values are alerts, of no list: only presence can be tested
            return self.when_absent if key in (b"\0", ()) else self.when_present
        value = decoded(self.attribute, key)
        if isinstance(value, int):
            return self._of_count(value)
        codes = frozenset(value) if isinstance(value, tuple) else frozenset((value,))
        if not codes <= self.known:
            raise UnknownValue(self.attribute)
        if self.attribute == "minor" and "unknown" in codes:
            codes = frozenset(("yes",))
        return self._of_codes(codes) if codes else self.when_absent

    def _of_count(self, count: int) -> int:
        failed = 0
        for (least, most), guidelines in self.bounds.items():
            if (least is not None and count < least) or (most is not None and count > most):
                failed |= guidelines
        return self.all & ~failed

    def _of_codes(self, codes: frozenset[str]) -> int:
        shared, refused, allowed = 0, 0, self.has["only"]
        for code in codes:
            shared |= self.listing.get(("any", code), 0)
            refused |= self.listing.get(("none", code), 0)
            allowed &= self.listing.get(("only", code), 0)
        failed = (self.has["any"] & ~shared) | (self.has["only"] & ~allowed) | refused
        return self.when_present & ~failed


def decoded(attribute: str, key: Any) -> Any:
    if not isinstance(key, bytes):
        return key
    from hub.model import avro  # noqa: PLC0415  # only who routes raw bytes needs a codec

    return avro.attribute(attribute, key)


class Restrictions(NamedTuple):
    """What an alert says of its recipients, decoded; lists sorted."""

    originator: str
    caveats: tuple[str, ...]
    tlp: str
    reaches_named_only: bool
    purposes: frozenset[str]
    named: tuple[str, ...]
    excluded: frozenset[str]

    @classmethod
    def of(cls, key: tuple[Any, ...]) -> Restrictions:
        """From the originator, and caveats and attributes as values or raw bytes."""
        originator, caveats, *raw = key
        names = ("tlp", "handling", "purposes", "releasable_to", "not_releasable_to")
        tlp, handling, purposes, named, excluded = (decoded(*each) for each in zip(names, raw, strict=True))
        return cls(
            originator,
            tuple(decoded("legal_basis", caveats)),  # an array of strings, as legal_basis is one
            tlp,
            tlp == "RED" or "H2" in handling,
            frozenset(purposes),
            tuple(sorted(set(named))),
            frozenset(excluded),
        )


class AlertTerms(NamedTuple):
    """What an alert obliges to by itself, whatever the guidelines say."""

    onward: str
    onward_to: tuple[str, ...]
    caveats: tuple[str, ...]


class Obligations:
    """The obligations of a bundle's permits, merged two at a time and by number: there are few different ones."""

    def __init__(self, guidelines: tuple[Guideline, ...]) -> None:
        own = [each.obligations.obligation() if each.obligations else Obligation() for each in guidelines]
        self._known = list(dict.fromkeys([Obligation(), *own]))
        self._own = len(self._known)
        self._numbers = {each: number for number, each in enumerate(self._known)}
        self._of = tuple(self._numbers[each] for each in own)
        self._merged: Memory[tuple[int, int], int] = Memory(self._merge)
        self._whole: Memory[tuple[AlertTerms, int], Obligation] = Memory(self._with_terms)

    def strictest(self, terms: AlertTerms, permits: Iterable[int]) -> Obligation:
        if len(self._known) > self._own + REMEMBERED:
            for each in self._known[self._own :]:
                del self._numbers[each]
            del self._known[self._own :]
            self._merged.clear()
            self._whole.clear()
        total = 0
        for permit in permits:
            total = self._merged[total, self._of[permit]]
        return self._whole[terms, total]

    def _merge(self, pair: tuple[int, int]) -> int:
        merged = merge([self._known[number] for number in pair])
        number = self._numbers.setdefault(merged, len(self._known))
        if number == len(self._known):
            self._known.append(merged)
        return number

    def _with_terms(self, key: tuple[AlertTerms, int]) -> Obligation:
        terms, number = key
        alerts = Obligation(onward=terms.onward, onward_to=terms.onward_to, caveats=terms.caveats)
        return merge([alerts, self._known[number]])


class Compiled:
    """What decide.py looks up, for one bundle. Agencies and guidelines have numbers, in the order of their ids."""

    def __init__(self, bundle: Bundle) -> None:
        guidelines = bundle.guidelines
        self.bundle = bundle
        self.agencies = tuple(agency.id for agency in bundle.agencies)
        self.ids = tuple(guideline.id for guideline in guidelines)
        self.permits = _set(number for number, each in enumerate(guidelines) if each.effect == "permit")
        self.withholds = _set(number for number, each in enumerate(guidelines) if each.effect == "withhold")
        self.forbids = _set(number for number, each in enumerate(guidelines) if each.effect == "forbid")
        self.safeguard = tuple(each.safeguard for each in guidelines)
        self.categories = _categories(bundle)
        self.obligations = Obligations(guidelines)
        self.by_originator, self.to = _parties(bundle)
        self.selections = tuple(
            Memory(Selection(name, guidelines, bundle.known.list_of(name) if name in LIST_OF else frozenset()).of_key)
            for name in ATTRIBUTES
        )
        self.caveats = frozenset(caveat.id for caveat in bundle.caveats)
        self._times = sorted({time for each in guidelines for time in _times(each)})
        self._from_ms, self._to_ms, self._in_force = 0, 0, 0

    def names(self, numbers: Iterable[int]) -> tuple[str, ...]:
        """The ids of guidelines, sorted."""
        return tuple(self.ids[number] for number in sorted(numbers))

    def in_force(self, now_ms: int) -> int:
        """The guidelines in force. Worked out again only when `now_ms` passes a moment at which one begins or ends."""
        if not self._from_ms <= now_ms < self._to_ms:
            at = bisect_right(self._times, now_ms)
            self._from_ms = self._times[at - 1] if at else -(1 << 62)
            self._to_ms = self._times[at] if at < len(self._times) else 1 << 62
            guidelines = self.bundle.guidelines
            self._in_force = _set(number for number, each in enumerate(guidelines) if each.valid.holds(now_ms))
        return self._in_force

    def matching(self, originator: str, values: Sequence[Any], now_ms: int) -> int:
        """Rule 3 but for `to`: the guidelines that speak of this alert. `values`: one for each of codes.ATTRIBUTES,
        decoded or as raw Avro bytes. Raises UnknownValue."""
        matched = self.by_originator.get(originator)
        if matched is None:
            raise UnknownValue("originator")
        matched &= self.in_force(now_ms)
        for selection, value in zip(self.selections, values, strict=True):
            matched &= selection[value]
        return matched


def _set(numbers: Iterable[int]) -> int:
    numbers = tuple(numbers)
    bits = Bits(max(numbers, default=0) + 1)
    for number in numbers:
        bits.add(number)
    return bits.done()


def _times(guideline: Guideline) -> Iterator[int]:
    for time_ms in (guideline.valid.begins_ms, guideline.valid.ends_ms):
        if time_ms is not None:
            yield time_ms


def _chosen(choice: Choice | Categories, words: Memory[str, frozenset[str]]) -> frozenset[str]:
    """What language.py's parties_of and categories_of give, each word being worked out once for the whole bundle."""
    return _union(words, choice.any) - _union(words, choice.except_)


def _union(words: Memory[str, frozenset[str]], some: tuple[str, ...]) -> frozenset[str]:
    return words[some[0]] if len(some) == 1 else frozenset().union(*(words[word] for word in some))


def _categories(bundle: Bundle) -> tuple[frozenset[str], ...]:
    """What each permit releases or each withhold takes away."""
    vocabulary = bundle.vocabularies["category"]
    words: Memory[str, frozenset[str]] = Memory(
        lambda word: categories_of(Categories.model_construct(any=(word,), except_=()), vocabulary)
    )
    choices = (each.release or each.withhold for each in bundle.guidelines)
    return tuple(_chosen(choice, words) if choice else frozenset() for choice in choices)


def _parties(bundle: Bundle) -> tuple[dict[str, int], tuple[int, ...]]:
    """Originator -> guidelines that speak of it; and for each agency, by its number, those that are addressed to it."""
    size = len(bundle.guidelines)
    origins = {agency.id: Bits(size) for agency in bundle.agencies}
    addressed = {agency.id: Bits(size) for agency in bundle.agencies}
    words: Memory[str, frozenset[str]] = Memory(
        lambda word: parties_of(Choice.model_construct(any=(word,), except_=()), bundle.agencies)
    )
    for number, guideline in enumerate(bundle.guidelines):
        for choice, bits in ((guideline.from_, origins), (guideline.to, addressed)):
            for agency in _chosen(choice, words):
                bits[agency].add(number)
    return {agency: bits.done() for agency, bits in origins.items()}, tuple(bits.done() for bits in addressed.values())
