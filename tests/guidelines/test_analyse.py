"""Each finding: a bundle that has it, one that has not, and an example that the naive reading confirms."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hub.cli.guidelines import _as_finding
from hub.guidelines.analyse import analyse
from hub.guidelines.bundle import Bundle
from hub.guidelines.findings import KINDS, Finding
from hub.guidelines.profile import Problem, load_profile
from tests.guidelines.points import decided_naively, matching_naively
from tests.guidelines.samples import AGENCIES, CHARITY, CUSTOMS, EMBASSY, PROSECUTOR, bundle, forbid, permit, withhold

ON = date(2026, 5, 27)
ROOT = Path(__file__).parents[2]
ADULT = {"minor": {"any": ["no"]}, "consent": {"any": ["given"]}}


def found(some_bundle: Bundle, code: str, on: date = ON, **more: Any) -> list[Finding]:
    return [each for each in analyse(some_bundle, on, **more) if each.code == code]


# --- what an example must show, by the naive reading


def outcome(some_bundle: Bundle, finding: Finding, agency: str) -> Any:
    assert finding.case is not None
    result = decided_naively(some_bundle, finding.case).of(agency)
    assert result is not None
    return result


def matching(some_bundle: Bundle, finding: Finding) -> set[str]:
    assert finding.case is not None
    case = finding.case
    return {each for agency in some_bundle.agencies for each in matching_naively(some_bundle, case, agency.id)}


def matches_nobody_who_could_receive(some_bundle: Bundle, finding: Finding) -> bool:
    assert finding.case is not None
    return not any(
        finding.guidelines[0] in matching_naively(some_bundle, finding.case, each.agency)
        and each.reason in ("forbidden", "no-permit", "permitted")
        for each in decided_naively(some_bundle, finding.case).outcomes
    )


def matches_and_is_forbidden(some_bundle: Bundle, finding: Finding) -> bool:
    forbidden = outcome(some_bundle, finding, finding.about[0])
    return (
        set(finding.guidelines) <= matching(some_bundle, finding)
        and forbidden.reason == "forbidden"
        and set(forbidden.guidelines) == set(finding.guidelines[1:])
    )


def is_there_and_not_released(some_bundle: Bundle, finding: Finding) -> bool:
    assert finding.case is not None
    decision = decided_naively(some_bundle, finding.case)
    given = [each for each in decision.permitted if finding.guidelines[0] in each.guidelines]
    return (
        bool(given)
        and set(finding.about) <= set(finding.case["alert"]["sections"])
        and not any(set(finding.about) & set(each.released) for each in given)
    )


def matches(some_bundle: Bundle, finding: Finding) -> bool:
    return set(finding.guidelines) <= matching(some_bundle, finding)


def reaches_nobody(some_bundle: Bundle, finding: Finding) -> bool:
    assert finding.case is not None
    case = finding.case
    mine = finding.about[0] in (case["alert"]["class"], case["alert"]["originator"])
    return mine and not decided_naively(some_bundle, case).permitted


def is_not_received(some_bundle: Bundle, finding: Finding) -> bool:
    return bool(outcome(some_bundle, finding, finding.about[0]).reason != "permitted")


def is_sent_and_not_released(some_bundle: Bundle, finding: Finding) -> bool:
    assert finding.case is not None
    decision = decided_naively(some_bundle, finding.case)
    return finding.about[0] in finding.case["alert"]["sections"] and not any(
        finding.about[0] in each.released for each in decision.permitted
    )


def is_released(some_bundle: Bundle, finding: Finding) -> bool:
    assert finding.case is not None
    return any(
        finding.guidelines[0] in each.guidelines and set(finding.about) <= set(each.released)
        for each in decided_naively(some_bundle, finding.case).permitted
    )


def is_released_of(**wanted: Any) -> Callable[[Bundle, Finding], bool]:
    """Released, and the alert is as wanted; what it does not say is its default."""
    defaults = {"consent": "unknown", "minor": "unknown", "victims": 0}

    def shown(some_bundle: Bundle, finding: Finding) -> bool:
        assert finding.case is not None
        alert = {**defaults, **finding.case["alert"]}
        return is_released(some_bundle, finding) and all(alert[name] in values for name, values in wanted.items())

    return shown


def ends_in_no_channel(some_bundle: Bundle, finding: Finding) -> bool:
    received = outcome(some_bundle, finding, finding.about[0])
    return bool(received.reason == "permitted" and received.obligation.onward == "none")


class Sample(NamedTuple):
    has: Bundle
    has_not: Bundle
    shows: Callable[[Bundle, Finding], bool] | None
    guidelines: tuple[str, ...] = ()
    about: tuple[str, ...] = ()


BY_X = {"obligations": {"onward": "channel-a"}}
BY_Y = {"obligations": {"onward": "channel-b"}}
SUSPENDED = CHARITY.model_copy(update={"status": "suspended"})
SAMPLES: dict[str, list[Sample]] = {
    "never-matches": [
        Sample(
            bundle(permit("P1", when={"class": {"any": ["seizure"], "none": ["seizure"]}})),
            bundle(permit("P1", when={"class": {"any": ["seizure"]}})),
            matches_nobody_who_could_receive,
            ("P1",),
        ),
        Sample(  # charity may be trusted with GREEN only
            bundle(permit("P1", to="charity", when={"tlp": {"any": ["RED", "AMBER"]}})),
            bundle(permit("P1", to="charity", when={"tlp": {"any": ["RED", "GREEN"]}})),
            matches_nobody_who_could_receive,
            ("P1",),
        ),
        Sample(  # an alert that names somebody else does not reach it
            bundle(withhold("W1", ["case"], to="charity", when={"releasable_to": {"only": ["embassy"]}})),
            bundle(withhold("W1", ["case"], to="charity", when={"releasable_to": {"any": ["embassy"]}})),
            matches_nobody_who_could_receive,
            ("W1",),
        ),
        Sample(
            bundle(forbid("F1", from_="customs", to="customs")),
            bundle(forbid("F1", from_="customs", to="all")),
            matches_nobody_who_could_receive,
            ("F1",),
        ),
        Sample(
            bundle(permit("P1", to="customs", when={"purposes": {"only": ["search"]}})),
            bundle(permit("P1", to="customs", when={"purposes": {"only": ["search", "border-control"]}})),
            matches_nobody_who_could_receive,
            ("P1",),
        ),
    ],
    "always-forbidden": [
        Sample(
            bundle(
                permit("P1", to="charity", when={"victims": {"min": 2}}), forbid("F1", when={"victims": {"min": 1}})
            ),
            bundle(
                permit("P1", to="charity", when={"victims": {"min": 2}}), forbid("F1", when={"victims": {"min": 3}})
            ),
            matches_and_is_forbidden,
            ("P1", "F1"),
            ("charity",),
        ),
        Sample(  # no forbid alone covers it
            bundle(
                permit("P1", to="embassy"),
                forbid("F1", when={"consent": {"any": ["given", "unknown"]}}),
                forbid("F2", when={"consent": {"none": ["given", "unknown", "withheld"]}}),
                forbid("F3", when={"consent": {"only": ["withheld"]}}),
            ),
            bundle(
                permit("P1", to="embassy"),
                forbid("F1", when={"consent": {"any": ["given", "unknown"]}}),
                forbid("F2", when={"consent": {"none": ["given", "unknown", "withheld"]}}),
            ),
            matches_and_is_forbidden,
        ),
    ],
    "always-withheld": [
        Sample(
            bundle(permit("P1", ["case", "goods"], to="charity"), withhold("W1", "case", safeguard=True)),
            bundle(permit("P1", ["case", "goods"], to=["charity", "embassy"]), withhold("W1", "case", to="charity")),
            is_there_and_not_released,
            ("P1", "W1"),
            ("case",),
        )
    ],
    "implied": [
        Sample(
            bundle(
                permit("P1", "case", to="charity", when={"class": {"any": ["seizure"]}}),
                permit("P2", "case", from_=["customs", "prosecutor"]),
                permit("P3", ["case", "goods"], from_=["embassy", "charity"]),
            ),
            bundle(
                permit("P1", "case", to="charity", when={"class": {"any": ["seizure"]}}),
                permit("P2", "case", from_=["customs"]),
                permit("P3", ["case", "goods"], from_=["embassy", "charity"]),
            ),
            matches,
        ),
        Sample(  # what it requires counts too
            bundle(
                permit("P1", "case", obligations={"acknowledge_hours": 24, "onward": "ask"}),
                permit("P2", "case", obligations={"acknowledge_hours": 4, "onward": "none"}),
            ),
            bundle(
                permit("P1", "case", obligations={"acknowledge_hours": 24, "onward": "channel-a"}),
                permit("P2", "case", obligations={"acknowledge_hours": 4, "onward": "channel-b"}),
            ),
            matches,
            ("P1", "P2"),
        ),
    ],
    "implied-bar": [
        Sample(
            bundle(permit("P1", "case"), withhold("W1", "case", to="charity"), withhold("W2", ["case", "goods"])),
            bundle(permit("P1", "case"), withhold("W1", "case", to="charity", safeguard=True), withhold("W2", "case")),
            matches,
            ("W1", "W2"),
        ),
        Sample(
            bundle(permit(), forbid("F1", when={"victims": {"min": 2}}), forbid("F2", when={"victims": {"min": 1}})),
            bundle(permit(), forbid("F1", when={"victims": {"min": 2}}), forbid("F2", when={"victims": {"max": 1}})),
            matches,
            ("F1", "F2"),
        ),
    ],
    "nothing-to-withhold": [
        Sample(
            bundle(permit("P1", "case", to="charity"), withhold("W1", "case", to="embassy")),
            bundle(permit("P1", "case", to="charity"), withhold("W1", "case")),
            matches,
            ("W1",),
        )
    ],
    "nothing-to-forbid": [
        Sample(
            bundle(permit(when={"class": {"any": ["seizure"]}}), forbid(when={"class": {"none": ["seizure"]}})),
            bundle(permit(when={"class": {"any": ["seizure"]}}), forbid(when={"victims": {"min": 1}})),
            matches,
            ("F1",),
        )
    ],
    "contradiction": [
        Sample(
            bundle(
                permit("P1", to="charity", when={"class": {"any": ["seizure"]}}),
                forbid("F1", when={"victims": {"min": 1}}),
            ),
            bundle(
                permit("P1", to="charity", when={"class": {"any": ["seizure"]}}),
                forbid("F1", to="charity", when={"class": {"any": ["seizure"]}, "victims": {"min": 1}}),
                forbid("F2", when={"victims": {"min": 1}}, safeguard=True),
            ),
            matches,
            ("P1", "F1"),
            ("charity",),
        )
    ],
    "onward-conflict": [
        Sample(
            bundle(permit("P1", to="embassy", **BY_X), permit("P2", when={"victims": {"min": 1}}, **BY_Y)),
            bundle(
                permit("P1", to="embassy", when={"victims": {"max": 0}}, **BY_X),
                permit("P2", when={"victims": {"min": 1}}, **BY_Y),
            ),
            ends_in_no_channel,
            ("P1", "P2"),
            ("embassy",),
        )
    ],
    "class-reaches-nobody": [
        Sample(
            bundle(permit(when={"class": {"none": ["seizure"]}}), permit("P2", when={"exercise": {"none": ["none"]}})),
            bundle(permit()),
            reaches_nobody,
            (),
            ("seizure",),
        )
    ],
    "agency-never-receives": [
        Sample(
            bundle(permit(to=["charity", "embassy", "prosecutor"])), bundle(permit()), is_not_received, (), ("customs",)
        ),
        Sample(
            bundle(permit(), agencies=(CUSTOMS, PROSECUTOR, EMBASSY, SUSPENDED)),
            bundle(permit()),
            is_not_received,
            (),
            ("charity",),
        ),
    ],
    "agency-reaches-nobody": [
        Sample(
            bundle(permit(from_=["customs", "prosecutor", "embassy"])),
            bundle(permit()),
            reaches_nobody,
            (),
            ("charity",),
        )
    ],
    "category-to-nobody": [
        Sample(
            bundle(permit(release="case"), withhold("W1", "case")),
            bundle(permit(release="case"), withhold("W1", "case", to="charity")),
            is_sent_and_not_released,
            (),
            ("case",),
        )
    ],
    "category-by-one": [
        Sample(
            bundle(permit("P1", "case"), permit("P2", "goods")),
            bundle(permit("P1", "case"), permit("P2", "case", from_="customs")),
            is_released,
            ("P1",),
            ("case",),
        )
    ],
    "expires": [
        Sample(
            bundle(permit(valid={"until": "2026-06-26"})), bundle(permit(valid={"until": "2026-06-27"})), None, ("P1",)
        )
    ],
    "expired": [
        Sample(
            bundle(permit(valid={"until": "2026-05-26"})), bundle(permit(valid={"until": "2026-05-27"})), None, ("P1",)
        )
    ],
    "not-yet": [
        Sample(
            bundle(permit(valid={"from": "2026-05-28"})), bundle(permit(valid={"from": "2026-05-27"})), None, ("P1",)
        )
    ],
    "identity-without-consent": [
        Sample(
            bundle(permit("P1", "victim.*", ground="legal_duty")),
            bundle(permit("P1", "victim.*", ground="consent", when=ADULT)),
            is_released_of(consent=("withheld", "unknown")),
            ("P1",),
            ("victim.contact", "victim.identity", "victim.image", "victim.location"),
        )
    ],
    "consent-not-applicable": [
        Sample(
            bundle(permit("P1", "victim.identity", when={**ADULT, "consent": {"any": ["given", "not-applicable"]}})),
            bundle(
                permit("P1", "victim.identity", when={**ADULT, "consent": {"any": ["given"]}}),
                permit("P2", "victim.identity", when={"consent": {"only": ["not-applicable"]}, "victims": {"max": 0}}),
            ),
            is_released_of(consent=("not-applicable",), victims=range(1, 9)),
            ("P1",),
            ("victim.identity",),
        )
    ],
    "consent-of-a-child": [
        Sample(
            bundle(permit("P1", "victim.image", when={"consent": {"any": ["given"]}})),
            bundle(permit("P1", "victim.image", when=ADULT)),
            is_released_of(minor=("yes", "unknown"), consent=("given",)),
            ("P1",),
            ("victim.image",),
        )
    ],
}
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
