"""Public notices as alerts: what stands where, and what is no reason to lose a notice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.interpol.connector import CONNECTOR, BadOptions, NoticeOptions, NoticeSource
from connectors.sdk import BadNative, BadRecord, Listed
from connectors.sdk.convert import converted
from hub.model.core import Alert
from hub.model.text import alert_to_json
from tests.connectors.deliveries import KEY, NOW_MS

RED: dict[str, Any] = {
    "entity_id": "2020/1234",
    "name": "INVENTED",
    "forename": "ANA MARIA",
    "date_of_birth": "1990/05/17",
    "nationalities": ["CO", "VE"],
    "sex_id": "F",
    "height": 1.6,
    "weight": 0,
    "arrest_warrants": [{"issuing_country_id": "CO", "charge": "trata de personas"}],
    "_links": {"self": {"href": "https://notices.example/notices/v1/red/2020-1234"}},
}
YELLOW: dict[str, Any] = {
    "entity_id": "2021/77",
    "name": "INVENTED",
    "forename": "NIÑA",
    "date_of_birth": "2015",
    "date_of_event": "2024/02/01",
    "mother_name": "INVENTED",
    "_links": {"self": {"href": "https://notices.example/notices/v1/yellow/2021-77"}},
}


def read(folder: Path, *notices: Any) -> tuple[list[Alert], list[BadRecord]]:
    path = folder / "notices.json"
    path.write_text(json.dumps(notices))
    source = NoticeSource(NoticeOptions(files=(path,)))
    alerts, troubles = [], []
    for alert, trouble in converted(source, agency="interpol", now_ms=NOW_MS, key=KEY):
        if alert is not None:
            alerts.append(alert)
        if trouble is not None:
            troubles.append(trouble)
    return alerts, troubles


def payloads(alert: Alert) -> dict[str, Any]:
    return {each["category"]: each["payload"] for each in alert_to_json(alert)["sections"]}


def test_a_red_notice_is_a_wanted_person_with_the_warrant(tmp_path: Path) -> None:
    (alert,), troubles = read(tmp_path, RED)
    assert not troubles
    label = alert.core.label
    assert (label.class_, label.tlp, label.handling, label.reliability, label.credibility) == (
        "wanted-person",
        "AMBER",
        ("H1",),
        "A",
        "1",
    )
    found = payloads(alert)
    assert set(found) == {"case", "circumstances", "suspect.description", "suspect.identity"}
    identity = found["suspect.identity"]
    assert identity["names"] == [{"kind": "primary", "family": "INVENTED", "given": "ANA MARIA", "full": None}]
    assert identity["birth_date"] == "1990-05-17" and identity["nationalities"] == ["CO", "VE"]
    assert identity["physical"]["height_cm"] == 160 and identity["physical"]["weight_kg"] is None
    assert identity["warrants"][0]["issuing_country"] == "CO"
    assert found["case"]["number"] == "2020/1234" and alert.routing.suspects == 1


def test_a_yellow_notice_is_a_missing_person_and_a_year_gains_no_day(tmp_path: Path) -> None:
    (alert,), _ = read(tmp_path, YELLOW)
    assert alert.core.label.class_ == "missing-person" and alert.routing.missing == 1
    identity = payloads(alert)["missing.identity"]
    assert identity["birth_date"] == "2015" and identity["event_date"] == "2024-02-01"
    assert identity["parents"] == [{"relation": "mother", "family": "INVENTED", "given": None}]
    assert alert.routing.minor == "yes"


def test_a_date_whose_order_is_unknown_is_noted_and_keeps_its_year(tmp_path: Path) -> None:
    (alert,), (trouble,) = read(tmp_path, {**RED, "date_of_birth": "03/04/1990"})
    assert payloads(alert)["suspect.identity"]["birth_date"] == "1990"
    assert trouble.level == "warning" and trouble.field == "date_of_birth" and "1990" not in str(trouble.report())


def test_another_colour_is_set_aside_with_its_line(tmp_path: Path) -> None:
    silver = {**RED, "_links": {"self": {"href": "https://notices.example/notices/v1/silver/1"}}}
    alerts, troubles = read(tmp_path, silver, YELLOW)
    assert len(alerts) == 1
    (bad,) = [each for each in troubles if each.level == "bad"]
    assert bad.field == "kind" and bad.line == 1


def test_a_notice_without_name_is_an_alert_without_name(tmp_path: Path) -> None:
    (alert,), _ = read(tmp_path, {**RED, "name": None, "forename": None})
    assert payloads(alert)["suspect.identity"]["names"] == []


@pytest.mark.parametrize(
    "odd",
    [
        {"height": 2.9},
        {"height": 0.1},
        {"weight": 650},
        {"weight": 0.2},
        {"eyes_colors_id": ["B" * 300]},
        {"languages_spoken_ids": ["SPA" * 100, "ENG"]},
        {"arrest_warrants": [{"charge": "x"}] * 120},
        {"arrest_warrants": [{"charge": "x" * 50_000}]},
        {"name": "N" * 5_000},
        {"distinguishing_marks": "m" * 50_000},
        {"nationalities": ["ZZ", "CO"]},
        {"place_of_birth": " " * 300 + "x"},
    ],
    ids=lambda odd: next(iter(odd)),
)
def test_a_value_that_an_alert_cannot_hold_is_no_reason_to_lose_the_notice(tmp_path: Path, odd: dict[str, Any]) -> None:
    alerts, troubles = read(tmp_path, {**RED, **odd})
    assert len(alerts) == 1 and not [each for each in troubles if each.level == "bad"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from([*RED, *YELLOW, "eyes_colors_id", "distinguishing_marks", "height", "weight"]),
        st.none() | st.text(max_size=40) | st.integers() | st.floats(allow_nan=False) | st.lists(st.text(max_size=5)),
        max_size=6,
    )
)
def test_every_notice_ends_as_an_alert_or_as_an_error(tmp_path: Path, odd: dict[str, Any]) -> None:
    alerts, troubles = read(tmp_path, {**RED, **odd}, YELLOW)
    assert len(alerts) + sum(each.level == "bad" for each in troubles) == 2
    assert alerts


def test_notices_are_marked_as_the_bureau_says(tmp_path: Path) -> None:
    path = tmp_path / "n.json"
    path.write_text(json.dumps([RED]))
    source = NoticeSource(NoticeOptions(files=(path,), handling=("H2",), tlp="RED"))
    ((alert, _),) = converted(source, agency="interpol", now_ms=NOW_MS, key=KEY)
    assert alert is not None and alert.core.label.handling == ("H2",) and alert.core.label.tlp == "RED"


def test_notices_take_no_watch_list() -> None:
    assert CONNECTOR.files is not None
    with pytest.raises(BadNative, match="no watch list"):
        CONNECTOR.files([], Path("list.csv"))


def test_a_full_listing_that_lacks_a_notice_withdraws_it(tmp_path: Path) -> None:
    (tmp_path / "1.json").write_text(json.dumps([RED, YELLOW]))
    (tmp_path / "2.json").write_text(json.dumps([YELLOW]))
    (tmp_path / "3.json").write_text(json.dumps([YELLOW, {"name": "INVENTED"}]))
    files = tuple(sorted(tmp_path.glob("*.json")))
    found = list(NoticeSource(NoticeOptions(files=files, listing=True)).read(None))
    listed = [each.keys for each in found if isinstance(each, Listed)]
    assert listed == [{"red/2020/1234", "yellow/2021/77"}, {"yellow/2021/77"}]  # of the third, one cannot be read
    assert [each.code for each in found if isinstance(each, BadRecord) and each.level == "warning"] == [
        "listing-not-whole"
    ]
    assert not [each for each in NoticeSource(NoticeOptions(files=files)).read(None) if isinstance(each, Listed)]


def test_notices_come_from_files_or_from_lists_not_from_both(tmp_path: Path) -> None:
    lists = [{"colour": "red", "url": "https://notices.example/notices/v1/red"}]
    with pytest.raises(BadOptions, match="not from both"):
        NoticeSource(NoticeOptions.model_validate({"files": [tmp_path / "n.json"], "lists": lists}))
