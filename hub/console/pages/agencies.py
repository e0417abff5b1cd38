"""Agencies and their connectors; holds: one person sets one, two lift it."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from hub.guidelines import holds
from hub.readmodel import queries
from hub.readmodel.results import HoldState

from ..ask import Ask, BadForm, NoSuchThing
from ..cluster import UnknownAgency
from .now import scope_words

MAX_WHY: Final = 400


def agencies(ask: Ask) -> Response:
    with ask.reading() as db:
        found = queries.now(db, ask.scope, ask.now_ms)
    bundle = ask.house.cluster.bundle() or ask.house.profile
    return ask.page("agencies.html", found=found, bundle=bundle)


def agency(ask: Ask) -> Response:
    name = str(ask.request.path_params["agency"])
    with ask.reading() as db:
        found = queries.agency_detail(db, ask.scope, name, ask.now_ms)
    bundle = ask.house.cluster.bundle() or ask.house.profile
    party = bundle.agency(name) if bundle else None
    if found is None and party is None:
        raise NoSuchThing
    return ask.page(
        "agency.html", agency=name, found=found, party=party, scope_words=lambda scope: scope_words(ask, scope)
    )


def list_holds(ask: Ask) -> Response:
    """As they stand on the bus, not as they were recorded: who lifts must see the truth."""
    standing = ask.house.cluster.standing()
    rows = [
        HoldState(
            scope,
            order.state if order else "unclear",
            order.why if order else "",
            order.set_by if order else "",
            order.set_ms if order else 0,
            order.asked_by if order else None,
            order.asked_ms if order else None,
        )
        for scope, order in standing.holds.items()
    ]
    return ask.page(
        "holds.html",
        holds=rows,
        owed=ask.house.cluster.owed(),
        scope_words=lambda scope: scope_words(ask, scope),
    )


def new_hold(ask: Ask) -> Response:
    bundle = ask.house.cluster.bundle() or ask.house.profile
    chosen = ask.given("agency", 40)
    return ask.page("hold-new.html", agencies=bundle.agencies if bundle else (), chosen=chosen)


def set_hold(ask: Ask) -> Response:
    kind, agency_id, why = ask.given("kind", 20), ask.given("agency", 40), ask.given("why", MAX_WHY)
    scope = holds.EVERYTHING if kind == holds.EVERYTHING else f"{kind}/{agency_id}"
    if not holds.is_scope(scope):
        raise BadForm("hold.no-scope")
    if not why:
        raise BadForm("error.why-missing")
    try:
        ask.house.cluster.set_hold(scope, ask.who.name, why)
    except UnknownAgency:
        raise BadForm("hold.no-scope") from None
    ask.noted("hold.set", scope, why)
    return ask.go("/holds", "hold.set")


def lift_hold(ask: Ask) -> Response:
    """The first person asks, a second one confirms: the same person twice changes nothing."""
    scope = ask.given("scope", 60)
    if not holds.is_scope(scope):
        raise BadForm("error.input")
    try:
        lifted = ask.house.cluster.lift_hold(scope, ask.who.name)
    except holds.NoHold:
        raise BadForm("hold.none") from None
    except holds.SamePerson:
        raise BadForm("hold.same-person") from None
    ask.noted("hold.asked" if lifted == "asked" else "hold.lifted", scope)
    return ask.go("/holds", f"hold.{lifted}")
