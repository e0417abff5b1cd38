"""The embassy's consular reports as alerts, in English or French, and whom the guidelines in force let see them.

All persons are invented.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.embassy_canada.connector import CONNECTOR, EmbassyOptions, source
from connectors.sdk import Alert, BadNative, Cancel, Note, Trial
from connectors.sdk.contract import Statement
from connectors.sdk.contract_world import World
from connectors.sdk.convert import composed
from hub.guidelines.decide import decide
from hub.guidelines.profile import load_profile
from hub.model.base import new_alert_id
from hub.model.core import Alert as ComposedAlert
from hub.model.core import categories
from tests.connectors.generic.keeping import FOR_SOURCES, alerts, keep
from tests.connectors.generic.posting import posting

PROFILE = Path(__file__).parents[3] / "profiles" / "panama"
DEMO = PROFILE / "demo" / "embassy-canada" / "1-reports.jsonl"
NOW_MS = 1_795_000_000_000  # 2026-11-18
MISSING, VICTIM = (json.loads(line) for line in DEMO.read_text(encoding="utf-8").splitlines()[:2])
PLANTED = ("PLANTEDNAMEQZ", "PLANTEDPASSQZ77", "plantedaccountqz")


def proposed(message: dict[str, Any]) -> list[Alert | Cancel | Note]:
    return list(source(EmbassyOptions(files=(Path("none"),))).alerts(message))


def alert_of(message: dict[str, Any]) -> ComposedAlert:
    (found,) = [each for each in proposed(message) if isinstance(each, Alert)]
    return composed(found, agency="embassy-canada", alert_id=new_alert_id(), revision=1, now_ms=NOW_MS, key=b"k")


def messages() -> list[bytes]:
    """Reports, and three that cannot be said."""
    name, passport, account = PLANTED
    person = {**MISSING["persons"][0], "surname": name, "passport_no": passport}
    report = {**MISSING, "persons": [person], "account": account}
    good = [{**report, "report_no": f"R-{number}"} for number in range(11)]
    bad = [
        {**report, "persons": [{**person, "date_of_birth": name}]},
        {**report, "subject": account},
        {**report, "report_no": None},
    ]
    return [json.dumps(each).encode() for each in [*good[:3], *bad[:2], *good[3:], bad[2]]]


@pytest.mark.parametrize("statement", FOR_SOURCES, ids=lambda each: each.__name__)
def test_it_keeps_the_contract(statement: Statement, tmp_path: Path) -> None:
    def trying(folder: Path) -> Trial:
        file = folder / "messages.jsonl"
        file.write_bytes(b"\n".join(messages()))
        return Trial(EmbassyOptions(files=(file,)), alerts=11, set_aside=3, planted=PLANTED)

    keep(statement, CONNECTOR, trying, tmp_path)


def test_a_report_says_the_same_in_either_language() -> None:
    english = {
        **VICTIM,
        "status": "Open",
        "subject": "Presumed victim",
        "language": "French",
        "persons": [{**VICTIM["persons"][0], "role": "Victim", "consent": "Yes"}, *VICTIM["persons"][1:]],
        "exploitation": ["Forced labour"],
        "means": ["Deception"],
    }
    french, other = alert_of(VICTIM), alert_of(english)
    assert french.routing == other.routing
    assert [each.payload for each in french.sections] == [each.payload for each in other.sections]


def test_a_withdrawn_report_ends_its_alert() -> None:
    for status in ("Withdrawn", "Retiré"):
        (cancel,) = proposed({**MISSING, "status": status})
        assert isinstance(cancel, Cancel)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"subject": "Lost luggage"}, "subject"),
        ({"status": "Pending"}, "status"),
        ({"exercise": "perhaps"}, "exercise"),
        ({"only_for": "the press"}, "only_for"),
        ({"persons": [{"role": "Friend"}]}, "persons.role"),
        ({"persons": [{"role": "Victim", "consent": "Perhaps"}]}, "persons.consent"),
    ],
)
def test_what_a_decision_depends_on_is_said_or_the_message_is_refused(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadNative) as refused:
        proposed({**MISSING, **change})
    assert refused.value.field == field


def test_a_missing_adult_is_searched_for_and_a_victim_s_place_stays_with_who_protects_her() -> None:
    bundle = load_profile(PROFILE)
    found = []
    for message in (MISSING, VICTIM):
        alert = alert_of(message)
        decision = decide(alert.routing, alert.core, categories(alert.sections), bundle, NOW_MS)
        found.append({each.agency: each.released for each in decision.outcomes if each.reason == "permitted"})
    searched, helped = found
    assert set(searched) == {"attorney-general", "commission", "customs", "interpol"}
    assert "missing.contact" not in searched["customs"]
    assert set(helped) == {"attorney-general", "commission"}
    assert "victim.contact" not in helped["attorney-general"]


def test_a_report_that_is_posted_is_an_alert_and_what_is_no_report_is_refused(tmp_path: Path) -> None:
    with posting(CONNECTOR, tmp_path) as there:
        assert there.post("m1", MISSING).status_code == 202
        refused = there.post("m2", {**MISSING, "report_no": "", "account": PLANTED[0]})
        assert (refused.status_code, refused.json()["field"]) == (400, "report_no")
        assert PLANTED[0] not in refused.text
        assert len(alerts(there.world)) == 1


def test_the_demo_s_messages_become_two_alerts_and_two_errors() -> None:
    world = World(CONNECTOR)
    world.published(Trial(EmbassyOptions(files=(DEMO,))))
    assert {alert.core.label.class_ for alert in alerts(world)} == {"missing-person", "victim-identified"}
    assert [(bad.line, bad.level) for bad in world.bad] == [(3, "bad"), (4, "bad")]
