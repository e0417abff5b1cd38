"""An example alert out of a region, in the form of `cases/*.yaml`, so that a finding can be seen, run and kept as a case.

The example takes what an alert has by default wherever the region allows it, and otherwise the first code of the field's
own list: it says no more than it must. What it shows is decided by decide.py, like any alert.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from hub.model.codes import ATTRIBUTES, CLASSES, COUNTS, MULTIPLE, PURPOSES, SUBJECTS
from hub.model.core import Core, Routing

from .bundle import Bundle
from .cases import Case, alert_of
from .compile import members
from .decide import decide, engine
from .outcome import Decision, values_of
from .space import DAY, ORIGINATOR, Codes, Numbers, Region, Space

# What is taken if it may be: first what an alert or a case has by itself, then what an officer meets most often.
_USUAL: Final[Mapping[str, tuple[str, ...]]] = {
    "exercise": ("none",),
    "class": CLASSES,
    "purposes": PURPOSES,
    "tlp": ("AMBER+STRICT", "AMBER", "GREEN", "CLEAR", "RED"),
    "handling": ("H0",),
    "reliability": ("B", "A"),
    "credibility": ("2", "1"),
    "minor": ("yes",),  # what nobody says counts as yes
    "consent": ("unknown", "given"),
}
_UNSAID: Final[Mapping[str, Any]] = {
    "exercise": "none",
    "tlp": "AMBER+STRICT",
    "handling": ["H0"],
    "reliability": "B",
    "credibility": "2",
    "minor": "yes",
    "consent": "unknown",
}
_COUNTED: Final = dict(zip(SUBJECTS, ("suspects", "victims", "missing"), strict=True))


def fields_of(space: Space, region: Region, categories: Iterable[str] = ()) -> dict[str, Any]:
    """The alert of a case: originator, attributes and sections. `categories`: the sections that it carries; a person whose
    data it carries is counted, where the region leaves it open."""
    sections = sorted(set(categories))
    counted = {_COUNTED[section.partition(".")[0]] for section in sections if section.partition(".")[0] in _COUNTED}
    fields: dict[str, Any] = {ORIGINATOR: _code(space, region, ORIGINATOR)}
    for name in ATTRIBUTES:
        values = region.of(name)
        if isinstance(values, Numbers):
            wanted = 1 if name in counted else 0
            value: Any = min(max(values.least, wanted), values.most)
        elif name in MULTIPLE:
            value = list(_list(space, values, name))
        else:
            value = _code(space, region, name)
        if value != _UNSAID.get(name, 0 if name in COUNTS else []):
            fields[name] = value
    return {**fields, "sections": sections} if sections else fields


def day_of(region: Region) -> date:
    values = region.of(DAY)
    assert isinstance(values, Numbers)
    return date.fromordinal(values.least)


def decided(
    bundle: Bundle, fields: Mapping[str, Any], on: date, grants: Mapping[str, Iterable[str]] | None = None
) -> Decision:
    """What the bundle decides of an example. Raises UnknownValue for one that it does not know."""
    routing, core, sections, now_ms = _alert(fields, on)
    granted = {agency: frozenset(categories) for agency, categories in (grants or {}).items()}
    return decide(routing, core, sections, bundle, now_ms, granted)


def matching(bundle: Bundle, fields: Mapping[str, Any], on: date) -> tuple[str, ...]:
    """The guidelines that speak of an example, to whomever they are addressed."""
    routing, core, _, now_ms = _alert(fields, on)
    index = engine(bundle).index
    return index.names(members(index.matching(core.originator, values_of(routing), now_ms)))


def case_of(
    bundle: Bundle,
    fields: Mapping[str, Any],
    on: date,
    title: Mapping[str, str],
    grants: Mapping[str, Iterable[str]] | None = None,
) -> dict[str, Any]:
    """The example as an entry of `cases/*.yaml`, expecting what the bundle decides today."""
    decision = decided(bundle, fields, on, grants)
    receives = {each.agency: list(each.released) for each in decision.permitted}
    by = {each.agency: list(each.guidelines) for each in decision.permitted}
    denied = {each.agency: each.reason for each in decision.outcomes if each.reason == "forbidden"}
    case = {
        "id": "example",
        "title": dict(title),
        "alert": dict(fields),
        "on": on.isoformat(),
        "grants": {agency: sorted(each) for agency, each in (grants or {}).items()},
        "receives": receives,
        "by": by,
        "denied": denied,
        "because": dict(title),
    }
    return {name: value for name, value in case.items() if value or name == "receives"}


def _alert(fields: Mapping[str, Any], on: date) -> tuple[Routing, Core, tuple[str, ...], int]:
    words = {"es": "-", "en": "-"}
    case = {
        "id": "example",
        "title": words,
        "because": words,
        "alert": dict(fields),
        "on": on.isoformat(),
        "receives": {},
    }
    return alert_of(Case.model_validate(case))


def _code(space: Space, region: Region, name: str) -> str:
    values = region.of(name)
    assert isinstance(values, Codes)
    return _first(space, name, values.allowed)


def _list(space: Space, values: Codes, name: str) -> Iterator[str]:
    """One code for each set that must be hit, none for nothing."""
    chosen = 0
    for hit in values.hits:
        if not hit & chosen:
            code = _first(space, name, hit)
            chosen |= space.bits(name, [code])
    return iter(space.names(name, chosen))


def _first(space: Space, name: str, bits: int) -> str:
    codes = space.names(name, bits)
    return next(code for code in (*_USUAL.get(name, ()), *codes) if code in codes)
