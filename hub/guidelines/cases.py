"""The lawyers' cases of a profile: given this alert, these agencies receive these categories, and the others not, because.

A case is checked against decide.py and says what differs. Its form is that of `cases/*.yaml`, here as models.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, ValidationError

from hub.model.base import Model
from hub.model.codes import ATTRIBUTES
from hub.model.core import Core, Label, Routing
from hub.model.obligation import Obligation

from .bundle import Bundle
from .check import nearest
from .decide import decide
from .language import Codes, Day, Words, ZeroOrMore
from .outcome import REASONS, Decision, Outcome, UnknownValue
from .profile import read_entries

FOLDER: Final = "cases"
# What an alert of a case has if the case does not say otherwise.
DEFAULTS: Final[dict[str, Any]] = {"reliability": "B", "credibility": "2"}
DAY: Final = date(2026, 1, 1)  # on which a case is decided if it does not say `on`
LABEL: Final = ("exercise", "class", "tlp", "handling", "purposes", "reliability", "credibility")
OTHER: Final = ("originator", "sections", "caveats", "expired")
_DAY_MS: Final = 86_400_000


def _fields(value: Any) -> Any:
    """The alert's fields as they are written; a word alone may stand for a list of one, a digit for its code."""
    if not isinstance(value, dict):
        raise ValueError("the attributes of the alert are expected here, as `name: value`")
    known = {*ATTRIBUTES, *OTHER}
    for name in value:
        if name not in known:
            raise ValueError(f"an alert has no attribute `{name}`{nearest(str(name), known)}")
    for name in ("originator", "class", "purposes"):
        if name not in value:
            raise ValueError(f"the alert needs `{name}`")
    return value


class Case(Model):
    """One case. `receives`: exactly these agencies and categories ([]: the core alone). `by`: the guidelines that decided.

    `obligations`: terms that must stand so, others are not looked at. `denied`: a reason code, or the id of the guideline
    that forbids. `shows`: what the case is about. `grants`: agency -> categories that the originator lifted a withhold from.
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+-]{0,63}$")]
    title: Words
    shows: Codes = ()
    alert: Annotated[dict[str, Any], BeforeValidator(_fields)]
    on: Day = DAY
    grants: dict[str, Codes] = Field(default_factory=dict)
    receives: dict[str, ZeroOrMore]
    by: dict[str, ZeroOrMore] = Field(default_factory=dict)
    obligations: dict[str, dict[str, Any]] = Field(default_factory=dict)
    denied: dict[str, str] = Field(default_factory=dict)
    because: Words


@dataclass(frozen=True)
class CaseResult:
    """What came of a case: `differences` in words, none if it holds; `decided`: all guidelines that decided in it."""

    file: str
    id: str
    title: Words
    shows: tuple[str, ...]
    decided: frozenset[str]
    receives: tuple[str, ...]
    differences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.differences


def load_cases(folder: Path) -> list[tuple[str, Case]]:
    """The cases of a profile with their files. Raises ProfileError with every problem found."""
    files = sorted(f"{FOLDER}/{path.name}" for path in (folder / FOLDER).glob("*.yaml"))
    return read_entries(folder, files, "cases", Case)


def run_cases(bundle: Bundle, folder: Path) -> list[CaseResult]:
    """Decides every case of the profile in `folder` under the bundle. Raises ProfileError if a file cannot be read."""
    return [_run(bundle, file, case) for file, case in load_cases(folder)]


def alert_of(case: Case) -> tuple[Routing, Core, tuple[str, ...], int]:
    """Routing block, core, categories and time of a case's alert. Raises ValidationError for what no alert can have."""
    fields = {**DEFAULTS, **case.alert}
    attributes = {name: _value(fields[name], name) for name in ATTRIBUTES if name in fields}
    label = Label.model_validate({name: attributes.pop(name) for name in LABEL if name in attributes})
    now_ms = round(datetime(case.on.year, case.on.month, case.on.day, 12, tzinfo=UTC).timestamp() * 1000)
    core = Core(
        id=uuid.UUID(int=0),
        created_ms=now_ms - _DAY_MS,
        originator=fields["originator"],
        valid_until_ms=now_ms + (-_DAY_MS if fields.get("expired") else _DAY_MS),
        label=label,
        caveats=_list(fields.get("caveats", ())),
    )
    return Routing(label=label, **attributes), core, _list(fields.get("sections", ())), now_ms


