"""Each finding: a bundle that has it, one that has not, and an example that the naive reading confirms."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from hub.cli.guidelines import _as_finding
from hub.guidelines.analyse import analyse
from hub.guidelines.bundle import Bundle
from hub.guidelines.findings import KINDS, Finding
from hub.guidelines.profile import Problem, load_profile
from tests.guidelines.finding_samples import SAMPLES, Sample
from tests.guidelines.points import decided_naively
from tests.guidelines.samples import AGENCIES, bundle, forbid, permit, withhold

ON = date(2026, 5, 27)
ROOT = Path(__file__).parents[2]


def found(some_bundle: Bundle, code: str, on: date = ON, **more: Any) -> list[Finding]:
    return [each for each in analyse(some_bundle, on, **more) if each.code == code]


OF_TEXT = {"does-not-load", "unknown-value"}  # found while a profile is read: tests/cli
NAMED = {f"{code}-{number}": (code, each) for code in SAMPLES for number, each in enumerate(SAMPLES[code])}
EACH = [pytest.param(*each, id=name) for name, each in NAMED.items()]
WITH_EXAMPLE = [pytest.param(*each, id=name) for name, each in NAMED.items() if each[1].shows]  # a date needs none


def test_every_finding_has_a_sample() -> None:
    assert SAMPLES.keys() | OF_TEXT == KINDS.keys()


@pytest.mark.parametrize(("code", "sample"), EACH)
def test_a_bundle_that_has_it_is_found_out(code: str, sample: Sample) -> None:
    findings = found(sample.has, code)
    if sample.guidelines:
        findings = [each for each in findings if each.guidelines[0] == sample.guidelines[0]]
    if sample.about:
        findings = [each for each in findings if each.about == sample.about]
    assert len(findings) >= 1
    finding = findings[0]
    assert finding.sampled is None
    if sample.guidelines:
        assert finding.guidelines == sample.guidelines
    assert all(finding.text.es + finding.text.en)
    assert (finding.case is None) == (sample.shows is None)


@pytest.mark.parametrize(("code", "sample"), WITH_EXAMPLE)
def test_its_example_shows_it_to_the_naive_reading(code: str, sample: Sample) -> None:
    assert sample.shows is not None
    for finding in found(sample.has, code):
        assert sample.shows(sample.has, finding), finding


@pytest.mark.parametrize(("code", "sample"), EACH)
def test_a_bundle_that_has_it_not_is_not_accused(code: str, sample: Sample) -> None:
    if sample.about and not sample.guidelines:
        assert sample.about not in [each.about for each in found(sample.has_not, code)]
    else:
        about = sample.guidelines[0] if sample.guidelines else None
        assert [each for each in found(sample.has_not, code) if about in (None, each.guidelines[0])] == []


def test_a_suspended_agency_is_a_note_and_an_unreached_one_a_warning() -> None:
    suspended, unreached = SAMPLES["agency-never-receives"][1].has, SAMPLES["agency-never-receives"][0].has
    assert [each.level for each in found(suspended, "agency-never-receives")] == ["note"]
    assert [each.level for each in found(unreached, "agency-never-receives")] == ["warning"]


def test_a_withheld_category_says_whether_a_grant_lifts_it() -> None:
    ordinary = bundle(permit("P1", "case"), withhold("W1", "case"))
    safe = bundle(permit("P1", "case"), withhold("W1", "case", safeguard=True))
    assert "unless the originator grants it" in found(ordinary, "always-withheld")[0].text.en
    assert "grants" not in found(safe, "always-withheld")[0].text.en


def test_a_search_that_is_cut_short_says_sampled_and_accuses_no_more_than_a_note() -> None:
    """Each forbid takes one indicator away, and all of them together cover the permit."""
    indicators = [f"G{number:02}" for number in range(1, 30)]
    forbids = [forbid(f"F{each}", when={"indicators": {"any": [each]}}) for each in indicators]
    tight = bundle(permit(to="charity", when={"indicators": {"only": indicators}}), *forbids)
    assert [each.sampled for each in found(tight, "always-forbidden")] == [None]
    (cut,) = found(tight, "always-forbidden", steps=3, all_steps=3)
    assert cut.level == "note"
    assert cut.sampled
    assert (
        found(bundle(permit(to="charity", when={"indicators": {"present": True}}), *forbids), "always-forbidden") == []
    )


def test_the_gravest_stand_first() -> None:
    levels = [each.level for each in analyse(SAMPLES["never-matches"][0].has, ON)]
    assert levels == sorted(levels, key=["error", "warning", "note"].index)


def test_the_order_of_guidelines_and_a_second_run_change_nothing() -> None:
    some = SAMPLES["implied"][0].has
    assert analyse(some, ON) == analyse(Bundle.from_json(some.to_json()), ON)


def test_a_problem_of_a_profile_is_a_finding() -> None:
    value = Problem("guidelines/x.yaml", 7, 5, "P1", "when.class.any.seizures", "`seizures` is no known value")
    other = Problem("agencies.yaml", 1, 1, "", "", "cannot be read")
    assert (_as_finding(value).code, _as_finding(value).guidelines) == ("unknown-value", ("P1",))
    assert (_as_finding(other).code, _as_finding(other).level) == ("does-not-load", "error")


def test_every_finding_is_documented_with_its_level_and_no_other() -> None:
    page = (ROOT / "docs" / "guideline-findings.md").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| `([a-z-]+)` \| (\w+) \|", page, re.MULTILINE))
    assert documented == {code: kind.level for code, kind in KINDS.items()}


@pytest.fixture(scope="module")
def panama() -> tuple[Bundle, tuple[Finding, ...]]:
    some = load_profile(ROOT / "profiles" / "panama")
    return some, analyse(some, date(2026, 11, 24))


def test_the_profile_of_panama_has_no_error(panama: tuple[Bundle, tuple[Finding, ...]]) -> None:
    assert [each for each in panama[1] if each.level == "error"] == []
    assert [(each.code, each.guidelines) for each in panama[1] if each.level == "warning"] in (
        [],
        [("consent-not-applicable", ("PA-G03",))],
    )


def test_what_panamas_own_page_says_of_it_is_what_is_found(panama: tuple[Bundle, tuple[Finding, ...]]) -> None:
    """`What today's permits never reach`, in the profile's README."""
    to_nobody = {each.about[0] for each in panama[1] if each.code == "category-to-nobody"}
    assert to_nobody == {"links", "witness.identity", "informant", "missing.contact", "suspect.image", "victim.image"}
    idle = {
        each.guidelines[0]
        for each in panama[1]
        if each.code in ("nothing-to-withhold", "nothing-to-forbid", "implied-bar")
    }
    promises = {f"PA-S{each}" for each in ("1a", "1b", "1c", "2", "3", "4", "5", "8a", "8b")}
    assert idle == promises | {each.id for each in panama[0].guidelines if each.id.startswith("PA-W")}


def test_the_examples_of_panama_are_decided_alike_by_the_naive_reading(
    panama: tuple[Bundle, tuple[Finding, ...]],
) -> None:
    for finding in panama[1]:
        assert finding.case is not None
        received = {each.agency: list(each.released) for each in decided_naively(panama[0], finding.case).permitted}
        assert received == finding.case["receives"]


def test_the_agencies_of_the_samples_are_all_active() -> None:
    assert {each.status for each in AGENCIES} == {"active"}
