"""Whether a CAP info block is about a child's abduction: by its event code, else by what its event says in en, es or fr.

Codes: CAE of EAS (47 CFR 11.31), which CAP names SAME; `amber` of the Canadian profile (CAP-CP event list). Words alone count
only where the block's category may be one of an abduction: "amber alert" is also what some offices call the second of three
levels of weather.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final, Literal

Verdict = Literal["abduction", "other", "unknown"]

_CODES: Final = frozenset({"CAE", "AMBER"})
_CODE_NAMES: Final = ("SAME", "CAP-CP")
_CATEGORIES: Final = frozenset({"Rescue", "Safety", "Security", "Other"})
_CHILD_ES: Final = r"(?:UN |UNA |EL |LA |LOS |LAS )?(?:NIN[OA]S?|MENOR(?:ES)?|INFANTES?|ADOLESCENTES?)"
_CHILD_FR: Final = r"(?:D |DE |DES |DU )?(?:UN |UNE |L )?(?:ENFANTS?|MINEUR(?:E|S|ES)?)"
_WORDS: Final = re.compile(
    rf"\bAMBER ALERT\b|\bALERT[AE] AMBER\b|\bCHILD(?:REN)? ABDUCTIONS?\b|\bABDUCT(?:ED|ION OF(?: A)?) CHILD(?:REN)?\b"
    rf"|\b(?:ABDUCCION|SUSTRACCION|SECUESTRO|RAPTO|PLAGIO)(?: INTERNACIONAL)? DE {_CHILD_ES}\b"
    rf"|\b(?:ABDUCCION|SUSTRACCION|SECUESTRO|RAPTO|PLAGIO) INFANTIL\b"
    rf"|\b(?:ENLEVEMENT|RAPT|KIDNAPPING) {_CHILD_FR}\b|\bALERTE ENLEVEMENT\b"
)


def verdict(event: str, codes: Sequence[tuple[str, str]], categories: Sequence[str]) -> Verdict:
    """`codes` are (name, value). A code of a list that we know decides; then words; else nobody knows."""
    if any(value.strip().upper() in _CODES for _, value in codes):
        return "abduction"
    if any(known in name.upper() and value.strip() for name, value in codes for known in _CODE_NAMES):
        return "other"
    possible = not categories or not _CATEGORIES.isdisjoint(categories)
    return "abduction" if possible and _WORDS.search(_bare(event)) else "unknown"


def _bare(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text[:500])
    return " ".join(re.findall(r"[A-Z]+", "".join(c for c in letters if not unicodedata.combining(c)).upper()))