def _value(value: Any, name: str) -> Any:
    if name == "derived_from":
        return tuple({"alert": uuid.UUID(int=0), "revision": 1} for _ in _list(value))
    field = {**Label.model_fields, **Routing.model_fields}.get("class_" if name == "class" else name)
    if field is not None and "tuple" in str(field.annotation):
        return _list(value)
    return str(value) if name == "credibility" else value


def _list(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _run(bundle: Bundle, file: str, case: Case) -> CaseResult:
    decision: Decision | None = None
    try:
        routing, core, categories, now_ms = alert_of(case)
        grants = {agency: frozenset(each) for agency, each in case.grants.items()}
        decision = decide(routing, core, categories, bundle, now_ms, grants)
        differences = [*_unknown(bundle, case), *_differences(decision, case)]
    except UnknownValue as error:
        differences = [f"the alert would be quarantined: {error}"]
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        differences = [f"no alert can be so: {'.'.join(map(str, first['loc']))}: {first['msg']}"]
    outcomes = decision.outcomes if decision else ()
    return CaseResult(
        file=file,
        id=case.id,
        title=case.title,
        shows=case.shows,
        decided=frozenset(each for outcome in outcomes for each in outcome.guidelines),
        receives=tuple(outcome.agency for outcome in outcomes if outcome.reason == "permitted"),
        differences=tuple(differences),
    )


def _unknown(bundle: Bundle, case: Case) -> Iterator[str]:
    """Words of the expectation that the bundle does not know: a case must not pass by a slip of the pen."""
    known = bundle.known.agencies
    for agency in sorted({*case.receives, *case.by, *case.obligations, *case.denied} - known):
        yield f"`{agency}` is no known agency{nearest(agency, known)}"
    guidelines = {guideline.id for guideline in bundle.guidelines}
    for named in sorted({*case.shows, *(each for ids in case.by.values() for each in ids)} - guidelines):
        yield f"`{named}` is no known guideline{nearest(named, guidelines)}"
    for reason in sorted(set(case.denied.values()) - guidelines - set(REASONS)):
        yield f"`{reason}` is no reason and no guideline{nearest(reason, {*REASONS, *guidelines})}"


def _differences(decision: Decision, case: Case) -> Iterator[str]:
    for outcome in decision.outcomes:
        agency = outcome.agency
        if agency in case.receives:
            yield from _release(outcome, case)
        elif outcome.reason == "permitted":
            yield f"{agency} receives {_names(outcome.released)} by {_names(outcome.guidelines)}, and should not"
        elif agency in case.denied and not _denied_so(outcome, case.denied[agency]):
            found = outcome.reason + (f" by {_names(outcome.guidelines)}" if outcome.guidelines else "")
            yield f"{agency} is denied: {found}, not {case.denied[agency]}"


def _denied_so(outcome: Outcome, expected: str) -> bool:
    return outcome.reason == expected or (outcome.reason == "forbidden" and expected in outcome.guidelines)


def _release(outcome: Outcome, case: Case) -> Iterator[str]:
    agency, obligation = outcome.agency, outcome.obligation
    if outcome.reason != "permitted" or obligation is None:
        by = f" by {_names(outcome.guidelines)}" if outcome.guidelines else ""
        yield f"{agency} receives nothing ({outcome.reason}{by}), and should receive {_names(case.receives[agency])}"
        return
    for category in sorted(set(case.receives[agency]) - set(outcome.released)):
        yield f"{agency} does not get {category}, and should"
    for category in sorted(set(outcome.released) - set(case.receives[agency])):
        yield f"{agency} gets {category}, and should not"
    if agency in case.by and set(case.by[agency]) != set(outcome.guidelines):
        yield f"{agency} is decided by {_names(outcome.guidelines)}, not by {_names(case.by[agency])}"
    for term, value in case.obligations.get(agency, {}).items():
        yield from _term(agency, obligation, term, value)


def _term(agency: str, obligation: Obligation, term: str, expected: Any) -> Iterator[str]:
    terms = tuple(Obligation.model_fields)
    if term not in terms:
        yield f"an obligation has no term `{term}`{nearest(term, terms)}"
        return
    found = getattr(obligation, term)
    if isinstance(found, tuple):
        if set(found) != set(_list(expected)):
            yield f"{agency}: {term} is {_names(found)}, not {_names(_list(expected))}"
    elif found != expected:
        yield f"{agency}: {term} is {found}, not {expected}"


def _names(names: Any) -> str:
    return ", ".join(map(str, names)) or "the core alone"
