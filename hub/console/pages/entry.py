"""Signing in and out, one's password, language and theme."""

from __future__ import annotations

import secrets

from starlette.responses import RedirectResponse, Response

from ..ask import LANGUAGES, THEMES, Ask, BadForm
from ..doors import LANGUAGE_COOKIE, PRE_COOKIE, cookie_name
from ..people import BadPerson
from ..sessions import ID_BYTES, end_all

YEAR_S = 31_536_000


def sign_in_form(ask: Ask) -> Response:
    if ask.person is not None:
        return ask.go("/now")
    chosen = ask.given("language", 2)
    if chosen in LANGUAGES:
        response: Response = RedirectResponse("/sign-in", 303)
        _cookie(ask, response, LANGUAGE_COOKIE, chosen, YEAR_S)
        return response
    return _form(ask, 200, "")


def _form(ask: Ask, status: int, trouble: str) -> Response:
    ask.session = ask.session or secrets.token_urlsafe(ID_BYTES)
    response = ask.page("sign-in.html", status, next=_inside(ask.given("next", 500)), trouble=trouble)
    _cookie(ask, response, PRE_COOKIE, ask.session)
    return response


def sign_in(ask: Ask) -> Response:
    """Wrong name and wrong password have one answer. A session always begins anew: an id known before is worth nothing."""
    house, name = ask.house, ask.given("name", 64)
    password = (ask.form.get("password") or ("",))[0]
    with ask.writing() as db:
        if house.people.too_often(db, name, ask.address, ask.now_ms):
            house.metrics.sign_ins.labels("limited").inc()
            return _form(ask, 429, "sign-in.limited")
        house.people.failed(db, name, ask.address, ask.now_ms)  # taken back if it succeeds: tries at once count, too
    with ask.reading() as db:
        person = house.people.signs_in(db, name, password)
    with ask.writing() as db:
        if person is None:
            house.metrics.sign_ins.labels("failed").inc()
            known = house.people.is_known(db, name)  # else it may be a password, typed into the wrong field
            ask.note(db, "session.refused", name=name if known else "", outcome="refused")
            return _form(ask, 401, "sign-in.wrong")
        house.people.succeeded(db, name, password, ask.address)
        house.sessions.end(db, ask.request.cookies.get(cookie_name(house), ""))
        ask.person = person
        session = house.sessions.begin(db, name, ask.now_ms)
        ask.note(db, "session.begun")
    house.metrics.sign_ins.labels("succeeded").inc()
    response = RedirectResponse(_inside(ask.given("next", 500)) or "/now", 303)
    _cookie(ask, response, cookie_name(house), session)
    response.delete_cookie(PRE_COOKIE, path="/")
    return response


def sign_out(ask: Ask) -> Response:
    with ask.writing() as db:
        ask.house.sessions.end(db, ask.session)
        ask.note(db, "session.ended")
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(cookie_name(ask.house), path="/", secure=ask.house.settings.secure, httponly=True)
    response.headers["clear-site-data"] = '"cache", "storage"'
    return response


def account(ask: Ask) -> Response:
    return ask.page("account.html", trouble="")


def change_password(ask: Ask) -> Response:
    """Ends every session of the person, this one too, and begins a new one."""
    house, name = ask.house, ask.who.name
    old, new, again = ((ask.form.get(each) or ("",))[0] for each in ("old", "new", "again"))
    with ask.reading() as db:
        right = not house.people.too_often(db, name, ask.address, ask.now_ms) and house.people.signs_in(db, name, old)
    if not right:
        with ask.writing() as db:
            house.people.failed(db, name, ask.address, ask.now_ms)
        return ask.page("account.html", 400, trouble="account.wrong")
    if new != again:
        return ask.page("account.html", 400, trouble="account.differ")
    try:
        with ask.writing() as db:
            house.people.change_password(db, name, new)
            end_all(db, name)
            session = house.sessions.begin(db, name, ask.now_ms)
            ask.note(db, "password.changed")
    except BadPerson:
        return ask.page("account.html", 400, trouble="account.weak")
    response = ask.go("/account", "password")
    _cookie(ask, response, cookie_name(house), session)
    return response


def prefer(ask: Ask) -> Response:
    language, theme = ask.given("language", 2), ask.given("theme", 5)
    chosen = {
        **({"language": language} if language in LANGUAGES else {}),
        **({"theme": theme} if theme in THEMES else {}),
    }
    if not chosen:
        raise BadForm("error.input")
    with ask.writing() as db:
        ask.house.people.prefer(db, ask.who.name, **chosen)
    response = RedirectResponse(_inside(ask.given("back", 500)) or "/account", 303)
    if "language" in chosen:
        _cookie(ask, response, LANGUAGE_COOKIE, chosen["language"], YEAR_S)
    return response


def _inside(path: str) -> str:
    """A path of this console, or nothing: never another site's address."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if plain else ""


def _cookie(ask: Ask, response: Response, name: str, value: str, max_age_s: int | None = None) -> None:
    response.set_cookie(
        name, value, max_age=max_age_s, path="/", secure=ask.house.settings.secure, httponly=True, samesite="strict"
    )
