"""SICA's bundles as alerts on patterns: class, countries, codes from what the bundle says, and nobody in particular."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sdk import Alert, BadNative, Cancel
from connectors.sica import words
from connectors.sica.connector import CONNECTOR, BadOptions, BundleOptions
from hub.model import codes as known
from hub.model.derive import derive
from tests.connectors.sica.bundled import (
    TIME,
    alert,
    alerts,
    bad,
    business,
    codes,
    joined,
    made,
    place,
    report,
    sections,
    told,
    told_of,
)

DEMO = Path(__file__).parents[3] / "profiles" / "panama" / "demo" / "sica"
ON = date(2026, 11, 24)


def test_the_demos_bundle_is_one_pattern_and_one_report_that_names_somebody() -> None:
    found = told_of(DEMO / "1-patrones.json")
    (pattern,) = alerts(found)
    assert pattern.draft.label.class_ == "recruitment-offer"
    assert set(sections(pattern)) == {"organisation", "narrative", "case"}
    assert sections(pattern)["organisation"]["online"] == ["https://empleos.example/meseras"]
    assert [each.reason for each in found if isinstance(each, BadNative)] == [
        "the bundle names persons: only patterns are exchanged with this party"
    ]


def test_labels_say_class_act_means_exploitation_and_indicators_with_or_without_prefix(tmp_path: Path) -> None:
    labels = [
        "class:document-fraud",
        "deception",
        "act:recruitment",
        "exploitation:Forced-Labour",
        "g13",
        "indicator:XEN-01",
    ]
    found = alert(tmp_path, report(1, business(2), labels=labels), business(2))
    facts = found.draft.facts
    assert found.draft.label.class_ == "document-fraud"
    assert (facts.act, facts.means, facts.exploitation) == (("recruitment",), ("deception",), ("forced-labour",))
    assert facts.indicators == ("G13", "XEN-01")


def test_countries_have_the_role_that_relationships_say_and_no_other(tmp_path: Path) -> None:
    start, middle, end, other = (place(at, code) for at, code in enumerate(("NI", "CR", "PA", "HN"), start=10))
    event = made("incident", 5, name="Ruta")
    relations = [
        joined(20, "originates-from", event, start),
        joined(21, "has-transit", event, middle),
        joined(22, "targets", event, end),
        joined(23, "located-at", event, other),
    ]
    objects = [event, start, middle, end, other]
    found = told(tmp_path, report(1, *objects), *objects, *relations)
    (one,) = alerts(found)
    routing, _ = derive(one.draft.label, one.contents, one.draft.facts, ON)
    assert (routing.origin, routing.transit, routing.destination) == (("NI",), ("CR",), ("PA",))
    assert "country-without-role" in codes(found) and "HN" in sections(one)["narrative"]["text"]
    assert (routing.victims, routing.suspects, routing.missing) == (0, 0, 0)


def test_a_country_of_the_route_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    event, where = made("incident", 5, name="Ruta"), place(10, "Atlantis")
    assert bad(told(tmp_path, report(1, event, where), event, where, joined(20, "targets", event, where))) == [
        "location.country"
    ]


@pytest.mark.parametrize(
    ("labels", "field"),
    [
        ([], "labels"),
        (["something"], "labels"),
        (["victim-identified"], "labels"),
        (["document-fraud", "financial-flow"], "labels"),
        (["document-fraud", "means:magic"], "means"),
        (["document-fraud", "class:nothing"], "class"),
    ],
)
def test_what_decides_and_is_not_said_sets_the_report_aside(labels: list[str], field: str, tmp_path: Path) -> None:
    assert bad(told(tmp_path, report(1, business(2), labels=labels), business(2))) == [field]


def test_a_partners_own_labels_name_classes_by_an_option(tmp_path: Path) -> None:
    mine: dict[str, Any] = {"classes": {"lavado de activos": "financial-flow"}}
    found = alert(tmp_path, report(1, business(2), labels=["Lavado de Activos"]), business(2), **mine)
    assert found.draft.label.class_ == "financial-flow"
    assert "label-unknown" in codes(
        told(tmp_path, report(1, business(2), labels=["document-fraud", "xyz"]), business(2))
    )


@pytest.mark.parametrize("tlp", ["RED", "AMBER+STRICT", "AMBER", "GREEN", "CLEAR"])
def test_the_senders_label_is_kept_and_the_strictest_of_a_unit_wins(tlp: str, tmp_path: Path) -> None:
    assert alert(tmp_path, report(1, business(2), tlp=tlp), business(2)).draft.label.tlp == tlp
    narrow = {**business(2), "object_marking_refs": report(9, tlp="RED")["object_marking_refs"]}
    assert alert(tmp_path, report(1, narrow, tlp=tlp), narrow).draft.label.tlp == "RED"


def test_an_exercise_stays_one(tmp_path: Path) -> None:
    found = alert(tmp_path, report(1, business(2), labels=["document-fraud", "exercise"]), business(2))
    assert found.draft.label.exercise == "exercise"


@pytest.mark.parametrize(
    ("confidence", "credibility"), [(None, "6"), (0, "5"), (30, "4"), (50, "3"), (70, "2"), (95, "1")]
)
def test_confidence_is_credibility_by_the_standards_own_table(
    confidence: int | None, credibility: str, tmp_path: Path
) -> None:
    more = {} if confidence is None else {"confidence": confidence}
    assert alert(tmp_path, report(1, business(2), **more), business(2)).draft.label.credibility == credibility


# Persons

PERSONS: dict[str, dict[str, Any]] = {
    "an individual": made("identity", 2, name="Fulana Inventada", identity_class="individual"),
    "an identity without class": made("identity", 2, name="Fulana Inventada"),
    "an actor": made("threat-actor", 2, name="Fulano Inventado"),
    "an account": made("user-account", 2, account_login="fulana"),
    "an address": made("email-addr", 2, value="fulana@example.invalid"),
    "a pattern with an address": made(
        "indicator", 2, pattern="[email-addr:value = 'f@example.invalid']", pattern_type="stix", valid_from=TIME
    ),
}


@pytest.mark.parametrize("person", PERSONS.values(), ids=PERSONS.keys())
def test_a_bundle_that_names_a_person_is_set_aside_and_the_others_go_on(person: dict[str, Any], tmp_path: Path) -> None:
    found = told(tmp_path, report(1, person), report(3, business(4)), person, business(4))
    assert [each.reason for each in found if isinstance(each, BadNative)] == [
        "the bundle names persons: only patterns are exchanged with this party"
    ]
    assert len(alerts(found)) == 1 and "ulan" not in repr(found)


def test_what_objects_of_unknown_types_tell_is_left_out_and_noted(tmp_path: Path) -> None:
    strange = made("x-person-of-interest", 2, name="Fulana Inventada", description="Fulana")
    found = told(tmp_path, report(1, strange), strange)
    (one,) = alerts(found)
    assert "type-left-out" in codes(found) and "Fulana" not in str(sections(one))


def test_who_made_a_report_and_a_band_are_no_persons(tmp_path: Path) -> None:
    maker = made("identity", 8, name="Analista Inventada", identity_class="individual")
    band = made("threat-actor", 2, name="Banda Inventada", threat_actor_types=["crime-syndicate"])
    found = alert(tmp_path, report(1, band, created_by_ref=maker["id"]), band, maker)
    assert sections(found)["organisation"]["name"] == "Banda Inventada"
    assert "Analista" not in str(sections(found))


def test_persons_that_are_published_are_protected(tmp_path: Path) -> None:
    victim, actor = PERSONS["an individual"], {**PERSONS["an actor"], "aliases": ["El Inventado"]}
    found = alert(tmp_path, report(1, victim, actor), victim, actor, persons="publish")
    routing, _ = derive(found.draft.label, found.contents, found.draft.facts, ON)
    assert (routing.victims, routing.suspects, routing.minor, routing.consent) == (1, 1, "unknown", "unknown")
    assert found.draft.label.tlp == "AMBER+STRICT"
    assert [name["full"] for name in sections(found)["suspect.identity"]["names"]] == [
        "Fulano Inventado",
        "El Inventado",
    ]


# Versions


def test_a_report_is_known_by_its_id_and_revoking_it_is_a_cancel(tmp_path: Path) -> None:
    first = alert(tmp_path, report(1, business(2)), business(2))
    later = alert(tmp_path, report(1, business(2), name="Otro", modified="2026-06-01T00:00:00.000Z"), business(2))
    (cancel,) = told(tmp_path, report(1, business(2), revoked=True), business(2))
    assert isinstance(cancel, Cancel) and cancel.key == first.key == later.key
    assert first.draft.observed_ms is not None and later.draft.observed_ms is not None
    assert first.draft.observed_ms < later.draft.observed_ms


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[1,2]", b"\xff\xfe", b'{"type":"bundle","objects":[{"type":"x"}]}', b"[" * 9_000]
)
def test_damage_is_an_error_and_never_an_end(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_bytes(data)
    found = told_of(tmp_path / "bad.json")
    assert found and not any(isinstance(each, Alert) for each in found)


def test_a_sink_needs_a_folder_and_a_memory(tmp_path: Path) -> None:
    assert CONNECTOR.sink is not None and CONNECTOR.files is not None
    with pytest.raises(BadOptions, match="database"):
        CONNECTOR.sink(BundleOptions(bundles=tmp_path))
    with pytest.raises(BadOptions, match="name another"):
        CONNECTOR.sink(BundleOptions(folder=tmp_path, bundles=tmp_path, database=f"sqlite:///{tmp_path}/x.db"))
    with pytest.raises(ValueError, match="watch list"):
        CONNECTOR.files([], tmp_path / "w.csv")


@given(
    st.fixed_dictionaries(
        {
            "class": st.lists(st.sampled_from(known.CLASSES), max_size=1),
            "act": st.lists(st.sampled_from(known.ACTS), unique=True),
            "means": st.lists(st.sampled_from(known.MEANS), unique=True),
            "exploitation": st.lists(st.sampled_from(known.EXPLOITATIONS), unique=True),
            "indicator": st.lists(st.sampled_from(known.INDICATORS), unique=True),
        }
    )
)
def test_labels_that_we_write_are_read_as_what_they_say(codes_of: dict[str, list[str]]) -> None:
    found = words.read(words.written(**codes_of))
    assert (found.codes, found.wrong, found.strange) == (codes_of, [], 0)
