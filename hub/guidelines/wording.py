"""The fixed words of the document that render.py makes, in Spanish and English, and its style on screen and paper."""

from __future__ import annotations

from typing import Final

from .language import Language

Both = dict[Language, str]

TEXT: Final[dict[str, Both]] = {
    "title": {
        "es": "Directrices para el intercambio de información",
        "en": "Guidelines for the exchange of information",
    },
    "serial": {"es": "Número de serie", "en": "Serial number"},
    "unpublished": {"es": "borrador, no publicado", "en": "draft, not published"},
    "digest": {"es": "Huella SHA-256", "en": "SHA-256 digest"},
    "contents": {"es": "Contiene", "en": "Contains"},
    "counted": {
        "es": "{agencies} partes, {safeguards} salvaguardias, {guidelines} directrices",
        "en": "{agencies} parties, {safeguards} safeguards, {guidelines} guidelines",
    },
    "preamble": {
        "es": "Este documento se genera del mismo texto que el sistema aplica. La huella identifica ese texto: si una palabra "
        "cambia, cambia la huella. Nada se comunica si un artículo no lo permite.",
        "en": "This document is made from the very text that the system applies. The digest identifies that text: if a word "
        "changes, the digest changes. Nothing is communicated unless an article permits it.",
    },
    "parties": {"es": "Partes", "en": "Parties"},
    "groups": {"es": "Grupos que nombran los artículos", "en": "Groups that the articles name"},
    "members": {"es": "Quiénes son", "en": "Who they are"},
    "definitions": {"es": "Definiciones", "en": "Definitions"},
    "rules": {"es": "Reglas generales", "en": "General rules"},
    "safeguards": {"es": "Salvaguardias", "en": "Safeguards"},
    "safeguards-intro": {
        "es": "Ninguna directriz ni autorización del originador levanta una salvaguardia.",
        "en": "No guideline and no grant of the originator lifts a safeguard.",
    },
    "guidelines": {"es": "Directrices", "en": "Guidelines"},
    "caveats": {"es": "Advertencias", "en": "Warnings"},
    "instruments": {"es": "Instrumentos jurídicos", "en": "Legal instruments"},
    "signatures": {"es": "Firmas", "en": "Signatures"},
    "article": {"es": "Artículo", "en": "Article"},
    "reason": {"es": "Razón", "en": "Reason"},
    "basis": {"es": "Base legal", "en": "Legal basis"},
    "instrument": {"es": "Instrumento", "en": "Instrument"},
    "mark": {"es": "Estado", "en": "Status"},
    "key": {"es": "Clave", "en": "Key"},
    "text": {"es": "Texto", "en": "Text"},
    "name": {"es": "Nombre", "en": "Name"},
    "seat": {"es": "Estado y sede", "en": "State and seat"},
    "competences": {"es": "Competencias", "en": "Competences"},
    "labels": {"es": "Etiqueta más restringida", "en": "Narrowest label"},
    "word": {"es": "Expresión", "en": "Expression"},
    "code": {"es": "Código", "en": "Code"},
    "counsel": {"es": "por confirmar por el asesor jurídico", "en": "to be confirmed by counsel"},
    "checked": {"es": "verificado", "en": "checked"},
    "signature": {
        "es": "Nombre, cargo, fecha y firma",
        "en": "Name, office, date and signature",
    },
    "signing": {
        "es": "Por las partes, que han leído las directrices de la huella indicada al comienzo:",
        "en": "For the parties, who have read the guidelines of the digest named at the beginning:",
    },
    "international": {"es": "organismo internacional", "en": "international body"},
    "suspended": {"es": "participación suspendida", "en": "participation suspended"},
    "none": {"es": "ninguna", "en": "none"},
}
# What holds whatever the guidelines say (DESIGN.md, "Guidelines: semantics").
RULES: Final[tuple[Both, ...]] = (
    {
        "es": "Nadie recibe una alerta si ninguna directriz lo permite. Una prohibición prevalece sobre todo permiso, y una "
        "retención sobre toda entrega.",
        "en": "Nobody receives an alert unless a guideline permits it. A forbid prevails over every permit, and a withhold "
        "over every release.",
    },
    {
        "es": "Solo puede recibir una alerta la parte activa que no la origina, que tiene competencia para al menos una de sus "
        "finalidades y a la que se puede confiar su etiqueta TLP.",
        "en": "Only an active party that did not originate it, that has competence for at least one of its purposes and that "
        "may be trusted with its TLP label can receive an alert.",
    },
    {
        "es": "Una alerta TLP:RED, con código de manejo H2 o que nombra destinatarios llega solo a las partes nombradas por el "
        "originador; a las que excluye no llega nunca.",
        "en": "An alert that is TLP:RED, bears the handling code H2 or names recipients reaches only the parties that the "
        "originator named; those that it excludes are never reached.",
    },
    {
        "es": "Quien recibe una alerta recibe su núcleo, que no contiene texto libre ni identifica directamente a nadie, las "
        "instrucciones de manejo si las hay, y las categorías que las directrices entregan.",
        "en": "Whoever receives an alert receives its core, which holds no free text and identifies nobody directly, the "
        "handling instructions if there are any, and the categories that the guidelines release.",
    },
    {
        "es": "Si se desconoce si una persona es menor de edad, se la trata como tal.",
        "en": "Where it is unknown whether a person is a child, that person is treated as one.",
    },
    {
        "es": "Si rigen varias obligaciones, se cumple la más estricta: el plazo más corto, la conservación más breve, la "
        "transmisión más limitada y todas las advertencias.",
        "en": "Where several obligations apply, the strictest is met: the earliest deadline, the shortest retention, the "
        "narrowest onward sharing, and every warning.",
    },
)
ACT: Final[dict[str, Both]] = {
    "permit": {
        "es": "De las alertas que origine {origin}, {to} {shall} {what}",
        "en": "Of alerts that come from {origin}, {to} shall receive {what}",
    },
    "withhold": {
        "es": "De las alertas que origine {origin}, {to} no {shall} {what}",
        "en": "Of alerts that come from {origin}, {to} shall not receive {what}",
    },
    "withhold from all": {
        "es": "De las alertas que origine {origin}, {to} {shall} {what}",
        "en": "Of alerts that come from {origin}, {to} shall receive {what}",
    },
    "forbid": {
        "es": "Las alertas que origine {origin} no se comunicarán a {to}",
        "en": "Alerts that come from {origin} shall not be communicated to {to}",
    },
}
RECEIVES: Final = ("recibirá", "recibirán")  # one party, several
IF: Final[dict[str, Both]] = {
    "permit": {"es": ", si la alerta", "en": ", provided that the alert"},
    "withhold": {"es": ", si la alerta", "en": ", where the alert"},
    "forbid": {"es": ", si la alerta", "en": ", where the alert"},
}
STYLE: Final = """
body { font: 11pt/1.45 "Source Serif 4", Georgia, "Times New Roman", serif; color: #1a1a1a;
  max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 1rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid #999; padding-bottom: .2rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .3rem; }
p, li { hyphens: auto; }
table { border-collapse: collapse; width: 100%; font-size: .88em; margin: .5rem 0 1rem; }
th, td { border-bottom: 1px solid #ccc; padding: .3rem .5rem; text-align: left; vertical-align: top; }
th { border-bottom: 2px solid #777; }
td code { white-space: nowrap; }
code { font: .88em ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
ul { margin: .3rem 0 .5rem; padding-left: 1.6rem; list-style: none; }
li { text-indent: -1.5rem; padding-left: 1.5rem; }
hr { border: 0; border-top: 1px solid #333; width: 60%; margin: 3.2rem 0 .2rem; }
@page { size: A4; margin: 2.2cm 2cm; @bottom-right { content: counter(page) " / " counter(pages); font-size: 9pt; } }
@media print {
  body { max-width: none; margin: 0; padding: 0; font-size: 10pt; }
  h2, h3 { break-after: avoid; }
  tr, li, h3 + p { break-inside: avoid; }
}
""".strip()


LIST_TITLE: Final[dict[str, Both]] = {
    "class": {"es": "Clases de alerta", "en": "Classes of alert"},
    "category": {"es": "Categorías de datos", "en": "Categories of data"},
    "purposes": {"es": "Finalidades", "en": "Purposes"},
    "consent": {
        "es": "Consentimiento de la víctima para compartir sus datos",
        "en": "The victim's consent to share data",
    },
    "handling": {"es": "Códigos de manejo", "en": "Handling codes"},
    "reliability": {"es": "Fiabilidad de la fuente", "en": "Reliability of the source"},
    "credibility": {"es": "Credibilidad de la información", "en": "Credibility of the information"},
    "indicators": {"es": "Indicadores", "en": "Indicators"},
    "act": {"es": "Conductas", "en": "Acts"},
    "means": {"es": "Medios", "en": "Means"},
    "exploitation": {"es": "Formas de explotación", "en": "Forms of exploitation"},
    "country": {"es": "Países", "en": "Countries"},
    "event": {"es": "Hechos que ponen fin a la conservación", "en": "Events that end a retention"},
    "channel": {"es": "Canales de transmisión ulterior", "en": "Channels of onward sharing"},
}
