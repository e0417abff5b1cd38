"""What the embassy's e-mail digest says of a delivery: never anything of a person.

A line has the alert's short reference, its class, what happened, how many persons, how urgent it is, and the dates of the
obligation; with the reference the consul asks the originator by a safe way. Of the sections, nationalities are looked at and
persons counted, no more. Mail is read anywhere: no name, date of birth, document, place or account is ever put into a line.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from connectors.sdk import Delivery, Rejected
from connectors.sdk.terms import acknowledge_by_ms, caveats, keep_until_ms
from hub.model.delivery import Delivery as DeliveryRecord
from hub.model.obligation import ONWARD_AS_LABELLED, ONWARD_ASK, ONWARD_NONE

COUNTRY: Final = "CA"
NOT_OURS: Final = "not-about-nationals"
NOTHING_TO_TELL_BY: Final = "no-nationality"
SUBJECTS: Final = ("victim", "missing")
URGENT_HOURS: Final = 4
SOON_HOURS: Final = 24
MAX_CAVEATS: Final = 6

Words = Mapping[str, tuple[str, str]]
EVENTS: Final[Words] = {
    "new": ("NEW", "NOUVEAU"),
    "updated": ("UPDATED", "MIS À JOUR"),
    "withdrawal": ("WITHDRAWN", "RETIRÉ"),
    "request": ("REQUEST", "DEMANDE"),
    "feedback": ("FEEDBACK", "RETOUR"),
}
CLASSES: Final[Words] = {
    "victim-identified": ("presumed victim", "victime présumée"),
    "missing-person": ("missing person", "personne disparue"),
}
URGENCIES: Final[Words] = {
    "urgent": ("URGENT", "URGENT"),
    "soon": ("soon", "bientôt"),
    "routine": ("routine", "courant"),
}
ONWARD: Final[Words] = {
    ONWARD_NONE: ("do not pass on", "ne pas transmettre"),
    ONWARD_ASK: ("ask before passing on", "demander avant de transmettre"),
    ONWARD_AS_LABELLED: ("pass on as labelled", "transmettre selon le marquage"),
}
DELETE: Final = ("delete all that you hold of it", "supprimez tout ce que vous en conservez")
PART_WITHDRAWN: Final = ("part of it was withdrawn", "une partie en est retirée")
PERSONS: Final = ("person(s)", "personne(s)")
BY: Final = ("acknowledge by", "accuser réception avant le")
KEEP: Final = ("keep until", "conserver jusqu'au")
CAVEATS: Final = ("caveats", "réserves")


def reference(alert: uuid.UUID) -> str:
    """The alert's short reference: the end of its id, since the beginning is the time."""
    text = alert.hex[-8:].upper()
    return f"{text[:4]}-{text[4:]}"


def must_be_about_nationals(delivery: Delivery, known: bool = False) -> None:
    """Raises Rejected unless the release is of Canadian nationals, and of nobody who is another State's only.

    A release that tells nobody's nationality is one of them only if it is of an alert that was (`known`).
    """
    stated = [found for found in _nationalities(delivery).values() if found]
    if not stated and not known:
        raise Rejected(NOTHING_TO_TELL_BY)
    if not all(COUNTRY in each for each in stated):
        raise Rejected(NOT_OURS)


def line(delivery: Delivery, french: bool = False) -> str:
    """One line of the digest; with `french`, its labels in both languages."""
    record = delivery.record
    event = record.kind if record.kind != "release" else "new" if record.number <= 1 else "updated"
    parts = [_said(EVENTS[event], french)]
    if record.kind == "withdrawal":
        parts.append(_said(DELETE, french))
    elif record.kind == "release" and record.view is not None:
        core = record.view.core
        if core.label.exercise != "none":
            parts[0] = f"EXERCISE {parts[0]}"
        said = CLASSES.get(core.label.class_, (core.label.class_, core.label.class_))
        parts += [_said(said, french), f"{len(_nationalities(delivery))} {_said(PERSONS, french)}"]
        parts.append(core.originator)
        if record.withdrawn:
            parts.append(_said(PART_WITHDRAWN, french))
    parts += _terms(record, french)
    return f"[{reference(record.alert)}] " + "; ".join(parts)


def legend(words: Mapping[str, str]) -> str:
    """The caveats' words, for the end of every digest."""
    return "\n".join(f"{code}: {text}" for code, text in sorted(words.items()))


def _terms(record: DeliveryRecord, french: bool) -> list[str]:
    """Urgency and dates first: a line that grows too long is cut at its end."""
    obligation = record.obligation
    if obligation is None:
        return []
    hours = obligation.acknowledge_hours
    urgency = "routine" if hours is None or hours > SOON_HOURS else "urgent" if hours <= URGENT_HOURS else "soon"
    found = [_said(URGENCIES[urgency], french)]
    acknowledge_ms, keep_ms = acknowledge_by_ms(record), keep_until_ms(record)
    if acknowledge_ms is not None:
        found.append(f"{_said(BY, french)} {_moment(acknowledge_ms)[:16]} UTC")
    until = [*([_moment(keep_ms)[:10]] if keep_ms is not None else []), *obligation.keep_events]
    if until:
        found.append(f"{_said(KEEP, french)} {', '.join(until)}")
    found.append(_said(ONWARD.get(obligation.onward, (obligation.onward, obligation.onward)), french))
    codes = caveats(record)
    if codes:
        more = f" +{len(codes) - MAX_CAVEATS}" if len(codes) > MAX_CAVEATS else ""
        found.append(f"{_said(CAVEATS, french)} {' '.join(codes[:MAX_CAVEATS])}{more}")
    return found


def _nationalities(delivery: Delivery) -> dict[str, set[str]]:
    """The victims and missing persons of a release, with the nationalities that any section tells of each."""
    found: dict[str, set[str]] = {}
    for each in delivery.contents:
        person = getattr(each.content, "person", None)
        if person is not None and each.category.partition(".")[0] in SUBJECTS:
            found.setdefault(person, set()).update(getattr(each.content, "nationalities", ()))
    return found


def _said(words: tuple[str, str], french: bool) -> str:
    english, in_french = words
    return f"{english} / {in_french}" if french and english != in_french else english


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(sep=" ")
