"""One value of a mapping, read from a native record: columns, code lists, dates, countries, conditions. Pure.

A value that cannot be said is a trouble of its record where a decision depends on it, and a note where none does; both name
the column and the line of the mapping, never the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any, Final

from connectors.formats import countries
from hub.model.base import partial_date

from . import native_values as native
from .mapping_language import Kind, Test, Value
from .native_values import Native, Unreadable, folded

LONGEST: Final[Mapping[Kind, int]] = {"text": 200, "long-text": 20_000, "code": 64}
MOST_TOLD: Final = 200  # troubles and notes told of one record
_NUMBER: Final = re.compile(r"[-+]?\d{1,15}(?:[.,]\d{1,9})?\Z", re.ASCII)
_PARTICLES: Final = frozenset(
    {"de", "del", "la", "las", "los", "el", "san", "santa", "van", "von", "der", "den", "da", "do", "dos", "das", "di"}
    | {"e", "y", "mc", "al", "ben", "bin", "ibn"}
)


@dataclass(frozen=True)
class Context:
    """What holds for every value of a mapping file."""

    empty: frozenset[str] = frozenset()
    zone: tzinfo = UTC
    first_year: int | None = None


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a column of one record; `line` is the mapping's."""

    column: str
    reason: str
    code: str
    line: int

    @property
    def sentence(self) -> str:
        return f"{self.reason} (mapping line {self.line})"


@dataclass
class Scope:
    """A record being mapped, and what was found of it."""

    native: Native = field(repr=False)
    context: Context
    prefix: str = ""
    troubles: list[Trouble] = field(default_factory=list)
    notes: list[Trouble] = field(default_factory=list)

    def inside(self, item: Native, column: str) -> Scope:
        """The same record, seen from an object of a list."""
        return Scope(item, self.context, f"{self.prefix}{column}.", self.troubles, self.notes)

    def tell(self, deciding: bool, column: str, reason: str, code: str, line: int) -> None:
        found = self.troubles if deciding else self.notes
        trouble = Trouble(f"{self.prefix}{column}", reason, code, line)
        if trouble not in found and len(found) < MOST_TOLD:
            found.append(trouble)

    def texts(self, column: str, separators: Sequence[str] = ()) -> list[str]:
        """The values of a column, without those that stand for nothing. Raises Unreadable."""
        found = native.several(native.at(self.native, column), separators)
        return [text for text in found if folded(text) not in self.context.empty]


class Condition:
    """A compiled `when`. A native value that neither the condition nor `known` names is a trouble: nobody knows whether
    the condition was meant to hold."""

    def __init__(self, tests: Mapping[str, Test], line: int) -> None:
        self._line = line
        self.tests = {
            column: (
                frozenset(map(folded, test.any or ())) if test.any else None,
                frozenset(map(folded, test.none or ())) if test.none else None,
                test.present,
                test.absent,
            )
            for column, test in tests.items()
        }
        self.known: Mapping[str, frozenset[str]] = {}

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.tests)

    def named(self) -> dict[str, frozenset[str]]:
        """The values that this condition names, by column."""
        return {
            column: (accepted or frozenset()) | (refused or frozenset())
            for column, (accepted, refused, _, _) in self.tests.items()
            if accepted or refused
        }

    def holds(self, scope: Scope) -> bool:
        held = [self._holds(scope, column) for column in self.tests]  # all: each may have its trouble
        return all(held)

    def _holds(self, scope: Scope, column: str) -> bool:
        accepted, refused, present, absent = self.tests[column]
        try:
            values = {folded(text) for text in scope.texts(column)}
        except Unreadable as error:
            scope.tell(True, column, str(error), "not-plain", self._line)
            return False
        if (accepted or refused) and values - self.known.get(column, frozenset()):
            reason = "has a value that no condition names: add it to `known`"
            scope.tell(True, column, reason, "no-condition", self._line)
            return False
        return (
            (accepted is None or bool(values & accepted))
            and (refused is None or not values & refused)
            and not (present and not values)
            and not (absent and values)
        )


