"""A case as the sections of an alert: every field in its own, or in the words of one that may hold it. Pure.

An address is `victim.location`, never contact: where she can be found stays with those who protect her. An organisation
that is no business is whoever helps her (`victim.care`): its address tells where she is. What only those who assist need
(family, schooling, health) is care too; the course of things is narrative.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, Final

from pydantic import Secret

from connectors.formats import countries, htcds_standard
from connectors.formats.countries import Country
from connectors.formats.htcds import PLACES
from connectors.formats.htcds_case import Case
from connectors.sdk import Content, Facts, Note
from hub.model import sections as say
from hub.model.base import MAX_TEXT
from hub.model.derive import age_band

from . import codes
from .standing import Standing, tells_recruitment

SHORT: Final = 200  # characters: what sections can say (hub/model/base.py)
MOST: Final = 50  # items of a list of theirs
VICTIM, SUSPECT, INFORMANT = "v1", "s1", "i1"


@dataclass(frozen=True)
class Said:
    """What a case becomes, and what was noted on the way."""

    contents: tuple[Content, ...]
    facts: Facts
    notes: tuple[Note, ...]


def said(case: Case, standing: Standing, number: str | None, rules: Rules) -> Said:
    """`number`: the sender's case number."""
    saying = _Saying(case, standing, rules)
    contents = [*saying.victim(), *saying.suspect(), *saying.circumstances(), *saying.file(number)]
    facts = saying.facts([each.content for each in contents if isinstance(each.content, say.Journey)])
    return Said(tuple(contents), facts, tuple(dict.fromkeys(saying.notes)))


@dataclass(frozen=True)
class Rules:
    """What the sender agreed: values of exploitation that the table leaves open; the language of its words."""

    agreed: Mapping[str, str]
    authority: str
    language: str
    today: date


