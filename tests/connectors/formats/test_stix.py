"""STIX 2.1 files to units of exchange: versions, references, circles, what is left over. All persons are invented."""

import json
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Secret

from connectors.formats import records, stix, strict_json
from connectors.formats.records import Note
from connectors.formats.stix_record import REASONS, BadObject, StixObject, Unit

SAMPLE = Path(__file__).parent / "samples" / "stix" / "report_tlp2.json"
Json = dict[str, Any]


def uid(kind: str, number: int) -> str:
    return f"{kind}--00000000-0000-4000-8000-{number:012d}"


def made(kind: str, number: int, **more: object) -> Json:
    time = "2026-05-01T00:00:00.000Z"
    base = {"type": kind, "spec_version": "2.1", "id": uid(kind, number), "created": time, "modified": time}
    return {**base, **({} if kind in ("note", "relationship") else {"name": f"{kind} {number}"}), **more}


def report(number: int, *refs: str, **more: object) -> Json:
    return made("report", number, published="2026-05-01T00:00:00Z", object_refs=list(refs), **more)


def person(number: int, **more: object) -> Json:
    return made("identity", number, identity_class="individual", **more)


def bundle(*objects: object) -> Json:
    return {"type": "bundle", "id": uid("bundle", 1), "objects": list(objects)}


def read(value: object, limits: stix.Limits | None = None) -> list[Unit | BadObject]:
    data = value if isinstance(value, bytes) else (value if isinstance(value, str) else json.dumps(value)).encode()
    return list(stix.read(BytesIO(data), limits=limits))


def units(value: object) -> list[Unit]:
    return [each for each in read(value) if isinstance(each, Unit)]


def unit(*objects: object) -> Unit:
    (found,) = read(bundle(*objects))
    assert isinstance(found, Unit), found
    return found


def refused(value: object) -> list[tuple[str, int | None, str]]:
    return [(each.code, each.record, each.field) for each in read(value) if isinstance(each, BadObject)]


def ids(objects: tuple[StixObject, ...]) -> list[str]:
    return [each.id for each in objects]


def test_a_report_is_one_unit_with_all_it_refers_to_and_what_is_said_about_it() -> None:
    (found,) = read(SAMPLE.read_bytes())

    assert isinstance(found, Unit)
    assert [each.type for each in found.members] == ["threat-actor", "location", "note", "relationship"]
    assert found.root.name == Secret("Red de ejemplo")
    assert found.root.text == Secret("Traslado de personas")
    assert (found.root.kinds, found.root.language, found.root.confidence) == (("threat-actor",), "es", 70)
    assert found.root.modified == datetime(2026, 4, 3, 10, tzinfo=UTC)
    assert [(each.source, each.external_id, each.url) for each in found.root.external] == [
        ("SICA", "2026-17", Secret("https://sica.example/17"))
    ]
    assert [each.name for each in found.creators] == [Secret("Secretaría de Ejemplo")]
    assert found.missing == (uid("identity", 0),)
    assert [note.code for note in found.notes] == ["reference-missing"]
    assert (found.provenance, found.revoked, found.record, found.line) == (None, False, 7, 45)


def test_members_are_read_by_their_types() -> None:
    (found,) = units(SAMPLE.read_bytes())
    (actor,), (place,), (note,) = found.of_type("threat-actor"), found.of_type("location"), found.of_type("note")

    assert (actor.name, actor.aliases) == (Secret("Fulano de Prueba"), (Secret("El Ejemplo"),))
    assert place.country is not None
    assert place.country.alpha2 == "CR"
    assert (note.name, note.text) == (Secret("Resumen"), Secret("Visto con la víctima Xiomara Ejemplo"))
    (relation,) = found.relations
    assert (relation.source, relation.kind, relation.target) == (actor.id, "located-at", place.id)


