"""What a comparison of two bundles tells a person."""

from __future__ import annotations

from datetime import date
from typing import Any

from hub.guidelines.bundle import Bundle
from hub.guidelines.changes import Change, diff
from hub.guidelines.edits import Edit
from tests.guidelines.points import decided_naively
from tests.guidelines.samples import CHARITY, CUSTOMS, EMBASSY, PROSECUTOR, bundle, forbid, permit, withhold

ON = date(2026, 5, 27)
GIVEN = {"consent": {"any": ["given"]}}


def changes(old: Bundle, new: Bundle, on: date = ON) -> list[Change]:
    found = diff(old, new, on)
    assert found.sampled is None
    for change in found.changes:  # every example is confirmed by the naive reading
        for some, part in ((old, change.before), (new, change.after)):
            outcome = decided_naively(some, change.case).of(change.agency)
            assert outcome is not None
            assert (outcome.reason, outcome.released) == (part.reason, part.released)
    return list(found.changes)


def told(old: Bundle, new: Bundle) -> list[tuple[str, str, tuple[str, ...], tuple[str, ...]]]:
    return [(each.agency, each.kind, each.categories, each.guidelines) for each in changes(old, new)]


def test_a_new_permit_is_told_as_what_its_recipients_now_receive() -> None:
    new = bundle(permit("P1", ["victim.contact"], from_="customs", to="charity", when=GIVEN))
    (change,) = changes(bundle(), new)
    assert change.text.en == (
        "x (charity) now receives alerts that it did not receive, with victim.contact: those from customs, where the alert "
        "records the consent of the victim or of the person sought as given [P1, new]."
    )
    assert "recibe ahora alertas que no recibía" in change.text.es
    assert change.case["alert"]["consent"] == "given"
    assert change.before.reason == "no-permit"
    assert change.after.released == ("victim.contact",)


def test_a_category_more_is_told_apart_from_an_alert_more() -> None:
    old = bundle(permit("P1", "case", to="charity"))
    new = bundle(permit("P1", ["case", "goods"], to="charity"))
    assert told(old, new) == [("charity", "also-receives", ("goods",), ("P1",))]
    assert told(new, old) == [("charity", "no-longer-receives-category", ("goods",), ("P1",))]


def test_a_wider_condition_is_told_by_what_it_adds() -> None:
    old = bundle(permit("P1", "case", to="charity", from_="customs"))
    new = bundle(permit("P1", "case", to="charity", from_=["customs", "prosecutor"]))
    (change,) = changes(old, new)
    assert change.kind == "receives"
    assert "those from prosecutor [P1, changed]" in change.text.en


def test_a_forbid_that_is_dropped_opens_what_it_closed() -> None:
    closed = forbid("F1", when={"indicators": {"any": ["XEN-01"]}})
    opened = changes(bundle(permit("P1", "case", to="embassy"), closed), bundle(permit("P1", "case", to="embassy")))
    assert [(each.kind, each.guidelines) for each in opened] == [("receives", ("P1", "F1"))]
    assert opened[0].case["alert"]["indicators"] == ["XEN-01"]
    assert "a foreign official may be involved" in opened[0].text.en


def test_what_stays_barred_is_not_told_as_a_condition() -> None:
    barred = forbid("F1", when={"indicators": {"any": ["XEN-02"]}}, safeguard=True)
    (change,) = changes(bundle(barred), bundle(barred, permit("P1", to="embassy")))
    assert "indicator" not in change.text.en


def test_a_withhold_that_becomes_a_safeguard_matters_to_grants_alone() -> None:
    permits = permit("P1", "case", to="charity")
    old = bundle(permits, withhold("W1", "case"))
    new = bundle(permits, withhold("W1", "case", safeguard=True))
    (change,) = changes(old, new)
    assert (change.kind, change.granted) == ("no-longer-receives-category", True)
    assert "when the originator grants it" in change.text.en
    assert change.case["grants"] == {"charity": ["case"]}


