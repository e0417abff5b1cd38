"""The fixed words of explanations in Spanish and English. Conditions, parties and duties are sentences.py's clauses, and the
names of codes terms.py's, so that who reads an explanation needs no list of codes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from .language import Language, Validity

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
    "safeguard": {"es": "la retiene la salvaguardia {guidelines}", "en": "withheld by the safeguard {guidelines}"},
    "withhold": {"es": "la retiene {guidelines}", "en": "withheld by {guidelines}"},
    "no permit": {"es": "ninguna directriz la entrega", "en": "no permit releases it"},
}
DUTY: Final[dict[str, Both]] = {
    "acknowledge_hours": {"es": "acusar recibo en {value} horas", "en": "acknowledge within {value} hours"},
    "keep_days": {"es": "conservar como máximo {value} días", "en": "keep for at most {value} days"},
    "keep_events": {"es": "conservar solo hasta: {value}", "en": "keep only until: {value}"},
    "review_days": {"es": "revisar cada {value} días", "en": "review every {value} days"},
    "onward_to": {"es": "puede circular entre: {value}", "en": "may circulate among: {value}"},
}
HERE: Final[Both] = {"es": "{condition} (aquí: {found})", "en": "{condition} (here: {found})"}
NOTHING: Final[Both] = {"es": "nada", "en": "nothing"}
THE_ALERT: Final[Both] = {"es": "la alerta {clause}", "en": "the alert {clause}"}  # sentences.py has the clauses
COMES_FROM: Final[Both] = {"es": "la alerta proviene de {parties}", "en": "the alert comes from {parties}"}
CITED: Final[Both] = {"es": "«{title}» ({id})", "en": "“{title}” ({id})"}
_FORCE: Final[Both] = {
    "es": "rige desde {begins} hasta {ends}",
    "en": "it is in force from {begins} until {ends}",
}
_OPEN: Final[Both] = {"es": "(sin fecha)", "en": "(no date)"}


def in_force(valid: Validity, language: Language) -> str:
    begins, ends = (str(day) if day else _OPEN[language] for day in (valid.from_, valid.until))
    return _FORCE[language].format(begins=begins, ends=ends)


def here(words: str, found: Iterable[str], language: Language) -> str:
    """A condition with what the alert has instead."""
    return HERE[language].format(condition=words, found=", ".join(found) or NOTHING[language])