def test_bundles_lists_single_objects_and_lines_all_give_their_units() -> None:
    first, second = made("note", 1, content="a", object_refs=[]), made("note", 2, content="b", object_refs=[])
    files: list[object] = [
        bundle(first, second),
        [first, second],
        [bundle(first), second],
        json.dumps(first) + "\n" + json.dumps(second),
        "\ufeff" + json.dumps(bundle(first, second), indent=2),
        json.dumps(bundle(first)) + json.dumps(second, indent=1),
    ]
    for file in files:
        assert [each.root.id for each in units(file)] == [first["id"], second["id"]], file
        assert refused(file) == []
    assert [each.root.id for each in units(first)] == [first["id"]]


@pytest.mark.parametrize("empty", [{"type": "bundle", "id": uid("bundle", 1)}, bundle()])
def test_a_bundle_without_objects_is_told(empty: Json) -> None:
    assert refused(empty) == [("stix-no-objects", 1, "")]


def test_a_bundle_inside_a_bundle_is_told() -> None:
    assert refused(bundle(bundle(person(1)))) == [("stix-nested-bundle", 1, "")]


BAD: list[tuple[object, str, str]] = [
    (7, "stix-not-an-object", ""),
    ([], "stix-not-an-object", ""),
    ({}, "stix-type", "type"),
    ({"type": "Ünit", "id": "x"}, "stix-type", "type"),
    ({"type": "identity"}, "stix-id", "id"),
    (person(1, id="identity--7"), "stix-id", "id"),
    (person(1, id=uid("location", 1)), "stix-id", "id"),
    (person(1, name=7), "stix-field-type", "name"),
    (person(1, modified="yesterday"), "stix-timestamp", "modified"),
    (person(1, modified="2026-05-01T00:00:00"), "stix-timestamp", "modified"),
    (person(1, modified="2026-02-30T00:00:00Z"), "stix-timestamp", "modified"),
    (person(1, modified="0001-01-01T00:00:00+10:00"), "stix-timestamp", "modified"),
    (person(1, revoked="yes"), "stix-field-type", "revoked"),
    (person(1, confidence=101), "stix-field-type", "confidence"),
    (person(1, labels=[7]), "stix-field-type", "labels"),
    (person(1, created_by_ref="me"), "stix-reference", "created_by_ref"),
    (report(1, "identity"), "stix-reference", "object_refs"),
    (person(1, x_ZZ_refs=["?"]), "stix-reference", "?"),
    (made("relationship", 1, source_ref=uid("identity", 1)), "stix-reference", "target_ref"),
    (person(1, object_marking_refs=["TLP:RED"]), "stix-reference", "object_marking_refs"),
    (person(1, granular_markings=["x"]), "stix-field-type", "granular_markings"),
    (person(1, external_references=[{"source_name": 7}]), "stix-field-type", "external_references.source_name"),
    (person(1, description="A" * 100_001), "stix-text-too-long", "description"),
    (report(1, *(uid("identity", n) for n in range(5_001))), "stix-too-many-references", "object_refs"),
]


@pytest.mark.parametrize(("bad", "code", "field"), BAD)
def test_a_bad_object_is_one_error_and_the_others_go_on(bad: object, code: str, field: str) -> None:
    good = [report(8, uid("identity", 9)), person(9)]

    for file in (bundle(good[0], bad, good[1]), [good[0], bad, good[1]]):
        assert refused(file) == [(code, 2, field)]
        assert [ids(each.members) for each in units(file)] == [[uid("identity", 9)]]


@pytest.mark.parametrize(
    "text", ['{"id": 1, "id": 2}', '{"a": NaN}', '{"a": "\\ud800"}', "{]", '{"a": ' + "[" * 40 + "]" * 40 + "}"]
)
def test_an_object_that_is_no_strict_json_is_one_error_with_its_line(text: str) -> None:
    good = json.dumps(made("note", 1, content="a", object_refs=[]))
    found = read(f'{{"type": "bundle", "id": "{uid("bundle", 1)}", "objects": [\n{good},\n{text},\n{good}]}}')

    assert [(type(each), each.line) for each in found] == [(BadObject, 3), (Unit, 2)]


def test_a_truncated_bundle_gives_its_whole_objects_and_an_error() -> None:
    text = json.dumps(bundle(report(1, uid("identity", 2)), person(2)))
    for cut in range(1, len(text) - 1):
        found = read(text[:cut])
        assert any(isinstance(each, BadObject) for each in found), cut


