"""A unit of SICA's bundle as an alert on a pattern: how a network recruits, moves, forges, pays; nobody in particular. Pure.

A bundle that names persons is set aside by default: SICA's purposes are prevention and statistics, for which no person is
needed, and what it may be trusted with (TLP GREEN) fits none. With `persons="publish"` they become sections of their own: an
individual is a victim unless the bundle says suspect, of unknown age and consent, which count as child and as no; the label is
then AMBER+STRICT at the widest. Countries without a role are told in words, never guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import Secret

from connectors.formats.stix_markings import Tlp, strictest
from connectors.formats.stix_record import StixObject, Unit
from connectors.sdk import BadNative, Content, Draft, Facts, Label, Note
from hub.model import sections as say
from hub.model.base import MAX_TEXT
from hub.model.codes import Reliability
from hub.model.compose import DAY_MS

from . import words
from .words import Place

Persons = Literal["set-aside", "publish"]
SHORT, MOST = 200, 50
GROUPS: Final = frozenset({"organization", "group", "class", "system"})
BANDS: Final = frozenset({"crime-syndicate", "nation-state", "competitor", "terrorist"})  # threat_actor_types of groups
SUSPECTS: Final = frozenset({"suspect", "perpetrator", "recruiter", "trafficker", "smuggler", "transporter"})
PERSONAL: Final = frozenset({"user-account", "email-addr", "email-message"})
PERSONAL_PATTERN: Final = re.compile(r"\b(?:user-account|email-addr|email-message)\s*:", re.IGNORECASE)
ONLINE: Final = frozenset({"url", "domain-name"})
# Whose names and texts are about a pattern. Of any other type nobody knows what they tell: left out, and noted.
SAID: Final = frozenset(
    {
        *("report", "grouping", "note", "opinion", "incident", "indicator", "campaign", "attack-pattern"),
        *("course-of-action", "infrastructure", "intrusion-set", "tool", "malware", "vulnerability", "sighting"),
        *("observed-data", "identity", "threat-actor"),
    }
)
SILENT: Final = frozenset({"location", "relationship"})  # they say something only of what they join
# STIX 2.1, appendix A: confidence 0 to 100 by the Admiralty code's credibility.
CREDIBILITY: Final = ((80, "1"), (60, "2"), (40, "3"), (20, "4"), (0, "5"))


@dataclass(frozen=True)
class Rules:
    """What the connector's options say of every pattern. `classes`: a partner's own labels, in lower case, to classes."""

    purposes: tuple[str, ...]
    classes: Mapping[str, str]
    persons: Persons
    reliability: Reliability
    valid_days: int


@dataclass(frozen=True)
class Pattern:
    draft: Draft
    contents: tuple[Content, ...]
    notes: tuple[Note, ...]


def sent_as(unit: Unit) -> bytes:
    """The unit's objects as they were sent, as JSON with sorted keys: what the digest of the original is made of."""
    content = [each.content.get_secret_value() for each in (unit.root, *unit.members)]
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def says_something(item: StixObject) -> bool:
    """Whether an object is information of its own; who made others, and where, is not."""
    return item.type not in SILENT and not (item.type == "identity" and GROUPS & set(item.kinds))


