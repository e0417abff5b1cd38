"""Several victims (or missing persons) of one report, made several alerts where one would wrong somebody. Pure.

In one alert the strictest consent holds for all, and a child opens releases for all, whoever consents. So children (and who may
be one) stand apart from adults, and an adult who refused apart from the others. What is told of no victim in particular, yet
may identify one (the account, the informant, suspects, the file), goes with the strictest part alone; routes and companies go
with each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from connectors.sdk import Alert, Cancel, Content, Facts
from hub.model.codes import Consent
from hub.model.derive import derive

PARTS: Final = ("refused", "children", "adults")  # the strictest first
WITH_EACH: Final = frozenset({"journey", "organisation", "circumstances"})


def parted(alert: Alert, today: date) -> Iterator[Alert]:
    """The alert, or its parts. The first part has the report's own key, so that a report of one victim keeps its alert."""
    groups = _groups(alert, today)
    if len(groups) < 2:
        yield alert
        return
    first, *others = [name for name in PARTS if name in groups]
    yield _part(alert, groups[first], alert.key, strictest=True)
    for name in others:
        yield _part(alert, groups[name], _key(alert.key, name), strictest=False)


def unparted(key: str, made: Sequence[Alert]) -> Iterator[Cancel]:
    """The parts that a corrected report has no more."""
    there = {each.key for each in made}
    for name in PARTS:
        if _key(key, name) not in there:
            yield Cancel(_key(key, name))


def _key(key: str, name: str) -> str:
    return f"{key}#{name}"


def _groups(alert: Alert, today: date) -> dict[str, dict[str, Consent | None]]:
    """The victims with their consents, and who is missing without one, by the part that they belong to."""
    persons = dict.fromkeys(person for each in alert.contents if (person := _protected(each)))
    if len(persons) < 2:
        return {}
    given = iter(alert.draft.facts.consents)  # one for each victim, in their order
    groups: dict[str, dict[str, Consent | None]] = {}
    for person in persons:
        own = [each for each in alert.contents if _protected(each) == person]
        consent: Consent | None = next(given, "unknown") if own[0].category.startswith("victim.") else None
        routing, _ = derive(alert.draft.label, own, Facts(), today)
        name = "children" if routing.minor != "no" else "refused" if consent == "withheld" else "adults"
        groups.setdefault(name, {})[person] = consent
    return groups


def _part(alert: Alert, persons: dict[str, Consent | None], key: str, *, strictest: bool) -> Alert:
    contents = tuple(
        each
        for each in alert.contents
        if (_protected(each) in persons if _protected(each) else strictest or each.category in WITH_EACH)
    )
    consents = tuple(consent for consent in persons.values() if consent is not None)
    facts = alert.draft.facts.model_copy(update={"consents": consents})
    return replace(alert, key=key, draft=alert.draft.model_copy(update={"facts": facts}), contents=contents)


def _protected(content: Content) -> str | None:
    """Which victim or missing person a content is of."""
    protected = content.category.startswith(("victim.", "missing."))
    return getattr(content.content, "person", None) if protected else None
