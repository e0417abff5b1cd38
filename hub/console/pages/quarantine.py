"""Quarantine: what waits, by reason, each with its runbook; then replay or return, one or many, with a dry run first.

A record is never shown: the read model tells reason, field, size and place, and the router's own function the dry run.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final, NamedTuple, cast

from starlette.responses import Response

from hub.model.decision import QUARANTINE_REASONS
from hub.readmodel import queries

from ..ask import Ask, BadForm, NoSuchThing
from ..cluster import OrderKind, Place
from ..orders import DryRun, dry_run

PAGE: Final = 100
AT_ONCE: Final = 200  # records of one order
KINDS: Final = ("replay", "return")
MAX_WHY: Final = 400


def quarantine(ask: Ask) -> Response:
    """Reasons with how many wait; those of one agency, if one is named."""
    agency = ask.given("agency", 40)
    with ask.reading() as db:
        groups = queries.quarantine_groups(db)
    if agency:
        groups = tuple(each for each in groups if any(name == agency for name, _ in each.agencies))
    return ask.page("quarantine.html", groups=groups, agency=agency, advice=lambda reason: advice(ask, reason))


def reason(ask: Ask) -> Response:
    """The records that wait for one reason, to be chosen from."""
    code = _code(ask)
    with ask.reading() as db:
        page = queries.quarantine(db, code, ask.given("agency", 40) or None, True, ask.given("after") or None, PAGE)
    return ask.page("quarantine-reason.html", reason=code, page=page, advice=advice(ask, code))


def runbook_page(ask: Ask) -> Response:
    code = _code(ask)
    return ask.page("reason.html", reason=code, advice=advice(ask, code))


def _code(ask: Ask) -> str:
    code = str(ask.request.path_params["reason"])
    if code not in QUARANTINE_REASONS:
        raise NoSuchThing
    return code


class Tried(NamedTuple):
    place: str
    run: DryRun | None  # None: it is not there any more


def try_out(ask: Ask) -> Response:
    """The dry run: what would follow from the order. Nothing is sent."""
    kind, places = _kind(ask), _places(ask)
    waiting = ask.house.cluster.quarantined([_place(each) for each in places])
    bundle = ask.house.cluster.standing().bundle or ask.house.profile
    if bundle is None:
        raise BadForm("quarantine.no-bundle")
    cluster = ask.house.cluster
    tried = []
    for place in places:
        each = waiting.get(_place(place))
        run = dry_run(each, kind, bundle, cluster.ids, cluster.partitions, ask.now_ms) if each else None
        tried.append(Tried(place, run))
    ask.noted("quarantine.tried", _told(places), kind)
    sums = Counter(each.run.result if each.run else "gone" for each in tried)
    return ask.page("quarantine-dry-run.html", kind=kind, tried=tried, sums=sums, places=places)


def order(ask: Ask) -> Response:
    """Orders it, as often as it is asked: the router carries out each attempt once."""
    kind, places = _kind(ask), _places(ask)
    reason_given = ask.given("why", MAX_WHY)
    if not reason_given:
        raise BadForm("error.why-missing")
    if ask.given("tried") != "yes":
        raise BadForm("quarantine.try-first")
    waiting = ask.house.cluster.quarantined([_place(each) for each in places])
    if not waiting:
        raise BadForm("quarantine.gone")
    ask.house.cluster.order(list(waiting.values()), kind, ask.who.name, reason_given)
    with ask.writing() as db:
        for each in waiting.values():
            ask.note(db, f"quarantine.{kind}", f"{each.topic}/{each.partition}/{each.offset}", reason_given)
    return ask.go("/quarantine", f"quarantine.{kind}")


def _kind(ask: Ask) -> OrderKind:
    kind = ask.given("kind")
    if kind not in KINDS:
        raise BadForm("error.input")
    return cast(OrderKind, kind)


def _places(ask: Ask) -> list[str]:
    places = list(dict.fromkeys(ask.form.get("place", ())))
    if not places:
        raise BadForm("quarantine.none-chosen")
    if len(places) > AT_ONCE:
        raise BadForm("quarantine.too-many", count=str(AT_ONCE))
    return places


def _place(text: str) -> Place:
    match = re.fullmatch(r"([a-z0-9.-]{1,249})/([0-9]{1,9})/([0-9]{1,19})", text)
    if match is None:
        raise BadForm("error.input")
    return match[1], int(match[2]), int(match[3])


def _told(places: list[str]) -> str:
    return " ".join(places)[:490]


class Advice(NamedTuple):
    means: str
    step: str


def advice(ask: Ask, code: str) -> Advice:
    return Advice(ask.say(f"reason.{code}.means"), ask.say(f"reason.{code}.do"))
