"""A delivery as the STIX objects that SICA gets: circumstances, statistics, obligations; never a person. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pydantic import Secret

from connectors.formats.stix_write import Link, Originator, Outgoing, Part, Writable
from connectors.sdk import Content, Delivery
from connectors.sdk.terms import Words, terms
from hub.model import sections as say
from hub.model.core import Core

from . import words as labels
from .words import CLASS_NAMES, KINDS, Place

WRITTEN: Final = frozenset({"circumstances", "statistics", "handling"})
INCIDENT: Final = "i1"
_LINES: Final[Mapping[str, str]] = {
    "origin": "Origen",
    "transit": "Tránsito",
    "destination": "Destino",
    "act": "Acto",
    "means": "Medio",
    "exploitation": "Explotación",
    "indicators": "Indicadores",
}


def outgoing(delivery: Delivery, core: Core, revised_ms: int, words: Words) -> Outgoing:
    """The report with its parts. `revised_ms`: later than that of any earlier bundle of the alert."""
    facts = next((each.content for each in delivery.contents if isinstance(each.content, say.Circumstances)), None)
    name = CLASS_NAMES.get(core.label.class_, core.label.class_)
    places, links = _places(facts)
    notes = [*_notes(delivery.contents), _obligations(delivery, words)]
    text = "\n".join(_text(facts))
    return Outgoing(
        alert=str(delivery.alert),
        revision=core.revision,
        revised_ms=revised_ms,
        originator=Originator(core.originator, words.agency(core.originator, "es")),
        tlp=core.label.tlp,
        name=name,
        text=Secret(text) if text else None,
        labels=tuple(_labels(core, facts)),
        language="es",
        parts=(Part(INCIDENT, "incident", {"name": name}), *places, *notes),
        links=tuple(links),
    )


def left_out(delivery: Delivery) -> tuple[str, ...]:
    """The categories that were delivered and go no further."""
    return tuple(sorted({each.category for each in delivery.contents} - WRITTEN))


def _labels(core: Core, facts: say.Circumstances | None) -> Iterator[str]:
    if core.label.exercise != "none":
        yield core.label.exercise
    yield from labels.written(
        **{"class": (core.label.class_,)},
        act=facts.act if facts else (),
        means=facts.means if facts else (),
        exploitation=facts.exploitation if facts else (),
        indicator=facts.indicators if facts else (),
    )


def _places(facts: say.Circumstances | None) -> tuple[list[Part], list[Link]]:
    """A location for each country, and what people do there as relationships of the incident."""
    by_place: Mapping[Place, Sequence[str]] = (
        {"origin": facts.origin, "transit": facts.transit, "destination": facts.destination} if facts else {}
    )
    countries = sorted({country for each in by_place.values() for country in each})
    parts = [Part(f"l-{country.lower()}", "location", {"country": country}) for country in countries]
    links = [
        Link(INCIDENT, KINDS[place], f"l-{country.lower()}") for place, each in by_place.items() for country in each
    ]
    return parts, links


def _text(facts: say.Circumstances | None) -> Iterator[str]:
    for name, label in _LINES.items():
        if facts is not None and (codes := getattr(facts, name)):
            yield f"{label}: {', '.join(codes)}"


def _notes(contents: Sequence[Content]) -> Iterator[Part]:
    for number, each in enumerate(contents):
        match each.content:
            case say.HandlingWords(text=text):
                yield _note(f"n-handling-{number}", "Condiciones del originador", text)
            case say.Statistics() as statistics:
                title = f"Estadística {statistics.period} (umbral {statistics.threshold})"
                yield _note(f"n-statistics-{number}", title, "\n".join(map(_cell, statistics.cells)) or "-")


def _cell(cell: say.Cell) -> str:
    named = (cell.exploitation, cell.sex, cell.age_band, cell.country)
    count = "suprimido / suppressed" if cell.count is None else str(cell.count)
    return f"{' · '.join(each for each in named if each) or 'total'}: {count}"


def _obligations(delivery: Delivery, words: Words) -> Part:
    told = terms(delivery.record, words)
    text = "\n".join(["[es]", *(each.es for each in told), "[en]", *(each.en for each in told)])
    return _note("n-obligations", "Obligaciones / Obligations", text)


def _note(key: str, title: str, text: str) -> Part:
    properties: dict[str, Writable] = {"abstract": title, "content": text}
    return Part(key, "note", properties)
