"""STIX bundles as we write them: accepted by the stix2 library, the same for the same alert. All persons are invented."""

import dataclasses
import json
from io import BytesIO
from typing import Any

import pytest
import stix2  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Secret

from connectors.formats import stix
from connectors.formats.stix_ids import identity_id, object_id
from connectors.formats.stix_markings import STRICTEST_FIRST, TLP_2_IDS
from connectors.formats.stix_record import Provenance, Unit
from connectors.formats.stix_write import Link, Originator, Outgoing, Part, StixRefused, Writable, bundle, withdrawal

ALERT = "01970000-0000-7000-8000-000000000001"
MADE_MS = 0x019700000000
CUSTOMS = Originator("customs", "Autoridad de Aduanas")
PATTERN: dict[str, Writable] = {
    "pattern": Secret("[url:value = 'https://x.example']"),
    "pattern_type": "stix",
    "valid_from": "2026-05-01T00:00:00Z",
}
PARTS = (
    Part("s1", "threat-actor", {"name": Secret("Fulano de Prueba"), "aliases": [Secret("El Ejemplo")]}),
    Part("v1", "identity", {"name": Secret("Xiomara Ejemplo"), "identity_class": "individual"}),
    Part("l1", "location", {"country": "PA"}),
    Part("n1", "note", {"content": Secret("Visto en Colón"), "about": ["s1", "l1"]}),
    Part("n2", "note", {"content": Secret("Sobre todo")}),
    Part("o1", "opinion", {"opinion": "agree"}),
    Part("i1", "incident", {"name": Secret("Traslado")}),
    Part("x1", "indicator", PATTERN),
)
LINKS = (Link("s1", "located-at", "l1"), Link("s1", "related-to", "v1"))


def outgoing(**changes: Any) -> Outgoing:
    base: dict[str, Any] = {
        "alert": ALERT,
        "revision": 3,
        "revised_ms": MADE_MS + 5_000,
        "originator": CUSTOMS,
        "tlp": "AMBER",
        "name": "suspected-transit",
        "text": Secret("Traslado de personas"),
        "report_types": ("threat-actor",),
        "language": "es",
        "parts": PARTS,
        "links": LINKS,
    }
    return Outgoing(**{**base, **changes})


def read(data: bytes) -> Unit:
    (found,) = stix.read(BytesIO(data))
    assert isinstance(found, Unit), found
    return found


def objects(data: bytes) -> dict[str, dict[str, Any]]:
    return {each["id"]: each for each in json.loads(data)["objects"]}


@pytest.mark.parametrize("tlp", STRICTEST_FIRST)
def test_what_we_write_is_stix_2_1_to_the_stix2_library(tlp: str) -> None:
    parsed = stix2.parse(bundle(outgoing(tlp=tlp)).decode(), version="2.1")

    assert parsed.type == "bundle"
    assert len(parsed.objects) == 2 + len(PARTS) + len(LINKS) + 1
    report = parsed.objects[-1]
    assert report.created_by_ref == identity_id("customs")
    assert report.object_marking_refs == [TLP_2_IDS[tlp]]  # type: ignore[index]
    assert report.external_references[0].external_id == f"{ALERT}/3"


def test_a_withdrawal_is_stix_2_1_and_says_nothing_of_the_alert() -> None:
    links = [(LINKS[0], "threat-actor", "location"), (LINKS[1], "threat-actor", "identity")]
    kinds = [(part.key, part.type) for part in PARTS] + [("g1", "intrusion-set")]
    data = withdrawal(ALERT, 4, MADE_MS + 9_000, CUSTOMS, "AMBER", kinds, links)  # type: ignore[arg-type]

    parsed = stix2.parse(data.decode(), version="2.1")

    assert all(each.revoked for each in parsed.objects[2:])
    assert read(data).revoked
    sent, taken_back = objects(bundle(outgoing())), objects(data)
    assert sent.keys() <= taken_back.keys()
    assert all(
        sent[each]["modified"] < taken_back[each]["modified"] for each in sent if "external_references" in sent[each]
    )
    for word in ("Fulano", "Xiomara", "Colón", "Traslado", "x.example"):
        assert word.encode() not in data


def test_what_we_write_reads_back_as_one_unit_that_is_known_to_be_ours() -> None:
    found = read(bundle(outgoing()))

    assert found.provenance == Provenance(ALERT, 3)
    assert (found.tlp, found.missing, found.revoked) == ("AMBER", (), False)
    assert found.root.text == Secret("Traslado de personas")
    assert {each.id for each in found.members} >= {object_id(ALERT, part.key, part.type) for part in PARTS}
    assert [(each.kind, each.target) for each in found.relations] == [
        ("located-at", object_id(ALERT, "l1", "location")),
        ("related-to", object_id(ALERT, "v1", "identity")),
    ]
    assert [each.id for each in found.creators] == [identity_id("customs")]


