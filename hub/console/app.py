"""The web console: one table of doors says which page needs what, and nothing else is reachable."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from .ask import House, environment
from .doors import Door, nobody
from .guard import Guard
from .pages import agencies, alerts, auditing, entry, guidelines, health, now, quarantine, topics


def home(_ask: object) -> Response:
    return RedirectResponse("/now", 303)


DOORS: Final[tuple[Door, ...]] = (
    Door("/", home, "see-now"),
    Door("/now", now.now, "see-now"),
    Door("/now/stream", now.stream, "see-now", touch=False),
    Door("/handover", now.handover, "see-now"),
    Door("/topics", topics.topics, "see-topics"),
    Door("/topics/{topic}", topics.topic, "see-topics"),
    Door("/topics/{topic}/records", topics.records, "browse-records"),
    Door("/alerts", alerts.search, "see-alerts"),
    Door("/alerts/{id}", alerts.alert, "see-alerts"),
    Door("/alerts/{id}/why", alerts.why, "explain"),
    Door("/quarantine", quarantine.quarantine, "see-quarantine"),
    Door("/quarantine/dry-run", quarantine.try_out, "order-quarantine", "POST"),
    Door("/quarantine/order", quarantine.order, "order-quarantine", "POST"),
    Door("/quarantine/{reason}", quarantine.reason, "see-quarantine"),
    Door("/reasons/{reason}", quarantine.runbook_page, "see-quarantine"),
    Door("/guidelines", guidelines.in_force, "see-guidelines"),
    Door("/guidelines/history", guidelines.history, "see-guidelines"),
    Door("/guidelines/compare", guidelines.compare, "see-guidelines"),
    Door("/guidelines/findings", guidelines.findings, "see-guidelines"),
    Door("/guidelines/preview", guidelines.preview, "preview"),
    Door("/guidelines/{digest}", guidelines.one, "see-guidelines"),
    Door("/agencies", agencies.agencies, "see-agencies"),
    Door("/agencies/{agency}", agencies.agency, "see-agencies"),
    Door("/holds", agencies.list_holds, "see-agencies"),
    Door("/holds/new", agencies.new_hold, "set-hold"),
    Door("/holds/set", agencies.set_hold, "set-hold", "POST"),
    Door("/holds/lift", agencies.lift_hold, "lift-hold", "POST"),
    Door("/audit", auditing.log, "see-audit"),
    Door("/audit/delivery", auditing.recompute, "recompute"),
    Door("/audit/export", auditing.export, "export"),
    Door("/account", entry.account, "own-account"),
    Door("/account/password", entry.change_password, "own-account", "POST"),
    Door("/account/preferences", entry.prefer, "own-account", "POST"),
    Door("/sign-out", entry.sign_out, "own-account", "POST"),
    Door("/sign-in", entry.sign_in_form, None),
    Door("/sign-in", entry.sign_in, None, "POST"),
    Door("/health", health.health, None, touch=False),
    Door("/ready", health.ready, None, touch=False),
    Door("/metrics", health.metrics, None, touch=False),
)


def create_app(house: House) -> Starlette:
    """The application. Everything that it needs is in the house."""
    templates = environment()
    static = StaticFiles(directory=str(files("hub.console").joinpath("static")))

    async def no_page(request: Request, _error: Exception) -> Response:
        return nobody(house, templates, request).page("error.html", 404, kind="nothing")

    async def no_method(request: Request, _error: Exception) -> Response:
        return nobody(house, templates, request).page("error.html", 405, kind="nothing")

    return Starlette(
        routes=[*(door.route(house, templates) for door in DOORS), Mount("/static", static)],
        middleware=[
            Middleware(
                Guard,
                hosts=house.settings.hosts(house.port),
                secure=house.settings.secure,
                proxied=bool(house.settings.trusted_proxy),
                metrics=house.metrics,
            )
        ],
        exception_handlers={404: no_page, 405: no_method},
    )
