"""What the language's words are called in Spanish and English, for explanations and for the rendered document.

Codes stay codes: they are the same in both languages, and a bundle's own terms say what people call them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hub.model.codes import COUNTS, MULTIPLE

from .language import ALL, Choice, Language, Validity

Both = dict[Language, str]

ATTRIBUTE: Final[dict[str, Both]] = {
    "exercise": {"es": "el carácter de ejercicio", "en": "the exercise mark"},
    "class": {"es": "la clase", "en": "the class"},
    "tlp": {"es": "la etiqueta TLP", "en": "the TLP label"},
    "handling": {"es": "los códigos de manejo", "en": "the handling codes"},
    "purposes": {"es": "las finalidades", "en": "the purposes"},
    "reliability": {"es": "la fiabilidad de la fuente", "en": "the reliability of the source"},
    "credibility": {"es": "la credibilidad de la información", "en": "the credibility of the information"},
    "minor": {"es": "la minoría de edad", "en": "minority"},
    "consent": {"es": "el consentimiento de la víctima", "en": "the victim's consent"},
    "victims": {"es": "el número de víctimas", "en": "the number of victims"},
    "suspects": {"es": "el número de sospechosos", "en": "the number of suspects"},
    "missing": {"es": "el número de personas desaparecidas", "en": "the number of missing persons"},
    "releasable_to": {"es": "los destinatarios nombrados", "en": "the named recipients"},
    "not_releasable_to": {"es": "los destinatarios excluidos", "en": "the excluded recipients"},
    "origin": {"es": "los países de origen", "en": "the countries of origin"},
    "transit": {"es": "los países de tránsito", "en": "the countries of transit"},
    "destination": {"es": "los países de destino", "en": "the countries of destination"},
    "nationality": {"es": "las nacionalidades", "en": "the nationalities"},
    "act": {"es": "las conductas", "en": "the acts"},
    "means": {"es": "los medios", "en": "the means"},
    "exploitation": {"es": "las formas de explotación", "en": "the forms of exploitation"},
    "indicators": {"es": "los indicadores", "en": "the indicators"},
    "legal_basis": {"es": "la base legal", "en": "the legal basis"},
    "derived_from": {"es": "las alertas de las que deriva", "en": "the alerts that it derives from"},
}
# How a test reads after the name of its attribute. `one`: of an attribute with one value; `many`: of a list.
TEST: Final[dict[str, Both]] = {
    "any one": {"es": "debe ser {codes}", "en": "must be {codes}"},
    "any many": {"es": "deben incluir {codes}", "en": "must include {codes}"},
    "only one": {"es": "debe ser {codes}", "en": "must be {codes}"},
    "only many": {"es": "no deben incluir otra cosa que {codes}", "en": "must include nothing but {codes}"},
    "none one": {"es": "no debe ser {codes}", "en": "must not be {codes}"},
    "none many": {"es": "deben constar y no incluir {codes}", "en": "must be given and not include {codes}"},
    "min": {"es": "debe ser al menos {codes}", "en": "must be at least {codes}"},
    "max": {"es": "debe ser como máximo {codes}", "en": "must be at most {codes}"},
    "present": {"es": "deben constar", "en": "must be given"},
    "absent": {"es": "no deben constar", "en": "must not be given"},
}
REASON: Final[dict[str, Both]] = {
    "permitted": {"es": "{agency} la recibe.", "en": "{agency} receives it."},
    "expired": {
        "es": "{agency} no la recibe: la alerta ha vencido.",
        "en": "{agency} does not receive it: the alert has expired.",
    },
    "suspended": {
        "es": "{agency} no la recibe: su participación está suspendida.",
        "en": "{agency} does not receive it: its part in the exchange is suspended.",
    },
    "originator": {
        "es": "{agency} es quien la origina; nadie recibe sus propias alertas.",
        "en": "{agency} is its originator; nobody receives its own alerts.",
    },
    "excluded": {
        "es": "{agency} no la recibe: el originador la excluyó.",
        "en": "{agency} does not receive it: the originator excluded it.",
    },
    "not-named": {
        "es": "{agency} no la recibe: solo llega a quienes el originador nombra, y no la nombró.",
        "en": "{agency} does not receive it: it reaches only those whom the originator names, and it was not named.",
    },
    "tlp": {
        "es": "{agency} no la recibe: su etiqueta TLP:{found} es más restringida que TLP:{wanted}, el límite para ella.",
        "en": "{agency} does not receive it: its label TLP:{found} is narrower than TLP:{wanted}, the limit for it.",
    },
    "purpose": {
        "es": "{agency} no la recibe: no tiene competencia para ninguna de sus finalidades ({found}).",
        "en": "{agency} does not receive it: it has no competence for any of its purposes ({found}).",
    },
    "forbidden": {
        "es": "{agency} no la recibe: lo prohíbe {guidelines}.",
        "en": "{agency} does not receive it: {guidelines} forbids it.",
    },
    "no-permit": {
        "es": "{agency} no la recibe: ninguna directriz lo permite.",
        "en": "{agency} does not receive it: no guideline permits it.",
    },
}
WITHHELD: Final[dict[str, Both]] = {
    "safeguard": {"es": "la retiene la salvaguardia {guidelines}", "en": "withheld by safeguard {guidelines}"},
    "withhold": {"es": "la retiene {guidelines}", "en": "withheld by {guidelines}"},
    "no permit": {"es": "ninguna directriz la entrega", "en": "no permit releases it"},
}
DUTY: Final[dict[str, Both]] = {
    "acknowledge_hours": {"es": "acusar recibo en {value} horas", "en": "acknowledge within {value} hours"},
    "keep_days": {"es": "conservar como máximo {value} días", "en": "keep for at most {value} days"},
    "keep_events": {"es": "conservar solo hasta: {value}", "en": "keep only until: {value}"},
    "review_days": {"es": "revisar cada {value} días", "en": "review every {value} days"},
    "onward none": {"es": "no transmitir a nadie", "en": "pass on to nobody"},
    "onward ask": {
        "es": "pedir permiso al originador antes de transmitir",
        "en": "ask the originator before passing on",
    },
    "onward": {"es": "transmitir solo {value}", "en": "pass on only {value}"},
    "onward_to": {"es": "puede circular entre: {value}", "en": "may circulate among: {value}"},
    "caveats": {"es": "{value}", "en": "{value}"},
}
ALERT: Final[Both] = {"es": "la propia alerta", "en": "the alert itself"}
HERE: Final[Both] = {"es": "{condition} (aquí: {found})", "en": "{condition} (here: {found})"}
NOTHING: Final[Both] = {"es": "nada", "en": "nothing"}
_OR: Final[Both] = {"es": " o ", "en": " or "}
_FROM: Final[Both] = {"es": "debe originarla {parties}", "en": "it must come from {parties}"}
_EXCEPT: Final[Both] = {"es": "{any}, salvo {other}", "en": "{any}, except {other}"}
_ALL: Final[Both] = {"es": "cualquiera", "en": "anyone"}
_KIND: Final[dict[str, Both]] = {
    "group": {"es": "el grupo {name}", "en": "the group {name}"},
    "type": {"es": "el tipo {name}", "en": "the type {name}"},
    "country": {"es": "el país {name}", "en": "the country {name}"},
}
_FORCE: Final[Both] = {
    "es": "rige desde {begins} hasta {ends}",
    "en": "it is in force from {begins} until {ends}",
}
_OPEN: Final[Both] = {"es": "(sin fecha)", "en": "(no date)"}


def listed(codes: Iterable[str], language: Language) -> str:
    """`a, b or c`."""
    *first, last = tuple(codes) or (NOTHING[language],)
    return _OR[language].join([", ".join(first), last]) if first else last


def condition(attribute: str, word: str, codes: Iterable[str], language: Language) -> str:
    """One test of one attribute, as in `the class must be seizure or document-fraud`."""
    key = word
    if word in ("any", "only", "none"):
        key = f"{word} {'many' if attribute in MULTIPLE and attribute not in COUNTS else 'one'}"
    return f"{ATTRIBUTE[attribute][language]} {TEST[key][language].format(codes=listed(codes, language))}"


def parties(choice: Choice, language: Language) -> str:
    named = listed((_party(word, language) for word in choice.any), language)
    if not choice.except_:
        return named
    other = listed((_party(word, language) for word in choice.except_), language)
    return _EXCEPT[language].format(any=named, other=other)


def comes_from(choice: Choice, language: Language) -> str:
    return _FROM[language].format(parties=parties(choice, language))


def in_force(valid: Validity, language: Language) -> str:
    begins, ends = (str(day) if day else _OPEN[language] for day in (valid.from_, valid.until))
    return _FORCE[language].format(begins=begins, ends=ends)


def here(words: str, found: Iterable[str], language: Language) -> str:
    """A condition with what the alert has instead."""
    return HERE[language].format(condition=words, found=", ".join(found) or NOTHING[language])


def _party(word: str, language: Language) -> str:
    kind, colon, name = word.partition(":")
    if colon:
        return _KIND[kind][language].format(name=name)
    return _ALL[language] if word == ALL else word
