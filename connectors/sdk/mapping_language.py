"""The language of mapping files: which native column stands where in an alert. Shapes only.

mapping_file.py reads mapping files, mapping_compile.py checks and compiles them, mapping.py applies them;
docs/connectors/mapping.md explains them. What a section can say is read off its own model (hub/model/sections.py): the
language grows with it. No expressions, no code.
"""

from __future__ import annotations

from functools import cache
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BeforeValidator, Field, create_model, model_validator

from hub.model import sections as say
from hub.model.base import Code, Model, PartialDate, Personal, PersonalText, ShortText, Slug, Text, TimeMs

from .native_values import Order

Role = Literal["victim", "suspect", "missing", "witness"]
Split = Literal["family, given", "given family", "given family family", "family given", "family family given"]

Column = Annotated[str, Field(min_length=1, max_length=200)]
NativeText = Annotated[str, Field(max_length=500)]
MAX_CODES: Final = 20_000


def _text(value: Any) -> Any:
    """YAML reads the code `1` as a number and `true` as a truth."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _texts(value: Any) -> Any:
    return [_text(item) for item in value] if isinstance(value, list | tuple) else [_text(value)]


def _code_map(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {_text(native): () if codes is None else _texts(codes) for native, codes in value.items()}


OneOrMore = Annotated[
    tuple[NativeText, ...],
    Field(min_length=1, max_length=1_000),
    BeforeValidator(_texts, json_schema_input_type=str | int | bool | list[str | int | bool]),
]
Columns = Annotated[
    tuple[Column, ...],
    Field(min_length=1, max_length=50),
    BeforeValidator(_texts, json_schema_input_type=str | list[str]),
]
CodeMap = Annotated[
    dict[NativeText, tuple[Annotated[str, Field(min_length=1, max_length=200)], ...]],
    Field(max_length=MAX_CODES),
    BeforeValidator(_code_map, json_schema_input_type=dict[str, str | int | list[str] | None]),
]


class Test(Model):
    """What a column must be; all that is written must hold. A list of values alone is `any`."""

    __test__ = False  # not a test case, whatever pytest thinks

    any: OneOrMore | None = Field(None, description="one of these values")
    none: OneOrMore | None = Field(None, description="none of these values")
    present: Literal[True] | None = Field(None, description="has a value")
    absent: Literal[True] | None = Field(None, description="has no value")

    @classmethod
    def of(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {"any": value}

    @model_validator(mode="after")
    def _says_something(self) -> Test:
        if not (self.any or self.none or self.present or self.absent):
            raise ValueError("a condition needs any, none, present or absent")
        return self


When = Annotated[
    dict[
        Column,
        Annotated[Test, BeforeValidator(Test.of, json_schema_input_type=str | int | bool | list[str | int] | Test)],
    ],
    Field(min_length=1, max_length=20),
]


class Choice(Model):
    """A value for the records that a condition fits; the first that fits is taken."""

    when: When
    is_: OneOrMore = Field(alias="is")


class Value(Model):
    """Where a value comes from: a constant (written alone), columns, or a choice by conditions."""

    constant: OneOrMore | None = Field(None, description="written alone, as in `tlp: GREEN`")
    from_: Columns | None = Field(None, alias="from", description="a column, or several that are put together")
    join: Annotated[str, Field(max_length=10)] = Field(" ", description="between several columns")
    split: OneOrMore | None = Field(None, description="what separates many values in one, such as ';'")
    codes: CodeMap = Field({}, description="native value: code; nothing for a value that says nothing")
    code_list: str | None = Field(None, description="the name of a list under `code_lists`, in place of `codes`")
    default: OneOrMore | None = Field(None, description="what stands where the record has no value")
    drop: OneOrMore | None = Field(None, description="native values that say nothing")
    dates: tuple[Order, ...] | None = Field(None, description="orders of a date, tried in turn")
    choose: Annotated[tuple[Choice, ...], Field(min_length=1, max_length=50)] | None = Field(
        None, description="a value by conditions"
    )

    @classmethod
    def of(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {"constant": value}

    @model_validator(mode="after")
    def _one_origin(self) -> Value:
        if sum(part is not None for part in (self.constant, self.from_, self.choose)) != 1:
            raise ValueError("a value is a constant, or has one of `from` and `choose`")
        if self.codes and self.code_list:
            raise ValueError("has both `codes` and `code_list`")
        if self.from_ is None and (self.split or self.codes or self.code_list or self.drop or self.dates):
            raise ValueError("`split`, `codes`, `code_list`, `drop` and `dates` need `from`")
        return self


class FullName(Value):
    """A name in one column; `parts` says how it is cut. Particles (de, la, van ...) stay with the word behind them."""

    parts: Split | None = Field(None, description="how the name is cut into family and given names")


Leaf = Annotated[Value, BeforeValidator(Value.of, json_schema_input_type=Value | str | int | bool | list[str | int])]
NameLeaf = Annotated[FullName, BeforeValidator(Value.of, json_schema_input_type=FullName | str)]


class Block(Model):
    """A part that may be there under a condition, or once for each object of a list."""

    when: When | None = Field(None, description="only for records that this fits; all of it must hold")
    each: Column | None = Field(None, description="a list of objects: once for each; columns are then the object's")


Kind = Literal["text", "long-text", "code", "country", "date", "time", "moment", "number", "choice", "digest"]


class Leafy:
    """What a target takes: its kind, whether it takes several, the closed list it is of, the longest text."""

    def __init__(self, kind: Kind, many: bool = False, choices: tuple[str, ...] = ()) -> None:
        self.kind = kind
        self.many = many
        self.choices = choices


_KINDS: Final[tuple[tuple[Any, Kind], ...]] = (
    (say.Date, "date"),
    (PartialDate, "date"),
    (say.LocalTime, "time"),
    (TimeMs, "moment"),
    (Personal, "text"),
    (ShortText, "text"),
    (PersonalText, "long-text"),
    (Text, "long-text"),
    (Code, "code"),
)
_NUMBERS: Final = (int, float)
Shape = dict[str, "Leafy | ModelShape"]


class ModelShape:
    """A model inside a section: its class, and whether there may be several."""

    def __init__(self, model: type[Model], many: bool) -> None:
        self.model = model
        self.many = many


def _bare(annotation: Any) -> Any:
    """Without `| None`."""
    if get_origin(annotation) in (Union, UnionType):
        return next(arg for arg in get_args(annotation) if arg is not type(None))
    return annotation


def _target(annotation: Any, name: str) -> Leafy | ModelShape | None:
    bare = _bare(annotation)
    if "^[A-Z]{2}$" in repr(bare) and get_args(bare)[0] is str:  # core.py and sections.py each have their own
        return Leafy("country")
    for known, kind in _KINDS:
        if bare == known:
            return Leafy(kind)
    if get_origin(bare) is Annotated:
        inner = get_args(bare)[0]
        if get_origin(inner) is tuple:
            item = _target(get_args(inner)[0], name)
            if isinstance(item, Leafy):
                return Leafy(item.kind, many=True, choices=item.choices)
            return ModelShape(item.model, many=True) if item else None
        if inner in _NUMBERS:
            return Leafy("number")
        if inner is bytes:
            return Leafy("digest") if name == "digest" else None
        if inner is str:
            return Leafy("code")
        return _target(inner, name)
    if get_origin(bare) is Literal:
        return Leafy("choice", choices=tuple(get_args(bare)))
    if isinstance(bare, type) and issubclass(bare, Model):
        return ModelShape(bare, many=False)
    if get_origin(bare) is tuple:
        item = _target(get_args(bare)[0], name)
        return Leafy(item.kind, many=True, choices=item.choices) if isinstance(item, Leafy) else None
    return None


@cache
def shape_of(model: type[Model]) -> Shape:
    """What of a section's model a mapping can say, by field."""
    hints = get_type_hints(model, include_extras=True)
    aliases = {name: field.alias or name for name, field in model.model_fields.items()}
    found = {
        aliases[name]: target
        for name in model.model_fields
        if name != "person" and (target := _target(hints[name], name)) is not None
    }
    return found


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