def pattern(unit: Unit, fresh: Sequence[StixObject], rules: Rules) -> Pattern:
    """`fresh`: the unit's objects that are not ours. Raises BadNative where what decides is not said, or persons are named."""
    makers = {each.id for each in unit.creators}
    items = [each for each in fresh if each.id not in makers]
    persons = [each for each in items if _is_personal(each)]
    if persons and rules.persons == "set-aside":
        raise BadNative("the bundle names persons: only patterns are exchanged with this party", persons[0].type)
    told = words.read(label for each in items for label in each.labels)
    if told.wrong:
        raise BadNative("a label names a code that its list lacks", told.wrong[0])
    places, unplaced = _places(unit, items)
    notes = [*_notes(unit, told.strange, unplaced)]
    if any(each.type not in SAID | PERSONAL | ONLINE | SILENT for each in items):
        notes.append(Note("objects of types whose texts are not exchanged: left out", "type", "type-left-out"))
    identities = list(_identities(persons))
    contents = [*identities, *_said(unit, items, unplaced)]
    tlp: Tlp = strictest([unit.tlp, "AMBER+STRICT"]) or unit.tlp if persons else unit.tlp
    label: dict[str, Any] = {
        "class": _class(unit.root, items, rules.classes),
        "tlp": tlp,
        "purposes": rules.purposes,
        "reliability": rules.reliability,
        "credibility": _credibility(unit.root.confidence),
        "exercise": told.exercise or "none",
    }
    facts = Facts(
        **places,
        act=tuple(told.codes["act"]),
        means=tuple(told.codes["means"]),
        exploitation=tuple(told.codes["exploitation"]),
        indicators=tuple(told.codes["indicator"]),
    )
    draft = Draft(
        label=Label.model_validate(label),
        facts=facts,
        observed_ms=_observed_ms(items),
        valid_ms=rules.valid_days * DAY_MS,
    )
    return Pattern(draft, tuple(contents), tuple(dict.fromkeys(notes)))


def _class(root: StixObject, items: Sequence[StixObject], own: Mapping[str, str]) -> str:
    """The root's labels decide; its members' where it has none. An answer to an alert of ours is of that one's class
    where it says none itself, whatever that is."""
    is_answer = root not in items
    for of in (items, (root,)) if is_answer else ((root,), items):
        spoken = [word for each in of for word in (*each.labels, *each.kinds)]
        found = {own[word.lower()] for word in spoken if word.lower() in own} | set(words.read(spoken).codes["class"])
        if len(found) > 1:
            raise BadNative("the labels name several classes: send one report for each", "labels")
        if found:
            (known,) = found
            if known not in words.SENT_CLASSES and not (is_answer and of == (root,)):
                raise BadNative("this party sends patterns: no alerts of the class that the labels name", "labels")
            return known
    raise BadNative("no label says of which class the pattern is (option classes: a partner's own labels)", "labels")


def _places(unit: Unit, items: Sequence[StixObject]) -> tuple[dict[Place, tuple[str, ...]], list[str]]:
    """Countries by what relationships say of them, and those of which nothing is said."""
    ours = {each.id for each in items}
    found: dict[Place, set[str]] = {"origin": set(), "transit": set(), "destination": set()}
    locations = {each.id: each for each in items if each.type == "location" and each.country}
    placed: set[str] = set()
    for relation in unit.relations:
        place = words.PLACES.get(relation.kind)
        location = locations.get(relation.target)
        if place is None or location is None or relation.object.id not in ours:
            continue
        country = location.country.alpha2 if location.country else None
        if country is None:
            raise BadNative("a country of the route cannot be read", "location.country")
        found[place].add(country)
        placed.add(location.id)
    rest = [each.country for each in locations.values() if each.id not in placed]
    return {place: tuple(sorted(each)) for place, each in found.items()}, sorted({c.sent for c in rest if c})


def _notes(unit: Unit, strange: int, unplaced: Sequence[str]) -> Iterator[Note]:
    for note in unit.notes:
        yield Note(note.code.replace("-", " "), note.field, note.code)
    if strange:
        yield Note("a label that is in no list: it was left out", "labels", "label-unknown")
    if unplaced:
        yield Note(
            "a country of which no relationship says its role: told in words only", "location", "country-without-role"
        )


def _is_personal(item: StixObject) -> bool:
    if item.type == "identity":  # one that does not say its class may be a person
        return not GROUPS & set(item.kinds)
    if item.type == "threat-actor":
        return not BANDS & set(item.kinds)
    if item.pattern is not None and PERSONAL_PATTERN.search(item.pattern.get_secret_value()):
        return True
    return item.type in PERSONAL