def test_the_highest_version_wins_wherever_it_stands() -> None:
    old, new = person(2, name="old"), person(2, name="new", modified="2026-05-02T00:00:00.000Z")

    for order in ([old, new], [new, old], [old, new, old]):
        found = unit(report(1, uid("identity", 2)), *order)
        assert found.members[0].name == Secret("new")
        assert found.notes == (Note("older-version", "id"), Note("unmarked", "object_marking_refs"))


def test_two_objects_of_one_version_that_differ_are_both_set_aside() -> None:
    file = bundle(report(1, uid("identity", 2)), person(2, name="a"), person(2, name="b"))

    assert refused(file) == [("stix-version-conflict", 3, "modified"), ("stix-version-conflict", 2, "modified")]
    assert units(file)[0].missing == (uid("identity", 2),)


def test_the_same_object_twice_is_one() -> None:
    assert ids(unit(report(1, uid("identity", 2)), person(2), person(2)).members) == [uid("identity", 2)]


def test_a_version_in_another_offset_is_compared_as_time() -> None:
    later = person(2, name="later", modified="2026-05-01T00:30:00+00:00")
    earlier = person(2, name="earlier", modified="2026-05-01T01:00:00+02:00")

    assert unit(report(1, uid("identity", 2)), later, earlier).members[0].name == Secret("later")


def test_a_revoked_unit_is_told_as_revoked_and_a_revoked_member_is_left_out() -> None:
    assert unit(report(1, uid("identity", 2), revoked=True), person(2)).revoked
    found = unit(report(1, uid("identity", 2), uid("identity", 3)), person(2, revoked=True), person(3))
    assert (ids(found.members), found.revoked) == ([uid("identity", 3)], False)
    assert Note("member-revoked", "object_refs") in found.notes


def test_a_circle_is_walked_once_and_told() -> None:
    first, second = report(1, uid("grouping", 2)), made("grouping", 2, object_refs=[uid("report", 1)])

    found = unit(first, second)

    assert (found.root.id, ids(found.members)) == (uid("report", 1), [uid("grouping", 2)])
    assert Note("cycle", "object_refs") in found.notes
    assert Note("cycle", "object_refs") not in unit(report(1, uid("identity", 2)), person(2)).notes


def test_a_report_that_refers_to_itself_is_a_unit() -> None:
    assert unit(report(1, uid("report", 1))).members == ()


def test_an_incident_or_note_is_a_unit_of_its_own_only_if_no_unit_holds_it() -> None:
    incident, note = made("incident", 2), made("note", 3, content="a", object_refs=[uid("incident", 2)])

    assert [each.root.type for each in units(bundle(note, incident))] == ["incident"]
    assert [each.root.type for each in units(bundle(note, incident, report(1, uid("incident", 2))))] == ["report"]
    assert [each.root.type for each in units(bundle(note))] == ["note"]


def test_units_that_share_a_place_do_not_draw_in_each_others_persons() -> None:
    place = made("location", 9, country="PA")
    links = [
        made("relationship", n, relationship_type="located-at", source_ref=uid("identity", n), target_ref=place["id"])
        for n in (1, 2)
    ]
    objects = [report(n, uid("identity", n), place["id"]) for n in (1, 2)]

    first, second = units(bundle(*objects, person(1), person(2), place, *links))

    assert ids(first.members) == [uid("identity", 1), place["id"], links[0]["id"]]
    assert ids(second.members) == [uid("identity", 2), place["id"], links[1]["id"]]


def test_a_sighting_belongs_to_the_unit_of_what_was_seen() -> None:
    sighting = made("sighting", 4, sighting_of_ref=uid("threat-actor", 2), where_sighted_refs=[uid("identity", 3)])

    found = unit(report(1, uid("threat-actor", 2)), made("threat-actor", 2), sighting, person(3))

    assert ids(found.members) == [uid("threat-actor", 2), sighting["id"], uid("identity", 3)]


