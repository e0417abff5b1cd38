"""What people call the codes of the standard lists, in Spanish and English, where officers and lawyers read.

A bundle's own terms come first; a code that nobody has named stays a code. Meanings are the sources' (docs/sources.md).
"""

from __future__ import annotations

import gettext
from functools import cache
from typing import Final

import pycountry

from hub.model.codes import LIST_OF

from .bundle import Bundle
from .language import Language

Named = dict[str, tuple[str, str]]  # code -> (es, en)

NAMES: Final[dict[str, Named]] = {
    "exercise": {
        "none": ("no es un ejercicio", "no exercise"),
        "exercise": ("ejercicio", "exercise"),
        "test": ("prueba", "test"),
    },
    "class": {
        "suspected-transit": ("posible tránsito de víctimas", "suspected transit"),
        "victim-identified": ("víctima identificada", "victim identified"),
        "missing-person": ("persona desaparecida", "missing person"),
        "wanted-person": ("persona buscada", "wanted person"),
        "document-fraud": ("documento fraudulento", "document fraud"),
        "recruitment-offer": ("oferta de captación", "recruitment offer"),
        "seizure": ("incautación", "seizure"),
        "financial-flow": ("flujo financiero", "financial flow"),
        "mutual-legal-assistance": ("asistencia jurídica recíproca", "mutual legal assistance"),
        "case-outcome": ("resultado del proceso", "case outcome"),
    },
    "purposes": {
        "investigation": ("investigación", "investigation"),
        "prosecution": ("acción penal", "prosecution"),
        "victim-assistance": ("asistencia a víctimas", "victim assistance"),
        "child-protection": ("protección de la niñez", "child protection"),
        "consular-assistance": ("asistencia consular", "consular assistance"),
        "search": ("búsqueda", "search"),
        "border-control": ("control fronterizo", "border control"),
        "prevention": ("prevención", "prevention"),
        "statistics": ("estadística", "statistics"),
        "oversight": ("supervisión", "oversight"),
    },
    "handling": {
        "H0": ("H0 (sin restricción particular)", "H0 (no particular restriction)"),
        "H1": ("H1 (no usar en juicio sin permiso)", "H1 (not in court without permission)"),
        "H2": ("H2 (no difundir sin permiso)", "H2 (no dissemination without permission)"),
        "H3": ("H3 (otra restricción, en palabras)", "H3 (other restriction, in words)"),
    },
    "reliability": {
        "A": ("A (enteramente fiable)", "A (completely reliable)"),
        "B": ("B (normalmente fiable)", "B (usually reliable)"),
        "C": ("C (bastante fiable)", "C (fairly reliable)"),
        "D": ("D (normalmente no fiable)", "D (not usually reliable)"),
        "E": ("E (no fiable)", "E (unreliable)"),
        "F": ("F (no puede juzgarse)", "F (cannot be judged)"),
    },
    "credibility": {
        "1": ("1 (confirmada por otras fuentes)", "1 (confirmed by other sources)"),
        "2": ("2 (probablemente cierta)", "2 (probably true)"),
        "3": ("3 (posiblemente cierta)", "3 (possibly true)"),
        "4": ("4 (dudosa)", "4 (doubtful)"),
        "5": ("5 (improbable)", "5 (improbable)"),
        "6": ("6 (no puede juzgarse)", "6 (cannot be judged)"),
    },
    "minor": {"yes": ("sí", "yes"), "no": ("no", "no"), "unknown": ("se desconoce", "unknown")},
    "consent": {
        "given": ("otorgado", "given"),
        "withheld": ("negado", "withheld"),
        "unknown": ("desconocido", "unknown"),
        "not-applicable": ("no aplicable", "not applicable"),
    },
    "act": {
        "recruitment": ("captación", "recruitment"),
        "transportation": ("transporte", "transportation"),
        "transfer": ("traslado", "transfer"),
        "harbouring": ("acogida", "harbouring"),
        "receipt": ("recepción", "receipt"),
    },
    "means": {
        "threat": ("amenaza", "threat"),
        "force": ("uso de la fuerza", "use of force"),
        "coercion": ("coacción", "coercion"),
        "abduction": ("rapto", "abduction"),
        "fraud": ("fraude", "fraud"),
        "deception": ("engaño", "deception"),
        "abuse-of-power": ("abuso de poder", "abuse of power"),
        "abuse-of-vulnerability": ("abuso de una situación de vulnerabilidad", "abuse of a position of vulnerability"),
        "payment-for-control": ("pagos a quien tiene autoridad sobre la persona", "payments to one who has control"),
    },
    "exploitation": {
        "prostitution-of-others": (
            "explotación de la prostitución ajena",
            "exploitation of the prostitution of others",
        ),
        "other-sexual-exploitation": ("otra explotación sexual", "other sexual exploitation"),
        "forced-labour": ("trabajos forzados", "forced labour"),
        "forced-services": ("servicios forzados", "forced services"),
        "slavery": ("esclavitud", "slavery"),
        "practices-similar-to-slavery": ("prácticas análogas a la esclavitud", "practices similar to slavery"),
        "servitude": ("servidumbre", "servitude"),
        "organ-removal": ("extracción de órganos", "removal of organs"),
    },
    "indicators": {
        "XEN-01": ("puede estar implicado un funcionario extranjero", "a foreign official may be involved"),
        "XEN-02": ("puede estar implicado un funcionario nacional", "a national official may be involved"),
        "XEN-03": ("quien figura como sospechoso puede ser víctima", "a person listed as suspect may be a victim"),
    },
    "category": {
        "circumstances": ("las circunstancias", "circumstances"),
        "narrative": ("el relato", "the narrative"),
        "handling": ("las instrucciones de manejo", "the handling instructions"),
        "links": ("los vínculos con otras alertas", "links to other alerts"),
        "journey": ("el trayecto", "the journey"),
        "goods": ("los bienes", "goods"),
        "finance": ("los datos financieros", "financial data"),
        "organisation": ("las empresas y locales", "companies and premises"),
        "suspect.description": ("la descripción del sospechoso", "the suspect's description"),
        "suspect.identity": ("la identidad del sospechoso", "the suspect's identity"),
        "suspect.contact": ("los datos de contacto del sospechoso", "the suspect's contact data"),
        "suspect.image": ("la imagen del sospechoso", "the suspect's image"),
        "victim.description": ("la descripción de la víctima", "the victim's description"),
        "victim.identity": ("la identidad de la víctima", "the victim's identity"),
        "victim.contact": ("los datos de contacto de la víctima", "the victim's contact data"),
        "victim.location": ("el paradero de la víctima", "the victim's whereabouts"),
        "victim.care": ("la atención y las necesidades de la víctima", "the victim's care and needs"),
        "victim.image": ("la imagen de la víctima", "the victim's image"),
        "missing.description": ("la descripción de la persona desaparecida", "the missing person's description"),
        "missing.identity": ("la identidad de la persona desaparecida", "the missing person's identity"),
        "missing.contact": ("los datos de contacto de la persona desaparecida", "the missing person's contact data"),
        "missing.image": ("la imagen de la persona desaparecida", "the missing person's image"),
        "witness.identity": ("la identidad de los testigos", "the identity of witnesses"),
        "informant": ("la fuente", "the informant"),
        "case": ("la referencia del proceso", "the case reference"),
        "evidence": ("las referencias a pruebas", "references to evidence"),
        "statistics": ("las estadísticas", "statistics"),
    },
    "ground": {
        "consent": ("el consentimiento de la víctima", "the victim's consent"),
        "legal_duty": ("un deber legal", "a legal duty"),
        "vital_interest": ("un interés vital", "a vital interest"),
        "best_interests": ("el interés superior del niño", "the best interests of the child"),
    },
}
# Sets of categories that a guideline may name by one word.
PATTERNS: Final[Named] = {
    "suspect.*": ("todos los datos del sospechoso", "all data of the suspect"),
    "victim.*": ("todos los datos de la víctima", "all data of the victim"),
    "missing.*": ("todos los datos de la persona desaparecida", "all data of the missing person"),
    "witness.*": ("todos los datos de los testigos", "all data of witnesses"),
    "*": ("todas las categorías", "all categories"),
}
# The same where they are not to be received.
NONE_OF: Final[Named] = {
    "suspect.*": ("dato alguno del sospechoso", "any data of the suspect"),
    "victim.*": ("dato alguno de la víctima", "any data of the victim"),
    "missing.*": ("dato alguno de la persona desaparecida", "any data of the missing person"),
    "witness.*": ("dato alguno de los testigos", "any data of witnesses"),
    "*": ("categoría alguna de datos", "any category of data"),
}


def term(bundle: Bundle, name: str, code: str, language: Language) -> str:
    """What people call a code of the list `name`, or the code."""
    for each in bundle.terms.get(name, ()):
        if each.id == code and each.text:
            return str(getattr(each.text, language))
    if name == "agency":
        agency = bundle.agency(code)
        return str(getattr(agency.name, language)) if agency else code
    if name == "country":
        return country(code, language)
    named = NAMES.get(name, {}).get(code) or PATTERNS.get(code if name == "category" else "")
    return named[language == "en"] if named else code


def value(bundle: Bundle, attribute: str, code: str, language: Language) -> str:
    """The same for a value of an attribute."""
    return term(bundle, LIST_OF.get(attribute, attribute), code, language)


@cache
def country(code: str, language: Language) -> str:
    found = pycountry.countries.get(alpha_2=code)
    if found is None:
        return "Kosovo" if code == "XK" else code
    name = str(getattr(found, "common_name", found.name))
    if language == "en":
        return name
    spanish = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=["es"], fallback=True)
    return spanish.gettext(name)
