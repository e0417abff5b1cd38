"""A passenger of a list in the words of an alert: identity and journey. Screening decides; this only says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import airportsdata
from pydantic import Secret

from connectors.formats.passenger_list import Document, Leg, Message, Passenger
from hub.model import sections as say

SEXES: Final[dict[str | None, say.Sex]] = {"M": "male", "F": "female", "X": "other"}
_LOCAL_TIME: Final = re.compile(r"^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2})?$")
_MAX_LEGS: Final = 50


@cache
def _airports() -> dict[str, Any]:
    return dict(airportsdata.load("IATA"))


def country_of(place: str | None) -> str | None:
    """The country of an airport by its IATA code, ISO alpha-2."""
    airport = _airports().get(place or "")
    return airport["country"] if airport else None


def identity(passenger: Passenger, person: str, subject: str) -> say.Identity:
    """The identity that an airline sent; documents without a number are left out."""
    named = passenger.surname or passenger.given_names
    fields: dict[str, Any] = {
        "person": person,
        "names": (say.Name(family=_secret(passenger.surname), given=_secret(passenger.given_names)),) if named else (),
        "birth_date": Secret(passenger.birth_date) if passenger.birth_date else None,
        "birth_place": _secret(passenger.birth_place.name) if passenger.birth_place else None,
        "birth_country": _alpha2(passenger.birth_place.country) if passenger.birth_place else None,
        "sex": SEXES.get(passenger.sex, "unknown"),
        "nationalities": tuple(sorted({code for each in passenger.nationalities if (code := _alpha2(each))})),
        "documents": tuple(_document(document) for document in passenger.documents if document.number),
    }
    models: dict[str, type[say.Identity]] = {"suspect": say.SuspectIdentity, "missing": say.MissingIdentity}
    return models.get(subject, say.Identity).model_validate(fields)


def journey(message: Message, passengers: Sequence[Passenger]) -> say.Journey:
    """The legs of the flight that these passengers travel: from the first embarkation to the last debarkation."""
    return say.Journey(legs=tuple(_leg(leg) for leg in _travelled(message, passengers)[:_MAX_LEGS]))


def stops(message: Message, passenger: Passenger) -> list[frozenset[str]]:
    """Where a passenger's journey passes, in order; each stop by its airport and its country."""
    places: list[str] = []
    for leg in _travelled(message, [passenger]):
        for place in (leg.departure_place, leg.arrival_place):
            if place and (not places or places[-1] != place):
                places.append(place)
    for end in (passenger.debarkation,):
        if end and end not in places:
            places.append(end)
    if passenger.embarkation and passenger.embarkation not in places:
        places.insert(0, passenger.embarkation)
    return [frozenset(code for code in (place, country_of(place)) if code) for place in places]


def _travelled(message: Message, passengers: Sequence[Passenger]) -> Sequence[Leg]:
    """The legs between where they embark and where they debark, where the list says so; else all of them."""
    legs = message.legs
    first = min((_index(legs, each.embarkation, "departure_place", 0) for each in passengers), default=0)
    last = max((_index(legs, each.debarkation, "arrival_place", len(legs) - 1) for each in passengers), default=-1)
    return legs[first : last + 1] if first <= last else legs


def _index(legs: Sequence[Leg], place: str | None, end: str, otherwise: int) -> int:
    return next((number for number, leg in enumerate(legs) if place and getattr(leg, end) == place), otherwise)


def _leg(leg: Leg) -> say.Leg:
    return say.Leg(
        mode="air",
        carrier=_short(leg.carrier),
        number=_short(leg.flight),
        departure_place=_short(leg.departure_place),
        departure_country=country_of(leg.departure_place),
        departure_time=_time(leg.departure_time),
        arrival_place=_short(leg.arrival_place),
        arrival_country=country_of(leg.arrival_place),
        arrival_time=_time(leg.arrival_time),
    )


def _document(document: Document) -> say.Document:
    return say.Document.model_validate(
        {
            "number": (document.number or "")[:200],
            "type": document.code[:64] or None,
            "issuer": _alpha2(document.issuer),
            "expiry": document.expiry,
        }
    )


def _alpha2(country: Any) -> str | None:
    return country.alpha2 if country else None


def _time(text: str | None) -> str | None:
    return text if text and _LOCAL_TIME.match(text) else None


def _short(text: str | None) -> str | None:
    return text[:200].strip() or None if text else None


def _secret(text: str | None) -> Secret[str] | None:
    short = _short(text)
    return Secret(short) if short else None
