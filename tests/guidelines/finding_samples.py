"""For each kind of finding: a bundle that has it, one that has not, and what its example must show to the naive reading."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from hub.guidelines.bundle import Bundle
from hub.guidelines.findings import Finding
from tests.guidelines.points import decided_naively, matching_naively
from tests.guidelines.samples import CHARITY, CUSTOMS, EMBASSY, PROSECUTOR, bundle, forbid, permit, withhold

ADULT = {"minor": {"any": ["no"]}, "consent": {"any": ["given"]}}

# what an example must show


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
