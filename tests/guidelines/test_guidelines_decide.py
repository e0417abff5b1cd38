"""The semantics of guidelines, one statement a test (DESIGN.md, "Guidelines: semantics")."""

from __future__ import annotations

from typing import Any

import pytest

from hub.guidelines.compile import Memory
from hub.guidelines.decide import Engine, decide, engine
from hub.guidelines.outcome import UnknownValue
from hub.model.codes import ATTRIBUTES
from hub.model.obligation import Obligation
from tests.guidelines.samples import AGENCIES, EMBASSY, alert, bundle, forbid, outcomes, permit, reasons, withhold
from tests.guidelines.strategies import DAY_MS, NOW_MS
from tests.reference.evaluators import raw_attributes, raw_avro

# --- candidates and the alert's own restrictions


def test_without_a_guideline_nobody_receives_anything() -> None:
    assert reasons(bundle()) == {
        "customs": "originator",
        "prosecutor": "no-permit",
        "embassy": "no-permit",
        "charity": "tlp",
    }


def test_an_agency_without_competence_for_any_purpose_is_no_candidate() -> None:
    assert reasons(bundle(permit()), originator="prosecutor", purposes=("search",))["customs"] == "purpose"


def test_a_suspended_agency_receives_nothing() -> None:
    away = EMBASSY.model_copy(update={"status": "suspended"})
    assert reasons(bundle(permit(), agencies=(*AGENCIES[:2], away, AGENCIES[3])))["embassy"] == "suspended"


def test_an_expired_alert_is_released_to_nobody() -> None:
    found = reasons(bundle(permit()), valid_until_ms=NOW_MS)
    assert set(found.values()) == {"expired"}


@pytest.mark.parametrize("marks", [{"tlp": "RED"}, {"handling": ("H2",)}])
def test_red_and_h2_reach_only_the_named(marks: dict[str, object]) -> None:
    prosecutor_only = reasons(bundle(permit()), releasable_to=("prosecutor",), **marks)
    assert prosecutor_only["prosecutor"] == "permitted"
    assert prosecutor_only["embassy"] == "not-named"
    assert reasons(bundle(permit()), **marks)["prosecutor"] == "not-named"


def test_what_the_originator_said_of_an_agency_is_told_before_what_the_agency_is() -> None:
    found = reasons(bundle(permit()), originator="prosecutor", purposes=("investigation",), releasable_to=("charity",))
    assert found == {"prosecutor": "originator", "customs": "not-named", "embassy": "not-named", "charity": "tlp"}
    found = reasons(bundle(permit()), not_releasable_to=("embassy",), releasable_to=("embassy",))
    assert found["embassy"] == "excluded"


def test_a_label_narrower_than_an_agency_may_be_trusted_with_keeps_it_out() -> None:
    assert reasons(bundle(permit()), tlp="AMBER")["charity"] == "tlp"
    assert reasons(bundle(permit()), tlp="GREEN")["charity"] == "permitted"


# --- what matches


def test_a_country_is_never_the_country_of_an_international_body() -> None:
    found = reasons(bundle(permit(to={"any": "country:PA"})), originator="embassy", tlp="GREEN")
    assert found["prosecutor"] == "permitted"
    assert found["charity"] == "no-permit"


def test_exceptions_are_taken_out_of_the_parties() -> None:
    found = reasons(bundle(permit(to={"any": ["all"], "except": ["type:embassy"]})))
    assert (found["prosecutor"], found["embassy"]) == ("permitted", "no-permit")


def test_an_absent_attribute_fails_every_test_but_absent() -> None:
    for test in ({"any": ["CA"]}, {"only": ["CA"]}, {"none": ["CA"]}, {"present": True}):
        assert reasons(bundle(permit(when={"nationality": test})))["prosecutor"] == "no-permit"
    assert reasons(bundle(permit(when={"nationality": {"absent": True}})))["prosecutor"] == "permitted"


def test_only_refuses_a_second_value() -> None:
    canadians = bundle(permit(when={"nationality": {"only": ["CA"]}}))
    assert reasons(canadians, nationality=("CA",))["embassy"] == "permitted"
    assert reasons(canadians, nationality=("CA", "CO"))["embassy"] == "no-permit"


