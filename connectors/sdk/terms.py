"""What a delivery obliges its recipient to: dates in place of hours and days, and sentences that officers read, in Spanish and
English.

The words of caveats, events and channels, and the names of agencies, are the profile's (its YAML files); without a profile
the codes stand in their place. Nothing here knows how the sentences are shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from hub.model.base import to_rfc3339
from hub.model.compose import DAY_MS
from hub.model.core import Core
from hub.model.delivery import Delivery
from hub.model.obligation import ONWARD_AS_LABELLED, ONWARD_ASK, ONWARD_NONE, Obligation
from hub.model.text import to_json

Language = Literal["es", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("es", "en")
Both = Mapping[str, str]
MAX_FILE_BYTES: Final = 1_000_000
HOUR_MS: Final = 3_600_000

_TLP: Final[Mapping[str, Both]] = {
    "RED": {"es": "TLP:RED. Solo para las personas a las que se dirige.", "en": "TLP:RED. For the named persons only."},
    "AMBER+STRICT": {
        "es": "TLP:AMBER+STRICT. Solo dentro de su organización, para quien necesite conocerlo.",
        "en": "TLP:AMBER+STRICT. Inside your organisation only, need to know.",
    },
    "AMBER": {
        "es": "TLP:AMBER. Solo dentro de su organización y para aquellos a quienes sirve.",
        "en": "TLP:AMBER. Inside your organisation and those whom it serves.",
    },
    "GREEN": {
        "es": "TLP:GREEN. Dentro de la comunidad; no por canales públicos.",
        "en": "TLP:GREEN. Inside the community; not by public channels.",
    },
    "CLEAR": {"es": "TLP:CLEAR. Sin límite de difusión.", "en": "TLP:CLEAR. No limit on disclosure."},
}
_HANDLING: Final[Mapping[str, Both]] = {
    "H1": {
        "es": "H1. No se revele en un proceso judicial sin permiso del originador, salvo lo que exculpe.",
        "en": "H1. Not to be disclosed in court without the originator's permission, except what exculpates.",
    },
    "H2": {
        "es": "H2. No se difunda sin permiso del originador.",
        "en": "H2. Not to be disseminated without the originator's permission.",
    },
    "H3": {
        "es": "H3. Lea las palabras del originador antes de actuar.",
        "en": "H3. Read the originator's words before acting.",
    },
}
_DUTY: Final[Mapping[str, Both]] = {
    "acknowledge": {"es": "Acuse recibo antes de {value}.", "en": "Acknowledge receipt before {value}."},
    "keep-days": {"es": "Conserve como máximo hasta el {value}.", "en": "Keep until {value} at the latest."},
    "keep-event": {"es": "Conserve solo hasta: {value}.", "en": "Keep only until: {value}."},
    "review": {
        "es": "Revise cada {value} días si aún es necesario.",
        "en": "Review every {value} days whether it is still needed.",
    },
    ONWARD_NONE: {"es": "No lo transmita a nadie.", "en": "Pass it on to nobody."},
    ONWARD_ASK: {
        "es": "Pida permiso al originador antes de transmitirlo.",
        "en": "Ask the originator before passing it on.",
    },
    "onward": {"es": "Transmítalo {value}, y de ningún otro modo.", "en": "Pass it on {value}, and in no other way."},
    "onward-to": {"es": "Puede circular entre: {value}.", "en": "It may circulate among: {value}."},
    "withdrawn": {
        "es": "Suprima lo que recibió antes de estas categorías: {value}.",
        "en": "Delete what you received before of these categories: {value}.",
    },
    "exercise": {"es": "EJERCICIO. Nada de lo que contiene es real.", "en": "EXERCISE. Nothing in it is real."},
}


class BadProfile(ValueError):
    """A file of the profile cannot be used. One line, with its name."""


@dataclass(frozen=True)
class Words:
    """A profile's words by code: `words.caveats["C1"]["es"]`. What is missing is shown by its code."""

    agencies: Mapping[str, Both] = field(default_factory=dict)
    caveats: Mapping[str, Both] = field(default_factory=dict)
    events: Mapping[str, Both] = field(default_factory=dict)
    channels: Mapping[str, Both] = field(default_factory=dict)

    def agency(self, agency: str, language: Language) -> str:
        return self.agencies.get(agency, {}).get(language, agency)


@dataclass(frozen=True)
class Term:
    """One thing that a recipient is told: its code, and the sentence in both languages."""

    code: str
    es: str
    en: str


