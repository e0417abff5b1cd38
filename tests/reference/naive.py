"""The naive reading of DESIGN.md, "Guidelines: semantics": one function a rule, as plain as can be, and slow.

The oracle that the compiled engine must agree with. It shares the models of the language and of the outcome with the
engine and none of its reasoning: parties, patterns, tests, merging are read here a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from hub.guidelines.bundle import Bundle
from hub.guidelines.language import Agency, Categories, Choice, Guideline, Test
from hub.guidelines.outcome import Decision, Outcome, Reason, UnknownValue
from hub.model.codes import LIST_OF, TLP_NARROWEST_FIRST
from hub.model.core import Core, Routing
from hub.model.obligation import Obligation


def decide(
    routing: Routing,
    core: Core,
    categories: Iterable[str],
    bundle: Bundle,
    now_ms: int,
    grants: Mapping[str, frozenset[str]] | None = None,
) -> Decision:
    alert = attributes(routing)
    refuse_unknown_values(alert, core, bundle)
    present = set(categories)
    outcomes = tuple(
        outcome(agency, alert, core, present, bundle, now_ms, (grants or {}).get(agency.id, frozenset()))
        for agency in sorted(bundle.agencies, key=lambda agency: agency.id)
    )
    return Decision(bundle.digest, outcomes, tuple(each for each in outcomes if each.reason == "permitted"))


def attributes(routing: Routing) -> dict[str, object]:
    """Every attribute by the name that a guideline calls it. An unknown age counts as a minor's."""
    alert: dict[str, object] = {**dict(routing.label), **dict(routing)}
    alert["class"] = alert.pop("class_")
    del alert["label"]
    if alert["minor"] == "unknown":
        alert["minor"] = "yes"
    return alert


def refuse_unknown_values(alert: Mapping[str, object], core: Core, bundle: Bundle) -> None:
    agencies = {agency.id for agency in bundle.agencies}
    if core.originator not in agencies:
        raise UnknownValue("originator")
    for name, list_name in LIST_OF.items():
        if list_name == "agency":
            known = agencies
        elif list_name == "legal_basis":
            known = {instrument.id for instrument in bundle.legal_basis}
        else:
            known = set(bundle.vocabularies[list_name])
        if not values(alert[name]) <= known:
            raise UnknownValue(name)
    if not set(core.caveats) <= {caveat.id for caveat in bundle.caveats}:
        raise UnknownValue("caveats")


def values(attribute: object) -> set[str]:
    return set(attribute) if isinstance(attribute, tuple) else {str(attribute)}


def outcome(
    agency: Agency,
    alert: Mapping[str, object],
    core: Core,
    present: set[str],
    bundle: Bundle,
    now_ms: int,
    granted: frozenset[str],
) -> Outcome:
    reason = not_a_candidate(agency, alert, core, now_ms)
    if reason:
        return Outcome(agency.id, reason)
    matching = [each for each in bundle.guidelines if matches(each, agency, alert, core, bundle, now_ms)]
    return combine(agency, matching, alert, core, present, bundle, granted)


def not_a_candidate(agency: Agency, alert: Mapping[str, object], core: Core, now_ms: int) -> Reason | None:
    """Rules 1 and 2. Of several reasons, the first in the order of outcome.REASONS."""
    label_tlp, handling = str(alert["tlp"]), values(alert["handling"])
    named, excluded = values(alert["releasable_to"]), values(alert["not_releasable_to"])
    only_named = label_tlp == "RED" or "H2" in handling or named
    if core.valid_until_ms <= now_ms:
        return "expired"
    if agency.status == "suspended":
        return "suspended"
    if agency.id == core.originator:
        return "originator"
    if agency.id in excluded:
        return "excluded"
    if only_named and agency.id not in named:
        return "not-named"
    if TLP_NARROWEST_FIRST.index(label_tlp) < TLP_NARROWEST_FIRST.index(agency.max_tlp):
        return "tlp"
    if not values(alert["purposes"]) & set(agency.competences):
        return "purpose"
    return None


def matches(
    guideline: Guideline, agency: Agency, alert: Mapping[str, object], core: Core, bundle: Bundle, now_ms: int
) -> bool:
    """Rule 3."""
    originator = next(each for each in bundle.agencies if each.id == core.originator)
    return (
        chosen(guideline.from_, originator)
        and chosen(guideline.to, agency)
        and all(passes(test, alert[name]) for name, test in guideline.when.items())
        and in_force(guideline, now_ms)
    )


def chosen(choice: Choice, agency: Agency) -> bool:
    return any(is_meant(word, agency) for word in choice.any) and not any(
        is_meant(word, agency) for word in choice.except_
    )