@cache
def _spec_of(model: type[Model]) -> type[Block]:
    """The model of what a mapping file writes for one of ours."""
    fields: dict[str, Any] = {}
    for name, target in shape_of(model).items():
        fields[name] = (_field(target), None)
    made: type[Block] = create_model(f"{model.__name__}Mapping", __base__=Block, __doc__=model.__doc__, **fields)
    return made


def _field(target: Leafy | ModelShape) -> Any:
    if isinstance(target, Leafy):
        return Leaf | None
    spec = _spec_of(target.model)
    return _list_of(spec) if target.many else spec | None


def _list_of(spec: Any) -> Any:
    """One may be written without a list."""
    return (
        Annotated[
            tuple[spec, ...],
            Field(min_length=1, max_length=100),
            BeforeValidator(_listed, json_schema_input_type=spec | list[spec]),
        ]
        | None
    )


class NameMapping(Block):
    """A name in parts (`family`, `given`) or in one column (`full`)."""

    alias: bool = Field(False, description="true for another name of the same person")
    family: Leaf | None = None
    given: Leaf | None = None
    full: NameLeaf | None = None


_IDENTITY: Final = (say.Identity, say.SuspectIdentity, say.MissingIdentity)
PERSON_MODELS: Final[dict[str, type[say.Identity]]] = {
    "victim": say.Identity,
    "suspect": say.SuspectIdentity,
    "missing": say.MissingIdentity,
    "witness": say.Witness,
}


def _person_fields() -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for model in _IDENTITY:
        for name, target in shape_of(model).items():
            fields.setdefault(name, (_field(target), None))
    fields["names"] = (_list_of(NameMapping), None)
    fields["contact"] = (_spec_of(say.Contact) | None, None)
    fields["location"] = (_spec_of(say.Location) | None, None)
    fields["care"] = (_spec_of(say.Care) | None, None)
    return fields


