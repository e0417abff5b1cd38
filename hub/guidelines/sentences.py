"""Conditions, parties and duties as clauses of a sentence, with the names that people use: for the rendered document, for
what `diff` tells and for explanations, whose fixed words are phrases.py's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from hub.model.codes import ATTRIBUTES, COUNTS, MULTIPLE
from hub.model.obligation import ONWARD_ASK, ONWARD_NONE, ONWARD_WORDS

from .bundle import Bundle
from .language import ALL, Categories, Choice, Guideline, Language, Terms
from .terms import NONE_OF, country, term, value

Both = dict[Language, str]

# What an attribute with one value is, and what a list contains. {codes}: the values, joined by `or`.
_ONE: Final[dict[str, Both]] = {
    "exercise": {"es": "es: {codes}", "en": "is: {codes}"},
    "class": {"es": "es de la clase {codes}", "en": "is of the class {codes}"},
    "tlp": {"es": "lleva la etiqueta {codes}", "en": "bears the label {codes}"},
    "reliability": {"es": "tiene una fuente de fiabilidad {codes}", "en": "has a source of reliability {codes}"},
    "credibility": {"es": "tiene información de credibilidad {codes}", "en": "has information of credibility {codes}"},
    "consent": {
        "es": "registra el consentimiento de la víctima o de la persona buscada como {codes}",
        "en": "records the consent of the victim or of the person sought as {codes}",
    },
    "minor": {"es": "registra la minoría de edad como {codes}", "en": "records minority as {codes}"},
}
_NOT_ONE: Final[dict[str, Both]] = {
    "exercise": {"es": "no es: {codes}", "en": "is not: {codes}"},
    "class": {"es": "no es de la clase {codes}", "en": "is not of the class {codes}"},
    "tlp": {"es": "no lleva la etiqueta {codes}", "en": "does not bear the label {codes}"},
    "reliability": {
        "es": "no tiene una fuente de fiabilidad {codes}",
        "en": "does not have a source of reliability {codes}",
    },
    "credibility": {
        "es": "no tiene información de credibilidad {codes}",
        "en": "does not have information of credibility {codes}",
    },
    "consent": {
        "es": "no registra el consentimiento de la víctima o de la persona buscada como {codes}",
        "en": "does not record the consent of the victim or of the person sought as {codes}",
    },
    "minor": {"es": "no registra la minoría de edad como {codes}", "en": "does not record minority as {codes}"},
}
_MANY: Final[dict[str, Both]] = {
    "handling": {"es": "códigos de manejo", "en": "handling codes"},
    "purposes": {"es": "finalidades", "en": "purposes"},
    "releasable_to": {"es": "destinatarios nombrados por el originador", "en": "recipients named by the originator"},
    "not_releasable_to": {
        "es": "destinatarios excluidos por el originador",
        "en": "recipients excluded by the originator",
    },
    "origin": {"es": "países de origen", "en": "countries of origin"},
    "transit": {"es": "países de tránsito", "en": "countries of transit"},
    "destination": {"es": "países de destino", "en": "countries of destination"},
    "nationality": {"es": "nacionalidades", "en": "nationalities"},
    "act": {"es": "conductas", "en": "acts"},
    "means": {"es": "medios", "en": "means"},
    "exploitation": {"es": "formas de explotación", "en": "forms of exploitation"},
    "indicators": {"es": "indicadores", "en": "indicators"},
    "legal_basis": {"es": "bases legales", "en": "legal bases"},
    "derived_from": {"es": "alertas de las que deriva", "en": "alerts from which it derives"},
}
_LIST: Final[dict[str, Both]] = {
    "any": {"es": "tiene entre sus {name}: {codes}", "en": "has among its {name}: {codes}"},
    "only": {"es": "tiene como únicas {name}: {codes}", "en": "has as its only {name}: {codes}"},
    "only if any": {"es": "no tiene más {name} que: {codes}", "en": "has no {name} but: {codes}"},
    "none": {
        "es": "indica sus {name} y no están entre ellas: {codes}",
        "en": "states its {name}, and these are not among them: {codes}",
    },
    "none if any": {"es": "no tiene entre sus {name}: {codes}", "en": "does not have among its {name}: {codes}"},
    "present": {"es": "indica sus {name}", "en": "states its {name}"},
    "absent": {"es": "no indica sus {name}", "en": "states no {name}"},
}
_COUNTED: Final[dict[str, tuple[Both, Both]]] = {
    "victims": ({"es": "víctima", "en": "victim"}, {"es": "víctimas", "en": "victims"}),
    "suspects": ({"es": "persona sospechosa", "en": "suspect"}, {"es": "personas sospechosas", "en": "suspects"}),
    "missing": (
        {"es": "persona desaparecida", "en": "missing person"},
        {"es": "personas desaparecidas", "en": "missing persons"},
    ),
}
# What reads better than the pattern: (attribute, word, codes).
_PLAIN: Final[dict[tuple[str, str, tuple[str, ...]], Both]] = {
    ("exercise", "any", ("none",)): {"es": "no es un ejercicio", "en": "is not an exercise"},
    ("exercise", "any", ("exercise", "test")): {"es": "es un ejercicio o una prueba", "en": "is an exercise or a test"},
    ("minor", "any", ("no",)): {
        "es": "no concierne a ninguna persona que sea o pueda ser menor de edad",
        "en": "concerns nobody who is or may be a child",
    },
    ("minor", "any", ("yes",)): {
        "es": "concierne a una persona que es o puede ser menor de edad",
        "en": "concerns a person who is or may be a child",
    },
    ("derived_from", "present", ()): {"es": "deriva de otra alerta", "en": "derives from another alert"},
    ("derived_from", "absent", ()): {"es": "no deriva de otra alerta", "en": "derives from no other alert"},
    ("releasable_to", "absent", ()): {"es": "no nombra destinatarios", "en": "names no recipients"},
    ("releasable_to", "present", ()): {"es": "nombra destinatarios", "en": "names its recipients"},
}
_NAMED: Final[dict[str, Both]] = {
    "releasable_to": {"es": "nombra como destinatario a {codes}", "en": "names {codes} as a recipient"},
    "purposes": {"es": "tiene entre sus finalidades {codes}", "en": "serves, among its purposes, {codes}"},
    "indicators": {"es": "lleva el indicador de que {codes}", "en": "bears the indicator that {codes}"},
    "handling": {"es": "lleva el código de manejo {codes}", "en": "bears the handling code {codes}"},
}
Mark = Callable[[str], str]
AND: Final[Both] = {"es": " y ", "en": " and "}
OR: Final[Both] = {"es": " o ", "en": " or "}


def joined(words: Iterable[str], language: Language, last: Both = AND) -> str:
    """`a, b and c`. Parts that have commas of their own are set apart by semicolons."""
    parts = list(words)
    if len(parts) < 2:
        return "".join(parts)
    comma = "; " if any("," in each for each in parts) else ", "
    return f"{comma.join(parts[:-1])}{comma.strip() if comma == '; ' else ''}{last[language]}{parts[-1]}"


def condition(
    bundle: Bundle, attribute: str, word: str, codes: Iterable[str], language: Language, if_any: bool = False
) -> str:
    """One test as a clause whose subject is the alert. `if_any`: it holds also where nothing is stated."""
    codes = tuple(codes)
    codes = tuple(code for code in codes if not (attribute == "minor" and code == "unknown"))
    plain = _PLAIN.get((attribute, word, tuple(sorted(codes))))
    if plain:
        return plain[language]
    names = joined((_code(bundle, attribute, code, language) for code in codes), language, OR)
    if attribute in MULTIPLE:
        if word == "any" and attribute in _NAMED:
            return _NAMED[attribute][language].format(codes=names)
        key = f"{word} if any" if if_any else word
        return _LIST[key][language].format(name=_MANY[attribute][language], codes=names)
    return (_NOT_ONE if word == "none" else _ONE)[attribute][language].format(codes=names)


def _code(bundle: Bundle, attribute: str, code: str, language: Language) -> str:
    if attribute == "tlp":
        return f"TLP:{code}"
    name = value(bundle, attribute, code, language)
    return f"«{name}»" if attribute == "class" and language == "es" else f"“{name}”" if attribute == "class" else name


def counted(attribute: str, least: int | None, most: int | None, language: Language) -> str:
    """Bounds of a count as a clause."""
    one, many = (each[language] for each in _COUNTED[attribute])
    if most == 0:
        return {"es": f"no cuenta ninguna {one}", "en": f"counts no {one}"}[language]
    if least is not None and most is not None:
        if least == most:
            return {"es": f"cuenta {least} {many}", "en": f"counts {least} {many}"}[language]
        return {"es": f"cuenta entre {least} y {most} {many}", "en": f"counts between {least} and {most} {many}"}[
            language
        ]
    bound = least if most is None else most
    noun = one if bound == 1 else many
    if most is None:
        return {"es": f"cuenta al menos {bound} {noun}", "en": f"counts at least {bound} {noun}"}[language]
    return {"es": f"cuenta como máximo {bound} {noun}", "en": f"counts at most {bound} {noun}"}[language]


def conditions(bundle: Bundle, guideline: Guideline, language: Language) -> list[str]:
    """What a guideline's `when` asks of an alert, a clause each, in the order of an alert's fields."""
    found = []
    for attribute, test in sorted(guideline.when.items(), key=lambda each: ATTRIBUTES.index(each[0])):
        if attribute in COUNTS:
            found.append(counted(attribute, test.min, test.max, language))
            continue
        for word in test.words():
            codes = getattr(test, word)
            found.append(condition(bundle, attribute, word, codes if isinstance(codes, tuple) else (), language))
    return found


# --- parties

_PARTY: Final[dict[str, Both]] = {
    "group": {"es": "las partes del grupo «{name}»", "en": "the parties of the group “{name}”"},
    "type": {"es": "las partes del tipo «{name}»", "en": "the parties of the type “{name}”"},
    "country": {"es": "las partes de {name}", "en": "the parties of {name}"},
}
ANY: Final[Both] = {"es": "cualquiera de las partes", "en": "any party"}
EVERY: Final[Both] = {"es": "cada una de las partes", "en": "every party"}
NOBODY: Final[Both] = {"es": "ninguna de las partes", "en": "any party"}  # after a `no` or `not`
NO: Final[Both] = {"es": "ninguna de las partes", "en": "no party"}
_EXCEPT: Final[Both] = {"es": "{any}, con excepción de {other}", "en": "{any}, except {other}"}


def party(bundle: Bundle, word: str, language: Language, all_: Both, mark: Mark = str) -> str:
    kind, colon, name = word.partition(":")
    if not colon:
        return all_[language] if word == ALL else mark(term(bundle, "agency", word, language))
    name = country(name, language) if kind == "country" else name
    return mark(_PARTY[kind][language].format(name=name))


def parties(bundle: Bundle, choice: Choice, language: Language, all_: Both, last: Both = AND, mark: Mark = str) -> str:
    """Who is meant. `all_`: what all are called here. `mark`: how a name is set off."""
    named = joined((party(bundle, word, language, all_, mark) for word in choice.any), language, last)
    other = joined((party(bundle, word, language, all_, mark) for word in choice.except_), language, AND)
    return _EXCEPT[language].format(any=named, other=other) if other else named


def categories(bundle: Bundle, choice: Categories, language: Language, denied: bool = False) -> str:
    """Which data are meant. `denied`: they are not to be received, so that a whole kind is `any` of it."""

    def name(word: str) -> str:
        return (
            NONE_OF[word][language == "en"] if denied and word in NONE_OF else term(bundle, "category", word, language)
        )

    named = joined(map(name, choice.any), language, OR if denied else AND)
    other = joined((term(bundle, "category", word, language) for word in choice.except_), language)
    return _EXCEPT[language].format(any=named, other=other) if other else named


# --- duties


def duties(bundle: Bundle, terms: Terms | None, language: Language) -> Iterator[str]:
    """What a permit obliges its recipients to, a clause each, after `shall`."""
    if terms is None:
        return
    own = terms.obligation()
    if own.acknowledge_hours:
        hours = own.acknowledge_hours
        yield {
            "es": f"acusar recibo en el plazo de {hours} {'hora' if hours == 1 else 'horas'}",
            "en": f"acknowledge receipt within {hours} {'hour' if hours == 1 else 'hours'}",
        }[language]
    ends = [term(bundle, "event", event, language) for event in own.keep_events]
    if own.keep_days:
        days: Both = {"es": f"{own.keep_days} días después de recibirlos", "en": f"{own.keep_days} days after receipt"}
        ends.insert(0, days[language])
    if ends:
        first: Both = {"es": ", lo que ocurra primero", "en": ", whichever comes first"}
        either = joined(ends, language, OR) + (first[language] if len(ends) > 1 else "")
        yield {
            "es": f"conservar los datos, a más tardar, hasta {either}",
            "en": f"keep the data, at the latest, until {either}",
        }[language]
    if own.review_days:
        yield {
            "es": f"revisar cada {own.review_days} días si aún los necesita",
            "en": f"review every {own.review_days} days whether they are still needed",
        }[language]
    yield from onward(bundle, own.onward, language)


def onward(bundle: Bundle, code: str, language: Language) -> Iterator[str]:
    if code == ONWARD_NONE:
        yield {"es": "no transmitirlos a nadie", "en": "pass them on to nobody"}[language]
    elif code == ONWARD_ASK:
        yield {
            "es": "pedir permiso al originador antes de transmitirlos",
            "en": "ask the originator's permission before passing them on",
        }[language]
    elif code not in ONWARD_WORDS:
        name = re.sub(r"^(solo|only) ", "", term(bundle, "channel", code, language))
        yield {"es": f"transmitirlos únicamente {name}", "en": f"pass them on only {name}"}[language]
