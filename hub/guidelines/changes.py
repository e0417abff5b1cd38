"""What diff.py finds, as a person reads it: who now receives what, who no longer, on which alerts, and by which change.

Every change has an example alert with what both bundles decide of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any, Final, Literal, NamedTuple

from hub.model.base import Model
from hub.model.obligation import Obligation

from . import phrases
from .bundle import Bundle
from .diff import STEPS, Differing, Pair
from .edits import Edit, edits
from .language import Language, Words
from .outcome import Outcome, UnknownValue
from .regions import CORE, Feature
from .sentences import joined
from .space import Region
from .terms import term
from .whereabouts import LANGUAGES, described
from .witness import case_of, day_of, decided, fields_of

MAX_REGIONS: Final = 2_000  # of one change, in its description
MAX_WHERE: Final = 4  # clauses that say on which alerts

Kind = Literal["receives", "also-receives", "no-longer-receives", "no-longer-receives-category", "obligation"]


class Part(Model):
    """What one bundle decides of the example for the agency. `reason` may be `unknown-value`: the alert would wait."""

    reason: str
    released: tuple[str, ...] = ()
    guidelines: tuple[str, ...] = ()
    obligation: Obligation | None = None


class Change(Model):
    """One difference, for one agency. `categories`: those gained or lost. `granted`: only where the originator grants it.

    `where`: on which alerts, each in words; all of them are `alerts` together. `case`: an example, expecting what the
    second bundle decides.
    """

    agency: str
    kind: Kind
    categories: tuple[str, ...] = ()
    granted: bool = False
    guidelines: tuple[str, ...] = ()
    where: tuple[Words, ...] = ()
    more: int = 0
    text: Words
    before: Part
    after: Part
    case: dict[str, Any]


class Difference(Model):
    """Two bundles by their names. `sampled`: none if the changes are all that there are; else how far was looked."""

    old: str
    new: str
    edits: tuple[Edit, ...]
    changes: tuple[Change, ...]
    sampled: int | None = None


def diff(old: Bundle, new: Bundle, on: date, steps: int = STEPS) -> Difference:
    """Everything that differs from `on` on. Pure; the same input gives the same answer."""
    pair = Pair(old, new, on, steps)
    groups: dict[tuple[Any, ...], list[Differing]] = defaultdict(list)
    for each in pair.differing():
        group = groups[_group(each)]
        if len(group) < MAX_REGIONS:
            group.append(each)
    changes = list(_changes(pair, groups))
    order = ("no-longer-receives", "no-longer-receives-category", "receives", "also-receives", "obligation")
    changes.sort(key=lambda each: (each.agency, order.index(each.kind), each.guidelines, each.categories))
    return Difference(
        old=old.name,
        new=new.name,
        edits=tuple(edits(old, new)),
        changes=tuple(changes),
        sampled=pair.budget.regions if pair.budget.spent else None,
    )


def _group(each: Differing) -> tuple[Any, ...]:
    kind = each.feature.kind if each.feature.kind in (CORE, "category") else "obligation"
    return each.agency, each.gained, kind, each.feature if kind != "obligation" else kind, each.causes


class _Told(NamedTuple):
    """One feature, ready to be joined with others that differ for the same alerts."""

    feature: Feature
    region: Region
    where: tuple[tuple[str, str], ...]


def _changes(pair: Pair, groups: dict[tuple[Any, ...], list[Differing]]) -> Iterator[Change]:
    by_cause: dict[tuple[str, bool, str, tuple[str, ...]], list[_Told]] = defaultdict(list)
    obliged: dict[tuple[str, tuple[str, ...]], list[Differing]] = defaultdict(list)
    for (agency, gained, kind, feature, causes), those in groups.items():
        if kind == "obligation":
            obliged[agency, causes].extend(those)
            continue
        where = described(pair, agency, gained, those)
        by_cause[agency, gained, _granted(feature), causes].append(_Told(feature, those[0].region, where))
    for (agency, gained, granted, causes), told in by_cause.items():
        same: dict[tuple[tuple[str, str], ...], list[_Told]] = defaultdict(list)
        for each in told:
            same[each.where].append(each)
        for where, alike in same.items():
            for region, shown in _by_example(pair, agency, gained, alike):
                yield _release(pair, agency, gained, bool(granted), causes, where, shown, region)
    yield from _obligations(pair, obliged)


def _by_example(pair: Pair, agency: str, gained: bool, told: list[_Told]) -> Iterator[tuple[Region, list[_Told]]]:
    """The features in as few groups as one example each can show. Each one's own region shows it at least."""
    left = list(told)
    while left:
        showing = [
            (each.region, [one for one in left if one is each or _shows(pair, agency, gained, each.region, one)])
            for each in left
        ]
        region, shown = max(showing, key=lambda each: len(each[1]))
        yield region, shown
        left = [each for each in left if each not in shown]