class PersonBase(Block):
    role: Role = Field(description="what the person is in this alert")
    consent: Leaf | None = Field(None, description="a victim's consent to share data: given, withheld, unknown")
    age: Leaf | None = Field(None, description="full years, when there is no birth date")
    age_band: Leaf | None = Field(None, description="a band, when there is no age")
    description_role: Leaf | None = Field(None, description="what the person did or was, as a code")


PersonMapping: Final[type[PersonBase]] = create_model(
    "PersonMapping",
    __base__=PersonBase,
    __doc__="A person; left out when no column of it has a value, unless `when` says that the person is there.",
    **_person_fields(),
)
# Which roles may say what.
ONLY_FOR: Final[dict[str, tuple[str, ...]]] = {
    "consent": ("victim",),
    "location": ("victim",),
    "care": ("victim",),
    "contact": ("victim", "suspect", "missing"),
    "age": ("victim", "suspect", "missing"),
    "age_band": ("victim", "suspect", "missing"),
    "description_role": ("victim", "suspect", "missing"),
    "warrants": ("suspect",),
    "parents": ("missing",),
    "event_date": ("missing",),
    "event_place": ("missing",),
    "event_country": ("missing",),
}
SECTIONS: Final = (
    "narrative",
    "handling",
    "links",
    "journey",
    "goods",
    "finance",
    "organisation",
    "informant",
    "case",
    "evidence",
    "statistics",
)
_SECTION_FIELDS: Final[dict[str, Any]] = {name: (_list_of(_spec_of(say.CONTENTS[name])), None) for name in SECTIONS}
SectionsMapping: Final[type[Model]] = create_model(
    "SectionsMapping",
    __base__=Model,
    __doc__="The sections that are not about a victim, suspect, missing person or witness.",
    **_SECTION_FIELDS,
)


class LabelMapping(Model):
    """How every alert is marked; class and purposes must be said."""

    class_: Leaf = Field(alias="class")
    purposes: Leaf
    tlp: Leaf | None = None
    handling: Leaf | None = None
    reliability: Leaf | None = None
    credibility: Leaf | None = None
    exercise: Leaf | None = None


class FactsMapping(Model):
    """What decisions read and sections do not tell."""

    releasable_to: Leaf | None = None
    not_releasable_to: Leaf | None = None
    origin: Leaf | None = None
    transit: Leaf | None = None
    destination: Leaf | None = None
    act: Leaf | None = None
    means: Leaf | None = None
    exploitation: Leaf | None = None
    indicators: Leaf | None = None
    legal_basis: Leaf | None = None


class Original(Model):
    """Where to ask for the native record; its SHA-256 goes with the alert."""

    ask: ShortText = Field(description="whom to ask for the original, as officers would")
    media_type: ShortText = Field("application/octet-stream", description="of the original")


class MappingFile(Model):
    """A mapping file: native records of one kind to alerts."""

    name: Slug = Field(description="of the mapping; part of what a native record is known by: never change it")
    key: Columns = Field(description="the columns that name a record for ever")
    label: LabelMapping
    observed: Leaf | None = Field(None, description="when what the record tells was observed")
    valid_days: Annotated[int, Field(ge=1, le=89)] = Field(60, description="how long an alert is valid")
    lasting: bool = Field(
        False, description="records tell of what goes on until they change: alerts are published anew before they end"
    )
    caveats: Leaf | None = Field(None, description="codes of the bundle's caveats")
    facts: FactsMapping = FactsMapping()
    persons: Annotated[tuple[PersonMapping, ...], Field(max_length=50)] = ()
    sections: SectionsMapping = SectionsMapping()
    original: Original | None = Field(None, description="sends the digest of every native record along")
    skip_when: When | None = Field(None, description="records that are not exchanged; each is noted")
    cancel_when: When | None = Field(None, description="records whose alert ends")
    ignored: Annotated[tuple[Column, ...], Field(max_length=1_000)] = Field(
        (), description="columns that are left out on purpose; `notes.*` is all that begins so"
    )
    optional: Annotated[tuple[Column, ...], Field(max_length=1_000)] = Field(
        (), description="columns that a table may be without; any other that is missing is told, and nothing is read"
    )
    empty: Annotated[tuple[NativeText, ...], BeforeValidator(_texts, json_schema_input_type=list[str])] = Field(
        (), description="what stands for nothing in any column, such as N/A"
    )
    known: dict[Column, OneOrMore] = Field({}, description="other values of a column that a condition tests")
    code_lists: Annotated[dict[Code, CodeMap], Field(max_length=100)] = Field(
        {}, description="code lists that several values share"
    )
    words: dict[Code, OneOrMore] = Field({}, description="codes that this profile adds to a standard list")
    zone: str = Field("UTC", description="time zone of times without one, as in America/Panama")
    two_digit_years_from: Annotated[int, Field(ge=1850, le=2100)] | None = Field(
        None, description="the first of the hundred years that `dmy2` and its like mean"
    )