def test_obligations_that_change_are_told_with_what_they_were() -> None:
    old = bundle(permit("P1", to="charity", obligations={"acknowledge_hours": 24, "caveats": ["C1"]}))
    new = bundle(permit("P1", to="charity", obligations={"acknowledge_hours": 4, "caveats": ["C1", "C2"]}))
    (change,) = changes(old, new)
    assert change.kind == "obligation"
    assert "hours to acknowledge 4 (before 24); caveats C1, C2 (before C1)" in change.text.en


def test_a_term_that_another_permit_outdoes_is_no_change() -> None:
    strict = permit("P2", obligations={"acknowledge_hours": 1})
    old = bundle(strict, permit("P1", to="charity", obligations={"acknowledge_hours": 24}))
    new = bundle(strict, permit("P1", to="charity", obligations={"acknowledge_hours": 4}))
    assert changes(old, new) == []


def test_an_agency_that_is_suspended_loses_all_that_it_received() -> None:
    rules = (permit("P1", "case", to=["charity", "embassy"]),)
    new = bundle(*rules, agencies=(CUSTOMS, PROSECUTOR, EMBASSY, CHARITY.model_copy(update={"status": "suspended"})))
    (change,) = changes(bundle(*rules), new)
    assert (change.agency, change.kind, change.guidelines) == ("charity", "no-longer-receives", ())
    assert "by a change of the agency or of the lists" in change.text.en


def test_an_agency_that_joins_is_compared_with_nothing() -> None:
    few = bundle(permit("P1", to="all"), agencies=(CUSTOMS, PROSECUTOR, EMBASSY))
    found = diff(few, bundle(permit("P1", to="all")), ON)
    assert {
        each.agency for each in found.changes if each.kind == "receives" and each.before.reason == "no-such-agency"
    } == {"charity"}
    from_charity = [each for each in found.changes if each.case["alert"]["originator"] == "charity"]
    assert {each.before.reason for each in from_charity} <= {"unknown-value", "no-such-agency"}
    assert Edit(what="agency", id="charity", how="added") in found.edits


def test_a_validity_that_ends_is_a_difference_from_the_day_after() -> None:
    old = bundle(permit("P1", to="charity"))
    new = bundle(permit("P1", to="charity", valid={"until": "2026-12-31"}))
    (change,) = changes(old, new)
    assert change.case["on"] == "2027-01-01"
    assert "from 2027-01-01 on" in change.text.en
    assert changes(old, new, date(2027, 6, 1))[0].case["on"] == "2027-06-01"


def test_words_that_change_are_edits_and_no_decisions() -> None:
    old = bundle(permit("P1", to="charity"))
    new = bundle(permit("P1", to="charity", title={"es": "otro", "en": "other"}, legal_basis=["L2"]))
    found = diff(old, new, ON)
    assert found.changes == ()
    assert found.edits == (Edit(what="guideline", id="P1", how="changed", fields=("title", "legal_basis")),)


def test_one_permit_split_in_two_with_the_same_effect_is_no_change() -> None:
    whole = permit("P1", "case", to="charity", when={"class": {"any": ["seizure", "missing-person"]}})
    halves = [
        permit(f"P{number}", "case", to="charity", when={"class": {"any": [code]}})
        for number, code in ((2, "seizure"), (3, "missing-person"))
    ]
    found = diff(bundle(whole), bundle(*halves), ON)
    assert found.changes == ()
    assert {(each.id, each.how) for each in found.edits} == {("P1", "removed"), ("P2", "added"), ("P3", "added")}


def test_a_comparison_that_is_cut_short_says_so() -> None:
    many = [forbid(f"F{each}", when={"indicators": {"any": [f"G{each:02}"]}}) for each in range(1, 30)]
    assert diff(bundle(*many), bundle(*many, permit("P1")), ON, steps=5).sampled is not None


def test_the_same_question_gets_the_same_answer() -> None:
    old, new = bundle(permit("P1", "case")), bundle(permit("P2", ["case", "goods"], when=GIVEN))
    once: Any = diff(old, new, ON).model_dump_json()
    assert once == diff(Bundle.from_json(old.to_json()), Bundle.from_json(new.to_json()), ON).model_dump_json()
