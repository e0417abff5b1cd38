"""A passenger list screened: against the watch list (by document, by name and birth date, by likeness), and by three
indicators that lead to a question, never to a finding.

Indicators: a child without an adult of the same family name or booking; several children with one adult; a route that the
profile names. The last alone says nothing of a person, so its alert names none. Pure: list, watch list and time are given.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, Final

from pydantic import Field

from connectors.formats.names import document_key, name_keys
from connectors.formats.passenger_list import Message, Passenger
from connectors.sdk import Alert, Content, Draft, Facts, Label
from hub.model import sections as say
from hub.model.base import Model
from hub.model.codes import ADULT_YEARS
from hub.model.derive import age_years

from . import mapping
from .likeness import Named, Person, person
from .reasons import told
from .watchlist import Match, Matching, WatchList

UNACCOMPANIED: Final = "C10"  # UNODC: travels unaccompanied
NOT_RELATED: Final = "C11"  # UNODC: travels in a group of persons who are not relatives
KNOWN_ROUTE: Final = "G34"  # UNODC: comes from a place known to be a source


class Route(Model):
    """A route that the profile names: the places that a journey passes in this order, IATA codes or ISO countries."""

    id: str
    places: tuple[str, ...]
    title: Mapping[str, str] = Field(default_factory=dict)
    rationale: Mapping[str, str] = Field(default_factory=dict)


class Rules(Model):
    """The profile's screening rules. `children_with_one_adult`: from how many children on one booking with a single adult
    of the same family name; `unrelated_children_with_one_adult`: of another one."""

    children_with_one_adult: int = 3
    unrelated_children_with_one_adult: int = 2
    routes: tuple[Route, ...] = ()
    matching: Matching = Matching()


@dataclass(frozen=True)
class PassengerList:
    """One message with the persons that it names: what is screened at once, since a booking is seen only as a whole."""

    message: Message
    passengers: tuple[Passenger, ...] = field(repr=False)

    @cached_property
    def flight(self) -> str:
        """Flight and day of departure: what names this journey for ever."""
        legs = self.message.legs
        day = next((leg.departure_time[:10] for leg in legs if leg.departure_time), "")
        return f"{'+'.join(leg.flight for leg in legs)}/{day}"

    @cached_property
    def documents(self) -> Counter[str]:
        """How many persons show each document: a crew may share one."""
        return Counter(key for passenger in self.passengers for key in _document_keys(passenger))


@dataclass(frozen=True)
class Traveller:
    """A passenger as the indicators see one."""

    passenger: Passenger = field(repr=False)
    age: str  # child, adult, unknown
    booking: str | None = field(repr=False)
    family: frozenset[str] = field(repr=False)


def screen(listed: PassengerList, watch: WatchList, rules: Rules, now_ms: int) -> Iterator[Alert]:
    """The alerts of one list. A person may be in several: each rests on its own ground."""
    for passenger in listed.passengers:
        numbers = [document.number for document in passenger.documents]
        names = name_keys(
            passenger.surname or passenger.given_names, passenger.given_names if passenger.surname else None
        )
        alike = compared(passenger)
        for match in watch.matches(numbers, names, passenger.birth_date, now_ms, alike):
            yield _hit(listed, passenger, match, likely=watch.is_likely(match))
    on = datetime.fromtimestamp(now_ms / 1000, UTC).date()
    travellers = [_traveller(passenger, on) for passenger in listed.passengers if not passenger.is_crew]
    yield from _alone(listed, travellers)
    yield from _many_with_one(listed, travellers, rules)
    yield from _routes(listed, travellers, rules)


def compared(passenger: Passenger) -> Person:
    """A passenger as likeness is judged by."""
    name = Named(passenger.surname, passenger.given_names)
    return person([name], passenger.birth_date, (each.alpha2 for each in passenger.nationalities if each.alpha2))


def _credibility(match: Match, *, likely: bool) -> str:
    """Admiralty: 2 probably true, 3 possibly true, 4 doubtful."""
    if match.by == "document":
        return "2"
    return "3" if match.by == "name-and-birth-date" or likely else "4"


def _hit(listed: PassengerList, passenger: Passenger, match: Match, *, likely: bool) -> Alert:
    """The alert has the class of the one that the entry rests on, and inherits its limits (connectors.sdk)."""
    entry = match.entry
    alert_class = {"suspect": "wanted-person", "missing": "missing-person", "listed": "suspected-transit"}[entry.sought]
    purposes = ["investigation", "border-control"]
    if entry.sought == "missing":
        purposes += ["search", "victim-assistance", "child-protection"]
    label = _label(alert_class, purposes, "B", _credibility(match, likely=likely))
    person = "m1" if entry.sought == "missing" else "s1"
    subject = "missing" if entry.sought == "missing" else "suspect"
    contents = [
        Content(f"{subject}.identity", mapping.identity(passenger, person, subject)),
        Content("journey", mapping.journey(listed.message, [passenger])),
        Content("narrative", _words(f"hit-{match.by}", told(match.likeness), flight=listed.flight)),
    ]
    key = f"hit/{listed.flight}/{_person_key(listed, passenger)}/{entry.id}"
    return _alert(key, label, contents, Facts(), entry.provenance)


def _alone(listed: PassengerList, travellers: Sequence[Traveller]) -> Iterator[Alert]:
    """A child whom no adult of the list shares a family name or a booking with."""
    adults = [each for each in travellers if each.age != "child"]  # of unknown age: may be the adult
    families = frozenset[str]().union(*(adult.family for adult in adults))
    bookings = {adult.booking for adult in adults if adult.booking}
    for child in travellers:
        if child.age != "child" or child.booking in bookings or child.family & families:
            continue
        contents = [
            Content("victim.identity", mapping.identity(child.passenger, "v1", "victim")),
            Content("journey", mapping.journey(listed.message, [child.passenger])),
            Content("narrative", _words("alone", flight=listed.flight)),
        ]
        key = f"alone/{listed.flight}/{_person_key(listed, child.passenger)}"
        yield _indicated(key, contents, UNACCOMPANIED)


def _many_with_one(listed: PassengerList, travellers: Sequence[Traveller], rules: Rules) -> Iterator[Alert]:
    """Several children on one booking with a single adult: fewer are enough if they do not share the adult's name."""
    groups: dict[str, list[Traveller]] = defaultdict(list)
    for each in travellers:
        if each.booking:
            groups[each.booking].append(each)
    for booking, group in sorted(groups.items()):
        children = [each for each in group if each.age == "child"]
        adults = [each for each in group if each.age != "child"]
        if len(adults) != 1 or not children:
            continue
        unrelated = [child for child in children if not child.family & adults[0].family]
        if len(children) < rules.children_with_one_adult and len(unrelated) < rules.unrelated_children_with_one_adult:
            continue
        contents = [
            *(
                Content("victim.identity", mapping.identity(child.passenger, f"v{number}", "victim"))
                for number, child in enumerate(children, start=1)
            ),
            Content("suspect.identity", mapping.identity(adults[0].passenger, "s1", "suspect")),
            Content("journey", mapping.journey(listed.message, [each.passenger for each in group])),
            Content("narrative", _words("group", flight=listed.flight, children=len(children))),
        ]
        yield _indicated(f"group/{listed.flight}/{booking}", contents, NOT_RELATED)