class _Saying:
    def __init__(self, case: Case, standing: Standing, rules: Rules) -> None:
        self._case = case
        self._standing = standing
        self._rules = rules
        self._nationalities, self._foreign = _nationalities(case.person.citizenship)
        self.notes: list[Note] = list(self._noted())

    # --- persons

    def victim(self) -> Iterator[Content]:
        if not self._standing.victim:
            return
        role = "identified-victim" if self._standing.formal else "presumed-victim"
        yield Content("victim.description", self._description(VICTIM, role))
        if not self._standing.identified:
            return
        yield Content("victim.identity", say.Identity(**self._identity(VICTIM)))
        if (contact := self._contact(VICTIM)) is not None:
            yield Content("victim.contact", contact)
        if (place := self._address()) is not None:
            country = _alpha2(self._case.person.mailing_country)
            yield Content("victim.location", say.Location(person=VICTIM, place=place, country=country))
        if (care := self._care()) is not None:
            yield Content("victim.care", care)

    def suspect(self) -> Iterator[Content]:
        """Somebody who is a victim too is named as a suspect only where she may be named at all."""
        if not self._standing.suspect:
            return
        roles = self._case.perpetrator.role_in_process
        yield Content("suspect.description", self._description(SUSPECT, _slug(roles[0]) if roles else None))
        if not self._standing.identified:
            return
        identity = say.SuspectIdentity(**self._identity(SUSPECT))
        if identity.names or identity.birth_date or identity.documents:
            yield Content("suspect.identity", identity)
        contact, place = self._contact(SUSPECT), self._address()
        if contact is not None or place is not None:
            contact = contact or say.Contact(person=SUSPECT)
            yield Content("suspect.contact", contact.model_copy(update={"addresses": (place,) if place else ()}))

    def _description(self, person: str, role: str | None) -> say.Description:
        return say.Description(
            person=person,
            age_band=age_band(self._case.person.birth_date, self._rules.today),
            sex=codes.SEXES.get(self._case.person.gender or "", "unknown"),
            nationalities=self._nationalities,
            role=role,
        )

    def _identity(self, person: str) -> dict[str, Any]:
        sent = self._case.person
        given = " ".join(each for each in (sent.first_name, sent.middle_name) if each) or None
        named = given or sent.second_name
        number = self._short(sent.identity_number, "prs_IdentityNumber")
        return {
            "person": person,
            "names": (
                say.Name(
                    family=self._short(sent.second_name, "prs_SecondName"), given=self._short(given, "prs_FirstName")
                ),
            )
            if named
            else (),
            "birth_date": Secret(sent.birth_date) if sent.birth_date else None,
            "sex": codes.SEXES.get(sent.gender or "", "unknown"),
            "nationalities": self._nationalities,
            "documents": (say.Document(number=number),) if number else (),
            "languages": tuple(dict.fromkeys(filter(None, (sent.primary_language, sent.secondary_language)))),
        }

    def _contact(self, person: str) -> say.Contact | None:
        sent = self._case.person
        phones = [(sent.mobile_phone, "prs_MobilePhone"), (sent.home_phone, "prs_HomePhone")]
        found = [self._short(text, name) for text, name in phones]
        email = self._short(sent.email, "prs_Email")
        if email is None and not any(found):
            return None
        return say.Contact(
            person=person, phones=tuple(each for each in found if each), emails=(email,) if email else ()
        )

    def _address(self) -> Secret[str] | None:
        sent = self._case.person
        point = (sent.mailing_latitude, sent.mailing_longitude)
        parts = [sent.mailing_street, sent.mailing_city, sent.mailing_state, sent.mailing_postal_code]
        parts += [sent.mailing_country.sent if sent.mailing_country else None]
        parts += [f"({point[0]}, {point[1]})" if None not in point else None]
        text = ", ".join(each for each in parts if each)
        return self._long(text, "prs_MailingStreet") if text else None

    def _care(self) -> say.Care | None:
        provider = None if self._is_business() else self._organisation_words()
        care = say.Care(
            person=VICTIM,
            needs=self._pieces(self._needs(), "vic_DetailsOfVulnerabilities"),
            assistance=self._pieces(codes.ASSISTANCE, "spl_ActionPlan"),
            provider=self._short(provider, "org_Name"),
        )
        return care if care != say.Care(person=VICTIM) else None

    def _needs(self) -> dict[str, str]:
        """Gender and citizenship only where the person's own fields say less."""
        plain = {
            "prs_Gender": codes.SEXES.get(self._case.person.gender or "") != "other",
            "prs_Citizenship": not self._foreign,
        }
        return {name: label for name, label in codes.NEEDS.items() if not plain.get(name)}

    # --- what happened

    def circumstances(self) -> Iterator[Content]:
        if (journey := self._journey()) is not None:
            yield Content("journey", journey)
        if self._is_business() and self._case.organisation.name:
            yield Content("organisation", self._business(self._case.organisation.name))
        if self._standing.identified and (text := self._narrative()):
            words = say.Narrative(text=Secret(self._cut(text, MAX_TEXT, "narrative")), language=self._rules.language)
            yield Content("narrative", words)

    def _journey(self) -> say.Journey | None:
        """The countries of recruitment and exploitation, and where the event was between or at one of them."""
        event, victim = self._case.event, self._case.victim
        there = _Stop(event.city, _alpha2(event.country), event.date if event.date and len(event.date) == 10 else None)
        start, end = (
            _Stop(country=_last(victim.location_of_recruitment)),
            _Stop(country=_last(victim.location_of_exploitation)),
        )
        middle = _Stop()
        if there != _Stop():
            start = there if event.type == "Recruitment" else start
            end = there if event.type == "Exploitation" else end
            middle = there if event.type in ("Transit", None) else middle
        stops = [each for each in (start, middle, end) if each != _Stop()]
        if not stops:
            return None
        if len(stops) == 1 and stops[0] == middle:
            place = ", ".join(each for each in (middle.place, middle.country) if each)
            return say.Journey(crossing_point=self._cut(place, SHORT, "hte_City")) if place else None
        if len(stops) == 1:
            return say.Journey(legs=(self._leg(start, end),))
        return say.Journey(legs=tuple(self._leg(a, b) for a, b in pairwise(stops)))

    def _leg(self, start: _Stop, end: _Stop) -> say.Leg:
        return say.Leg(
            departure_place=self._cut(start.place, SHORT, "hte_City") if start.place else None,
            departure_country=start.country,
            departure_time=start.day,
            arrival_place=self._cut(end.place, SHORT, "hte_City") if end.place else None,
            arrival_country=end.country,
            arrival_time=end.day,
        )

    def _is_business(self) -> bool:
        return self._case.organisation.type == codes.BUSINESS and self._case.organisation.name is not None

    def _business(self, name: str) -> say.Organisation:
        sent = self._case.organisation
        address = ", ".join(self._organisation_place())
        return say.Organisation(
            name=self._cut(name, SHORT, "org_Name"),
            kind=sent.type,
            address=self._cut(address, SHORT, "org_ShippingStreet") if address else None,
            country=_alpha2(sent.shipping_country),
        )

    def _organisation_words(self) -> str | None:
        sent = self._case.organisation
        parts = [sent.name, sent.type, *self._organisation_place()]
        parts += [each.text for each in self._case.unlisted if each.name == "org_Type"]
        return ", ".join(each for each in parts if each) or None

    def _organisation_place(self) -> list[str]:
        sent = self._case.organisation
        point = (sent.shipping_latitude, sent.shipping_longitude)
        parts = [sent.shipping_street, sent.shipping_city, sent.shipping_state, sent.shipping_postal_code]
        parts += [
            sent.shipping_country.sent if sent.shipping_country else None,
            f"tel. {sent.phone}" if sent.phone else None,
        ]
        parts += [f"({point[0]}, {point[1]})" if None not in point else None]
        return [each for each in parts if each]

    def _narrative(self) -> str:
        """Of a perpetrator also what would be a victim's care."""
        labels = codes.NARRATIVE if self._standing.victim else {**codes.NARRATIVE, **self._needs(), **codes.ASSISTANCE}
        lines = [f"{label}: {text}" for label, text in self._lines(labels)]
        helper = None if self._standing.victim or self._is_business() else self._organisation_words()
        return "\n".join([*lines, *([f"Organización: {helper}"] if helper else [])])

    # --- the file

    def file(self, number: str | None) -> Iterator[Content]:
        sent = self._case.file
        summary = "\n".join(f"{label}: {text}" for label, text in self._lines(codes.SUMMARY))
        shown = self._standing.identified
        yield Content(
            "case",
            say.Case(
                number=self._short(number, "case_number") if shown else None,
                authority=self._rules.authority,
                status=codes.STATUS.get(sent.status or ""),
                summary=self._long(summary, "cas_ReasonForCaseClosure") if summary and shown else None,
            ),
        )
        words = "\n".join(f"{label}: {text}" for label, text in self._lines(codes.REFERRAL))
        told = sent.referring_primary_case_worker, sent.referring_organisation
        if shown and (any(told) or words):
            yield Content(
                "informant",
                say.Informant(
                    person=INFORMANT,
                    name=self._short(told[0], "cas_ReferringPrimaryCaseWorker"),
                    contact=self._short(told[1], "cas_ReferringOrganisation"),
                    note=self._long(words, "cas_IncomingReferralDetails") if words else None,
                ),
            )

    def facts(self, journeys: list[say.Journey]) -> Facts:
        """What decisions read and sections do not tell; countries of a journey's legs are derived from it."""
        victim, roles = self._case.victim, self._case.perpetrator.role_in_process
        act = {codes.ACTS[role] for role in roles if role in codes.ACTS}
        act |= {"recruitment"} if tells_recruitment(self._case) else set()
        act |= {"transportation"} if self._case.event.type == "Transit" else set()
        means = {each for method in victim.methods_of_control for each in codes.MEANS[method]}
        means |= {codes.MEANS_OF_ROLES[role] for role in roles if role in codes.MEANS_OF_ROLES}
        indicators = {codes.INDICATORS[method] for method in victim.methods_of_control if method in codes.INDICATORS}
        both = self._standing.victim and self._standing.suspect
        crossing = any(not journey.legs for journey in journeys)
        country = _alpha2(self._case.event.country)
        return Facts(
            consents=(self._standing.consent,) if self._standing.victim else (),
            transit=(country,) if crossing and country else (),
            act=tuple(sorted(act)),
            means=tuple(sorted(means)),
            exploitation=tuple(sorted(set(self._exploitation()))),
            indicators=tuple(sorted(indicators | ({codes.MAY_BE_VICTIM} if both else set()))),
        )

    def _exploitation(self) -> Iterator[str]:
        victim = self._case.victim
        for sent in victim.type_of_exploitation:
            if sent == "SexualExploitation":
                sold = "Prostitution" in victim.type_of_sex_exploitation
                yield "prostitution-of-others" if sold else "other-sexual-exploitation"
            elif sent in codes.EXPLOITATION:
                yield codes.EXPLOITATION[sent]
            elif sent in self._rules.agreed:
                yield self._rules.agreed[sent]

    # --- notes and texts

    def _noted(self) -> Iterator[Note]:
        victim = self._case.victim
        open_values = set(victim.type_of_exploitation) - {
            *codes.EXPLOITATION,
            *self._rules.agreed,
            "SexualExploitation",
        }
        if open_values:
            words = "a form of exploitation that nobody qualified: it stands in the narrative only"
            yield Note(words, "vic_TypeOfExploitation", "exploitation-open")
        if self._foreign:
            words = "a stateless person or refugee: no nationality is told, only those who assist know it"
            yield Note(words, "prs_Citizenship", "nationality-not-told")
        if self._standing.doubtful_status:
            words = "called an actual victim by a body that does not decide it: counted as presumed"
            yield Note(words, "vic_TraffickingStatus", "status-not-decided")
        if not self._standing.identified:
            words = "an adult who did not consent to share her data: what identifies her stays with the sender"
            yield Note(words, "con_Consent", "not-identified")

    def _lines(self, labels: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        for name, label in labels.items():
            if text := _text_of(self._case, name):
                yield label, text

    def _pieces(self, labels: Mapping[str, str], field: str) -> tuple[Secret[str], ...]:
        pieces: list[str] = []
        for label, text in self._lines(labels):
            pieces += textwrap.wrap(f"{label}: {text}", SHORT)
        if len(pieces) > MOST:
            self.notes.append(_cut_note(field))
        return tuple(Secret(each) for each in pieces[:MOST])

    def _short(self, text: str | None, field: str) -> Secret[str] | None:
        return Secret(self._cut(text, SHORT, field)) if text and text.strip() else None

    def _long(self, text: str, field: str) -> Secret[str]:
        return Secret(self._cut(text, MAX_TEXT, field))

    def _cut(self, text: str, most: int, field: str) -> str:
        if len(text) > most:
            self.notes.append(_cut_note(field))
        return text[:most]


@dataclass(frozen=True)
class _Stop:
    place: str | None = None
    country: str | None = None
    day: str | None = None


def _cut_note(field: str) -> Note:
    return Note("the text is longer than an alert can say: its end was left out", field, "text-cut")


def _text_of(case: Case, name: str) -> str:
    """A field's value in words, with what of it the standard's list lacks."""
    section, attribute = PLACES[name]
    value = getattr(getattr(case, section) if section else case, attribute)
    unlisted = tuple(each.text for each in case.unlisted if each.name == name)
    field = htcds_standard.fields()[name]
    if isinstance(value, bool):
        return "sí" if value else "no"
    if field.kind in ("many", "countries"):
        words = [each.sent if isinstance(each, Country) else str(each) for each in value]
        return "; ".join([*words, *unlisted])
    if value is None:
        return "; ".join(unlisted)
    return value.sent if isinstance(value, Country) else htcds_standard.as_text(value)


def _nationalities(sent: tuple[Country, ...]) -> tuple[tuple[str, ...], bool]:
    """ISO codes; none at all for a refugee or stateless person, whose State must not be told by way of them."""
    if any(each.kind in ("refugee", "stateless") for each in sent):
        return (), True
    return tuple(sorted({each.alpha2 for each in sent if each.alpha2})), any(not each.alpha2 for each in sent)


def _alpha2(country: Country | None) -> str | None:
    return country.alpha2 if country else None


def _last(text: str | None) -> str | None:
    """The country that a place in words ends with (`San José, Costa Rica`), if it does."""
    return countries.alpha2(text.rpartition(",")[2]) if text else None


def _slug(code: str) -> str:
    """`RecruiterOrIntermediary` as `recruiter-or-intermediary`."""
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in code).lstrip("-")
