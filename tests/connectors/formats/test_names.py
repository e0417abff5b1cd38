"""Names and document numbers that are the same, and those that are not. All are invented."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.formats.names import LONGEST_NAME, document_key, name_keys

latin = st.text(st.sampled_from("ABCDEÑÜÄÖÅØÁÉçß'-xyz"), min_size=1, max_size=10)
names = st.lists(latin, min_size=1, max_size=5)
anything = st.text(max_size=60)


def same(one: tuple[str, str | None], other: tuple[str, str | None]) -> bool:
    return bool(name_keys(*one) & name_keys(*other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("MUÑOZ", "EVA"), ("MUNOZ", "EVA")),
        (("MUÑOZ", "EVA"), ("MUNXXOZ", "EVA")),
        (("MUNOZ", "EVA"), ("MUNXXOZ", "EVA")),
        (("ARGÜELLES", "EVA"), ("ARGUELLES", "EVA")),
        (("ARGÜELLES", "EVA"), ("ARGUEELLES", "EVA")),
        (("ARGÜELLES", "EVA"), ("ARGUXXELLES", "EVA")),
        (("ARGUELLES", "EVA"), ("ARGUEELLES", "EVA")),
        (("Eva Argüelles", None), ("ARGUXXELLES", "EVAMRS")),
        (("NGÄBE", "EVA"), ("NGAEBE", "EVA")),
        (("MÜLLER", "JÖRG"), ("MUELLER", "JOERG")),
        (("STRAßE", "EVA"), ("Strasse", "Eva")),
        (("CÓRDOBA", "JOSÉ"), ("Cordoba", "jose")),
        (("D'ARTAGNAN", "LUIS"), ("DARTAGNAN", "LUIS")),
        (("D’ARTAGNAN", "LUIS"), ("D'ARTAGNAN", "LUIS")),
        (("PEREZ-DIAZ", "LUIS"), ("PEREZ  DIAZ", " LUIS ")),
        (("PEREZ<DIAZ", "LUIS"), ("DIAZ PEREZ", "LUIS")),
        (("LUIS PEREZ DIAZ", None), ("PEREZ DIAZ", "LUIS")),
        (("PEREZ DIAZ, LUIS", None), ("PEREZ DIAZ", "LUIS")),
        (("DE LA CRUZ", "MARIADELCARMEN"), ("María del Carmen de la Cruz", None)),
        (("PEREZ", "ANAMRS"), ("PEREZ", "ANA")),
        (("PEREZ", "LUISMR"), ("PEREZ", "LUIS")),
        (("PEREZ", "EVA MISS"), ("PEREZ", "EVA")),
        (("PEREZ", "LUISMSTR"), ("PEREZ", "LUIS")),
        (("PEREZ", "LUIS CHD"), ("PEREZ", "LUIS")),
        (("PEREZ", "LUISCHD"), ("PEREZ", "LUIS")),
        (("PEREZ LUIS MR", None), ("PEREZ", "LUIS")),
    ],
)
def test_ways_of_writing_one_name_share_a_key(one: tuple[str, str | None], other: tuple[str, str | None]) -> None:
    assert same(one, other)
    assert same(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("PEREZ", "LUIS"), ("PEREZ", "LUISA")),
        (("PEREZ", "LUIS"), ("PEREZ DIAZ", "LUIS")),
        (("SAENZ", "EVA"), ("SANZ", "EVA")),
        (("PAEZ", "NOEL"), ("PAZ", "NOEL")),
        (("MANUEL", "EVA"), ("MANUL", "EVA")),
        (("PEREZ", "AMR"), ("PEREZ", "A")),
        (("LI", "MR"), ("LI", None)),
        (("", None), ("", None)),
        ((" - ", "'"), (" - ", "'")),
    ],
)
def test_different_names_share_none(one: tuple[str, str | None], other: tuple[str, str | None]) -> None:
    assert not same(one, other)


def test_a_given_name_that_only_looks_like_one_with_a_title_is_found_as_it_is() -> None:
    assert same(("PEREZ", "ADAMS"), ("ADAMS PEREZ", None))


@given(names, st.randoms(use_true_random=False))
def test_order_case_spaces_and_accents_make_no_difference(words: list[str], random: object) -> None:
    keys = name_keys(" ".join(words))
    shuffled = sorted(words, key=lambda w: hash((w, str(random))))

    assert not keys or keys & name_keys("  ".join(shuffled).lower())
    assert keys == name_keys(unicodedata.normalize("NFD", " ".join(words)))


@given(names, names)
def test_parting_a_name_into_surname_and_given_names_makes_no_difference(
    surname: list[str], given_names: list[str]
) -> None:
    whole = name_keys(" ".join([*given_names, *surname]))
    parted = name_keys(" ".join(surname), " ".join(given_names))

    assert not parted or whole & parted


@given(
    names, st.sampled_from([("Ñ", "NXX"), ("Ñ", "N"), ("Ü", "UXX"), ("Ü", "UE"), ("Ä", "AE"), ("Ö", "OE"), ("Å", "AA")])
)
def test_every_transliteration_of_a_letter_matches_the_letter(words: list[str], way: tuple[str, str]) -> None:
    name = " ".join(words).upper()

    assert not name_keys(name) or name_keys(name) & name_keys(name.replace(*way))


@given(anything, st.none() | anything)
def test_keys_are_few_whatever_the_name(name: str, given_names: str | None) -> None:
    assert len(name_keys(name, given_names)) <= 600
    assert "" not in name_keys(name, given_names)


def test_a_name_of_absurd_length_takes_no_longer() -> None:
    assert len(name_keys("ÑÜÄÖÅØ " * 1_000_000)) <= 600
    assert document_key("A1" * LONGEST_NAME) is None


@pytest.mark.parametrize(
    ("number", "key"),
    [
        (" ab-12 34 ", "AB1234"),
        ("AB1234", "AB1234"),
        ("AB<1234<<", "AB1234"),
        ("８-123", "8123"),
        ("", None),
        (None, None),
        (" - ", None),
        ("000000", None),
        ("XXXX", None),
    ],
)
def test_document_numbers_are_letters_and_digits(number: str | None, key: str | None) -> None:
    assert document_key(number) == key


@given(st.text(st.sampled_from("AB12 -"), max_size=12))
def test_document_keys_ignore_case_spaces_and_hyphens(number: str) -> None:
    assert document_key(number.lower()) == document_key(number.replace(" ", "").replace("-", ""))
