"""One request, as a page sees it: who asks, in which language, with what form; and how it answers.

The house is what all requests share. Whether somebody may ask at all is doors.py's.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from hub.guidelines.bundle import Bundle
from hub.guidelines.language import Language
from hub.guidelines.terms import term
from hub.readmodel import queries
from hub.readmodel.database import writing
from hub.readmodel.results import NOBODY, HoldState, Reconciliation, Scope
from hub.readmodel.tables import Sample

from . import audit
from .access import Action, Person, may
from .cluster import Cluster
from .metrics import Metrics
from .people import People
from .sessions import Sessions, form_token
from .settings import ConsoleSettings
from .shown import Shown

_BESIDES: Final = re.compile(r" \(|, ")
LANGUAGES: Final[tuple[Language, ...]] = ("es", "en")
THEMES: Final = ("auto", "light", "dark")
RECORDER_SILENT_MS: Final = 3 * 60_000  # it looks far more often (readmodel/sampling.py)
Words = Mapping[str, Mapping[str, str]]


@cache
def words() -> Words:
    """The words file: key -> language -> text."""
    return tomllib.loads(files("hub.console").joinpath("words.toml").read_text(encoding="utf-8"))


class Strip(NamedTuple):
    """Does everything add up, what is held; `silent`: the recorder has not looked at the groups for long, so that what is
    shown is of `sampled_ms`."""

    sum: Reconciliation
    held: tuple[HoldState, ...]
    silent: bool
    sampled_ms: int | None


class NoSuchThing(Exception):
    """There is nothing of this name, or it does not exist for who asks: the answer is the same."""


class BadForm(Exception):
    """What was filled in cannot be used. `key`: the words that say why."""

    def __init__(self, key: str, **values: str) -> None:
        super().__init__(key)
        self.key, self.values = key, values


@dataclass(frozen=True)
class House:
    """What all requests share. `profile`: the local bundle that stands in while none was published; `port`: for Origin."""

    engine: Engine
    cluster: Cluster
    settings: ConsoleSettings
    people: People
    sessions: Sessions
    clock: Callable[[], int]
    port: int
    profile: Bundle | None = None
    metrics: Metrics = field(default_factory=Metrics)


def environment() -> Environment:
    made = Environment(
        loader=PackageLoader("hub.console"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(shown=as_text, capitalize_first=capitalized, term_of=_term_of, permitted_first=permitted_first)
    return made


def as_text(value: object) -> str:
    """A JSON value on one line, for people."""
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {as_text(each)}" for name, each in value.items() if each not in (None, [], "", {}))
    if isinstance(value, list):
        return ", ".join(as_text(each) for each in value)
    return str(value)


def permitted_first(each: Iterable[Any], field: str) -> list[Any]:
    """Who receives it before who does not; the order stays otherwise."""
    return sorted(each, key=lambda one: getattr(one, field) != "permitted")


def capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


@pass_context
def _term_of(context: Context, code: str, name: str) -> str:
    return str(context["term"](name, code))


@dataclass
class Ask:
    """`person` is None on the pages that are open to all. `form`: what was posted, each name's values."""

    house: House
    request: Request
    templates: Environment
    person: Person | None
    session: str
    language: Language
    theme: str
    now_ms: int
    form: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def who(self) -> Person:
        if self.person is None:
            raise AssertionError("a page of a person was reached by nobody")
        return self.person

    @property
    def address(self) -> str:
        """Whence it was asked, for limits on sign-in."""
        return self.request.client.host if self.request.client else "unknown"

    @cached_property
    def shown(self) -> Shown:
        return Shown(self.language, self.house.settings.zone, self.now_ms)

    def say(self, key: str, **values: object) -> str:
        return words()[key][self.language].format(**values)

    def knows(self, key: str) -> bool:
        return key in words()

    def given(self, name: str, limit: int = 200) -> str:
        """A posted value, or one of the address, cut to `limit` characters."""
        posted = self.form.get(name)
        value = posted[0] if posted else self.request.query_params.get(name, "")
        return value.strip()[:limit]

    def whole(self, name: str, limit: int) -> int | None:
        """A whole number from 0 to `limit` of the address, if it is one."""
        text = self.given(name, 20)
        return min(int(text), limit) if text.isascii() and text.isdigit() else None

    @property
    def scope(self) -> Scope:
        """Whose restricted alerts this person may know of."""
        person = self.person
        return Scope(frozenset({person.agency})) if person and person.role == "auditor" and person.agency else NOBODY

    def reading(self) -> AbstractContextManager[Connection]:
        return self.house.engine.connect()

    def writing(self) -> AbstractContextManager[Connection]:
        return writing(self.house.engine)

    def note(
        self, db: Connection, action: str, subject: str = "", detail: str = "", *, name: str = "", outcome: str = "done"
    ) -> None:
        """Writes to the audit log what was seen or done."""
        audit.note(db, self.now_ms, self.person, action, subject, detail, name=name, outcome=outcome)

    def noted(self, action: str, subject: str = "", detail: str = "") -> None:
        """The same, in a transaction of its own."""
        with self.writing() as db:
            self.note(db, action, subject, detail)

    def page(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        return HTMLResponse(self.rendered(template, **values), status)

    def rendered(self, template: str, **values: Any) -> str:
        return self.templates.get_template(template).render(**self._shared(), **values)

    def go(self, path: str, done: str = "", **values: str) -> Response:
        """To another page after something was done; `done`: which words it opens with."""
        query = urlencode({**({"done": done} if done else {}), **values})
        return RedirectResponse(f"{path}?{query}" if query else path, 303)

    def may(self, action: Action) -> bool:
        return self.person is not None and may(self.person, action)

    def agency_full(self, agency: str | None) -> str:
        """What the bundle calls an agency; its id if it is none of the bundle's."""
        bundle = self.house.cluster.bundle() or self.house.profile
        party = bundle.agency(agency) if bundle and agency else None
        return str(getattr(party.name, self.language)) if party else agency or ""

    def agency_name(self, agency: str | None) -> str:
        """The same without what stands in brackets or after a comma: for tables and sentences."""
        return _BESIDES.split(self.agency_full(agency), maxsplit=1)[0]

    def term(self, name: str, code: str) -> str:
        bundle = self.house.cluster.bundle() or self.house.profile
        return term(bundle, name, code, self.language) if bundle else code

    def strip(self) -> Strip | None:
        """What every page shows at its top. None if it cannot be read."""
        try:
            with self.reading() as db:
                sampled_ms = db.scalar(select(func.max(Sample.at_ms)))
                silent = sampled_ms is None or sampled_ms < self.now_ms - RECORDER_SILENT_MS
                return Strip(queries.reconciliation(db, self.now_ms), queries.holds(db), silent, sampled_ms)
        except SQLAlchemyError:
            return None

    def _shared(self) -> dict[str, Any]:
        shown = self.shown
        return {
            "ask": self,
            "t": self.say,
            "time": shown.time,
            "ago": shown.ago,
            "span": shown.span,
            "number": shown.number,
            "size": shown.size,
            "agency_name": self.agency_name,
            "agency_full": self.agency_full,
            "term": self.term,
            "may": self.may,
            "person": self.person,
            "language": self.language,
            "theme": self.theme,
            "token": form_token(self.session),
            "done": self._done(),
            "path": self.request.url.path,
        }

    def _done(self) -> str:
        key = f"done.{self.request.query_params.get('done', '')}"
        return self.say(key) if key in words() else ""
