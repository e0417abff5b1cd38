"""The language of agencies and guidelines: the shape of each entry (FORMATS.md), and what its words choose.

What a whole set must satisfy besides (known words, grounds) is check.py's; files and places are profile.py's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from hub.model.base import Code, Model, Slug
from hub.model.codes import ATTRIBUTES, COUNTS, MULTIPLE, Tlp
from hub.model.obligation import ONWARD_AS_LABELLED, Days, Hours, Obligation

Effect = Literal["permit", "withhold", "forbid"]
Ground = Literal["consent", "legal_duty", "vital_interest", "best_interests"]
Mark = Literal["checked", "counsel"]
Language = Literal["es", "en"]

ALL: Final = "all"
PARTY_KINDS: Final = ("group", "type", "country")
HANDLING: Final = "handling"  # the category that every recipient gets: no guideline releases or withholds it
# Which tests an attribute can be put to. A count and a single code are always present, a list may be empty.
TESTS: Final[dict[str, tuple[str, ...]]] = {
    name: ("min", "max")
    if name in COUNTS
    else ("present", "absent")
    if name == "derived_from"
    else ("any", "only", "none", "present", "absent")
    if name in MULTIPLE
    else ("any", "only", "none")
    for name in ATTRIBUTES
}


def _code(value: Any) -> Any:
    """YAML reads the code `1` as a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _codes(value: Any) -> Any:
    """One word may stand for a list of one."""
    return [_code(item) for item in value] if isinstance(value, list | tuple) else [_code(value)]


def _sorted(codes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(codes)))


def _day(value: Any) -> Any:
    if isinstance(value, date) or (isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value)):
        return value
    raise ValueError("a day is written YYYY-MM-DD")