def is_meant(word: str, agency: Agency) -> bool:
    if word == "all":
        return True
    if word.startswith("group:"):
        return word[6:] in agency.groups
    if word.startswith("type:"):
        return word[5:] == agency.type
    if word.startswith("country:"):
        return agency.country is not None and word[8:] == agency.country
    return word == agency.id


def passes(test: Test, attribute: object) -> bool:
    """An absent attribute, that is an empty list, fails every test but `absent`."""
    if attribute == ():
        return bool(test.absent)
    if test.absent:
        return False
    if isinstance(attribute, int):
        return (test.min is None or attribute >= test.min) and (test.max is None or attribute <= test.max)
    found = values(attribute)
    return (
        (test.any is None or bool(found & set(test.any)))
        and (test.only is None or found <= set(test.only))
        and (test.none is None or not found & set(test.none))
    )


def in_force(guideline: Guideline, now_ms: int) -> bool:
    """From the first moment of the first day to the last moment of the last day, in UTC."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    begins, ends = guideline.valid.from_, guideline.valid.until
    if begins and now < datetime(begins.year, begins.month, begins.day, tzinfo=UTC):
        return False
    return not ends or now < datetime(ends.year, ends.month, ends.day, tzinfo=UTC) + timedelta(days=1)


def combine(
    agency: Agency,
    matching: list[Guideline],
    alert: Mapping[str, object],
    core: Core,
    present: set[str],
    bundle: Bundle,
    granted: frozenset[str],
) -> Outcome:
    """Rule 4: no permit, deny; any forbid, deny."""
    forbids = [each for each in matching if each.effect == "forbid"]
    permits = [each for each in matching if each.effect == "permit"]
    withholds = [each for each in matching if each.effect == "withhold"]
    if forbids:
        return Outcome(agency.id, "forbidden", guidelines=ids(forbids))
    if not permits:
        return Outcome(agency.id, "no-permit")
    permitted = {category for each in permits for category in listed(each.release, bundle)} & present
    taking = [(each, taken(each, bundle, granted) & permitted) for each in withholds]
    withheld = {category for _, categories in taking for category in categories}
    deciding = permits + [each for each, categories in taking if categories]
    released = (permitted - withheld) | ({"handling"} & present)
    obligation = strictest([each.obligations.obligation() for each in permits if each.obligations], alert, core)
    return Outcome(agency.id, "permitted", tuple(sorted(released)), obligation, ids(deciding))


def ids(guidelines: Iterable[Guideline]) -> tuple[str, ...]:
    return tuple(sorted(guideline.id for guideline in guidelines))


def listed(choice: Categories | None, bundle: Bundle) -> set[str]:
    """Rule 5. `victim.*` is every category that begins so, `*` is every category; `handling` is never meant."""
    if choice is None:
        return set()

    def means(word: str, category: str) -> bool:
        return word in ("*", category) or (
            word.endswith(".*") and category.split(".", 1)[0] == word[:-2] and "." in category
        )

    return {
        category
        for category in bundle.vocabularies["category"]
        if any(means(word, category) for word in choice.any)
        and not any(means(word, category) for word in choice.except_)
        and category != "handling"
    }


def taken(withhold: Guideline, bundle: Bundle, granted: frozenset[str]) -> set[str]:
    """Rule 6: a grant lifts an ordinary withhold; a safeguard is lifted by nothing."""
    categories = listed(withhold.withhold, bundle)
    return categories if withhold.safeguard else categories - granted


def strictest(obligations: list[Obligation], alert: Mapping[str, object], core: Core) -> Obligation:
    """Rule 8, and what the alert itself obliges to: RED and H2 stay among the named, its caveats are shown."""
    onward = [each.onward for each in obligations]
    named: tuple[str, ...] = ()
    if alert["tlp"] == "RED" or "H2" in values(alert["handling"]):
        onward.append("none" if alert["tlp"] == "RED" else "ask")
        named = tuple(sorted(values(alert["releasable_to"])))
    acknowledge = [each.acknowledge_hours for each in obligations if each.acknowledge_hours is not None]
    keep = [each.keep_days for each in obligations if each.keep_days is not None]
    review = [each.review_days for each in obligations if each.review_days is not None]
    return Obligation(
        acknowledge_hours=min(acknowledge, default=None),
        keep_days=min(keep, default=None),
        keep_events=tuple(sorted({event for each in obligations for event in each.keep_events})),
        review_days=min(review, default=None),
        onward=narrowest(onward),
        onward_to=named,
        caveats=tuple(sorted({caveat for each in obligations for caveat in each.caveats} | set(core.caveats))),
    )


def narrowest(onward: list[str]) -> str:
    """Two ways that differ, be they channels, asking or none, leave none."""
    limits = sorted({word for word in onward if word != "as-labelled"})
    if not limits:
        return "as-labelled"
    return limits[0] if len(limits) == 1 else "none"