def test_revisions_of_an_alert_are_versions_of_the_same_objects() -> None:
    first, second = bundle(outgoing()), bundle(outgoing(revision=4, revised_ms=MADE_MS + 6_000))

    assert objects(first).keys() == objects(second).keys()
    assert json.loads(first)["id"] != json.loads(second)["id"]
    report = object_id(ALERT, "report", "report")
    assert objects(first)[report]["created"] == objects(second)[report]["created"]
    assert objects(first)[report]["modified"] < objects(second)[report]["modified"]
    together = [*json.loads(first)["objects"], *json.loads(second)["objects"]]
    assert read(json.dumps(together).encode()).provenance == Provenance(ALERT, 4)


def test_the_same_alert_gives_the_same_bytes_and_another_alert_other_ids() -> None:
    other = outgoing(alert="01970000-0000-7000-8000-000000000002")
    shared = {TLP_2_IDS["AMBER"], identity_id("customs")}

    assert bundle(outgoing()) == bundle(outgoing())
    assert objects(bundle(outgoing())).keys() & objects(bundle(other)).keys() == shared


def test_a_foreign_report_that_only_names_our_alert_is_not_taken_for_an_echo() -> None:
    data = bundle(outgoing())
    report = object_id(ALERT, "report", "report").encode()

    assert read(data.replace(report, b"report--00000000-0000-4000-8000-000000000001")).provenance is None
    assert read(data.replace(b'"enlace"', b'"other"')).provenance is None


def test_an_alert_without_parts_is_a_report_on_its_originators_behalf() -> None:
    data = bundle(outgoing(parts=(), links=(), text=None))

    assert stix2.parse(data.decode(), version="2.1").objects[-1].object_refs == [identity_id("customs")]


@pytest.mark.parametrize(
    ("changes", "part", "field"),
    [
        ({"parts": (Part("s1", "threat-actor", {}),), "links": ()}, "s1", "name"),
        ({"parts": (Part("s1", "malware", {"name": "x"}),), "links": ()}, "s1", "type"),  # type: ignore[arg-type]
        ({"parts": (Part("l1", "location", {"city": "Colón"}),), "links": ()}, "l1", "country"),
        ({"parts": (Part("s1", "identity", {"name": "x", "id": "y"}),), "links": ()}, "s1", "id"),
        ({"parts": (PARTS[0], PARTS[0]), "links": ()}, "parts", "key"),
        ({"links": (Link("s1", "located-at", "l9"),)}, "s1", "target"),
        ({"links": (Link("s1", "Located At", "l1"),)}, "s1", "kind"),
        ({"alert": "4f0e7b9a-93e9-4c83-a4c2-0e1f0c6a4d11"}, "alert", "created_ms"),
        ({"alert": "ZZ"}, "alert", "id"),
        ({"revised_ms": MADE_MS - 1}, "alert", "revised_ms"),
        ({"text": Secret("a\ud800b")}, "bundle", "objects"),
    ],
)
def test_what_makes_no_bundle_is_refused_by_part_and_property_and_never_by_its_value(
    changes: dict[str, Any], part: str, field: str
) -> None:
    with pytest.raises(StixRefused) as caught:
        bundle(outgoing(**changes))
    assert (caught.value.part, caught.value.field) == (part, field)
    assert "Colón" not in str(caught.value)


def test_no_text_of_what_is_to_be_written_shows_a_personal_value() -> None:
    for word in ("Fulano", "Xiomara", "Colón", "Traslado"):
        assert word not in repr(outgoing())


texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).map(lambda text: f"x{text}x")


@settings(max_examples=15)
@given(
    st.sampled_from(STRICTEST_FIRST),
    st.none() | texts.map(Secret),
    st.lists(texts, max_size=5),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=5, unique=True),
    st.integers(1, 2**31 - 1),
)
def test_any_alert_is_accepted_by_the_library_and_reads_back(
    tlp: Any, text: Secret[str] | None, names: list[str], pairs: list[tuple[int, int]], revision: int
) -> None:
    parts = tuple(Part(f"s{n}", "identity", {"name": Secret(name)}) for n, name in enumerate(names))
    links = tuple(Link(f"s{a}", "related-to", f"s{b}") for a, b in pairs if a < len(names) > b)
    data = bundle(outgoing(tlp=tlp, text=text, parts=parts, links=links, revision=revision))

    stix2.parse(data.decode(), version="2.1")
    found = read(data)

    assert (found.tlp, found.root.text, found.provenance) == (tlp, text, Provenance(ALERT, revision))
    assert [each.name for each in found.of_type("identity") if each.creator] == [Secret(name) for name in names]
    assert len(found.relations) == len(links)


def test_an_outgoing_alert_is_a_value() -> None:
    assert dataclasses.replace(outgoing(), revision=3) == outgoing()