# Sets: sorted, each once, so that two ways of writing the same thing make the same bundle.
Codes = Annotated[tuple[Code, ...], Field(max_length=1_000), AfterValidator(_sorted)]
Slugs = Annotated[tuple[Slug, ...], Field(max_length=1_000), AfterValidator(_sorted)]
ZeroOrMore = Annotated[Codes, BeforeValidator(_codes, json_schema_input_type=str | int | list[str | int])]
OneOrMore = Annotated[ZeroOrMore, Field(min_length=1)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Day = Annotated[date, BeforeValidator(_day)]
Prose = Annotated[str, Field(min_length=1, max_length=2_000)]
GuidelineId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$")]


class Words(Model):
    """The same in Spanish and in English, for people."""

    es: Prose
    en: Prose


class Term(Model):
    """A code of a growing list, with what people call it."""

    id: Code
    text: Words | None = None


class Caveat(Model):
    """A warning that every reader of a delivery is shown."""

    id: Code
    text: Words


class Instrument(Model):
    """A legal basis. `checked`: seen in `source`; `counsel`: to be confirmed; `open`: what of it is to be confirmed."""

    id: Code
    title: Words
    articles: Annotated[tuple[Code, ...], Field(max_length=100)] = ()
    mark: Mark = "counsel"
    source: Prose | None = None
    open: Prose | None = None
    later: bool = False


class Agency(Model):
    """A party to the exchange. `country` is none for an international body, `seat` is where it sits.

    `max_tlp`: the narrowest label it may be trusted with. `stewards`: their Ed25519 public keys, base64.
    """

    id: Slug
    name: Words
    type: Slug
    country: Country | None = None
    seat: Country | None = None
    groups: Slugs = ()
    competences: Codes = ()
    max_tlp: Tlp
    status: Literal["active", "suspended"] = "active"
    stewards: Codes = ()


class Choice(Model):
    """What is chosen, less what is excepted: parties, or categories. A word or a list alone is `any`."""

    any: OneOrMore
    except_: ZeroOrMore = Field(default=(), alias="except")

    @classmethod
    def of(cls, value: Any) -> Any:
        return {"any": value} if isinstance(value, str | list | tuple) else value


class Categories(Model):
    """As Choice, but may be empty: a permit that releases nothing gives the core alone."""

    any: ZeroOrMore
    except_: ZeroOrMore = Field(default=(), alias="except")


_SHORT: Final = BeforeValidator(Choice.of, json_schema_input_type=str | list[str] | Choice)
_SHORT_CATEGORIES: Final = BeforeValidator(Choice.of, json_schema_input_type=str | list[str] | Categories)


class Test(Model):
    """What one attribute must be; all that is written must hold. An attribute that is absent fails all but `absent`.

    any: shares a value with the list. only: has no value outside it. none: has no value of it. min, max: bounds of a
    count, both included.
    """

    __test__ = False  # not a test case, whatever pytest thinks

    any: OneOrMore | None = None
    only: OneOrMore | None = None
    none: OneOrMore | None = None
    min: Annotated[int, Field(ge=0)] | None = None
    max: Annotated[int, Field(ge=0)] | None = None
    present: Literal[True] | None = None
    absent: Literal[True] | None = None

    def words(self) -> tuple[str, ...]:
        """The tests that are written, in the order of the language."""
        return tuple(name for name in type(self).model_fields if getattr(self, name) is not None)


class Keep(Model):
    """How long a recipient may keep the data: days, or until an event, whichever comes first; reviewed in between."""

    days: Days | None = None
    events: ZeroOrMore = Field(default=(), alias="event")
    review_days: Days | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Keep:
        if self.days is None and not self.events and self.review_days is None:
            raise ValueError("say days, event or review_days")
        return self


class Terms(Model):
    """The obligations that a permit lays on its recipients. `onward`: none, ask, as-labelled, or one channel."""

    acknowledge_hours: Hours | None = None
    keep: Keep | None = None
    onward: Code = ONWARD_AS_LABELLED
    caveats: ZeroOrMore = ()

    def obligation(self) -> Obligation:
        keep = self.keep
        return Obligation(
            acknowledge_hours=self.acknowledge_hours,
            keep_days=keep.days if keep else None,
            keep_events=keep.events if keep else (),
            review_days=keep.review_days if keep else None,
            onward=self.onward,
            caveats=self.caveats,
        )


class Validity(Model):
    """The days in force, in UTC, the last one included."""

    from_: Day | None = Field(default=None, alias="from")
    until: Day | None = None

    @property
    def begins_ms(self) -> int | None:
        return _midnight_ms(self.from_) if self.from_ else None

    @property
    def ends_ms(self) -> int | None:
        """The first millisecond no longer in force."""
        return _midnight_ms(self.until + timedelta(days=1)) if self.until else None

    def holds(self, now_ms: int) -> bool:
        begins, ends = self.begins_ms, self.ends_ms
        return (begins is None or begins <= now_ms) and (ends is None or now_ms < ends)


def _midnight_ms(day: date) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


class Guideline(Model):
    """One rule of sharing, in the words of FORMATS.md."""

    id: GuidelineId
    title: Words
    rationale: Words
    legal_basis: OneOrMore
    mark: Mark = "counsel"
    effect: Effect
    from_: Annotated[Choice, _SHORT] = Field(alias="from")
    to: Annotated[Choice, _SHORT]
    when: dict[str, Test] = Field(
        default_factory=dict,
        max_length=len(ATTRIBUTES),
        json_schema_extra={"propertyNames": {"enum": list(ATTRIBUTES)}},
    )
    release: Annotated[Categories, _SHORT_CATEGORIES] | None = None
    withhold: Annotated[Categories, _SHORT_CATEGORIES] | None = None
    ground: Ground | None = None
    obligations: Terms | None = None
    valid: Validity = Validity()
    safeguard: bool = False


def parties_of(choice: Choice, agencies: Iterable[Agency]) -> frozenset[str]:
    """The ids of the agencies chosen."""
    return frozenset(
        agency.id
        for agency in agencies
        if any(_is_party(agency, word) for word in choice.any)
        and not any(_is_party(agency, word) for word in choice.except_)
    )


def _is_party(agency: Agency, word: str) -> bool:
    kind, colon, name = word.partition(":")
    if not colon:
        return word in (ALL, agency.id)
    if kind == "country":
        return agency.country == name  # an international body has none and is never meant
    return name in agency.groups if kind == "group" else kind == "type" and name == agency.type


def categories_of(choice: Choice | Categories | None, vocabulary: Iterable[str]) -> frozenset[str]:
    """The categories chosen, patterns such as `victim.*` written out; `handling` stands outside all patterns."""
    if choice is None:
        return frozenset()
    known = [category for category in vocabulary if category != HANDLING]
    return _matching(choice.any, known) - _matching(choice.except_, known)


def _matching(words: Iterable[str], known: Iterable[str]) -> frozenset[str]:
    return frozenset(category for word in words for category in known if is_category(word, category))


def is_category(word: str, category: str) -> bool:
    if word == "*":
        return True
    return category.startswith(word[:-1]) if word.endswith(".*") else word == category