def _routes(listed: PassengerList, travellers: Sequence[Traveller], rules: Rules) -> Iterator[Alert]:
    """One alert for a flight and a named route, with the number of travellers and no person."""
    for route in rules.routes:
        on_route = [
            each for each in travellers if _follows(mapping.stops(listed.message, each.passenger), route.places)
        ]
        if not on_route:
            continue
        contents = [
            Content("journey", mapping.journey(listed.message, [on_route[0].passenger])),
            Content("narrative", _words("route", flight=listed.flight, route=route.id, travellers=len(on_route))),
        ]
        yield _indicated(f"route/{listed.flight}/{route.id}", contents, KNOWN_ROUTE)


def _follows(stops: Sequence[frozenset[str]], places: Sequence[str]) -> bool:
    """Whether a journey passes the places in their order. A stop answers to its airport and to its country."""
    remaining = iter(stops)
    return all(any(place in stop for stop in remaining) for place in places)


def _indicated(key: str, contents: Sequence[Content], *indicators: str) -> Alert:
    """An indicator is nobody's word: how reliable it is cannot be judged (Admiralty F6)."""
    label = _label("suspected-transit", ["investigation", "victim-assistance", "border-control"], "F", "6")
    return _alert(key, label, contents, Facts(indicators=indicators, act=("transportation",)), None)


