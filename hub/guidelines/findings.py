"""The findings of `enlace guidelines check`: each code with its level, what it says and what to do, in Spanish and English.

docs/guideline-findings.md explains each to the authors of guidelines; a test compares. Finding them is analyse.py's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple

from hub.model.base import Model

from .language import Language, Words

Level = Literal["error", "warning", "note"]
LEVELS: Final[tuple[Level, ...]] = ("error", "warning", "note")


class Finding(Model):
    """One thing found. `guidelines`: those that it is about, the first one foremost. `about`: agencies, classes or categories.

    `sampled`: none if it is exact; otherwise the number of regions looked at before the search was ended, and nothing in
    them says otherwise. `case`: an example alert that shows it, as an entry of `cases/*.yaml`.
    """

    code: str
    level: Level
    guidelines: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    text: Words
    advice: Words
    sampled: int | None = None
    case: dict[str, Any] | None = None


class Kind(NamedTuple):
    """What a code means: `{guideline}`, `{others}`, `{about}` and `{detail}` are filled in."""

    level: Level
    text: dict[Language, str]
    advice: dict[Language, str]


KINDS: Final[dict[str, Kind]] = {
    "does-not-load": Kind(
        "error",
        {"es": "El perfil no se puede cargar: {detail}", "en": "The profile does not load: {detail}"},
        {"es": "Corrija el texto en el lugar indicado.", "en": "Mend the text at the place named."},
    ),
    "unknown-value": Kind(
        "error",
        {
            "es": "{guideline} pone una condición sobre un valor que no está en su lista: {detail}",
            "en": "{guideline} tests for a value outside its list: {detail}",
        },
        {
            "es": "Corrija la palabra, o agréguela a vocabularies.yaml si la lista puede crecer.",
            "en": "Mend the word, or add it to vocabularies.yaml if the list may grow.",
        },
    ),
    "never-matches": Kind(
        "error",
        {
            "es": "{guideline} nunca puede aplicarse: {detail}.",
            "en": "{guideline} can never match: {detail}.",
        },
        {
            "es": "Relaje la condición que lo impide, corrija las competencias o la etiqueta límite del destinatario, o "
            "suprima la directriz.",
            "en": "Relax the condition that prevents it, mend the recipient's competences or narrowest label, or drop the "
            "guideline.",
        },
    ),
    "always-forbidden": Kind(
        "error",
        {
            "es": "{guideline} nunca surte efecto: todo lo que permite lo prohíbe {others}.",
            "en": "{guideline} never takes effect: whatever it permits, {others} forbids.",
        },
        {
            "es": "Decida cuál de las dos vale y suprima o limite la otra.",
            "en": "Decide which of them is meant, and drop or narrow the other.",
        },
    ),
    "always-withheld": Kind(
        "warning",
        {
            "es": "{guideline} entrega {about}, pero {others} lo retiene siempre{detail}.",
            "en": "{guideline} releases {about}, but {others} always withholds it{detail}.",
        },
        {
            "es": "Quite la categoría de `release`, o limite la retención.",
            "en": "Take the category out of `release`, or narrow the withhold.",
        },
    ),
    "implied": Kind(
        "warning",
        {
            "es": "{guideline} no cambia ninguna decisión: cuanto entrega y exige ya resulta de otras{detail}.",
            "en": "{guideline} changes no decision: all that it gives and requires follows from others{detail}.",
        },
        {
            "es": "Suprímala, o precise qué debía agregar; mientras las otras rijan, sobra.",
            "en": "Drop it, or say what it was to add; while the others stand, it is not needed.",
        },
    ),
    "implied-bar": Kind(
        "note",
        {
            "es": "{guideline} no agrega nada a otras prohibiciones o retenciones{detail}.",
            "en": "{guideline} adds nothing to other forbids or withholds{detail}.",
        },
        {
            "es": "Puede quedarse como promesa al lector; si no lo es, suprímala.",
            "en": "It may stay as a promise to the reader; if it is none, drop it.",
        },
    ),
    "nothing-to-withhold": Kind(
        "note",
        {
            "es": "{guideline} no retiene hoy nada: ningún permiso entrega a esos destinatarios lo que ella retiene.",
            "en": "{guideline} takes nothing away today: no permit gives these recipients what it withholds.",
        },
        {
            "es": "Nada, si es una promesa al lector y un límite para las directrices de mañana.",
            "en": "Nothing, if it is a promise to the reader and a bar to the guidelines of tomorrow.",
        },
    ),
    "nothing-to-forbid": Kind(
        "note",
        {
            "es": "{guideline} no prohíbe hoy nada: ninguna directriz permite lo que ella prohíbe.",
            "en": "{guideline} forbids nothing today: no permit allows what it forbids.",
        },
        {
            "es": "Nada, si es una promesa al lector y un límite para las directrices de mañana.",
            "en": "Nothing, if it is a promise to the reader and a bar to the guidelines of tomorrow.",
        },
    ),
    "contradiction": Kind(
        "warning",
        {
            "es": "{guideline} permite y {others} prohíbe a {about} las mismas alertas, y ninguna es excepción de la otra; "
            "prevalece la prohibición.",
            "en": "{guideline} permits and {others} forbids {about} the same alerts, and neither is an exception to the "
            "other; the forbid wins.",
        },
        {
            "es": "Escriba la excepción en la directriz que permite, o haga de la prohibición una salvaguardia si lo es.",
            "en": "Write the exception into the permit, or make the forbid a safeguard if it is one.",
        },
    ),
    "onward-conflict": Kind(
        "warning",
        {
            "es": "{guideline} y {others} pueden coincidir y dicen distinto cómo se transmite ({detail}): juntas, {about} "
            "no puede transmitir a nadie.",
            "en": "{guideline} and {others} can both match and say differently how to pass on ({detail}): together, {about} "
            "may pass on to nobody.",
        },
        {
            "es": "Diga lo mismo en ambas, o separe las condiciones.",
            "en": "Say the same in both, or keep the conditions apart.",
        },
    ),
    "class-reaches-nobody": Kind(
        "warning",
        {
            "es": "Ninguna alerta de la clase {about} llega a nadie, la origine quien la origine.",
            "en": "No alert of class {about} reaches anybody, whoever sends it.",
        },
        {
            "es": "Agregue una directriz que la permita, o explique en el perfil por qué no debe circular.",
            "en": "Add a permit, or say in the profile why it is not to pass.",
        },
    ),
    "agency-never-receives": Kind(
        "warning",
        {
            "es": "{about} no puede recibir ninguna alerta{detail}.",
            "en": "{about} can receive no alert{detail}.",
        },
        {
            "es": "Revise sus competencias, su etiqueta límite y las directrices que la nombran; si solo origina, escríbalo.",
            "en": "Look at its competences, its narrowest label and the guidelines addressed to it; if it only sends, say so.",
        },
    ),
    "agency-reaches-nobody": Kind(
        "note",
        {
            "es": "Ninguna alerta que origine {about} llega a nadie.",
            "en": "No alert that {about} sends reaches anybody.",
        },
        {
            "es": "Nada, si solo recibe; si no, agregue una directriz.",
            "en": "Nothing, if it only receives; otherwise add a guideline.",
        },
    ),
    "category-to-nobody": Kind(
        "note",
        {
            "es": "La categoría {about} no se entrega a nadie.",
            "en": "The category {about} is released to nobody.",
        },
        {
            "es": "Nada, si así debe ser; los originadores no necesitan enviarla.",
            "en": "Nothing, if that is meant; originators need not send it.",
        },
    ),
    "category-by-one": Kind(
        "note",
        {
            "es": "La categoría {about} se entrega solo por {guideline}.",
            "en": "The category {about} is released by {guideline} alone.",
        },
        {
            "es": "Si esa directriz vence o se suprime, nadie la recibe más: téngalo presente.",
            "en": "If that guideline expires or is dropped, nobody receives it any more: keep it in mind.",
        },
    ),
    "expires": Kind(
        "warning",
        {"es": "{guideline} deja de regir el {detail}.", "en": "{guideline} ceases to be in force after {detail}."},
        {"es": "Renuévela, o compruebe que debe terminar.", "en": "Renew it, or make sure that it is to end."},
    ),
    "expired": Kind(
        "warning",
        {
            "es": "{guideline} dejó de regir el {detail} y no decide nada.",
            "en": "{guideline} ceased to be in force after {detail} and decides nothing.",
        },
        {"es": "Renuévela o suprímala.", "en": "Renew it or drop it."},
    ),
    "not-yet": Kind(
        "note",
        {"es": "{guideline} rige solo desde el {detail}.", "en": "{guideline} is in force only from {detail}."},
        {
            "es": "Nada; analice también con --on en esa fecha.",
            "en": "Nothing; check also with --on of that day.",
        },
    ),
    "identity-without-consent": Kind(
        "note",
        {
            "es": "{guideline} entrega {about} sin consentimiento de la víctima, por {detail}.",
            "en": "{guideline} releases {about} without the victim's consent, on the ground of {detail}.",
        },
        {
            "es": "Confirme que el fundamento nombrado y su base legal lo sostienen.",
            "en": "Confirm that the ground named and its legal basis bear it.",
        },
    ),
    "consent-not-applicable": Kind(
        "warning",
        {
            "es": "{guideline} se funda en el consentimiento y entrega {about} también si la alerta cuenta una víctima y dice "
            "que el consentimiento no es aplicable.",
            "en": "{guideline} rests on consent and releases {about} also of an alert that counts a victim and says that "
            "consent is not applicable.",
        },
        {
            "es": "Exija `consent: {any: [given]}`, o `victims: {max: 0}` si solo se trata de alertas sin víctima.",
            "en": "Test `consent: {any: [given]}`, or `victims: {max: 0}` if only alerts without a victim are meant.",
        },
    ),
    "consent-of-a-child": Kind(
        "warning",
        {
            "es": "{guideline} se funda en el consentimiento y entrega {about} también de un niño, niña o adolescente, o de "
            "quien puede serlo.",
            "en": "{guideline} rests on consent and releases {about} also of a child, or of one who may be a child.",
        },
        {
            "es": "Exija `minor: {any: [no]}`, y escriba para la niñez una directriz con su propio fundamento.",
            "en": "Test `minor: {any: [no]}`, and write for children a guideline with a ground of its own.",
        },
    ),
}


def finding(
    code: str,
    guidelines: Iterable[str] = (),
    about: Iterable[str] = (),
    detail: Mapping[Language, str] | str = "",
    level: Level | None = None,
    sampled: int | None = None,
    case: dict[str, Any] | None = None,
) -> Finding:
    """A finding in words. `detail`: what else the sentence says. A sampled one is a note, since it may be otherwise."""
    kind, ids, things = KINDS[code], tuple(guidelines), tuple(about)

    def said(language: Language) -> str:
        return kind.text[language].format(
            guideline=ids[0] if ids else "",
            others=_listed(ids[1:], language),
            about=_listed(things, language),
            detail=detail if isinstance(detail, str) else detail[language],
        )

    return Finding(
        code=code,
        level="note" if sampled is not None else level or kind.level,
        guidelines=ids,
        about=things,
        text=Words(es=said("es"), en=said("en")),
        advice=Words(es=kind.advice["es"], en=kind.advice["en"]),
        sampled=sampled,
        case=case,
    )


def _listed(names: tuple[str, ...], language: Language) -> str:
    """`a, b and c`."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {'y' if language == 'es' else 'and'} {names[-1]}"
