"""An explanation agrees with the decision and says in words what a lawyer would ask."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings

from hub.guidelines import phrases
from hub.guidelines.bundle import Bundle
from hub.guidelines.cases import alert_of, load_cases
from hub.guidelines.decide import decide
from hub.guidelines.explain import Explanation, NoSuchAgency, explain
from hub.guidelines.language import Language
from hub.guidelines.outcome import REASONS, UnknownValue
from hub.guidelines.profile import load_profile
from hub.guidelines.terms import NAMES
from hub.model.codes import ATTRIBUTES
from tests.guidelines.samples import alert, bundle, forbid, permit, withhold
from tests.guidelines.strategies import NOW_MS, cases
from tests.reference.case import Case
from tests.reference.evaluators import by_naive

PANAMA: Final = Path(__file__).parents[2] / "profiles" / "panama"


def explained(
    some: Bundle, agency: str = "prosecutor", language: Language = "en", categories: tuple[str, ...] = (), **fields: Any
) -> Explanation:
    routing, core = alert(**fields)
    return explain(routing, core, categories, some, NOW_MS, agency, language)


@settings(max_examples=25, database=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_it_names_exactly_what_decided(case: Case) -> None:
    """Its own reading of conditions, one by one, is a third one; the naive reading is the measure."""
    try:
        decision = by_naive(case)
    except UnknownValue:
        return
    for outcome in decision.outcomes:
        found = explain(
            case.routing, case.core, case.categories, case.bundle, case.now_ms, outcome.agency, "es", case.grants
        )
        assert (found.agency, found.outcome, found.released) == (outcome.agency, outcome.reason, outcome.released)
        assert tuple(each.id for each in found.guidelines) == outcome.guidelines
        assert found.obligation == outcome.obligation
        if outcome.reason == "permitted":
            assert tuple(each.category for each in found.withheld) == outcome.withheld(case.categories)
        if outcome.reason == "no-permit":
            assert all(permit.failed for permit in found.nearest)


@settings(max_examples=25, database=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_every_duty_has_a_source_that_says_it(case: Case) -> None:
    try:
        recipients = [outcome.agency for outcome in by_naive(case).permitted]
    except UnknownValue:
        return
    for agency in recipients:
        found = explain(case.routing, case.core, case.categories, case.bundle, case.now_ms, agency, "en", case.grants)
        for duty in found.obligations:
            for source in duty.sources:
                guideline = case.bundle.guideline(source)
                assert source == "alert" or (guideline is not None and guideline.obligations is not None)
        assert {duty.term for duty in found.obligations if duty.sources == ("alert",)} <= {
            *("onward", "onward_to", "caveats")
        }


def test_a_denial_names_the_nearest_permit_first_and_the_conditions_that_failed() -> None:
    some = bundle(
        permit("P1", when={"class": {"any": "seizure"}, "victims": {"min": 1}}),
        permit("P2", when={"nationality": {"only": "CA"}}, to="prosecutor"),
        permit("P3", to="embassy"),
    )
    found = explained(some, nationality=("CO",))
    assert [permit.id for permit in found.nearest] == ["P2", "P1"]
    assert found.nearest[0].failed == ("the alert has as its only nationalities: Canada (here: Colombia)",)
    assert found.nearest[1].failed == (
        "the alert is of the class “seizure” (here: suspected transit)",
        "the alert counts at least 1 victim (here: 0)",
    )


def test_a_condition_names_parties_and_values_in_the_reader_s_language() -> None:
    some = bundle(
        permit("P1", from_="type:prosecution", when={"tlp": {"any": "GREEN"}, "minor": {"any": "no"}}),
        permit("P2", from_={"any": "all", "except": "customs"}, when={"purposes": {"none": "investigation"}}),
    )
    found = explained(some, language="es", minor="unknown")
    assert [permit.failed for permit in found.nearest] == [
        (
            "la alerta proviene de cualquiera de las partes, con excepción de x (aquí: x)",
            "la alerta indica sus finalidades y no están entre ellas: investigación "
            "(aquí: investigación, asistencia a víctimas)",
        ),
        (
            "la alerta proviene de las partes del tipo «prosecution» (aquí: x)",
            "la alerta lleva la etiqueta TLP:GREEN (aquí: TLP:AMBER)",
            "la alerta no concierne a ninguna persona que sea o pueda ser menor de edad (aquí: se desconoce)",
        ),
    ]


def test_no_explanation_in_the_lawyers_cases_holds_a_code_that_has_a_name() -> None:
    """Ids of guidelines stand beside their titles; a TLP label is its own name."""
    some = load_profile(PANAMA)
    codes = {code for name in ("class", "purposes", "consent", "exploitation", "category") for code in NAMES[name]}
    codes = {code for code in (*codes, *(each.id for each in some.agencies)) if "-" in code or "." in code}
    told: list[str] = []
    for _, case in load_cases(PANAMA)[::3]:
        try:
            routing, core, categories, now_ms = alert_of(case)
            decide(routing, core, categories, some, now_ms)
        except UnknownValue:
            continue
        for agency in some.agencies:  # in Spanish, in which no name has a hyphen
            found = explain(routing, core, categories, some, now_ms, agency.id, "es")
            told += [found.text, *(each.text for each in found.withheld), *(each.text for each in found.obligations)]
            told += [condition for each in found.nearest for condition in each.failed]
    words = {word.strip(".,:;()«»“”") for text in told for word in text.split()}
    assert len(told) > 1_000 and words & codes == set()


def test_a_withheld_category_names_who_takes_it_or_that_nobody_gives_it() -> None:
    some = bundle(
        permit("P1", ["journey", "goods"]),
        withhold("W1", "journey"),
        withhold("S1", "goods", safeguard=True),
        withhold("W2", "goods"),
    )
    found = explained(some, categories=("case", "goods", "journey"))
    assert [(each.category, each.guidelines, each.text) for each in found.withheld] == [
        ("case", (), "no permit releases it"),
        ("goods", ("S1",), "withheld by the safeguard “x” (S1)"),
        ("journey", ("W1",), "withheld by “x” (W1)"),
    ]


def test_each_obligation_names_its_source() -> None:
    some = bundle(
        permit("P1", obligations={"acknowledge_hours": 24, "onward": "channel-a"}),
        permit("P2", obligations={"acknowledge_hours": 4, "onward": "channel-b", "caveats": "C1"}),
    )
    found = explained(some, caveats=("C2",))
    assert [(duty.term, duty.value, duty.sources) for duty in found.obligations] == [
        ("acknowledge_hours", 4, ("P2",)),
        ("onward", "none", ("P1", "P2")),
        ("caveats", "C1", ("P2",)),
        ("caveats", "C2", ("alert",)),
    ]


def test_a_forbidden_agency_is_told_apart_by_the_forbid() -> None:
    found = explained(bundle(permit(), forbid("S6", to="prosecutor", safeguard=True)), language="es")
    assert found.text == "x no la recibe: lo prohíbe «x» (S6)."
    assert [(each.id, each.safeguard) for each in found.guidelines] == [("S6", True)]
    assert found.nearest == ()


def test_it_is_json_in_both_languages() -> None:
    for language in ("es", "en"):
        found = explained(bundle(permit()), "charity", language, tlp="RED", releasable_to=("charity",))
        assert json.loads(found.model_dump_json())["outcome"] == "tlp"
        assert any("TLP:RED" in line and "TLP:GREEN" in line for line in found.lines())


def test_every_reason_attribute_and_test_has_words_in_both_languages() -> None:
    assert set(phrases.REASON) == set(REASONS)
    assert set(phrases.ATTRIBUTE) == set(ATTRIBUTES)
    for table in (phrases.REASON, phrases.ATTRIBUTE, phrases.WITHHELD, phrases.DUTY):
        assert all(set(each) == {"es", "en"} and all(each.values()) for each in table.values())


def test_an_agency_that_the_bundle_does_not_know_is_no_denial() -> None:
    with pytest.raises(NoSuchAgency):
        explained(bundle(permit()), "nobody")