def _shows(pair: Pair, agency: str, gained: bool, region: Region, told: _Told) -> bool:
    """Whether an alert of the region differs in this feature too."""
    categories: tuple[str, ...] = () if told.feature.kind == CORE else (str(told.feature.value),)
    grants = {agency: categories} if told.feature.granted else None
    fields, on = fields_of(pair.space, region, categories), day_of(region)
    parts = [_part(side.bundle, fields, on, agency, grants) for side in (pair.old, pair.new)]
    has = [each.reason == "permitted" and set(categories) <= set(each.released) for each in parts]
    return has == [not gained, gained]


def _granted(feature: Feature) -> str:
    return "granted" if feature.granted else ""


def _release(
    pair: Pair,
    agency: str,
    gained: bool,
    granted: bool,
    causes: tuple[str, ...],
    where: tuple[tuple[str, str], ...],
    told: list[_Told],
    region: Region,
) -> Change:
    categories = tuple(sorted(str(each.feature.value) for each in told if each.feature.kind != CORE))
    core = any(each.feature.kind == CORE for each in told)
    kind: Kind
    if gained:
        kind = "receives" if core else "also-receives"
    else:
        kind = "no-longer-receives" if core else "no-longer-receives-category"
    fields = fields_of(pair.space, region, categories)
    on = day_of(region)
    grants = {agency: categories} if granted else None
    text = _sentence(pair, agency, kind, categories, granted, causes, where)
    return Change(
        agency=agency,
        kind=kind,
        categories=categories,
        granted=granted,
        guidelines=causes,
        where=_where_words(where),
        more=max(0, len(where) - MAX_WHERE),
        text=text,
        before=_part(pair.old.bundle, fields, on, agency, grants),
        after=_part(pair.new.bundle, fields, on, agency, grants),
        case=_case(pair.new.bundle, fields, on, text, grants),
    )


def _case(
    bundle: Bundle, fields: dict[str, Any], on: date, text: Words, grants: dict[str, tuple[str, ...]] | None
) -> dict[str, Any]:
    title = {"es": _short(text.es), "en": _short(text.en)}
    try:
        return case_of(bundle, fields, on, title, grants)
    except UnknownValue:
        return {
            "id": "example",
            "title": title,
            "alert": fields,
            "on": on.isoformat(),
            "receives": {},
            "because": title,
        }


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:199]}…"


def _part(
    bundle: Bundle, fields: dict[str, Any], on: date, agency: str, grants: dict[str, tuple[str, ...]] | None
) -> Part:
    try:
        outcome = decided(bundle, fields, on, grants).of(agency)
    except UnknownValue:
        return Part(reason="unknown-value")
    if outcome is None:
        return Part(reason="no-such-agency")
    return _as_part(outcome)


def _as_part(outcome: Outcome) -> Part:
    return Part(
        reason=outcome.reason,
        released=outcome.released,
        guidelines=outcome.guidelines,
        obligation=outcome.obligation,
    )


# --- sentences

_SENTENCE: Final[dict[Kind, dict[Language, str]]] = {
    "receives": {
        "es": "{agency} recibe ahora alertas que no recibía{with_}: las{where}",
        "en": "{agency} now receives alerts that it did not receive{with_}: those{where}",
    },
    "also-receives": {
        "es": "{agency} recibe ahora también {categories} de las alertas{where}",
        "en": "{agency} now also receives {categories} of alerts{where}",
    },
    "no-longer-receives": {
        "es": "{agency} ya no recibe las alertas{where}{with_}",
        "en": "{agency} no longer receives alerts{where}{with_}",
    },
    "no-longer-receives-category": {
        "es": "{agency} ya no recibe {categories} de las alertas{where}",
        "en": "{agency} no longer receives {categories} of alerts{where}",
    },
    "obligation": {
        "es": "{agency} tiene otras obligaciones por las alertas{where}: {categories}",
        "en": "{agency} has other obligations for alerts{where}: {categories}",
    },
}
_WITH: Final[dict[Language, str]] = {"es": ", con {categories}", "en": ", with {categories}"}
_LESS: Final[dict[Language, str]] = {"es": ", que llevaban {categories}", "en": ", which carried {categories}"}
_ELSE: Final[dict[Language, str]] = {"es": "; o bien las", "en": "; or else those"}
_ANY: Final[dict[Language, str]] = {"es": " que le pueden llegar", "en": " that can reach it"}
_MORE: Final[dict[Language, str]] = {"es": "; y {count} casos más", "en": "; and {count} more cases"}
_GRANT: Final[dict[Language, str]] = {
    "es": ", cuando el originador lo concede",
    "en": ", when the originator grants it",
}
_BY: Final[dict[Language, str]] = {"es": " [{ids}]", "en": " [{ids}]"}
_HOW: Final[dict[str, dict[Language, str]]] = {
    "added": {"es": "nueva", "en": "new"},
    "removed": {"es": "suprimida", "en": "removed"},
    "changed": {"es": "modificada", "en": "changed"},
}
_ITSELF: Final[dict[Language, str]] = {
    "es": "por cambios de la propia parte o de las listas",
    "en": "by a change of the agency or of the lists",
}


