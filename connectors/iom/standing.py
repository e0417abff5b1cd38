"""What a case is, before what it says: whom it is about, who may be named, and so which class of alert it becomes. Pure.

| whose row | consent | class | what identifies the person |
|---|---|---|---|
| identified by the body that decides it | any | `victim-identified` | by consent, or for a child |
| presumed, in transit | any | `suspected-transit` | the same |
| presumed adult without consent, recruitment told | withheld, unknown | `recruitment-offer`, the scheme | stays behind |
| presumed, else | any | `victim-identified` | by consent, or for a child |
| a perpetrator | not-applicable | `recruitment-offer` for a recruiter, else `suspected-transit` | as a suspect |
| not a victim, and no perpetrator | - | none: the alert that there was ends | - |

Somebody whose age nobody tells may be a child. HTCDS has one consent box for seven questions: checked, it means consent to
share data only if the sender agreed that this is the question asked; unchecked always means that she did not consent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from connectors.formats.htcds_case import Case, Person, TraffickingEvent, Victim
from connectors.sdk import BadNative
from hub.model.codes import ADULT_YEARS, Consent, Minor
from hub.model.derive import age_years

from .codes import DECIDING, DECIDING_OF_VICTIMS, RECRUITERS

Question = Literal["interview", "purpose", "uses", "research", "access", "storage", "withdrawal"]
SHARING: Final[Question] = "uses"  # the only one of the seven that is about the uses of her data
DECIDES: Final = "vic_TraffickingStatusDecisionMakingOrg"


@dataclass(frozen=True)
class Standing:
    """`formal`: identified by the body that decides. `identified`: what identifies the person may leave the sender.

    `over`: the row is about nobody who concerns the exchange; an alert that it was ends.
    """

    victim: bool
    suspect: bool
    formal: bool
    consent: Consent
    minor: Minor
    identified: bool
    alert_class: str
    over: bool = False
    doubtful_status: bool = False  # called an actual victim by a body that does not decide it


def standing(case: Case, question: Question | None, deciding: Sequence[str], today: date) -> Standing:
    """Raises BadNative where a value that decides cannot be read, or the row is about nobody."""
    _refuse_unread(case, DECIDING)
    status = case.victim.trafficking_status
    suspect = bool(case.perpetrator.role_in_process) or case.perpetrator.role_details is not None
    as_victim = case.victim != Victim()
    if status == "NotAVictimOfTrafficking" and not suspect:
        return Standing(False, False, False, "not-applicable", "no", False, "", over=True)
    victim = status != "NotAVictimOfTrafficking" and (as_victim or not suspect)
    if victim and not as_victim and case.person == Person() and case.event == TraffickingEvent():
        raise BadNative("the row tells of no person and of no event: nothing to exchange")
    if victim:
        _refuse_unread(case, DECIDING_OF_VICTIMS)
    if status == "ActualVictimOfTrafficking":
        _refuse_unread(case, (DECIDES,))
    formal = status == "ActualVictimOfTrafficking" and (case.victim.trafficking_status_decision_making_org in deciding)
    minor = _minor(case.person.birth_date, today) if victim else "no"
    consent = _consent(case.consent, question) if victim else "not-applicable"
    identified = not victim or consent == "given" or minor != "no"
    return Standing(
        victim=victim,
        suspect=suspect,
        formal=formal,
        consent=consent,
        minor=minor,
        identified=identified,
        alert_class=_class(case, victim, formal, identified),
        doubtful_status=status == "ActualVictimOfTrafficking" and not formal,
    )


def _refuse_unread(case: Case, names: Sequence[str]) -> None:
    """A birth date of which the year is known was read, as far as it goes."""
    for each in case.unlisted:
        if each.name in names and not (each.name == "prs_Birthdate" and case.person.birth_date):
            raise BadNative("the value cannot be read, and decisions depend on it", each.name)


def _minor(birth_date: str | None, today: date) -> Minor:
    if birth_date is None:
        return "unknown"
    span = age_years(birth_date, today)
    if span is None:
        raise BadNative("the birth date lies ahead", "prs_Birthdate")
    youngest, oldest = span
    return "yes" if oldest < ADULT_YEARS else "no" if youngest >= ADULT_YEARS else "unknown"


def _consent(box: bool | None, question: Question | None) -> Consent:
    """A blank box was not asked about; an empty one is the safe side of two meanings."""
    if box is None:
        return "unknown"
    if not box:
        return "withheld"
    return "given" if question == SHARING else "unknown"


def _class(case: Case, victim: bool, formal: bool, identified: bool) -> str:
    if not victim:
        return "recruitment-offer" if RECRUITERS & set(case.perpetrator.role_in_process) else "suspected-transit"
    if formal:
        return "victim-identified"
    if case.event.type == "Transit":
        return "suspected-transit"
    return "recruitment-offer" if not identified and tells_recruitment(case) else "victim-identified"


def tells_recruitment(case: Case) -> bool:
    """Whether the row says anything of how the person was recruited."""
    victim = case.victim
    said = (victim.method_of_recruitment, victim.location_of_recruitment, victim.recruitment_websites_and_apps)
    return any(said) or case.event.type == "Recruitment"
