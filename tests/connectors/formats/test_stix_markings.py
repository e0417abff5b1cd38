"""TLP of STIX objects and units: the strictest of all markings, known ids without definitions, what is unknown."""

import pytest
import stix2  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.formats.records import Note
from connectors.formats.stix_markings import (
    STRICTEST_FIRST,
    TLP_1_IDS,
    TLP_2_EXTENSION,
    TLP_2_IDS,
    Tlp,
    from_word,
    strictest,
)
from tests.connectors.formats.test_stix import Json, bundle, person, refused, report, uid, unit

UNKNOWN = uid("marking-definition", 7)


def definition(identifier: str = UNKNOWN, **more: object) -> Json:
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": identifier,
        "created": "2026-01-01T00:00:00.000Z",
        **more,
    }


def tlp_2(word: object, identifier: str = UNKNOWN) -> Json:
    return definition(
        identifier, extensions={TLP_2_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": word}}
    )


def tlp_1(word: object, identifier: str = UNKNOWN) -> Json:
    return definition(identifier, definition_type="tlp", definition={"tlp": word})


def marked(*markings: str) -> Json:
    return {"object_marking_refs": list(markings)}


def test_the_ids_of_tlp_1_are_those_of_the_stix2_library() -> None:
    ours = {"white" if tlp == "CLEAR" else tlp.lower(): marking for tlp, marking in TLP_1_IDS.items()}
    theirs = {
        each.definition.tlp: each.id for each in (stix2.TLP_WHITE, stix2.TLP_GREEN, stix2.TLP_AMBER, stix2.TLP_RED)
    }

    assert ours == theirs


@pytest.mark.parametrize(
    ("marking", "tlp"), [(marking, tlp) for ids in (TLP_1_IDS, TLP_2_IDS) for tlp, marking in ids.items()]
)
def test_the_known_markings_need_no_definition(marking: str, tlp: Tlp) -> None:
    found = unit(report(1, **marked(marking)))

    assert (found.tlp, found.root.tlp, found.notes) == (tlp, tlp, ())


@pytest.mark.parametrize("word", ["red", "amber+strict", "amber", "green", "clear", "white", "TLP:RED", " Amber "])
def test_markings_of_a_senders_own_are_known_by_their_definitions(word: str) -> None:
    for made in (tlp_1(word), tlp_2(word), definition(definition_type="x", name=f"TLP:{word.removeprefix('TLP:')}")):
        assert unit(made, report(1, **marked(UNKNOWN))).tlp == from_word(word)


@settings(max_examples=30)
@given(
    st.lists(st.sampled_from(STRICTEST_FIRST), min_size=1, max_size=4),
    st.lists(st.sampled_from(STRICTEST_FIRST), max_size=3),
)
def test_of_several_markings_on_object_and_properties_the_strictest_wins(whole: list[Tlp], single: list[Tlp]) -> None:
    granular = [{"marking_ref": TLP_2_IDS[tlp], "selectors": ["name"]} for tlp in single]
    found = unit(report(1, **marked(*(TLP_2_IDS[tlp] for tlp in whole)), granular_markings=granular))

    assert found.tlp == strictest([*whole, *single])


@settings(max_examples=30)
@given(st.sampled_from(STRICTEST_FIRST), st.none() | st.sampled_from(STRICTEST_FIRST))
def test_a_unit_is_as_strict_as_its_strictest_member(root: Tlp, member: Tlp | None) -> None:
    """A member without a marking is under the root's."""
    inside = person(2, **(marked(TLP_2_IDS[member]) if member else {}))

    assert unit(report(1, uid("identity", 2), **marked(TLP_2_IDS[root])), inside).tlp == strictest(
        [root, member or root]
    )


def test_what_is_not_marked_counts_as_amber_strict() -> None:
    assert (unit(report(1)).tlp, unit(report(1)).root.tlp) == ("AMBER+STRICT", None)
    assert unit(report(1, uid("identity", 2)), person(2, **marked(TLP_2_IDS["CLEAR"]))).tlp == "AMBER+STRICT"
    assert unit(report(1, uid("identity", 2)), person(2, **marked(TLP_2_IDS["RED"]))).tlp == "RED"


def test_a_marking_that_cannot_be_looked_up_counts_as_amber_strict_and_is_noted() -> None:
    for file in (
        [report(1, **marked(UNKNOWN))],
        [report(1, **marked(UNKNOWN, TLP_2_IDS["CLEAR"]))],
        [definition(definition_type="iep", definition={"x": 1}), report(1, **marked(UNKNOWN))],
    ):
        found = unit(*file)
        assert (found.tlp, found.notes) == ("AMBER+STRICT", (Note("marking-unknown", "object_marking_refs"),))
    assert unit(report(1, **marked(UNKNOWN, TLP_2_IDS["RED"]))).tlp == "RED"


def test_a_statement_says_nothing_of_tlp() -> None:
    statement = definition(definition_type="statement", definition={"statement": "(c) Ejemplo"})

    assert unit(statement, report(1, **marked(UNKNOWN, TLP_2_IDS["GREEN"]))).tlp == "GREEN"
    assert unit(statement, report(1, **marked(UNKNOWN))).tlp == "AMBER+STRICT"


@pytest.mark.parametrize("made", [tlp_1("ultraviolet"), tlp_2("purple"), tlp_2(7), tlp_1(None), tlp_2("red", UNKNOWN)])
def test_a_level_that_we_do_not_know_sets_the_object_aside(made: Json) -> None:
    expected = [] if "red" in str(made) else [("stix-tlp-unknown", 2, "object_marking_refs")]

    assert refused(bundle(made, report(1, **marked(UNKNOWN)))) == expected


def test_a_well_known_id_with_another_definition_is_the_stricter_of_both() -> None:
    red, clear = TLP_2_IDS["RED"], TLP_2_IDS["CLEAR"]

    assert unit(tlp_2("clear", red), report(1, **marked(red))).tlp == "RED"
    assert unit(tlp_2("red", clear), report(1, **marked(clear))).tlp == "RED"


def test_several_definitions_of_one_id_are_all_looked_at() -> None:
    assert unit(tlp_2("green"), tlp_1("red"), report(1, **marked(UNKNOWN))).tlp == "RED"


@pytest.mark.parametrize(("label", "tlp"), [("tlp:red", "RED"), ("TLP:WHITE", "CLEAR"), ("other", "AMBER+STRICT")])
def test_labels_that_say_tlp_are_markings(label: str, tlp: Tlp) -> None:
    assert unit(report(1, labels=[label])).tlp == tlp


def test_a_label_with_an_unknown_level_sets_the_object_aside() -> None:
    assert refused(bundle(report(1, labels=["tlp:mauve"]))) == [("stix-tlp-unknown", 1, "labels")]