def _sentence(
    pair: Pair,
    agency: str,
    kind: Kind,
    categories: tuple[str, ...],
    granted: bool,
    causes: tuple[str, ...],
    where: tuple[tuple[str, str], ...],
    told: dict[Language, str] | None = None,
) -> Words:
    said: dict[Language, str] = {}
    for at, language in enumerate(LANGUAGES):
        bundle = pair.new.bundle if pair.new.bundle.agency(agency) else pair.old.bundle
        names = told[language] if told else joined(categories, language)
        with_ = (_LESS if kind == "no-longer-receives" else _WITH)[language].format(categories=names)
        text = _SENTENCE[kind][language].format(
            agency=f"{term(bundle, 'agency', agency, language)} ({agency})",
            categories=names,
            with_=with_ if categories else "",
            where=_ELSE[language].join(each[at] or _ANY[language] for each in where[:MAX_WHERE]),
        )
        if len(where) > MAX_WHERE:
            text += _MORE[language].format(count=len(where) - MAX_WHERE)
        text += _GRANT[language] if granted else ""
        said[language] = text + _BY[language].format(ids=_causes(pair, causes, language)) + "."
    return Words(es=_cut(said["es"]), en=_cut(said["en"]))


def _cut(text: str) -> str:
    return text if len(text) <= 2_000 else f"{text[:1_999]}…"


def _causes(pair: Pair, causes: tuple[str, ...], language: Language) -> str:
    if not causes:
        return _ITSELF[language]
    return ", ".join(_cause(pair, each, language) for each in causes)


def _cause(pair: Pair, guideline_id: str, language: Language) -> str:
    old, new = pair.old.bundle.guideline(guideline_id), pair.new.bundle.guideline(guideline_id)
    how = "changed" if old and new else "added" if new else "removed"
    return guideline_id if old == new else f"{guideline_id}, {_HOW[how][language]}"


# --- obligations


def _obligations(pair: Pair, obliged: dict[tuple[str, tuple[str, ...]], list[Differing]]) -> Iterator[Change]:
    for (agency, causes), found in obliged.items():
        by_terms: dict[tuple[str, str], list[Differing]] = defaultdict(list)
        for each in found:
            fields, on = fields_of(pair.space, each.region), day_of(each.region)
            before, after = (_part(side.bundle, fields, on, agency, None) for side in (pair.old, pair.new))
            if before.obligation and after.obligation:
                es, en = (_terms(before.obligation, after.obligation, language) for language in LANGUAGES)
                by_terms[es, en].append(each)
        for (es, en), those in by_terms.items():
            yield _obligation(pair, agency, causes, {"es": es, "en": en}, those)


def _obligation(
    pair: Pair, agency: str, causes: tuple[str, ...], told: dict[Language, str], found: list[Differing]
) -> Change:
    where = described(pair, agency, found[0].gained, found)
    fields, on = fields_of(pair.space, found[0].region), day_of(found[0].region)
    text = _sentence(pair, agency, "obligation", (), False, causes, where, told)
    return Change(
        agency=agency,
        kind="obligation",
        guidelines=causes,
        where=_where_words(where),
        more=max(0, len(where) - MAX_WHERE),
        text=text,
        before=_part(pair.old.bundle, fields, on, agency, None),
        after=_part(pair.new.bundle, fields, on, agency, None),
        case=_case(pair.new.bundle, fields, on, text, None),
    )


def _where_words(where: tuple[tuple[str, str], ...]) -> tuple[Words, ...]:
    return tuple(
        Words(es=_cut((es or _ANY["es"]).strip()), en=_cut((en or _ANY["en"]).strip())) for es, en in where[:MAX_WHERE]
    )


_TERM: Final[dict[str, dict[Language, str]]] = {
    "acknowledge_hours": {"es": "horas para acusar recibo", "en": "hours to acknowledge"},
    "keep_days": {"es": "días de conservación", "en": "days to keep"},
    "keep_events": {"es": "fin de la conservación", "en": "end of keeping"},
    "review_days": {"es": "días entre revisiones", "en": "days between reviews"},
    "onward": {"es": "transmisión ulterior", "en": "onward sharing"},
    "caveats": {"es": "advertencias", "en": "caveats"},
}


def _terms(was: Obligation, now: Obligation, language: Language) -> str:
    def said(value: Any) -> str:
        if isinstance(value, tuple):
            return ", ".join(value) or phrases.NOTHING[language]
        return phrases.NOTHING[language] if value is None else str(value)

    then: dict[Language, str] = {"es": "antes", "en": "before"}
    return "; ".join(
        f"{name[language]} {said(getattr(now, field))} ({then[language]} {said(getattr(was, field))})"
        for field, name in _TERM.items()
        if getattr(was, field) != getattr(now, field)
    )