def test_objects_in_no_unit_are_errors() -> None:
    assert refused(bundle(report(1), person(2), made("x-odd", 3))) == [
        ("stix-outside-unit", 2, ""),
        ("stix-outside-unit", 3, ""),
    ]


def test_custom_objects_properties_and_observables_are_taken_along() -> None:
    phone = {"type": "x-phone", "spec_version": "2.1", "id": uid("x-phone", 3), "number": "555-0100"}
    observed = made("observed-data", 2, number_observed=1, object_refs=[phone["id"]], x_note={"a": [1, None]})

    found = unit(report(1, observed["id"]), observed, phone)

    assert ids(found.members) == [observed["id"], phone["id"]]
    assert found.members[1].content == Secret(phone)
    assert found.members[1].notes == ()


def test_objects_of_stix_2_0_are_read_with_a_note() -> None:
    old = {name: value for name, value in report(1).items() if name != "spec_version"}

    assert Note("spec-version-missing", "spec_version") in unit(old).notes


def test_limits_are_kept() -> None:
    chain = [
        report(1, uid("grouping", 2)),
        *(made("grouping", n, object_refs=[uid("grouping", n + 1)]) for n in range(2, 9)),
    ]
    small = stix.Limits(json=strict_json.Limits(document_bytes=10))

    assert [each.code for each in read(bundle(report(1)), small) if isinstance(each, BadObject)] == ["file-too-large"]
    many = read(bundle(*chain), stix.Limits(values=20))
    assert [each.code for each in many if isinstance(each, BadObject)] == ["stix-too-many-values"]
    few = read(bundle(*chain), stix.Limits(objects=2))
    assert [each.code for each in few if isinstance(each, BadObject)] == ["stix-too-many-objects"]
    for limits in (stix.Limits(unit_members=3), stix.Limits(steps=5)):
        assert [(each.record, each.code) for each in read(bundle(*chain), limits) if isinstance(each, BadObject)] == [
            (1, "stix-unit-too-large")
        ]


def test_what_stands_in_a_refused_unit_is_not_exchanged_on_its_own() -> None:
    inner = made("grouping", 2, object_refs=[uid("identity", n) for n in range(9)])
    note = made("note", 3, content="a", object_refs=[uid("identity", 5), uid("x-odd", 1)])
    objects = [report(1, inner["id"]), inner, note, made("x-odd", 1), *(person(n) for n in range(9))]

    found = read(bundle(*objects), stix.Limits(unit_members=5))

    assert [(each.record, each.code) for each in found if isinstance(each, BadObject)] == [
        (1, "stix-unit-too-large"),
        (3, "stix-unit-too-large"),
    ]
    assert len(found) == 2


def test_a_file_made_to_be_walked_for_ever_is_refused_within_its_steps() -> None:
    refs = [uid("identity", n) for n in range(300)]
    shared = [made("grouping", n, object_refs=refs) for n in range(20)]
    roots = [report(n, *(each["id"] for each in shared)) for n in range(100)]

    found = read(bundle(*shared, *roots), stix.Limits(steps=30_000))

    assert sum(isinstance(each, Unit) for each in found) == 4  # of 6,041 steps each
    assert sum(isinstance(each, BadObject) for each in found) == 96


@pytest.mark.parametrize(
    "data", [b"", b" \n", b"no es JSON", b"\xff\xfe", b"]]]]", b'"', b"[", b'{"type": "bundle", "objects": [']
)
def test_what_is_not_json_is_an_error(data: bytes) -> None:
    found = read(data)

    assert found
    assert all(isinstance(each, BadObject) for each in found)


