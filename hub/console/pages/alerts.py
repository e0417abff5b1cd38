"""Alerts: searched by what decides, one alert's life as a timeline, and why somebody did or did not receive it.

What an alert contains is on no page. Each look is logged. An alert that does not exist for who asks is not found, like one
that does not exist.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from hub.guidelines.bundle import Bundle
from hub.guidelines.explain import Explanation, NoSuchAgency, explain
from hub.guidelines.outcome import UnknownValue
from hub.guidelines.terms import country
from hub.model.avro import Undecodable, decode_as, unframe
from hub.model.codes import CLASSES
from hub.model.decision import Decision
from hub.readmodel import queries
from hub.readmodel.results import ALERT_STATES, RESTRICTED_CLASS, AlertLife, DecisionEntry, Wanted

from ..ask import Ask, BadForm, NoSuchThing
from ..audit import alert_id
from ..bundles import bundle_of
from .now import local_ms

PAGE: Final = 50
MAX_COUNTRY: Final = 2


def search(ask: Ask) -> Response:
    """By id, agency, class, country, state and time; newest first. An id that is found leads to its alert."""
    wanted = _wanted(ask)
    with ask.reading() as db:
        found = queries.search(db, ask.scope, wanted, ask.given("after") or None, PAGE)
        agencies = queries.agencies_known(db)
    if wanted.alert is not None and len(found.alerts) == 1:
        return ask.go(f"/alerts/{wanted.alert}")
    criteria = {name: value for name in FIELDS if (value := ask.given(name))}
    if criteria:
        told = " ".join(f"{name}={value}" for name, value in criteria.items() if name != "id")
        ask.noted("alert.searched", "", told)
    classes = [each for each in CLASSES if each != RESTRICTED_CLASS or ask.scope.agencies]
    return ask.page(
        "alerts.html", found=found, agencies=agencies, classes=classes, states=ALERT_STATES, criteria=criteria
    )


FIELDS: Final = ("id", "agency", "class", "country", "state", "from", "until")


def _wanted(ask: Ask) -> Wanted:
    given = {name: ask.given(name, 64) for name in FIELDS}
    identifier = alert_id(given["id"]) if given["id"] else None
    if given["id"] and identifier is None:
        raise BadForm("alerts.bad-id")
    zone, state = ask.house.settings.zone, given["state"]
    return Wanted(
        alert=identifier,
        agency=given["agency"] or None,
        alert_class=given["class"] or None,
        country=given["country"].upper()[:MAX_COUNTRY] or None,
        state=next((each for each in ALERT_STATES if each == state), None),
        from_ms=local_ms(given["from"], zone) if given["from"] else None,
        until_ms=local_ms(given["until"], zone) if given["until"] else None,
    )


def alert(ask: Ask) -> Response:
    life = _life(ask)
    ask.noted("alert.seen", str(life.alert.id))
    last = life.decisions[-1] if life.decisions else None
    return ask.page(
        "alert.html",
        life=life,
        alert=life.alert,
        last=last,
        events=[(type(each).__name__, each) for each in life.events()],
        country=lambda code: country(code, ask.language),
    )


def why(ask: Ask) -> Response:
    """Why an agency received this or not, by one decision, as a sentence with the guidelines linked."""
    life = _life(ask)
    entry = _entry(life, ask.given("place", 40))
    agency = ask.given("agency", 40)
    ask.noted("alert.explained", str(life.alert.id), agency)
    bundle = bundle_of(ask, entry.bundle)
    explained, trouble = None, ""
    try:
        explained = _explained(ask, entry, bundle, agency)
    except NoSuchAgency:
        trouble = "why.no-such-agency"
    except _Gone:
        trouble = "why.gone"
    return ask.page(
        "why.html", life=life, alert=life.alert, entry=entry, agency=agency, explained=explained, trouble=trouble,
        bundle=bundle,
    )  # fmt: skip


class _Gone(Exception):
    """The decision's record or its bundle is not kept any more, or does not say what was recorded."""


def _life(ask: Ask) -> AlertLife:
    identifier = alert_id(str(ask.request.path_params["id"]))
    if identifier is None:
        raise NoSuchThing
    with ask.reading() as db:
        life = queries.alert_life(db, ask.scope, identifier)
    if life is None:
        raise NoSuchThing
    return life


def _entry(life: AlertLife, place: str) -> DecisionEntry:
    """The decision at partition/offset; the newest that decided if none is named."""
    for entry in reversed(life.decisions):
        if place == f"{entry.place[0]}/{entry.place[1]}" or (not place and entry.verdicts):
            return entry
    raise NoSuchThing


def _explained(ask: Ask, entry: DecisionEntry, bundle: Bundle | None, agency: str) -> Explanation:
    if bundle is None:
        raise _Gone
    decision = decision_at(ask, entry.place)
    if decision is None or decision.core.revision != entry.revision:
        raise _Gone
    present = sorted({each.category for each in decision.present})
    try:
        return explain(decision.routing, decision.core, present, bundle, decision.decided_ms, agency, ask.language)
    except UnknownValue:
        raise _Gone from None


def decision_at(ask: Ask, place: tuple[int, int]) -> Decision | None:
    """The decision's whole record, from the topic where it stands."""
    partition, offset = place
    for record in ask.house.cluster.records("decisions", partition, offset, 1):
        if record.offset == offset and record.value is not None:
            try:
                return decode_as(Decision, unframe(record.value)[1])
            except Undecodable:
                return None
    return None
