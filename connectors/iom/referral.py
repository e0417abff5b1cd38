"""A delivery as the cases of a referral by HTCDS 2.0: one row for each person who is to be helped. Pure.

Suspects, witnesses, sources, files of a court and evidence are never written, whatever was delivered: who assists keeps
nothing that would be worth a subpoena. What was not written is told by category.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from pydantic import Secret

from connectors.formats import countries
from connectors.formats.htcds_case import Case, CaseFile, Person, SupportPlan, Victim
from connectors.sdk import Delivery
from hub.model import sections as say
from hub.model.base import Model
from hub.model.core import Core

M = TypeVar("M", bound=Model)
CONFIRMED: Final = "1"
WRITTEN: Final = frozenset(
    {
        "circumstances",
        "handling",
        "narrative",
        "journey",
        *(f"victim.{each}" for each in ("description", "identity", "contact", "location", "care")),
        *(f"missing.{each}" for each in ("description", "identity", "contact")),
    }
)
_GENDER: Final = {"female": "Feminine", "male": "Masculine"}
_EXPLOITATION: Final = {
    "prostitution-of-others": "SexualExploitation",
    "other-sexual-exploitation": "SexualExploitation",
    "forced-labour": "ForcedLabour",
    "servitude": "Servitude",
    "organ-removal": "OrganRemoval",
}
_ASSISTING: Final = frozenset({"victim-assistance", "child-protection"})


def cases(delivery: Delivery, originator: str, confirms: Collection[str]) -> tuple[Case, ...]:
    """A row for each victim and missing person; one row without a person if the delivery names none.

    `originator`: its name. `confirms`: agencies whose confirmed alerts make somebody an actual victim.
    """
    view = delivery.record.view
    if view is None:
        return ()
    people = dict.fromkeys(
        person
        for each in delivery.contents
        if each.category in WRITTEN and (person := getattr(each.content, "person", None))
    )
    return tuple(_case(delivery, view.core, person, originator, confirms) for person in people or [""])


def left_out(delivery: Delivery) -> tuple[str, ...]:
    """The categories that were delivered and stand in no row."""
    return tuple(sorted({each.category for each in delivery.contents} - WRITTEN))


def _case(delivery: Delivery, core: Core, person: str, originator: str, confirms: Collection[str]) -> Case:
    record = delivery.record
    assisting = bool(_ASSISTING & set(core.label.purposes))
    day = datetime.fromtimestamp(record.decided_ms / 1000, UTC).date().isoformat()
    return Case(
        person=_person(delivery, person),
        victim=_victim(delivery, core, person, confirms),
        file=CaseFile(
            status="Active",
            referring_organisation=originator,
            incoming_referral_date=day,
            reason_for_incoming_referral="AdditionalServicesRequired" if assisting else "Other",
            incoming_referral_details=f"Enlace {record.alert} / {core.revision}",
        ),
        plan=_plan(_of(delivery, say.Care, person)),
        comment=_comment(delivery, person) or None,
    )


def _person(delivery: Delivery, person: str) -> Person:
    identity, contact = _of(delivery, say.Identity, person), _of(delivery, say.Contact, person)
    described, location = _of(delivery, say.Description, person), _of(delivery, say.Location, person)
    name = identity.names[0] if identity and identity.names else None
    phones: list[str | None] = [*_opened(contact.phones if contact else ()), None, None]
    emails, addresses = (_opened(each) for each in ((contact.emails, contact.addresses) if contact else ((), ())))
    languages = identity.languages if identity else ()
    place = _open(location.place) if location else next(iter(addresses), None)
    known = identity or described
    return Person(
        first_name=_open(name.given or name.full) if name else None,
        second_name=_open(name.family) if name else None,
        birth_date=_open(identity.birth_date) if identity else None,
        gender=_GENDER.get(known.sex, "NonSpecifiedUnknown") if known else None,
        citizenship=tuple(countries.resolve(each) for each in (known.nationalities if known else ())),
        identity_number=_open(identity.documents[0].number) if identity and identity.documents else None,
        primary_language=_language(languages[:1]),
        secondary_language=_language(languages[1:2]),
        email=next(iter(emails), None),
        mobile_phone=phones[0],
        home_phone=phones[1],
        mailing_street=place,
        mailing_country=countries.resolve(location.country) if location and location.country else None,
    )


def _victim(delivery: Delivery, core: Core, person: str, confirms: Collection[str]) -> Victim:
    if person.startswith("m"):  # a missing person is not thereby a victim
        return Victim()
    confirmed = core.originator in confirms and core.label.credibility == CONFIRMED
    actual = confirmed and core.label.class_ == "victim-identified"
    facts = next((each.content for each in delivery.contents if isinstance(each.content, say.Circumstances)), None)
    forms = facts.exploitation if facts else ()
    return Victim(
        trafficking_status="ActualVictimOfTrafficking" if actual else "PossibleVictimOfTrafficking",
        trafficking_status_decision_making_org="NonPoliceGovernmentalOrganization" if actual else None,
        type_of_exploitation=tuple(dict.fromkeys(_EXPLOITATION[form] for form in forms if form in _EXPLOITATION)),
        type_of_sex_exploitation=("Prostitution",) if "prostitution-of-others" in forms else (),
    )


def _plan(care: say.Care | None) -> SupportPlan:
    if care is None:
        return SupportPlan()
    needs, assistance = "; ".join(_opened(care.needs)), "; ".join(_opened(care.assistance))
    return SupportPlan(objectives=needs or None, action_plan=assistance or None)


def _comment(delivery: Delivery, person: str) -> str:
    return "\n".join(_lines(delivery, person))


def _lines(delivery: Delivery, person: str) -> Iterator[str]:
    """What the standard has no field for, in words."""
    for each in delivery.contents:
        match each.content:
            case say.HandlingWords(text=text):
                yield f"Condiciones del originador: {text}"
            case say.Narrative(text=text):
                yield text.get_secret_value()
            case say.Journey() as journey:
                yield from _journey(journey)
            case say.Description() as described if described.person == person:
                if described.age_band != "unknown":
                    yield f"Edad: {described.age_band}"
                if described.role:
                    yield f"Papel: {described.role}"
            case say.Identity() as identity if identity.person == person:
                yield from _more_of(identity)
            case say.Contact() as contact if contact.person == person:
                extra = [*_opened(contact.phones)[2:], *_opened(contact.emails)[1:]]
                extra += [*_opened(contact.online), *_opened(contact.addresses)]
                yield from (f"Contacto: {text}" for text in extra)
            case say.Care() as care if care.person == person and care.provider:
                yield f"Atendida por: {_open(care.provider)}"


def _more_of(identity: say.Identity) -> Iterator[str]:
    for name in identity.names[1:]:
        parts = [_open(part) for part in (name.given, name.family, name.full)]
        yield f"Otro nombre: {' '.join(part for part in parts if part)}"
    for document in identity.documents[1:]:
        yield f"Otro documento: {_open(document.number)}"
    if identity.birth_place or identity.birth_country:
        place = ", ".join(filter(None, (_open(identity.birth_place), identity.birth_country)))
        yield f"Lugar de nacimiento: {place}"
    if isinstance(identity, say.MissingIdentity):
        seen = [_open(identity.event_date), _open(identity.event_place), identity.event_country]
        if any(seen):
            yield f"Vista por última vez: {', '.join(part for part in seen if part)}"


def _journey(journey: say.Journey) -> Iterator[str]:
    for leg in journey.legs:
        start = " ".join(filter(None, (leg.departure_place, leg.departure_country, leg.departure_time)))
        end = " ".join(filter(None, (leg.arrival_place, leg.arrival_country, leg.arrival_time)))
        yield f"Trayecto ({leg.mode}): {start or '?'} - {end or '?'}"
    if journey.crossing_point:
        yield f"Punto de paso: {journey.crossing_point}"


def _of(delivery: Delivery, kind: type[M], person: str) -> M | None:
    """The section of a kind about a person; what is said of suspects, witnesses and sources is not looked at."""
    return next(
        (
            each.content
            for each in delivery.contents
            if each.category in WRITTEN
            and isinstance(each.content, kind)
            and getattr(each.content, "person", "") == person
        ),
        None,
    )


def _language(codes: Sequence[str]) -> str | None:
    return codes[0].lower() if codes else None


def _open(value: Secret[Any] | None) -> str | None:
    """This writes the referral: personal values are opened here."""
    return None if value is None else str(value.get_secret_value())


def _opened(values: Sequence[Secret[Any]]) -> list[str]:
    return [str(value.get_secret_value()) for value in values]
