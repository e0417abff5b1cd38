"""A small bundle and one alert, for tests that say one thing each."""

from __future__ import annotations

from typing import Any

from hub.guidelines.bundle import Bundle
from hub.guidelines.decide import decide
from hub.guidelines.language import Agency, Guideline
from hub.guidelines.outcome import Outcome
from hub.model.core import Core, Label, Routing
from tests.guidelines.strategies import NOW_MS, WORDS, bundle_of, core_of

CUSTOMS = Agency(
    id="customs",
    name=WORDS,
    type="customs",
    country="PA",
    groups=("national", "border"),
    competences=("border-control",),
    max_tlp="AMBER+STRICT",
)
PROSECUTOR = Agency(
    id="prosecutor",
    name=WORDS,
    type="prosecution",
    country="PA",
    groups=("national",),
    competences=("investigation", "victim-assistance"),
    max_tlp="RED",
)
EMBASSY = Agency(
    id="embassy", name=WORDS, type="embassy", country="CA", competences=("victim-assistance",), max_tlp="AMBER+STRICT"
)
CHARITY = Agency(id="charity", name=WORDS, type="charity", competences=("victim-assistance",), max_tlp="GREEN")
AGENCIES = (CUSTOMS, PROSECUTOR, EMBASSY, CHARITY)


def guideline(guideline_id: str, effect: str, **fields: Any) -> Guideline:
    """A guideline from all to all. `from_` is written so because `from` is a word of Python."""
    fields = {name.rstrip("_"): value for name, value in fields.items()}
    base = {"title": WORDS, "rationale": WORDS, "legal_basis": "L1", "from": "all", "to": "all"}
    return Guideline.model_validate({**base, "id": guideline_id, "effect": effect, **fields})


def permit(guideline_id: str = "P1", release: Any = (), **fields: Any) -> Guideline:
    return guideline(guideline_id, "permit", release=release, **fields)


def withhold(guideline_id: str, categories: Any, **fields: Any) -> Guideline:
    return guideline(guideline_id, "withhold", withhold=categories, **fields)


def forbid(guideline_id: str = "F1", **fields: Any) -> Guideline:
    return guideline(guideline_id, "forbid", **fields)


def bundle(*guidelines: Guideline, agencies: tuple[Agency, ...] = AGENCIES) -> Bundle:
    return bundle_of(agencies, guidelines)


LABEL = ("exercise", "class", "tlp", "handling", "purposes", "reliability", "credibility")


def alert(**fields: Any) -> tuple[Routing, Core]:
    """An alert of customs, for investigation and the victim's assistance, AMBER, valid for one more millisecond."""
    originator = fields.pop("originator", "customs")
    until_ms = fields.pop("valid_until_ms", NOW_MS + 1)
    caveats = fields.pop("caveats", ())
    fields = {
        "class": fields.pop("class_", "suspected-transit"),
        "tlp": "AMBER",
        "purposes": ("investigation", "victim-assistance"),
        **fields,
    }
    label = Label.model_validate({name: fields.pop(name) for name in LABEL if name in fields})
    routing = Routing(label=label, **fields)
    return routing, core_of(routing, originator, until_ms, caveats)


def outcomes(
    some_bundle: Bundle,
    categories: tuple[str, ...] = (),
    grants: dict[str, frozenset[str]] | None = None,
    now_ms: int = NOW_MS,
    **fields: Any,
) -> dict[str, Outcome]:
    """Every agency's outcome for `alert(**fields)`."""
    routing, core = alert(**fields)
    decision = decide(routing, core, categories, some_bundle, now_ms, grants or {})
    return {outcome.agency: outcome for outcome in decision.outcomes}


def reasons(some_bundle: Bundle, **fields: Any) -> dict[str, str]:
    return {agency: outcome.reason for agency, outcome in outcomes(some_bundle, **fields).items()}
