"""Country codes and names from travel documents and foreign records, to ISO 3166-1 alpha-2 where there is one.

Knows ISO 3166-1 (through pycountry), ICAO Doc 9303 part 3 section 5 (the exceptions that stand in travel documents) and
names in English and Spanish. Whether a country matters to a decision is left to others.
"""

import functools
import gettext
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import pycountry

Kind = Literal["state", "stateless", "refugee", "unspecified", "organisation", "unknown"]

LONGEST_NAME: Final = 100

# Doc 9303 part 3, section 5: codes of travel documents that ISO 3166-1 does not have.
_ICAO_STATES: Final[Mapping[str, str]] = {
    "D": "DE",
    "GBD": "GB",
    "GBN": "GB",
    "GBO": "GB",
    "GBP": "GB",
    "GBS": "GB",
    "RKS": "XK",
    "UNK": "XK",
    "XKX": "XK",
}
_ICAO_OTHERS: Final[Mapping[str, Kind]] = {
    "XXA": "stateless",
    "XXB": "refugee",
    "XXC": "refugee",
    "XXX": "unspecified",
    "EUE": "organisation",
    "UNO": "organisation",
    "UNA": "organisation",
    "XPO": "organisation",
    "XOM": "organisation",
}
_OTHER_NAMES: Final[Mapping[str, str]] = {
    "ESTADOS UNIDOS DE AMERICA": "US",
    "EE UU": "US",
    "EEUU": "US",
    "USA": "US",
    "UNITED STATES OF AMERICA": "US",
    "REINO UNIDO": "GB",
    "GREAT BRITAIN": "GB",
    "GRAN BRETANA": "GB",
    "HOLANDA": "NL",
    "RUSIA": "RU",
    "RUSSIA": "RU",
    "COREA DEL SUR": "KR",
    "SOUTH KOREA": "KR",
    "COREA DEL NORTE": "KP",
    "NORTH KOREA": "KP",
    "IRAN": "IR",
    "SIRIA": "SY",
    "SYRIA": "SY",
    "LAOS": "LA",
    "VIETNAM": "VN",
    "TURKEY": "TR",
    "TURQUIA": "TR",
    "TAIWAN": "TW",
    "TANZANIA": "TZ",
    "MOLDAVIA": "MD",
    "MOLDOVA": "MD",
    "PALESTINA": "PS",
    "CABO VERDE": "CV",
    "CAPE VERDE": "CV",
    "SWAZILAND": "SZ",
    "KOSOVO": "XK",
}


@dataclass(frozen=True, slots=True)
class Country:
    """A country as a record names it.

    `sent` is the code or name as it stood; `alpha2` is ISO 3166-1 (or `XK`) and None for everything that has no
    two-letter form: stateless persons and refugees (`XXA` to `XXX`), organisations, and codes that do not exist (`kind`
    says which). Both are hidden in repr: a nationality is personal.
    """

    sent: str = field(repr=False)
    alpha2: str | None = field(repr=False)
    kind: Kind = field(repr=False)


def resolve(text: str) -> Country:
    """Resolve a two- or three-letter code, an ICAO exception, or a name in English or Spanish. Never raises."""
    sent = text.strip()
    return _resolve(sent) if len(sent) <= LONGEST_NAME else Country(sent, None, "unknown")


@functools.lru_cache(maxsize=2048)
def _resolve(sent: str) -> Country:
    code = sent.upper()
    if code in _ICAO_OTHERS:
        return Country(sent, None, _ICAO_OTHERS[code])
    alpha2 = _ICAO_STATES.get(code) or _from_code(code) or _from_name(sent)
    return Country(sent, alpha2, "state" if alpha2 else "unknown")


def alpha2(text: str) -> str | None:
    """ISO 3166-1 alpha-2 of a code or name, or None."""
    return resolve(text).alpha2


def is_assigned(code: str) -> bool:
    """Whether an upper-case alpha-2 code may stand in a routing block: ISO 3166-1, and `XK`; no user-assigned code."""
    return code == "XK" or (re.fullmatch(r"[A-Z]{2}", code) is not None and _from_code(code) is not None)


def _from_code(code: str) -> str | None:
    if code == "XK":
        return code
    if len(code) == 2:
        found = pycountry.countries.get(alpha_2=code)
    elif len(code) == 3:
        found = pycountry.countries.get(alpha_3=code)
    else:
        return None
    return str(found.alpha_2) if found is not None else None


def _from_name(name: str) -> str | None:
    return _names().get(_name_key(name)) if len(name) > 3 else None


def _name_key(name: str) -> str:
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return " ".join(re.findall(r"[A-Z]+", bare.upper()))


@functools.cache
def _names() -> Mapping[str, str]:
    """Every English and Spanish name of ISO 3166-1 that pycountry carries, without accents, to alpha-2."""
    spanish = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=["es"], fallback=True)
    names = dict(_OTHER_NAMES)
    for country in pycountry.countries:
        for attribute in ("name", "official_name", "common_name"):
            english = getattr(country, attribute, None)
            if english is None:
                continue
            for name in (english, spanish.gettext(english)):
                names.setdefault(_name_key(name), country.alpha_2)
                # "Venezuela, República Bolivariana de" is "Venezuela" to everyone, except where two share the head.
                head = _name_key(name.split(",")[0])
                if "," in name and head not in _SHARED_HEADS:
                    names.setdefault(head, country.alpha_2)
    return names


_SHARED_HEADS: Final = frozenset({"CONGO", "KOREA", "COREA", "VIRGIN ISLANDS", "ISLAS VIRGENES"})