def test_bounds_include_their_ends() -> None:
    some = bundle(permit(when={"victims": {"min": 1, "max": 2}}))
    assert [reasons(some, victims=count)["prosecutor"] for count in range(4)] == [
        "no-permit",
        "permitted",
        "permitted",
        "no-permit",
    ]


def test_an_unknown_age_counts_as_a_minors() -> None:
    for test, expected in (({"any": "yes"}, "permitted"), ({"any": "no"}, "no-permit"), ({"none": "no"}, "permitted")):
        found = reasons(bundle(permit(when={"minor": test})), minor="unknown")
        assert found["prosecutor"] == expected


def test_a_guideline_is_in_force_from_its_first_day_to_the_end_of_its_last() -> None:
    some = bundle(permit(valid={"from": "2026-05-27", "until": "2026-05-28"}))
    midnight = NOW_MS  # of 2026-05-27, UTC
    for now_ms, expected in (
        (midnight - 1, "no-permit"),
        (midnight, "permitted"),
        (midnight + 2 * DAY_MS - 1, "permitted"),
        (midnight + 2 * DAY_MS, "no-permit"),
        (midnight + 1, "permitted"),  # the engine is asked again about an earlier time
    ):
        found = outcomes(some, now_ms=now_ms, valid_until_ms=now_ms + 1)
        assert found["prosecutor"].reason == expected


# --- how effects combine


def test_any_forbid_denies_whatever_is_permitted() -> None:
    found = outcomes(bundle(permit(), forbid(to="embassy")))
    assert found["embassy"].reason == "forbidden"
    assert found["embassy"].guidelines == ("F1",)
    assert found["prosecutor"].reason == "permitted"


def test_a_forbid_is_told_before_the_lack_of_a_permit() -> None:
    assert reasons(bundle(forbid()))["prosecutor"] == "forbidden"


def test_releases_add_up_and_withholds_are_taken_from_the_whole() -> None:
    some = bundle(
        permit("P1", ["journey", "narrative"]), permit("P2", ["goods"]), withhold("W1", ["narrative", "case"])
    )
    found = outcomes(some, ("case", "goods", "journey", "narrative"))["prosecutor"]
    assert found.released == ("goods", "journey")
    assert found.withheld(("case", "goods", "journey", "narrative")) == ("case", "narrative")
    assert found.guidelines == ("P1", "P2", "W1")


def test_a_withhold_that_takes_nothing_did_not_decide() -> None:
    found = outcomes(bundle(permit("P1", ["journey"]), withhold("W1", "narrative")), ("journey", "narrative"))
    assert found["prosecutor"].guidelines == ("P1",)


def test_a_withhold_lets_nobody_in() -> None:
    assert reasons(bundle(withhold("W1", "narrative")))["prosecutor"] == "no-permit"


def test_a_permit_without_release_gives_the_core_alone() -> None:
    found = outcomes(bundle(permit()), ("journey",))["prosecutor"]
    assert (found.reason, found.released) == ("permitted", ())


def test_handling_goes_to_every_recipient_and_nothing_withholds_it() -> None:
    some = bundle(permit(), withhold("W1", "*", safeguard=True))
    assert outcomes(some, ("handling", "journey"))["prosecutor"].released == ("handling",)


def test_a_category_that_the_bundle_does_not_know_is_released_to_nobody() -> None:
    some = bundle(permit("P1", ["suspect.*"]))
    found = outcomes(some, ("suspect.dreams", "suspect.identity"))["prosecutor"]
    assert found.released == ("suspect.identity",)


def test_more_categories_than_are_remembered_decide_alike() -> None:
    many = tuple(sorted({"journey", *(f"tomorrow.{number:03d}" for number in range(200))}))
    assert outcomes(bundle(permit("P1", ["journey"])), many)["prosecutor"].released == ("journey",)


def test_a_grant_lifts_an_ordinary_withhold_for_its_recipient_only() -> None:
    some = bundle(permit("P1", ["journey"]), withhold("W1", "journey"))
    found = outcomes(some, ("journey",), {"prosecutor": frozenset({"journey"})})
    assert found["prosecutor"].released == ("journey",)
    assert found["embassy"].released == ()


