"""Why an agency receives an alert or not, in words and as data: worked out when someone asks, never on the way of an alert.

The originator, auditors and stewards may read it, the excluded agency may not. What decides is decide.py's; conditions are
read here one by one, so that a denial can name the one that failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from hub.model.base import Model
from hub.model.codes import ATTRIBUTES, COUNTS
from hub.model.core import Core, Routing
from hub.model.obligation import ONWARD_AS_LABELLED, Obligation

from . import phrases, sentences
from .bundle import Bundle
from .decide import decide
from .language import Agency, Effect, Guideline, Language, Test, parties_of
from .outcome import NO_GRANTS, Grants, Outcome, Reason, values_of
from .terms import term, value

NEAREST: int = 3  # permits that a denial names at most


class NoSuchAgency(Exception):
    """The bundle has no agency of this id."""


class Decider(Model):
    """A guideline that decided."""

    id: str
    effect: Effect
    safeguard: bool
    title: str


class Withheld(Model):
    """A category that is present and not released, and why: the guidelines that take it, or none if no permit gives it."""

    category: str
    guidelines: tuple[str, ...]
    text: str


class Duty(Model):
    """One term of the obligation and where it comes from: ids of permits, or `alert`."""

    term: str
    value: int | str
    sources: tuple[str, ...]
    text: str


class Nearest(Model):
    """A permit that is addressed to the agency, and the conditions that the alert does not meet."""

    id: str
    title: str
    failed: tuple[str, ...]


class Explanation(Model):
    agency: str
    outcome: Reason
    text: str
    released: tuple[str, ...]
    withheld: tuple[Withheld, ...]
    obligation: Obligation | None
    obligations: tuple[Duty, ...]
    guidelines: tuple[Decider, ...]
    nearest: tuple[Nearest, ...]

    def lines(self) -> Iterator[str]:
        """The explanation as it is read aloud: one sentence, then its points."""
        yield self.text
        for guideline in self.guidelines:
            yield f"  {guideline.id}: {guideline.title}"
        if self.outcome == "permitted":
            yield f"  + core{''.join(f', {category}' for category in self.released)}"
        for withheld in self.withheld:
            yield f"  - {withheld.category}: {withheld.text}"
        for duty in self.obligations:
            yield f"  ! {duty.text} [{', '.join(duty.sources)}]"
        for permit in self.nearest:
            yield f"  ? {permit.id}: {permit.title}"
            for condition in permit.failed:
                yield f"      x {condition}"


class Question:
    """One alert before one bundle at one time: what every condition is read against."""

    def __init__(self, routing: Routing, core: Core, bundle: Bundle, now_ms: int) -> None:
        self.values = dict(zip(ATTRIBUTES, values_of(routing), strict=True))
        self.core = core
        self.bundle = bundle
        self.now_ms = now_ms

    def failed(self, guideline: Guideline, language: Language) -> list[str]:
        """The conditions but `to` that the alert does not meet, in words; none if the guideline matches."""
        found = []
        if self.core.originator not in parties_of(guideline.from_, self.bundle.agencies):
            origin = sentences.parties(self.bundle, guideline.from_, language, sentences.ANY, sentences.OR)
            words = phrases.COMES_FROM[language].format(parties=origin)
            found.append(phrases.here(words, [term(self.bundle, "agency", self.core.originator, language)], language))
        for attribute, test in guideline.when.items():
            found.extend(self._failed_tests(attribute, test, language))
        if not guideline.valid.holds(self.now_ms):
            found.append(phrases.in_force(guideline.valid, language))
        return found

    def _failed_tests(self, attribute: str, test: Test, language: Language) -> Iterator[str]:
        found = self.values[attribute]
        lacked = [word for word in test.words() if not _passes(attribute, word, test, found)]
        names = [_name(self.bundle, attribute, code, language) for code in _codes(found)]
        clauses = []
        if attribute in COUNTS and lacked:
            clauses.append(sentences.counted(attribute, test.min, test.max, language))
        elif attribute not in COUNTS:
            for word in lacked:
                wanted = getattr(test, word)
                codes = wanted if isinstance(wanted, tuple) else ()
                clauses.append(sentences.condition(self.bundle, attribute, word, codes, language))
        for clause in clauses:
            yield phrases.here(phrases.THE_ALERT[language].format(clause=clause), names, language)

    def addressed(self, agency: Agency) -> list[Guideline]:
        return [each for each in self.bundle.guidelines if agency.id in parties_of(each.to, [agency])]


def explain(
    routing: Routing,
    core: Core,
    categories: Iterable[str],
    bundle: Bundle,
    now_ms: int,
    agency: str,
    language: Language = "es",
    grants: Grants = NO_GRANTS,
) -> Explanation:
    """Everything about one agency's outcome. Raises UnknownValue as decide() does, and NoSuchAgency."""
    present = sorted(set(categories))
    outcome = decide(routing, core, present, bundle, now_ms, grants).of(agency)
    party = bundle.agency(agency)
    if outcome is None or party is None:
        raise NoSuchAgency(f"the bundle has no agency `{agency}`")
    question = Question(routing, core, bundle, now_ms)
    addressed = question.addressed(party)
    matching = [each for each in addressed if not question.failed(each, language)]
    permitted = outcome.reason == "permitted"
    return Explanation(
        agency=agency,
        outcome=outcome.reason,
        text=_sentence(outcome, party, routing, bundle, language),
        released=outcome.released,
        withheld=tuple(_withheld(outcome, matching, present, bundle, language)) if permitted else (),
        obligation=outcome.obligation,
        obligations=tuple(_duties(outcome, matching, bundle, language)),
        guidelines=tuple(_decider(each, language) for each in matching if each.id in outcome.guidelines),
        nearest=_nearest(question, addressed, language) if outcome.reason in _NEARLY else (),
    )