def _label(alert_class: str, purposes: Iterable[str], reliability: str, credibility: str) -> Label:
    fields = {"class": alert_class, "purposes": purposes, "reliability": reliability, "credibility": credibility}
    return Label.model_validate(fields)


def _alert(key: str, label: Label, contents: Sequence[Content], facts: Facts, provenance: Any) -> Alert:
    derived = (provenance,) if provenance else ()
    return Alert(key, Draft(label=label, facts=facts, caveats=()), tuple(contents), derived)


def _traveller(passenger: Passenger, on: date) -> Traveller:
    span = age_years(passenger.birth_date, on) if passenger.birth_date else None
    age = (
        "unknown"
        if span is None
        else "child"
        if span[1] < ADULT_YEARS
        else "adult"
        if span[0] >= ADULT_YEARS
        else "unknown"
    )
    return Traveller(passenger, age, passenger.reference("AVF"), _family(passenger.surname))


def _family(surname: str | None) -> frozenset[str]:
    """The family names of a surname, each under its spellings: one in common is enough to be related."""
    return frozenset(key for word in (surname or "").replace("-", " ").split() for key in name_keys(word))


def _person_key(listed: PassengerList, passenger: Passenger) -> str:
    """What names a traveller within a flight: a document that nobody else on the list shows, else name and birth date."""
    for key in sorted(_document_keys(passenger)):
        if listed.documents[key] == 1:
            return key
    return f"{passenger.surname}/{passenger.given_names}/{passenger.birth_date}"


def _document_keys(passenger: Passenger) -> set[str]:
    return {key for document in passenger.documents if (key := document_key(document.number))}


_WORDS: Final = {
    "hit-document": "Coincidencia por número de documento con la lista de búsqueda, vuelo {flight}. "
    "Match by document number with the watch list. An alert is not a finding: check the person before acting.",
    "hit-name-and-birth-date": "Coincidencia por nombre completo y fecha de nacimiento con la lista de búsqueda, vuelo "
    "{flight}. Match by full name and birth date. An alert is not a finding: check the person before acting.",
    "hit-likeness": "Coincidencia posible por parecido del nombre y de la fecha de nacimiento con la lista de búsqueda, vuelo "
    "{flight}. Possible match by how alike names and birth dates are. An alert is not a finding: check the person before "
    "acting.",
    "alone": "Persona menor de edad sin adulto del mismo apellido ni de la misma reserva, vuelo {flight}. "
    "A child without an adult of the same family name or booking. An indicator leads to a question.",
    "group": "{children} personas menores de edad en una reserva con un solo adulto, vuelo {flight}. "
    "Several children on one booking with a single adult. An indicator leads to a question.",
    "route": "Ruta señalada en el perfil ({route}), vuelo {flight}, {travellers} viajeros. "
    "A route that the profile names; nobody is named. An indicator leads to a question.",
}


def _words(name: str, more: str = "", **values: object) -> say.Narrative:
    text = f"{_WORDS[name].format(**values)} {more}".strip()
    return say.Narrative.model_validate({"text": text, "language": "es"})
