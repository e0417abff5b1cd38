"""Keys by which names and document numbers are compared: exact after normalisation.

Two names match if their sets of keys meet. Normalisation removes what writing adds to a name (case, accents, apostrophes,
hyphens, order, spaces, titles that passenger lists glue on) and allows each transliteration that ICAO Doc 9303 part 3
section 6 lets an issuing State choose. Likeness and missing second surnames are for scored matching
(connectors/customs/likeness.py), which gets the words of a name, their plain letters and their sound from here.
"""

import re
import unicodedata
from itertools import product
from typing import Final

LONGEST_NAME: Final = 500
MOST_TOKENS: Final = 30

# Doc 9303 part 3, section 6 A: what a State may write for a letter. It uses one way within a document, so the variants
# of a name are few however often the letter occurs.
_VARIANTS: Final = {
    "Ñ": ("N",),  # and NXX, which is read back below
    "Ü": ("U", "UE"),
    "Ä": ("A", "AE"),
    "Ö": ("O", "OE"),
    "Å": ("A", "AA"),
    "Ø": ("O", "OE"),
}
_LETTERS: Final = str.maketrans(
    {"ß": "SS", "ẞ": "SS", "Æ": "AE", "Œ": "OE", "Þ": "TH", "Ð": "D", "Đ": "D", "Ł": "L", "Ħ": "H", "ı": "I", "Ĳ": "IJ"}
)
# NXX and UXX stand for Ñ and Ü in machine-readable zones and nowhere else.
_MARKED: Final = {"NXX": "Ñ", "UXX": "Ü"}
# Ü in Spanish stands only in GÜE and GÜI; GUEE and GUEI are GÜE and GÜI as a State that writes UE writes them.
_SPANISH_UE: Final = re.compile(r"GUE(?=[EI])")
_APOSTROPHES: Final = re.compile(r"['’‘ʼ`´ʹ′]")
_NOT_LETTERS: Final = re.compile(r"[\W\d_]+")

_TITLES: Final = frozenset({"MR", "MRS", "MS", "MISS", "MSTR", "MST", "CHD", "INF", "DR", "SR", "SRA", "SRTA"})
_GLUED: Final = ("MSTR", "MISS", "MRS", "CHD", "INF", "MR", "MS")
_VOWEL: Final = re.compile(r"[AEIOUY]")
_PLAIN: Final = str.maketrans({letter: ways[0] for letter, ways in _VARIANTS.items()})
_DIGRAPHS: Final = re.compile(r"AE|OE|UE|AA")
# One letter for those that sound alike where s and z, b and v, ll and y do; in the order in which they are put in place.
_HEARD: Final = tuple(
    (re.compile(written), said)
    for written, said in (
        (r"PH", "F"),
        (r"CH", "9"),
        (r"H", ""),
        (r"QU(?=[EI])|CK|[QC](?![EI])", "K"),
        (r"[CZ]", "S"),
        (r"GU(?=[EI])", "8"),
        (r"G(?=[EI])|X", "J"),
        (r"8", "G"),
        (r"[VW]", "B"),
        (r"LL|Y", "I"),
        (r"N(?=[BP])", "M"),
        (r"(.)\1+", r"\1"),
    )
)


def name_keys(name: str | None, given_names: str | None = None) -> frozenset[str]:
    """The keys of a person's name; two names are the same if the sets share a key. Empty if there is no name.

    `name` is a full name in any order, or the surname when `given_names` has the rest. Titles are taken off given names
    (`LUISMR`) both ways: the key with and the key without, since `ADAMS` is a name too.
    """
    tokens = _tokens(name)
    keys: set[str] = set()
    for given in _without_titles(_tokens(given_names)) if given_names else _without_title_words(tokens):
        surname = tokens if given_names else []
        if not surname and not given:
            continue
        keys |= _spellings(" ".join(sorted([*surname, *given])))
        # Carriers run names together; the same letters in the same order are the same name.
        for order in ([*given, *surname], [*surname, *given]):
            keys |= _spellings("=" + "".join(order))
    return frozenset(keys)


def document_key(number: str | None) -> str | None:
    """A document number for comparison: letters and digits only, upper case.

    None if nothing is left, or only one character repeated (`000000`, `XXXX`): that is no number, and must match nobody.
    """
    if number is None or len(number) > LONGEST_NAME:
        return None
    key = "".join(c for c in unicodedata.normalize("NFKC", number).upper() if c.isalnum())
    return key if len(set(key)) > 1 else None


def name_words(name: str | None) -> tuple[str, ...]:
    """The words of a name in capital letters, as keys are made of them."""
    return tuple(_tokens(name))


def given_words(given_names: str | None) -> tuple[tuple[str, ...], ...]:
    """The words of given names as sent, and without the titles that may stand, or be glued on, at their end."""
    return tuple(tuple(words) for words in _without_titles(_tokens(given_names)))


def plain_letters(word: str) -> str:
    """A word (of name_words) in one spelling for all that Doc 9303 allows: Müller, Muller and Mueller are one.

    Letters that are spelt so by chance (the UE of Manuel) are treated alike on both sides, so nothing is lost by it.
    """
    return _DIGRAPHS.sub(lambda found: found[0][0], word.translate(_PLAIN))


def sound(word: str) -> str:
    """How a word (of name_words) sounds in American Spanish, roughly: those who write by ear write any of its spellings."""
    heard = word.translate(_PLAIN)
    for written, said in _HEARD:
        heard = written.sub(said, heard)
    return heard


def _tokens(text: str | None) -> list[str]:
    """The words of a name in capital letters; accents are gone, except where they make a letter with variants."""
    if not text:
        return []
    # Twice upper case: some letters only decompose into ones that have a capital.
    upper = unicodedata.normalize("NFKC", text[:LONGEST_NAME]).upper().translate(_LETTERS)
    letters = "".join(_bare(c) for c in unicodedata.normalize("NFC", upper)).upper()
    for written, letter in _MARKED.items():
        letters = letters.replace(written, letter)
    joined = _APOSTROPHES.sub("", letters)
    return [word for word in _NOT_LETTERS.split(joined) if word][:MOST_TOKENS]


def _bare(letter: str) -> str:
    if letter in _VARIANTS:
        return letter
    return "".join(
        c for c in unicodedata.normalize("NFKD", letter) if not unicodedata.category(c).startswith(("M", "C"))
    )


def _spellings(key: str) -> set[str]:
    """Every way the key may be transliterated: one choice for each letter that has several."""
    letters = [letter for letter in _VARIANTS if letter in key]
    spellings = {
        key.translate({ord(letter): written for letter, written in zip(letters, choice, strict=True)})
        for choice in product(*(_VARIANTS[letter] for letter in letters))
    }
    return spellings | {_SPANISH_UE.sub("GU", spelling) for spelling in spellings}


def _without_titles(given: list[str]) -> list[list[str]]:
    """The given names as sent, and without the titles at their end."""
    found = _without_title_words(given)
    last = found[-1]
    for title in _GLUED:
        if last and last[-1].endswith(title) and _is_name(rest := last[-1][: -len(title)]):
            found.append([*last[:-1], rest])
            break
    return found


def _without_title_words(words: list[str]) -> list[list[str]]:
    bare = list(words)
    while len(bare) > 1 and bare[-1] in _TITLES:
        bare.pop()
    return [words] if bare == words else [words, bare]


def _is_name(text: str) -> bool:
    return len(text) >= 2 and _VOWEL.search(text) is not None