# The denials for which a permit might have decided otherwise.
_NEARLY = ("excluded", "not-named", "tlp", "purpose", "no-permit")


def _codes(found: object) -> tuple[str, ...]:
    return tuple(map(str, found)) if isinstance(found, tuple) else (str(found),)


def _name(bundle: Bundle, attribute: str, code: str, language: Language) -> str:
    return f"TLP:{code}" if attribute == "tlp" else value(bundle, attribute, code, language)


def _passes(attribute: str, word: str, test: Test, found: object) -> bool:
    if attribute in COUNTS and isinstance(found, int):
        return found >= (test.min or 0) if word == "min" else test.max is None or found <= test.max
    codes = set(_codes(found))
    if not codes or word in ("present", "absent"):
        return word == ("present" if codes else "absent")
    if attribute == "minor" and "unknown" in codes:
        codes = {"yes"}
    wanted = set(getattr(test, word))
    return {"any": bool(codes & wanted), "only": codes <= wanted, "none": not codes & wanted}[word]


def _sentence(outcome: Outcome, agency: Agency, routing: Routing, bundle: Bundle, language: Language) -> str:
    purposes = [term(bundle, "purposes", code, language) for code in routing.label.purposes]
    found = {"tlp": routing.label.tlp, "purpose": ", ".join(purposes)}
    return phrases.REASON[outcome.reason][language].format(
        agency=getattr(agency.name, language),
        guidelines=_cited(outcome.guidelines, bundle, language),
        found=found.get(outcome.reason, ""),
        wanted=agency.max_tlp,
    )


def _cited(ids: Iterable[str], bundle: Bundle, language: Language) -> str:
    """Guidelines by their titles, each with its id in brackets."""
    found = [bundle.guideline(each) for each in ids]
    titles = [(getattr(each.title, language), each.id) for each in found if each]
    return sentences.joined((phrases.CITED[language].format(title=title, id=id_) for title, id_ in titles), language)


def _decider(guideline: Guideline, language: Language) -> Decider:
    title: str = getattr(guideline.title, language)
    return Decider(id=guideline.id, effect=guideline.effect, safeguard=guideline.safeguard, title=title)


def _withheld(
    outcome: Outcome, matching: list[Guideline], present: list[str], bundle: Bundle, language: Language
) -> Iterator[Withheld]:
    for category in outcome.withheld(present):
        takers = [
            each
            for each in matching
            if each.effect == "withhold" and each.id in outcome.guidelines and category in bundle.categories_of(each)
        ]
        safeguards = [each.id for each in takers if each.safeguard]
        ids = tuple(safeguards or (each.id for each in takers))
        key = "safeguard" if safeguards else "withhold" if ids else "no permit"
        text = phrases.WITHHELD[key][language].format(guidelines=_cited(ids, bundle, language))
        yield Withheld(category=category, guidelines=ids, text=text)


def _duties(outcome: Outcome, matching: list[Guideline], bundle: Bundle, language: Language) -> Iterator[Duty]:
    """Each term of the merged obligation, with the permits that set it so, or `alert`."""
    total = outcome.obligation
    if total is None:
        return
    laid: dict[str, Obligation] = {
        each.id: each.obligations.obligation() for each in matching if each.effect == "permit" and each.obligations
    }
    for name in ("acknowledge_hours", "keep_days", "review_days"):
        bound = getattr(total, name)
        if bound is not None:
            sources = tuple(source for source, each in laid.items() if getattr(each, name) == bound)
            yield _duty(name, bound, sources, phrases.DUTY[name][language].format(value=bound))
    for event in total.keep_events:
        sources = tuple(source for source, each in laid.items() if event in each.keep_events)
        words = phrases.DUTY["keep_events"][language].format(value=term(bundle, "event", event, language))
        yield _duty("keep_events", event, sources, words)
    yield from _onward(total, laid, bundle, language)
    texts = {caveat.id: getattr(caveat.text, language) for caveat in bundle.caveats}
    for caveat in total.caveats:
        sources = tuple(source for source, each in laid.items() if caveat in each.caveats)
        yield _duty("caveats", caveat, sources, texts[caveat])


def _onward(total: Obligation, laid: Mapping[str, Obligation], bundle: Bundle, language: Language) -> Iterator[Duty]:
    if total.onward != ONWARD_AS_LABELLED:
        sources = tuple(source for source, each in laid.items() if each.onward == total.onward)
        if not sources and not total.onward_to:  # two ways that differ leave none
            sources = tuple(source for source, each in laid.items() if each.onward != ONWARD_AS_LABELLED)
        (words,) = sentences.onward(bundle, total.onward, language)
        yield _duty("onward", total.onward, sources, words)
    if total.onward_to:
        names = sentences.joined((term(bundle, "agency", each, language) for each in total.onward_to), language)
        text = phrases.DUTY["onward_to"][language].format(value=names)
        yield _duty("onward_to", ", ".join(total.onward_to), (), text)


def _duty(name: str, bound: int | str, sources: tuple[str, ...], text: str) -> Duty:
    return Duty(term=name, value=bound, sources=sources or ("alert",), text=text)


def _nearest(question: Question, addressed: list[Guideline], language: Language) -> tuple[Nearest, ...]:
    """The permits for this agency that lack the fewest conditions."""
    permits = [
        Nearest(id=each.id, title=getattr(each.title, language), failed=tuple(question.failed(each, language)))
        for each in addressed
        if each.effect == "permit"
    ]
    permits.sort(key=lambda permit: (len(permit.failed), permit.id))
    return tuple(permits[:NEAREST])