def load_words(profile: Path | None) -> Words:
    """The words of a profile's folder (agencies.yaml, caveats.yaml, vocabularies.yaml). Raises BadProfile."""
    if profile is None:
        return Words()
    vocabularies = _read(profile / "vocabularies.yaml").get("vocabularies") or {}
    return Words(
        agencies=_both(_read(profile / "agencies.yaml").get("agencies"), "name", "agencies.yaml"),
        caveats=_both(_read(profile / "caveats.yaml").get("caveats"), "text", "caveats.yaml"),
        events=_both(vocabularies.get("event"), "text", "vocabularies.yaml"),
        channels=_both(vocabularies.get("channel"), "text", "vocabularies.yaml"),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BadProfile(f"{path.name}: larger than {MAX_FILE_BYTES} bytes")
        found = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise BadProfile(f"{path.name}: cannot be read ({type(error).__name__})") from None
    if not isinstance(found, dict):
        raise BadProfile(f"{path.name}: not a file of a profile")
    return found


def _both(items: Any, name: str, file: str) -> dict[str, Both]:
    try:
        return {str(item["id"]): {each: str(item[name][each]) for each in LANGUAGES} for item in items or ()}
    except (KeyError, TypeError):
        raise BadProfile(f"{file}: an entry lacks its id, or {name} in Spanish or English") from None


def acknowledge_by_ms(delivery: Delivery) -> int | None:
    """Until when the delivery is to be acknowledged, if it is."""
    hours = delivery.obligation.acknowledge_hours if delivery.obligation else None
    return delivery.decided_ms + hours * HOUR_MS if hours else None


def keep_until_ms(delivery: Delivery) -> int | None:
    """Until when what was delivered may be kept, if a number of days says so."""
    days = delivery.obligation.keep_days if delivery.obligation else None
    return delivery.decided_ms + days * DAY_MS if days else None


def review_by_ms(delivery: Delivery) -> int | None:
    """When the need for what was delivered is to be reviewed first, if it is."""
    days = delivery.obligation.review_days if delivery.obligation else None
    return delivery.decided_ms + days * DAY_MS if days else None


def caveats(delivery: Delivery) -> tuple[str, ...]:
    """The codes of the caveats that every reader is shown: the obligation's and the originator's own, sorted."""
    own = delivery.view.core.caveats if delivery.view else ()
    return tuple(sorted({*own, *(delivery.obligation.caveats if delivery.obligation else ())}))


def terms_json(delivery: Delivery) -> dict[str, Any] | None:
    """The obligation as JSON, with `acknowledge_by` and `keep_until` as dates; None if there is none."""
    if delivery.obligation is None:
        return None
    said: dict[str, Any] = to_json(delivery.obligation)
    acknowledge_ms, keep_ms = acknowledge_by_ms(delivery), keep_until_ms(delivery)
    return {
        **said,
        "acknowledge_by": to_rfc3339(acknowledge_ms) if acknowledge_ms else None,
        "keep_until": to_rfc3339(keep_ms) if keep_ms else None,
        "caveats": list(caveats(delivery)),
    }


def terms(delivery: Delivery, words: Words) -> tuple[Term, ...]:
    """All that the reader of a release must know: label, handling codes, caveats, and what the obligation demands."""
    core = delivery.view.core if delivery.view else None
    found = [*(_of_label(core) if core else ())]
    if delivery.obligation is not None:
        found += _of_obligation(delivery, delivery.obligation, words)
    if delivery.withdrawn:
        found.append(_term("withdrawn", "withdrawn", ", ".join(delivery.withdrawn)))
    codes = dict.fromkeys(
        [*(core.caveats if core else ()), *(delivery.obligation.caveats if delivery.obligation else ())]
    )
    found += [_named(code, code, words.caveats) for code in codes]
    return tuple(found)


def _of_label(core: Core) -> Iterator[Term]:
    label = core.label
    if label.exercise != "none":
        yield _term(label.exercise, "exercise", "")
    yield Term(f"TLP:{label.tlp}", _TLP[label.tlp]["es"], _TLP[label.tlp]["en"])
    for code in label.handling:
        if code in _HANDLING:
            yield Term(code, _HANDLING[code]["es"], _HANDLING[code]["en"])


def _of_obligation(delivery: Delivery, obligation: Obligation, words: Words) -> Iterator[Term]:
    if until_ms := acknowledge_by_ms(delivery):
        yield _term("acknowledge", "acknowledge", f"{_utc(until_ms):%Y-%m-%d %H:%M} UTC")
    if until_ms := keep_until_ms(delivery):
        yield _term("keep-until", "keep-days", f"{_utc(until_ms):%Y-%m-%d}")
    for event in obligation.keep_events:
        yield _filled(event, "keep-event", words.events)
    if obligation.review_days:
        yield _term("review", "review", str(obligation.review_days))
    if obligation.onward in (ONWARD_NONE, ONWARD_ASK):
        yield _term(f"onward:{obligation.onward}", obligation.onward, "")
    elif obligation.onward != ONWARD_AS_LABELLED:
        yield _filled(obligation.onward, "onward", words.channels)
    if obligation.onward_to:
        yield _circle(obligation.onward_to, words)


def _utc(time_ms: int) -> datetime:
    return datetime.fromtimestamp(time_ms / 1000, UTC)


def _circle(agencies: Sequence[str], words: Words) -> Term:
    spanish, english = (", ".join(words.agency(each, language) for each in agencies) for language in LANGUAGES)
    return Term(
        "onward-to", _DUTY["onward-to"]["es"].format(value=spanish), _DUTY["onward-to"]["en"].format(value=english)
    )


def _term(code: str, duty: str, value: str) -> Term:
    return Term(code, _DUTY[duty]["es"].format(value=value), _DUTY[duty]["en"].format(value=value))


def _filled(code: str, duty: str, words: Mapping[str, Both]) -> Term:
    spanish, english = (words.get(code, {}).get(language, code) for language in LANGUAGES)
    return Term(code, _DUTY[duty]["es"].format(value=spanish), _DUTY[duty]["en"].format(value=english))


def _named(code: str, name: str, words: Mapping[str, Both]) -> Term:
    return Term(code, *(words.get(name, {}).get(language, name) for language in LANGUAGES))