def _identities(persons: Iterable[StixObject]) -> Iterator[Content]:
    counts = {"s": 0, "v": 0}
    for each in persons:
        if each.type not in ("identity", "threat-actor"):
            continue  # an account or an address is told in words
        accused = each.type == "threat-actor" or bool(SUSPECTS & {kind.lower() for kind in each.kinds})
        letter = "s" if accused else "v"
        counts[letter] += 1
        names = [Secret(name.get_secret_value()[:SHORT]) for name in (each.name, *each.aliases) if name]
        person = f"{letter}{counts[letter]}"
        said = tuple(say.Name(kind="alias" if at else "primary", full=name) for at, name in enumerate(names[:MOST]))
        if accused:
            yield Content("suspect.identity", say.SuspectIdentity(person=person, names=said))
        else:
            yield Content("victim.identity", say.Identity(person=person, names=said))


def _said(unit: Unit, items: Sequence[StixObject], unplaced: Sequence[str]) -> Iterator[Content]:
    online = [text for each in items if each.type in ONLINE for text in _texts_of(each, "value")]
    bodies = [each for each in items if _is_organisation(each)]
    shown = tuple(dict.fromkeys(text[:SHORT] for text in online))[:MOST]
    for body in bodies:
        yield Content("organisation", _organisation(body, shown if len(bodies) == 1 else ()))
    yield from _narrative(unit, items, [] if len(bodies) == 1 else online, unplaced)
    for reference in unit.root.external:
        if unit.root in items and reference.external_id:
            number = Secret(reference.external_id[:SHORT])
            yield Content("case", say.Case(number=number, authority=reference.source[:SHORT] or None))
            return


def _is_organisation(item: StixObject) -> bool:
    if item.name is None:
        return False
    if item.type == "identity":
        return bool({"organization", "group"} & set(item.kinds))
    return item.type == "intrusion-set" or (item.type == "threat-actor" and bool(BANDS & set(item.kinds)))


def _organisation(item: StixObject, online: tuple[str, ...]) -> say.Organisation:
    assert item.name is not None
    kind = ", ".join(item.kinds)[:SHORT] or item.type
    return say.Organisation(name=item.name.get_secret_value()[:SHORT], kind=kind, online=online)


def _narrative(
    unit: Unit, items: Sequence[StixObject], online: Sequence[str], unplaced: Sequence[str]
) -> Iterator[Content]:
    lines: list[str] = []
    for each in items:
        if each.type not in SAID | PERSONAL:
            continue
        named = None if _is_organisation(each) else each.name
        parts = [named, each.text, each.pattern]
        lines += [text.get_secret_value() for text in parts if text is not None]
        if each.type in PERSONAL:
            lines += [text for name in ("value", "account_login", "display_name") for text in _texts_of(each, name)]
    lines += [f"En línea: {text}" for text in online]
    if unplaced:
        lines.append(f"Países sin papel indicado: {', '.join(unplaced)}")
    text = "\n".join(lines)[:MAX_TEXT].strip()
    if text:
        language = (unit.root.language or "es")[:2].lower()
        yield Content("narrative", say.Narrative(text=Secret(text), language=language if language.isalpha() else "es"))


def _texts_of(item: StixObject, name: str) -> list[str]:
    found = item.content.get_secret_value().get(name)
    return [found.strip()] if isinstance(found, str) and found.strip() else []


def _credibility(confidence: int | None) -> str:
    return next((code for least, code in CREDIBILITY if confidence is not None and confidence >= least), "6")


def _observed_ms(items: Sequence[StixObject]) -> int | None:
    """When it was last seen; else the version's own time."""
    seen = [moment for each in items for moment in (each.last_seen or each.first_seen,) if moment]
    times = seen or [each.modified for each in items[:1] if each.modified]
    return max(round(moment.timestamp() * 1000) for moment in times) if times else None
