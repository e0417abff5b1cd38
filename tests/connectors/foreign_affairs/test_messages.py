"""Consular reports and requests for legal assistance as alerts, and whom the guidelines in force let see them.

All persons are invented.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.foreign_affairs.connector import CONNECTOR, ForeignAffairsOptions, mappings, source
from connectors.sdk import Alert, BadNative, Cancel, Note, Trial
from connectors.sdk.contract import Statement
from connectors.sdk.contract_world import World
from connectors.sdk.convert import composed
from hub.guidelines.bundle import Bundle
from hub.guidelines.decide import decide
from hub.guidelines.language import Guideline
from hub.guidelines.profile import load_profile
from hub.model.base import new_alert_id
from hub.model.core import Alert as ComposedAlert
from hub.model.core import categories
from tests.connectors.generic.keeping import FOR_SOURCES, alerts, keep
from tests.connectors.generic.posting import posting

PROFILE = Path(__file__).parents[3] / "profiles" / "panama"
DEMO = PROFILE / "demo" / "foreign-affairs"
NOW_MS = 1_795_000_000_000  # 2026-11-18
REPORT, CHILD, _, _ = (
    json.loads(line) for line in (DEMO / "1-consular.jsonl").read_text(encoding="utf-8").splitlines()
)
REQUEST = json.loads((DEMO / "2-legal-assistance.jsonl").read_text(encoding="utf-8"))
PLANTED = ("PLANTEDNAMEQZ", "PLANTEDPASSQZ77", "plantedaccountqz")


def proposed(message: dict[str, Any]) -> list[Alert | Cancel | Note]:
    return list(source(ForeignAffairsOptions(files=(Path("none"),))).alerts(message))


def alert_of(message: dict[str, Any]) -> ComposedAlert:
    (found,) = [each for each in proposed(message) if isinstance(each, Alert)]
    return composed(found, agency="foreign-affairs", alert_id=new_alert_id(), revision=1, now_ms=NOW_MS, key=b"k")


def released(alert: ComposedAlert, bundle: Bundle) -> dict[str, tuple[str, ...]]:
    """What each recipient gets besides the core."""
    decision = decide(alert.routing, alert.core, categories(alert.sections), bundle, NOW_MS)
    return {each.agency: each.released for each in decision.outcomes if each.reason == "permitted"}


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_profile(PROFILE)


# --- the contract


def messages() -> list[bytes]:
    """Reports and requests, and four that cannot be said."""
    name, passport, account = PLANTED
    person = {"papel": "víctima", "apellidos": name, "nacimiento": "1996-03-22", "sexo": "F", "nacionalidad": "Panamá"}
    person |= {"pasaporte": passport, "consiente": "sí"}
    report = {**CHILD, "personas": [person], "relato": account}
    reports = [{**report, "registro": f"C-{number}"} for number in range(8)]
    requests = [{**REQUEST, "registro": f"A-{number}", "objeto": account} for number in range(4)]
    bad = [
        {**report, "personas": [{**person, "nacimiento": name}]},
        {**report, "personas": [{**person, "papel": name}]},
        {**report, "registro": ""},
        {**report, "tipo": account},
    ]
    return [json.dumps(each).encode() for each in [*reports[:3], *bad[:2], *reports[3:], *requests, *bad[2:]]]


@pytest.mark.parametrize("statement", FOR_SOURCES, ids=lambda each: each.__name__)
def test_it_keeps_the_contract(statement: Statement, tmp_path: Path) -> None:
    def trying(folder: Path) -> Trial:
        file = folder / "messages.jsonl"
        file.write_bytes(b"\n".join(messages()))
        return Trial(ForeignAffairsOptions(files=(file,)), alerts=12, set_aside=4, planted=PLANTED)

    keep(statement, CONNECTOR, trying, tmp_path)


# --- what a message is


def test_a_report_says_who_and_where_each_in_its_own_section() -> None:
    alert = alert_of(REPORT)
    assert alert.core.label.class_ == "victim-identified" and alert.core.label.tlp == "AMBER+STRICT"
    assert alert.routing.nationality == ("PA",) and alert.routing.consent == "given"
    assert alert.routing.exploitation == ("forced-labour",) and alert.routing.destination == ("CO",)
    assert {"victim.identity", "victim.location", "victim.care", "suspect.identity", "journey"} <= set(
        categories(alert.sections)
    )


def test_a_report_that_was_taken_back_ends_its_alert() -> None:
    (cancel,) = proposed({**REPORT, "estado": "retirado"})
    (alert,) = [each for each in proposed(REPORT) if isinstance(each, Alert)]
    assert isinstance(cancel, Cancel) and cancel.key == alert.key


def test_a_report_and_a_request_of_one_number_are_two() -> None:
    keys = {
        each.key
        for each in (*proposed(REPORT), *proposed({**REQUEST, "registro": REPORT["registro"]}))
        if not isinstance(each, Note)
    }
    assert len(keys) == 2


def test_a_request_never_identifies_the_victim_whatever_the_message_says() -> None:
    named = {**REQUEST["victimas"][0], "apellidos": PLANTED[0], "nombres": PLANTED[0], "nacimiento": "2002-01-01"}
    alert = alert_of({**REQUEST, "victimas": [named]})
    assert "victim.description" in categories(alert.sections)
    assert not {"victim.identity", "victim.contact", "victim.location"} & set(categories(alert.sections))
    assert PLANTED[0].encode() not in b"".join(section.payload for section in alert.sections)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"asunto": "otro"}, "asunto"),
        ({"estado": "archivado"}, "estado"),
        ({"registro": None}, "registro"),
        ({"registro": ["a", "b"]}, "registro"),
        ({"solo_para": "Policía"}, "solo_para"),
        ({"reserva": "secreto"}, "reserva"),
        ({"personas": "una"}, "personas"),
        ({"personas": [{"papel": "víctima", "nacionalidad": "Atlántida"}]}, "personas.nacionalidad"),
        ({"personas": [{"papel": "víctima", "consiente": "quizás"}]}, "personas.consiente"),
        ({"simulacro": "tal vez"}, "simulacro"),
    ],
)
def test_what_a_decision_depends_on_is_said_or_the_message_is_refused(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadNative) as refused:
        proposed({**REPORT, **change})
    assert refused.value.field == field


FIELDS = sorted({column.partition(".")[0] for mapping in mappings().values() for column in mapping.columns()})
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["papel", "apellidos", "nacimiento", "sexo", "desde_pais"]) | st.text(max_size=5), inner
        )
    ),
    max_leaves=6,
)


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6), st.sampled_from([REPORT, REQUEST]))
def test_any_message_is_an_alert_a_cancel_or_refused(change: dict[str, Any], base: dict[str, Any]) -> None:
    message = {**base, **change}
    try:
        found = [each for each in proposed(message) if not isinstance(each, Note)]
        if found and isinstance(found[0], Alert):
            alert_of(message)
    except BadNative as bad:
        assert bad.reason
        return
    assert len(found) == 1


# --- who receives it


def test_a_request_for_legal_assistance_reaches_the_prosecutor_alone(bundle: Bundle) -> None:
    found = released(alert_of(REQUEST), bundle)
    assert set(found) == {"attorney-general"}
    assert {"narrative", "case", "suspect.identity", "victim.description"} <= set(found["attorney-general"])


def test_no_guideline_that_is_ever_added_opens_a_request_to_another(bundle: Bundle) -> None:
    words = {"es": "todo", "en": "everything"}
    generous = Guideline.model_validate(
        {
            "id": "PA-G99",
            "title": words,
            "rationale": words,
            "legal_basis": ["MLA"],
            "effect": "permit",
            "from": "all",
            "to": "all",
            "release": ["narrative", "case", "suspect.identity", "circumstances"],
        }
    )
    opened = bundle.model_copy(update={"guidelines": (*bundle.guidelines, generous)})
    many = {**REQUEST, "registro": "A-2"}
    assert set(released(alert_of(many), Bundle.model_validate(opened.model_dump(by_alias=True)))) == {
        "attorney-general"
    }


def test_of_a_canadian_child_the_embassy_learns_the_profile_alone(bundle: Bundle) -> None:
    found = released(alert_of(CHILD), bundle)
    assert found["embassy-canada"] == ("victim.description",)
    assert set(found) == {"attorney-general", "commission", "embassy-canada"}


def test_a_report_on_others_than_canadians_does_not_reach_the_embassy(bundle: Bundle) -> None:
    assert "embassy-canada" not in released(alert_of(REPORT), bundle)


def test_a_drill_carries_no_person(bundle: Bundle) -> None:
    found = released(alert_of({**REPORT, "simulacro": "sí"}), bundle)
    assert not any(each.startswith(("victim.", "suspect.", "narrative")) for some in found.values() for each in some)


# --- over HTTP, and the demo


def test_a_report_that_is_posted_is_an_alert_and_one_that_is_taken_back_a_cancel(tmp_path: Path) -> None:
    with posting(CONNECTOR, tmp_path) as there:
        assert there.post("m1", REPORT).status_code == 202
        assert there.post("m2", REQUEST).status_code == 202
        assert there.post("m3", {**REPORT, "estado": "retirado"}).status_code == 202
        refused = there.post("m4", {**REPORT, "tipo": "nota-verbal"})
        assert (refused.status_code, refused.json()["field"]) == (400, "tipo")
        said = sorted((alert.core.kind, alert.core.label.class_, alert.core.revision) for alert in alerts(there.world))
    assert said == [
        ("alert", "mutual-legal-assistance", 1),
        ("alert", "victim-identified", 1),
        ("cancel", "victim-identified", 2),
    ]


def test_the_demo_s_messages_become_four_alerts_a_cancel_and_one_error(tmp_path: Path) -> None:
    world = World(CONNECTOR)
    world.published(Trial(ForeignAffairsOptions(files=tuple(sorted(DEMO.glob("*.jsonl"))))))
    kinds = sorted((alert.core.kind, alert.core.label.class_) for alert in alerts(world))
    assert kinds == [
        ("alert", "mutual-legal-assistance"),
        ("alert", "recruitment-offer"),
        ("alert", "victim-identified"),
        ("alert", "victim-identified"),
        ("cancel", "victim-identified"),
    ]
    assert [(bad.line, bad.field, bad.level) for bad in world.bad] == [(3, "fecha", "warning"), (4, "tipo", "bad")]