class Reader:
    """A compiled value: what a record says in one place of an alert."""

    def __init__(
        self,
        value: Value,
        kind: Kind,
        *,
        many: bool,
        line: int,
        deciding: bool,
        choices: frozenset[str] | None = None,
        codes: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        """`codes`: native text to codes, not yet folded; `choices`: the closed list the result must be of."""
        self.line = line
        self.deciding = deciding
        self.choose: tuple[tuple[Condition, tuple[str, ...]], ...] = ()
        self._value = value
        self._kind = kind
        self._many = many
        self._choices = choices
        self._codes = {folded(text): said for text, said in (codes or {}).items()}
        self._drop = frozenset(map(folded, value.drop or ()))
        self._converted: Callable[[str, Scope], tuple[Any, ...] | None] = {
            "country": _country,
            "number": _number,
            "date": self._date,
            "time": self._time,
            "moment": self._moment,
            "digest": _digest,
        }.get(kind, self._plain)

    @property
    def columns(self) -> tuple[str, ...]:
        chosen = tuple(column for condition, _ in self.choose for column in condition.columns)
        return (self._value.from_ or ()) + chosen

    @property
    def said_by_record(self) -> bool:
        """Whether this is read from the record, and not a constant."""
        return self._value.constant is None

    @property
    def has_default(self) -> bool:
        return self._value.default is not None

    def said(self, scope: Scope) -> tuple[Any, ...]:
        """The values that the record has here, none if it has none."""
        return self._found(scope) or ()

    def read(self, scope: Scope) -> tuple[Any, ...]:
        """As said; and the default where the record has no value. One that cannot be said is not replaced by it."""
        found = self._found(scope)
        return self._constants(self._value.default or (), scope) if found == () else found or ()

    def one(self, scope: Scope) -> Any:
        found = self.read(scope)
        return found[0] if found else None

    def _found(self, scope: Scope) -> tuple[Any, ...] | None:
        """The values; None if there is one that cannot be said, which is told."""
        if self._value.constant is not None:
            return self._constants(self._value.constant, scope)
        if self._value.choose is not None:
            for condition, said in self.choose:
                if condition.holds(scope):
                    return self._constants(said, scope)
            return self._constants(self._value.default or (), scope)
        texts = self._texts(scope)
        each = [self._said(column, text, scope) for column, text in texts or ()]
        found = tuple(dict.fromkeys(value for values in each for value in values or ()))
        if not found and (texts is None or None in each):
            return None
        return found if self._many else found[:1]

    def check_constant(self, text: str) -> bool:
        """Whether a constant or code of the mapping itself can be said here."""
        scope = Scope({}, Context(first_year=2000))
        return self._convert("", text, scope) is not None and not scope.troubles and not scope.notes

    def _constants(self, texts: tuple[str, ...], scope: Scope) -> tuple[Any, ...]:
        return tuple(each for text in texts for each in (self._convert("", text, scope) or ()))

    def _texts(self, scope: Scope) -> list[tuple[str, str]] | None:
        """The native texts with their columns; for a single value, several columns are one text. None if there are some
        that cannot be read."""
        found: list[tuple[str, str]] = []
        unread = False
        for column in self._value.from_ or ():
            try:
                found += [(column, text) for text in scope.texts(column, self._value.split or ())]
            except Unreadable as error:
                unread = True
                scope.tell(self.deciding, column, str(error), "not-plain", self.line)
        if self._many or len(found) < 2:
            return found or (None if unread else [])
        names = [column for column, _ in found]
        if len(set(names)) < len(names):
            scope.tell(self.deciding, names[0], "has several values where one can be said", "several-values", self.line)
            return None
        return [(names[0], self._value.join.join(text for _, text in found))]

    def _said(self, column: str, text: str, scope: Scope) -> tuple[Any, ...] | None:
        """What one text says, nothing for one that says nothing; None, which is told, if it cannot be said."""
        key = folded(text)
        if key in self._drop:
            return ()
        if key in self._codes:
            return self._constants(self._codes[key], scope)
        listed = bool(self._codes) and self._kind != "country"  # of a country, the list has the exceptions only
        found = None if listed else self._convert(column, text, scope)
        if found is None:
            self._tell_unsaid(column, scope)
        return found or None

    def _tell_unsaid(self, column: str, scope: Scope) -> None:
        if self._codes:
            reason, code = "has a value that the code list does not name", "no-code"
        else:
            reason, code = _WHY.get(self._kind, ("has a value that is not of its list", "no-code"))
        scope.tell(self.deciding, column, reason, code, self.line)

    def _convert(self, column: str, text: str, scope: Scope) -> tuple[Any, ...] | None:
        found = self._converted(text, scope)
        if found == () and self._kind == "country" and column:
            scope.tell(False, column, "is no country that has a code", "no-country", self.line)
        return found

    def _plain(self, text: str, scope: Scope) -> tuple[Any, ...] | None:
        if self._choices is not None:
            return (text,) if text in self._choices else None
        longest = LONGEST.get(self._kind, LONGEST["text"])
        if len(text) <= longest:
            return (text,)
        if self._kind == "code":
            return None
        columns = self._value.from_ or ("",)
        scope.tell(self.deciding, columns[0], f"is longer than {longest} characters and was cut", "cut", self.line)
        return (text[:longest].strip(),)

    def _date(self, text: str, scope: Scope) -> tuple[Any, ...] | None:
        found = native.read_date(text, self._value.dates or ("ymd", "ym", "y"), scope.context.first_year)
        return (partial_date(found),) if found else None

    def _time(self, text: str, scope: Scope) -> tuple[Any, ...] | None:
        found = native.read_local_time(text, self._value.dates or ("ymd",), scope.context.first_year)
        return (found,) if found else None

    def _moment(self, text: str, scope: Scope) -> tuple[Any, ...] | None:
        context = scope.context
        found = native.read_moment(text, self._value.dates or ("ymd",), context.zone, context.first_year)
        return (found,) if found is not None else None


_WHY: Final[Mapping[Kind, tuple[str, str]]] = {
    "country": ("is not a country that is known", "unknown-country"),
    "date": ("is not a date in one of its orders", "no-date"),
    "time": ("is not a date and time in one of its orders", "no-date"),
    "moment": ("is not a whole date in one of its orders", "no-date"),
    "number": ("is not a number", "no-number"),
    "code": ("is longer than a code can be", "no-code"),
    "digest": ("is not a SHA-256 in hexadecimal digits", "no-digest"),
}


def _country(text: str, _: Scope) -> tuple[Any, ...] | None:
    found = countries.resolve(text)
    if found.alpha2:
        return (found.alpha2,)
    return None if found.kind == "unknown" else ()


def _number(text: str, _: Scope) -> tuple[Any, ...] | None:
    if not _NUMBER.match(text):
        return None
    number = float(text.replace(",", "."))
    return (int(number) if number == int(number) else number,)


def _digest(text: str, _: Scope) -> tuple[Any, ...] | None:
    return (bytes.fromhex(text),) if re.fullmatch(r"[0-9a-fA-F]{64}", text) else None


def name_parts(text: str, parts: str) -> tuple[str, str]:
    """Family and given names of a full name, cut as `parts` says; a name that cannot be cut so is a family name."""
    if parts == "family, given":
        family, _, given = text.partition(",")
        return family.strip(), given.strip()
    words = _with_particles(text.split())
    families = 2 if parts.count("family") == 2 else 1
    if len(words) <= families:
        families = 1
    if len(words) < 2:
        return text, ""
    if parts.startswith("given"):
        return " ".join(words[-families:]), " ".join(words[:-families])
    return " ".join(words[:families]), " ".join(words[families:])


def _with_particles(words: Sequence[str]) -> list[str]:
    """Words with the particles before them in one: `de la Cruz`."""
    found: list[str] = []
    held: list[str] = []
    for word in words:
        held.append(word)
        if folded(word) not in _PARTICLES:
            found.append(" ".join(held))
            held = []
    if held:
        found.append(" ".join(held))
    return found
