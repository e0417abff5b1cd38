"""Guidelines: the bundle as its parties read and sign it, its history, what differs between two, findings, a preview.

A preview takes attributes, categories and an originator: codes only, no person's data can be entered.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from markdown_it import MarkdownIt
from markupsafe import Markup, escape
from pydantic import ValidationError
from starlette.responses import Response

from hub.guidelines.analyse import analyse
from hub.guidelines.bundle import Bundle
from hub.guidelines.cases import Case, alert_of
from hub.guidelines.changes import Difference
from hub.guidelines.changes import diff as compare_bundles
from hub.guidelines.explain import explain
from hub.guidelines.findings import Finding
from hub.guidelines.language import Language
from hub.guidelines.outcome import UnknownValue
from hub.guidelines.render import to_markdown
from hub.model.codes import CLASSES, PURPOSES
from hub.readmodel import queries

from ..ask import Ask, BadForm, NoSuchThing
from ..bundles import bundle_of
from ..cluster import Unreachable

STEPS: Final = 400_000  # boxes: a page must answer; the command looks further
TLP: Final = ("CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED")
MINOR: Final = ("unknown", "yes", "no")
CONSENT: Final = ("unknown", "given", "withheld", "not-applicable")
LISTS: Final = ("nationality", "origin", "transit", "destination", "releasable_to")


def in_force(ask: Ask) -> Response:
    """The document of what is in force."""
    serial, bundle = _in_force(ask)
    return ask.page("guidelines.html", serial=serial, bundle=bundle, document=_document(bundle, ask.language, serial))


def one(ask: Ask) -> Response:
    """The document of an earlier bundle."""
    digest = str(ask.request.path_params["digest"])
    bundle = _bundle(ask, digest)
    with ask.reading() as db:
        serial = next((each.serial for each in queries.bundles(db) if each.digest == bundle.name), None)
    return ask.page("guidelines.html", serial=serial, bundle=bundle, document=_document(bundle, ask.language, serial))


def history(ask: Ask) -> Response:
    with ask.reading() as db:
        bundles = queries.bundles(db)
    try:
        refused = [each for each in ask.house.cluster.standing().history if each.refused]
    except Unreachable:
        refused = []
    return ask.page("guidelines-history.html", bundles=bundles, refused=refused)


def compare(ask: Ask) -> Response:
    """What differs from today on: who now also receives what, who no longer."""
    with ask.reading() as db:
        bundles = queries.bundles(db)
    old, new = ask.given("old", 64), ask.given("new", 64)
    found = None
    if old and new:
        found = _difference(_bundle(ask, old), _bundle(ask, new), _today(ask))
    return ask.page("guidelines-compare.html", bundles=bundles, old=old, new=new, found=found)


def findings(ask: Ask) -> Response:
    _, bundle = _in_force(ask)
    return ask.page("guidelines-findings.html", findings=_findings(bundle, _today(ask)), bundle=bundle)


def preview(ask: Ask) -> Response:
    """Who would receive an alert with these attributes, and why the others would not. Nothing is sent."""
    _, bundle = _in_force(ask)
    given = _given(ask)
    explained = None
    if given["originator"]:
        explained = _explained(ask, bundle, given)
        ask.noted("guidelines.previewed", given["class"], given["originator"])
    return ask.page(
        "guidelines-preview.html",
        bundle=bundle,
        given=given,
        explained=explained,
        classes=CLASSES,
        purposes=PURPOSES,
        categories=bundle.vocabularies["category"],
        tlp=TLP,
        minor=MINOR,
        consent=CONSENT,
        lists=LISTS,
    )


def _given(ask: Ask) -> dict[str, Any]:
    query = ask.request.query_params
    return {
        "originator": ask.given("originator", 40),
        "class": ask.given("class", 64) or CLASSES[0],
        "tlp": ask.given("tlp", 20) or "AMBER",
        "minor": ask.given("minor", 20) or "no",
        "consent": ask.given("consent", 20) or "unknown",
        "purposes": [each[:64] for each in query.getlist("purposes")][:50],
        "sections": [each[:64] for each in query.getlist("sections")][:50],
        **{name: ask.given(name, 200) for name in LISTS},
    }


def _explained(ask: Ask, bundle: Bundle, given: dict[str, Any]) -> list[Any]:
    lists = {name: given[name].replace(",", " ").split() for name in LISTS}
    shaped = {
        name: [each.upper() if name != "releasable_to" else each for each in words] for name, words in lists.items()
    }
    fields = {name: value for name, value in given.items() if name not in LISTS and value}
    case = {
        "id": "preview",
        "title": {"es": "-", "en": "-"},
        "alert": {"victims": 1, **fields, **{name: words for name, words in shaped.items() if words}},
        "on": datetime.fromtimestamp(ask.now_ms / 1_000, UTC).date(),
        "receives": {},
        "because": {"es": "-", "en": "-"},
    }
    try:
        routing, core, categories, now_ms = alert_of(Case.model_validate(case))
        return [
            explain(routing, core, categories, bundle, now_ms, agency.id, ask.language) for agency in bundle.agencies
        ]
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        raise BadForm("preview.bad", field=".".join(str(part) for part in first["loc"])) from None
    except UnknownValue as unknown:
        raise BadForm("preview.unknown", field=unknown.field) from None


def _in_force(ask: Ask) -> tuple[int | None, Bundle]:
    """As it stands on the topic; as the read model has it if the cluster is away; else the local profile."""
    try:
        standing = ask.house.cluster.standing()
        if standing.bundle is not None:
            return standing.serial, standing.bundle
    except Unreachable:
        with ask.reading() as db:
            entry = next((each for each in queries.bundles(db) if each.in_force), None)
        if entry is not None:
            return entry.serial, _bundle(ask, entry.digest)
    if ask.house.profile is None:
        raise BadForm("guidelines.none")
    return None, ask.house.profile


def _bundle(ask: Ask, digest: str) -> Bundle:
    bundle = bundle_of(ask, digest)
    if bundle is None:
        raise NoSuchThing
    return bundle


def _today(ask: Ask) -> str:
    return ask.shown.moment(ask.now_ms).date().isoformat()


def _day(text: str) -> Any:
    return datetime.fromisoformat(text).date()


_KEPT: dict[str, tuple[Finding, ...]] = {}


def _findings(bundle: Bundle, today: str) -> tuple[Finding, ...]:
    """Worked out once a day for a bundle: it takes seconds."""
    key = f"{bundle.name} {today}"
    if key not in _KEPT:
        _KEPT.clear()
        _KEPT[key] = analyse(bundle, _day(today), STEPS, STEPS)
    return _KEPT[key]


def _difference(old: Bundle, new: Bundle, today: str) -> Difference:
    return compare_bundles(old, new, _day(today), STEPS)


_DOCUMENTS: dict[tuple[str, Language, int | None], Markup] = {}
KEPT: Final = 16


def _document(bundle: Bundle, language: Language, serial: int | None) -> Markup:
    """The bundle's own words are data in it (render.py): nothing in them is markup, and `js-default` takes no HTML."""
    key = (bundle.name, language, serial)
    if key not in _DOCUMENTS:
        if len(_DOCUMENTS) >= KEPT:
            _DOCUMENTS.clear()
        text = to_markdown(bundle, language, serial)
        _DOCUMENTS[key] = _anchored(
            MarkdownIt("js-default", {"linkify": False, "typographer": False}).render(text), bundle
        )
    return _DOCUMENTS[key]


def _anchored(document: str, bundle: Bundle) -> Markup:
    """Each article can be linked to by its guideline's id."""
    lines = document.split("\n")
    for at, line in enumerate(lines):
        if line.startswith("<h3>"):
            identifier = next((each.id for each in bundle.guidelines if f"({each.id})." in line), None)
            if identifier:
                lines[at] = line.replace("<h3>", f'<h3 id="{escape(identifier)}">', 1)
    return Markup("\n".join(lines))  # noqa: S704