def test_nothing_yielded_shows_a_personal_value() -> None:
    secret = "ZZSECRETZZ"
    text = SAMPLE.read_text()
    for word in (
        "Fulano",
        "Xiomara",
        "El Ejemplo",
        "Red de",
        "Traslado",
        "2026-17",
        "sica.example",
        "crime-syndicate",
        "SICA",
    ):
        text = text.replace(word, secret)
    hostile: list[object] = [
        text,
        bundle(person(1, **{secret: secret, "modified": secret}), person(2, name=[secret]), {secret: secret}),
        bundle(report(1, **{f"{secret}_ref": secret}), person(2, labels=[secret], lang=secret, created_by_ref=secret)),
        bundle(report(1, x_ref=uid("identity", 2), name=secret, labels=[secret])),
        f'{{"{secret}": 1, "{secret}": 2}} {secret}',
    ]
    for each in (item for file in hostile for item in read(file)):
        shown = repr(each) + str(each) + (each.reason if isinstance(each, BadObject) else "")
        assert secret not in shown


def known(found: Unit | BadObject) -> bool:
    return isinstance(found, Unit) or found.code in REASONS or found.code in records.REASONS


TYPES = ("report", "grouping", "incident", "note", "identity", "relationship", "sighting", "x-odd")


@st.composite
def graphs(draw: st.DrawFn) -> list[Json]:
    size = draw(st.integers(1, 8))
    kinds = draw(st.lists(st.sampled_from(TYPES), min_size=size, max_size=size))
    every = [uid(kind, n) for n, kind in enumerate(kinds)] + [uid("identity", 99)]
    some = st.lists(st.sampled_from(every), max_size=4)
    found = []
    for n, kind in enumerate(kinds):
        ends = {"source_ref": draw(st.sampled_from(every)), "target_ref": draw(st.sampled_from(every))}
        more = ends if kind == "relationship" else {"object_refs": draw(some)}
        found.append(made(kind, n, **more))
    return found


@settings(max_examples=50)
@given(graphs())
def test_every_object_of_any_graph_is_in_a_unit_or_told(objects: list[Json]) -> None:
    found = read(bundle(*objects))
    held = {each.id for one in found if isinstance(one, Unit) for each in (one.root, *one.members, *one.creators)}
    told = {each.record for each in found if isinstance(each, BadObject)}

    for number, item in enumerate(objects, start=1):
        assert (item["id"] in held) != (number in told)
    for one in found:
        if isinstance(one, Unit):
            assert one.root.id not in ids(one.members)
            assert set(one.missing) <= {uid("identity", 99)}


@settings(max_examples=25)
@given(graphs(), st.randoms())
def test_the_order_of_a_bundle_does_not_change_what_a_report_holds(objects: list[Json], random: Any) -> None:
    """For files whose containers do not hold one another: among those that do, the first is the unit."""
    kept = [item for item in objects if item["type"] not in ("grouping", "incident", "note")]
    for item in kept:
        item["object_refs"] = [ref for ref in item.get("object_refs", []) if not ref.startswith("report")]
    mixed = random.sample(kept, len(kept))

    def held(file: list[Json]) -> dict[str, set[str]]:
        return {each.root.id: set(ids(each.members)) for each in units(bundle(*file))}

    assert held(kept) == held(mixed)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from([uid("identity", 1), "bundle", "report"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["type", "id", "objects", "object_refs", "name", "modified", "labels"]), inner, max_size=5
        )
    ),
    max_leaves=20,
)


@settings(max_examples=50)
@given(json_values)
def test_any_json_gives_units_or_errors(value: object) -> None:
    assert all(known(each) for each in read(json.dumps(value)))


@settings(max_examples=40)
@given(st.integers(0, 3_000), st.integers(0, 40), st.text(max_size=3))
def test_any_damage_gives_units_or_errors(at: int, length: int, text: str) -> None:
    whole = SAMPLE.read_text()
    found = read((whole[:at] + text + whole[at + length :]).encode("utf-8", "surrogatepass"))

    assert found
    assert all(known(each) for each in found)


@given(st.binary(max_size=200))
def test_any_bytes_give_units_or_errors(data: bytes) -> None:
    assert all(known(each) for each in read(data))


def test_every_reason_is_a_sentence_and_known_by_its_code() -> None:
    assert BadObject("stix-id", line=1).reason == REASONS["stix-id"]
    assert BadObject("json-syntax", line=1).reason == records.REASONS["json-syntax"]
    assert REASONS.keys().isdisjoint(records.REASONS)
