"""The code lists of the field, each with its source: what a value in a routing block may be.

Closed lists (`CLOSED`) belong to the format itself. All others grow by bundle version: these are the standard values that
every bundle starts from (docs/sources.md names the sources). Nothing here knows a country's agencies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

import pycountry

Vocabulary = Mapping[str, frozenset[str]]

Exercise = Literal["none", "exercise", "test"]
Tlp = Literal["RED", "AMBER+STRICT", "AMBER", "GREEN", "CLEAR"]
Minor = Literal["yes", "no", "unknown"]
Consent = Literal["given", "withheld", "unknown", "not-applicable"]
Kind = Literal["alert", "cancel"]
Handling = Literal["H0", "H1", "H2", "H3"]
Reliability = Literal["A", "B", "C", "D", "E", "F"]
Credibility = Literal["1", "2", "3", "4", "5", "6"]

# FIRST TLP 2.0, narrowest first: it orders how far a recipient may pass something on, not secrecy.
TLP_NARROWEST_FIRST: Final = get_args(Tlp)
# Strictest first: the consent of an alert is the strictest over all its victims. A victim who refused weighs most.
CONSENT_STRICTEST_FIRST: Final = ("withheld", "unknown", "given", "not-applicable")

CLASSES: Final = (
    "suspected-transit",
    "victim-identified",
    "missing-person",
    "wanted-person",
    "document-fraud",
    "recruitment-offer",
    "seizure",
    "financial-flow",
    "mutual-legal-assistance",
    "case-outcome",
)
PURPOSES: Final = (
    "investigation",
    "prosecution",
    "victim-assistance",
    "child-protection",
    "consular-assistance",
    "search",
    "border-control",
    "prevention",
    "statistics",
    "oversight",
)

# Trafficking Protocol (Palermo), article 3; the words are the Protocol's, the slugs ours.
ACTS: Final = ("recruitment", "transportation", "transfer", "harbouring", "receipt")
MEANS: Final = (
    "threat",
    "force",
    "coercion",
    "abduction",
    "fraud",
    "deception",
    "abuse-of-power",
    "abuse-of-vulnerability",
    "payment-for-control",
)
EXPLOITATIONS: Final = (
    "prostitution-of-others",
    "other-sexual-exploitation",
    "forced-labour",
    "forced-services",
    "slavery",
    "practices-similar-to-slavery",
    "servitude",
    "organ-removal",
)


def _numbered(letter: str, count: int) -> tuple[str, ...]:
    return tuple(f"{letter}{number:02d}" for number in range(1, count + 1))


# UNODC's published indicators of trafficking, one code an item in its order and groups (general, children, domestic,
# sexual, labour, begging), and Enlace's own: a foreign official may be involved, a national official may be, a person
# listed as suspect may be a victim.
INDICATORS: Final = (
    *_numbered("G", 36),
    *_numbered("C", 16),
    *_numbered("D", 9),
    *_numbered("S", 19),
    *_numbered("L", 22),
    *_numbered("B", 16),
    "XEN-01",
    "XEN-02",
    "XEN-03",
)
# Items on health, sexual life, immigration status or ethnic origin: sensitive when one victim is counted, so they never
# stand in `circumstances` then. Enlace's own tell every reader something delicate and never stand there.
SENSITIVE_INDICATORS: Final = frozenset(
    {"G05", "G07", "G08", "G09", "G12", "G28", "G34", "C12", "B01", "B03", "B04", "B05", *_numbered("S", 19)}
)
OWN_INDICATORS: Final = frozenset({"XEN-01", "XEN-02", "XEN-03"})

# ISO 3166-1 alpha-2, and XK (user-assigned, in wide use for Kosovo). Other user-assigned codes are not countries.
COUNTRIES: Final = (*sorted(country.alpha_2 for country in pycountry.countries), "XK")

SEXES: Final = ("female", "male", "other", "unknown")
# Broad age bands of the Counter-Trafficking Data Collaborative (CTDC), and `unknown`.
AGE_BANDS: Final = (
    "0-8",
    "9-17",
    "18-20",
    "21-23",
    "24-26",
    "27-29",
    "30-38",
    "39-47",
    "48+",
    "unknown",
)
ADULT_YEARS: Final = 18

SUBJECTS: Final = ("suspect", "victim", "missing")
CATEGORIES: Final = (
    "circumstances",
    "narrative",
    "handling",
    "links",
    "journey",
    "goods",
    "finance",
    "organisation",
    "suspect.description",
    "suspect.identity",
    "suspect.contact",
    "suspect.image",
    "victim.description",
    "victim.identity",
    "victim.contact",
    "victim.location",
    "victim.care",
    "victim.image",
    "missing.description",
    "missing.identity",
    "missing.contact",
    "missing.image",
    "witness.identity",
    "informant",
    "case",
    "evidence",
    "statistics",
)
# Their release must rest on consent or on a named ground (DESIGN.md, guidelines, rule 7).
VICTIM_IDENTIFYING: Final = frozenset({"victim.identity", "victim.contact", "victim.location", "victim.image"})

CLOSED: Final[Vocabulary] = {
    "exercise": frozenset(get_args(Exercise)),
    "tlp": frozenset(get_args(Tlp)),
    "handling": frozenset(get_args(Handling)),
    "reliability": frozenset(get_args(Reliability)),
    "credibility": frozenset(get_args(Credibility)),
    "minor": frozenset(get_args(Minor)),
    "consent": frozenset(get_args(Consent)),
}
STANDARD: Final[Vocabulary] = {
    **CLOSED,
    "class": frozenset(CLASSES),
    "purposes": frozenset(PURPOSES),
    "act": frozenset(ACTS),
    "means": frozenset(MEANS),
    "exploitation": frozenset(EXPLOITATIONS),
    "indicators": frozenset(INDICATORS),
    "country": frozenset(COUNTRIES),
    "category": frozenset(CATEGORIES),
}
# Which list each attribute of a routing block takes its values from. `releasable_to` and `not_releasable_to` take
# agencies, `caveats` and `legal_basis` lists of the bundle.
LIST_OF: Final[Mapping[str, str]] = {
    "exercise": "exercise",
    "class": "class",
    "tlp": "tlp",
    "handling": "handling",
    "purposes": "purposes",
    "reliability": "reliability",
    "credibility": "credibility",
    "minor": "minor",
    "consent": "consent",
    "releasable_to": "agency",
    "not_releasable_to": "agency",
    "origin": "country",
    "transit": "country",
    "destination": "country",
    "nationality": "country",
    "act": "act",
    "means": "means",
    "exploitation": "exploitation",
    "indicators": "indicators",
    "legal_basis": "legal_basis",
}
COUNTS: Final = ("victims", "suspects", "missing")
# Everything that a guideline's `when` may name, in the order of the Avro fields (label first, then the routing block).
ATTRIBUTES: Final = (
    "exercise",
    "class",
    "tlp",
    "handling",
    "purposes",
    "reliability",
    "credibility",
    "minor",
    "consent",
    "victims",
    "suspects",
    "missing",
    "releasable_to",
    "not_releasable_to",
    "origin",
    "transit",
    "destination",
    "nationality",
    "act",
    "means",
    "exploitation",
    "indicators",
    "legal_basis",
    "derived_from",
)
MULTIPLE: Final = frozenset(
    {
        "handling",
        "purposes",
        "releasable_to",
        "not_releasable_to",
        "origin",
        "transit",
        "destination",
        "nationality",
        "act",
        "means",
        "exploitation",
        "indicators",
        "legal_basis",
        "derived_from",
    }
)
