"""The way to a page: who asks (session), may he (role), did he mean it (origin, token); then the page, in a thread.

One table of doors in app.py says which page needs what; nothing is reachable without a row in it. Failures end here in a
page with words: an exception's text may hold anything, so it is neither shown nor logged.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import quote

import structlog
from jinja2 import Environment
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from hub.guidelines.language import Language
from hub.readmodel.database import writing
from hub.readmodel.waiting import BadPage

from .access import Action, Person
from .ask import LANGUAGES, THEMES, Ask, BadForm, House, NoSuchThing
from .cluster import Unreachable
from .sessions import is_form_token

log = structlog.get_logger()

SIGN_IN: Final = "/sign-in"
PRE_COOKIE: Final = "enlace-form"  # whoever has not signed in: holds the sign-in form's token
LANGUAGE_COOKIE: Final = "enlace-language"
MAX_FIELDS: Final = 1_000
SORRY: Final = "La consola no puede responder. / The console cannot answer.\n"
Page = Callable[[Ask], Response]


@dataclass(frozen=True)
class Door:
    """`action`: what the person must be allowed to do; None: open to all. `touch`: a request counts as a use of the
    session. `checked`: a POST must carry the form's token and come from our own origin."""

    path: str
    page: Page
    action: Action | None
    method: Literal["GET", "POST"] = "GET"
    touch: bool = True

    def route(self, house: House, templates: Environment) -> Route:
        async def answer(request: Request) -> Response:
            return await _through(self, house, templates, request)

        return Route(self.path, answer, methods=[self.method], name=f"{self.method} {self.path}")


def cookie_name(house: House) -> str:
    """With the prefix that binds a cookie to this host and to TLS (RFC 6265bis), where there is TLS."""
    return "__Host-enlace" if house.settings.secure else "enlace"


async def _through(door: Door, house: House, templates: Environment, request: Request) -> Response:
    began_s = time.perf_counter()
    try:
        response = await _answered(door, house, templates, request)
    except HTTPException:
        raise
    except Exception as error:  # not even the page that says so could be made; a server would print what was raised
        _report(error)
        response = PlainTextResponse(SORRY, 500)
    house.metrics.requests.labels(door.path, str(response.status_code)).inc()
    house.metrics.seconds.labels(door.path).observe(time.perf_counter() - began_s)
    return response


async def _answered(door: Door, house: House, templates: Environment, request: Request) -> Response:
    try:
        ask = await run_in_threadpool(_ask, door, house, templates, request)
    except SQLAlchemyError as error:
        _report(error)
        return nobody(house, templates, request).page("error.html", 503, kind="database")
    if door.action is not None and ask.person is None:
        if door.method == "POST":
            return RedirectResponse(SIGN_IN, 303)
        return RedirectResponse(f"{SIGN_IN}?next={quote(_wanted(request), safe='')}", 303)
    if door.method == "POST":
        form = await request.form(max_files=0, max_fields=MAX_FIELDS)
        ask.form = {name: tuple(str(value) for value in form.getlist(name)) for name in form}
        if why := _forged(ask):
            house.metrics.refused.labels(why).inc()
            return ask.page("error.html", 403, kind="form")
    if door.action is not None and not ask.may(door.action):
        house.metrics.refused.labels("role").inc()
        await run_in_threadpool(_note_refusal, ask, door)
        return ask.page("error.html", 403, kind="role")
    return await run_in_threadpool(_page, door, ask)


def _page(door: Door, ask: Ask) -> Response:
    try:
        return door.page(ask)
    except NoSuchThing:
        return ask.page("error.html", 404, kind="nothing")
    except BadForm as bad:
        return ask.page("error.html", 400, kind="input", said=ask.say(bad.key, **bad.values))
    except BadPage:
        return ask.page("error.html", 400, kind="input")
    except Unreachable as error:
        _report(error)
        return ask.page("error.html", 503, kind="cluster")
    except SQLAlchemyError as error:
        _report(error)
        return ask.page("error.html", 503, kind="database")
    except Exception as error:  # whatever it is, its text may hold a value: only its class and place are kept
        _report(error)
        return ask.page("error.html", 500, kind="fault")


def _report(error: Exception) -> None:
    places = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-4:]]
    log.error("console.failed", error=type(error).__name__, where=" < ".join(reversed(places)))


def _ask(door: Door, house: House, templates: Environment, request: Request) -> Ask:
    session = request.cookies.get(cookie_name(house), "")
    now_ms = house.clock()
    person = None
    if session:
        with house.engine.connect() as db:
            found = house.sessions.find(db, session, now_ms)
            person = house.people.find(db, found.name) if found else None
        if person and found and found.stale and door.touch:
            with writing(house.engine) as db:
                house.sessions.touch(db, session, now_ms)
    if person is None:
        session = request.cookies.get(PRE_COOKIE, "")
    return Ask(
        house=house,
        request=request,
        templates=templates,
        person=person,
        session=session,
        language=language_of(person, request.cookies, request.headers.get("accept-language", "")),
        theme=person.theme if person and person.theme in THEMES else "auto",
        now_ms=now_ms,
    )


def nobody(house: House, templates: Environment, request: Request) -> Ask:
    """Somebody of whom nothing is known: for pages that say that something went wrong."""
    language = language_of(None, request.cookies, request.headers.get("accept-language", ""))
    return Ask(house, request, templates, None, "", language, "auto", house.clock())


def language_of(person: Person | None, cookies: Mapping[str, str], accepted: str) -> Language:
    """What the person chose, else what was chosen here, else what the browser asks for (RFC 9110, 12.5.4), else Spanish."""
    for chosen in (person.language if person else None, cookies.get(LANGUAGE_COOKIE)):
        for language in LANGUAGES:
            if chosen == language:
                return language
    wanted = []
    for part in accepted[:200].split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((float(weight or 1), tag[:2].lower()))
        except ValueError:
            continue
    for _, tag in sorted(wanted, key=lambda each: -each[0]):
        for language in LANGUAGES:
            if tag == language:
                return language
    return "es"


def _wanted(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{request.url.path}{query}"[:500]


def _forged(ask: Ask) -> str | None:
    """Why this form did not come from a page of ours, if it did not."""
    headers = ask.request.headers
    if headers.get("origin") not in own_origins(ask.house):
        return "origin"
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return "origin"
    if not ask.session or not is_form_token(ask.given("token"), ask.session):
        return "token"
    return None


def own_origins(house: House) -> frozenset[str]:
    if house.settings.origin:
        return frozenset({house.settings.origin})
    scheme = "https" if house.settings.tls else "http"
    return frozenset(f"{scheme}://{host}" for host in house.settings.hosts(house.port))


def _note_refusal(ask: Ask, door: Door) -> None:
    with ask.writing() as db:
        ask.note(db, "page.refused", f"{door.method} {door.path}", outcome="refused")
