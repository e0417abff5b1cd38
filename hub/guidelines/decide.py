"""Who receives an alert, and what of it: DESIGN.md, "Guidelines: semantics", rules 1 to 8, in one place.

Pure: everything is in the arguments. compile.py makes the bit sets that are looked up here; explain.py says why, in
words. tests/reference/naive.py is the same semantics without bit sets, and the two must agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from hub.model.codes import TLP_NARROWEST_FIRST
from hub.model.core import Core, Routing
from hub.model.obligation import ONWARD_AS_LABELLED, ONWARD_ASK, ONWARD_NONE

from .bundle import Bundle
from .compile import AlertTerms, Compiled, Memory, Restrictions, members
from .language import HANDLING, Agency
from .outcome import NO_GRANTS, REASONS, Decision, Grants, Outcome, Reason, UnknownValue, values_of

MAX_CATEGORIES: Final = 64  # remembered as they are; of more, only those that the bundle knows


def decide(
    routing: Routing,
    core: Core,
    categories: Iterable[str],
    bundle: Bundle,
    now_ms: int,
    grants: Grants = NO_GRANTS,
) -> Decision:
    """All agencies' outcomes for an alert of which `categories` are present. Raises UnknownValue: nobody receives it."""
    present = tuple(sorted(set(categories)))
    values = values_of(routing)
    return engine(bundle).decide(values, core.originator, core.valid_until_ms, core.caveats, present, now_ms, grants)


def keeps_out(agency: Agency, alert: Restrictions) -> Reason | None:
    """Rules 1 and 2 but for time: what keeps an agency from being a candidate, in the order of outcome.REASONS."""
    if agency.status == "suspended":
        return "suspended"
    if agency.id == alert.originator:
        return "originator"
    if agency.id in alert.excluded:
        return "excluded"
    if (alert.reaches_named_only or alert.named) and agency.id not in alert.named:
        return "not-named"
    if TLP_NARROWEST_FIRST.index(agency.max_tlp) > TLP_NARROWEST_FIRST.index(alert.tlp):
        return "tlp"
    return "purpose" if alert.purposes.isdisjoint(agency.competences) else None


def own_terms(alert: Restrictions) -> AlertTerms:
    """What the alert itself obliges to: RED and H2 stay among the named, H2 may be asked for more."""
    if not alert.reaches_named_only:
        return AlertTerms(ONWARD_AS_LABELLED, (), alert.caveats)
    return AlertTerms(ONWARD_NONE if alert.tlp == "RED" else ONWARD_ASK, alert.named, alert.caveats)


Lifted = tuple[tuple[str, tuple[str, ...]], ...]  # grants as a key: agency, categories


class Limits(NamedTuple):
    """What rules 1 and 2 leave: the numbers of the candidates, and each agency's denial if nothing permits it."""

    denials: tuple[Outcome, ...]
    candidates: tuple[int, ...]
    terms: AlertTerms


class Engine:
    """One bundle, ready to decide. The same question gives the same Decision object for as long as it is remembered."""

    def __init__(self, bundle: Bundle) -> None:
        self.index = Compiled(bundle)
        self.digest = bundle.digest
        self.denied = {each: tuple(Outcome(agency, each) for agency in self.index.agencies) for each in REASONS}
        self.expired = Decision(self.digest, self.denied["expired"], ())
        self.unasked = Decision(self.digest, (), ())  # a cancel permits nobody, whatever the guidelines say
        self.limits: Memory[Any, Limits] = Memory(self._limits)
        self.decisions: Memory[Any, Decision] = Memory(self._decision)
        self.outcomes: Memory[tuple[int, int, AlertTerms, tuple[str, ...], Lifted], Outcome] = Memory(self._outcome)

    def decide(
        self,
        values: Sequence[Any],
        originator: str,
        valid_until_ms: int,
        caveats: Any,
        categories: tuple[str, ...],
        now_ms: int,
        grants: Grants = NO_GRANTS,
    ) -> Decision:
        """`values`: one for each of codes.ATTRIBUTES; they and `caveats` are decoded, or the raw Avro bytes out of a
        routing block and core. `categories`: sorted, each once. Raises UnknownValue."""
        matched = self.index.matching(originator, values, now_ms)
        limiting = (originator, caveats, values[2], values[3], values[4], values[12], values[13])
        self.limits[limiting]  # an unknown caveat is refused even if the alert has expired
        if valid_until_ms <= now_ms:
            return self.expired
        if len(categories) > MAX_CATEGORIES:
            known = self.index.bundle.known.lists["category"]
            categories = tuple(category for category in categories if category in known)
        lifted = tuple(sorted((agency, tuple(sorted(each))) for agency, each in grants.items())) if grants else ()
        return self.decisions[matched, limiting, categories, lifted]

    def _limits(self, key: tuple[Any, ...]) -> Limits:
        alert = Restrictions.of(key)
        if not self.index.caveats.issuperset(alert.caveats):
            raise UnknownValue("caveats")
        reasons = [keeps_out(agency, alert) for agency in self.index.bundle.agencies]
        denials = tuple(self.denied[reason or "no-permit"][number] for number, reason in enumerate(reasons))
        candidates = tuple(number for number, reason in enumerate(reasons) if reason is None)
        return Limits(denials, candidates, own_terms(alert))

    def _decision(self, key: tuple[Any, ...]) -> Decision:
        matched, limiting, categories, lifted = key
        limits = self.limits[limiting]
        deciding = matched & (self.index.permits | self.index.forbids)
        outcomes = list(limits.denials)
        for number in limits.candidates:
            addressed = self.index.to[number]
            if deciding & addressed:
                outcomes[number] = self.outcomes[number, matched & addressed, limits.terms, categories, lifted]
        return Decision(self.digest, tuple(outcomes), tuple(each for each in outcomes if each.reason == "permitted"))

    def _outcome(self, key: tuple[int, int, AlertTerms, tuple[str, ...], Lifted]) -> Outcome:
        """Rules 4 to 8 for a candidate that a permit or a forbid speaks of: the one place where effects combine."""
        number, matching, terms, categories, lifted = key
        index, agency = self.index, self.index.agencies[number]
        if forbids := matching & index.forbids:
            return Outcome(agency, "forbidden", guidelines=index.names(members(forbids)))
        permits = tuple(members(matching & index.permits))
        permitted = frozenset().union(*(index.categories[permit] for permit in permits)).intersection(categories)
        granted = dict(lifted).get(agency, ())
        withheld: set[str] = set()
        withholding = []
        for withhold in members(matching & index.withholds):
            taken = permitted & index.categories[withhold]
            if not index.safeguard[withhold]:
                taken = taken.difference(granted)
            if taken:
                withheld |= taken
                withholding.append(withhold)
        released = tuple(
            each for each in categories if each == HANDLING or (each in permitted and each not in withheld)
        )
        obligation = index.obligations.strictest(terms, permits)
        return Outcome(agency, "permitted", released, obligation, index.names([*permits, *withholding]))


_ENGINES: Final[dict[bytes, Engine]] = {}


def engine(bundle: Bundle) -> Engine:
    """The engine of a bundle; the last few are kept."""
    if bundle.digest not in _ENGINES:
        if len(_ENGINES) >= 4:
            _ENGINES.clear()
        _ENGINES[bundle.digest] = Engine(bundle)
    return _ENGINES[bundle.digest]