def test_a_grant_lifts_no_safeguard_and_releases_nothing_by_itself() -> None:
    some = bundle(permit("P1", ["journey"]), withhold("S1", "journey", safeguard=True))
    grants = {"prosecutor": frozenset({"journey", "narrative"})}
    assert outcomes(some, ("journey", "narrative"), grants)["prosecutor"].released == ()


# --- obligations


def test_obligations_of_all_permits_merge_and_the_alerts_caveats_are_shown() -> None:
    some = bundle(
        permit("P1", obligations={"acknowledge_hours": 24, "onward": "ask", "caveats": "C2"}),
        permit("P2", obligations={"acknowledge_hours": 4, "keep": {"days": 30}}),
    )
    assert outcomes(some, caveats=("C1",))["prosecutor"].obligation == Obligation(
        acknowledge_hours=4, keep_days=30, onward="ask", caveats=("C1", "C2")
    )


def test_red_and_h2_stay_among_the_named() -> None:
    some = bundle(permit())
    red = outcomes(some, tlp="RED", releasable_to=("prosecutor", "customs"))["prosecutor"].obligation
    assert red == Obligation(onward="none", onward_to=("customs", "prosecutor"))
    h2 = outcomes(some, handling=("H2",), releasable_to=("prosecutor",))["prosecutor"].obligation
    assert h2 == Obligation(onward="ask", onward_to=("prosecutor",))
    named = outcomes(some, releasable_to=("prosecutor",))["prosecutor"].obligation
    assert named == Obligation()


# --- values that nobody knows


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("originator", {"originator": "nobody"}),
        ("class", {"class_": "gossip"}),
        ("purposes", {"purposes": ("investigation", "gossip")}),
        ("nationality", {"nationality": ("ZZ",)}),
        ("indicators", {"indicators": ("G99",)}),
        ("releasable_to", {"releasable_to": ("nobody",)}),
        ("legal_basis", {"legal_basis": ("L9",)}),
        ("caveats", {"caveats": ("C9",)}),
    ],
)
def test_an_unknown_value_is_refused_by_name_and_never_told(field: str, fields: dict[str, object]) -> None:
    routing, core = alert(**fields)
    with pytest.raises(UnknownValue) as error:
        decide(routing, core, (), bundle(permit()), NOW_MS)
    assert error.value.field == field
    assert "gossip" not in str(error.value) and "nobody" not in str(error.value)


@pytest.mark.parametrize("attribute", ["exercise", "tlp", "handling", "reliability", "minor", "consent"])
def test_an_unknown_value_of_a_closed_list_is_refused_in_raw_bytes(attribute: str) -> None:
    routing, core = alert()
    raw = list(raw_attributes(routing))
    at = ATTRIBUTES.index(attribute)
    raw[at] = raw_avro(("H9",)) if attribute == "handling" else raw_avro("gossip")
    with pytest.raises(UnknownValue, match=attribute):
        engine(bundle(permit())).decide(raw, core.originator, core.valid_until_ms, b"\0", (), NOW_MS)


# --- the engine


def test_the_places_of_the_limiting_attributes_are_those_of_the_list() -> None:
    names = [ATTRIBUTES[at] for at in (2, 3, 4, 12, 13)]
    assert names == ["tlp", "handling", "purposes", "releasable_to", "not_releasable_to"]


def test_the_same_question_gives_the_same_decision_object() -> None:
    some = Engine(bundle(permit()))
    routing, core = alert()
    raw = raw_attributes(routing)
    first, second = (some.decide(raw, core.originator, core.valid_until_ms, b"\0", (), NOW_MS) for _ in range(2))
    assert first is second


def test_what_is_remembered_is_bounded() -> None:
    some = Engine(bundle(permit()))
    raw = list(raw_attributes(alert()[0]))
    for count in range(10_000):
        raw[ATTRIBUTES.index("victims")] = raw_avro(count)
        some.decide(raw, "customs", NOW_MS + 1, b"\0", (f"c{count}",), NOW_MS)
    memories: list[Memory[Any, Any]] = [*some.index.selections, some.limits, some.decisions, some.outcomes]
    assert max(len(memory) for memory in memories) <= 4_096
