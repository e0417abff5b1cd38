"""Alerts as JSON and back: nothing is lost, and errors tell the field, never the value."""

from __future__ import annotations

import base64
import copy
import json
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from pydantic import ValidationError

import schemas
from hub.model import avro
from hub.model.base import from_rfc3339, to_rfc3339
from hub.model.compose import seal
from hub.model.core import Alert, Core, Label, Routing
from hub.model.decision import Quarantined
from hub.model.sections import Contact, Content, Document, Evidence, Exhibit
from hub.model.text import BadJson, alert_from_json, alert_to_json, to_json
from tests.model import strategies as made

NAME = "Xiomara Quijada"


def example() -> dict[str, Any]:
    """An alert as JSON, with a personal value."""
    label = Label(class_="victim-identified", purposes=("victim-assistance",))
    core = Core(id=uuid.UUID(int=7), created_ms=1_795_512_600_123, originator="iom", valid_until_ms=0, label=label)
    sections = seal([Content("victim.contact", Contact(person="v1", emails=(NAME,)))], core.id, b"k")
    fields = alert_to_json(Alert(routing=Routing(label=label), core=core, sections=sections))
    assert NAME in json.dumps(fields)
    return fields


@settings(max_examples=50)
@given(made.alerts())
def test_an_alert_comes_back_from_its_json_as_it_was(alert: Alert) -> None:
    printed = json.dumps(alert_to_json(alert), ensure_ascii=False)
    assert alert_from_json(json.loads(printed)) == alert


def test_names_are_those_of_avro_times_rfc3339_and_ids_uuids() -> None:
    fields = example()
    assert fields["core"]["created_ms"] == "2026-11-24T09:30:00.123Z"
    assert fields["core"]["id"] == "00000000-0000-0000-0000-000000000007"
    assert fields["core"]["label"]["class"] == "victim-identified"
    assert list(fields["routing"]) == [
        item["name"] for item in schemas.records()["Alert"]["fields"][0]["type"]["fields"]
    ]
    assert fields["sections"][0]["payload"]["emails"] == [NAME]


def test_bytes_are_in_standard_base64_both_ways() -> None:
    digest = b"\xfb\xff\xbf" * 10 + b"\xfb\xff"
    exhibit = Exhibit(digest=digest, media_type="image/jpeg", ask="the laboratory")
    fields = example()
    fields["sections"].append({"category": "evidence", "payload": to_json(Evidence(exhibits=(exhibit,)))})
    text = fields["sections"][1]["payload"]["exhibits"][0]["digest"]
    assert "+" in text and "/" in text and base64.b64decode(text, validate=True) == digest
    section = alert_from_json(fields).sections[1]
    assert avro.decode_payload("evidence", section.version, section.payload) == Evidence(exhibits=(exhibit,))
    quarantined = to_json(
        Quarantined(
            topic="alerts.a",
            partition=0,
            offset=0,
            previous=-1,
            timestamp_ms=0,
            quarantined_ms=0,
            reason="undecodable",
            value=b"\xfb\xff",
        )
    )
    assert quarantined["value"] == "+/8=" and quarantined["key"] is None


def test_an_alert_written_by_hand_needs_no_salt_version_digests_or_second_label() -> None:
    fields = example()
    whole = alert_from_json(fields)
    by_hand = copy.deepcopy(fields)
    del by_hand["core"]["label"], by_hand["core"]["digests"]
    del by_hand["sections"][0]["salt"], by_hand["sections"][0]["version"]
    alert = alert_from_json(by_hand)
    assert alert.core.label == whole.core.label
    assert alert.sections[0].payload == whole.sections[0].payload and alert.sections[0].salt == bytes(16)
    assert alert.core.digests == tuple(avro.digest(avro.encode_section(section)) for section in alert.sections)


def test_digests_are_those_of_the_values_that_stand_there_now() -> None:
    fields = example()
    before = alert_from_json(fields)
    fields["sections"][0]["payload"]["emails"] = ["another@example.org"]
    after = alert_from_json(fields)
    assert after.core.digests != before.core.digests
    assert after.core.digests == (avro.digest(avro.encode_section(after.sections[0])),)


def changed(*path: Any, to: Any) -> dict[str, Any]:
    fields = example()
    place: Any = fields
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return fields


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        (NAME, "alert"),
        ([NAME], "alert"),
        ({"routing": NAME}, "routing"),
        (changed("routing", to=None), "routing"),
        (changed("sektions", to=NAME), "sections"),
        (changed("core", to=NAME), "core"),
        (changed("core", to=[NAME]), "core"),
        (changed("sections", to=NAME), "sections"),
        (changed("sections", to=[NAME]), "sections.0"),
        (changed("core", "originator", to=NAME), "core.originator"),
        (changed("core", "id", to=NAME), "core.id"),
        (changed("core", "kind", to=NAME), "core.kind"),
        (changed("core", "kind", to="cancel"), "a cancel carries no sections"),
        (changed("core", "revision", to=2**80), "core.revision"),
        (changed("core", "created_ms", to="2026-11-24T09:30:00"), "core.created_ms"),
        (changed("routing", "label", "tlp", to=NAME), "routing.label.tlp"),
        (changed("routing", "victims", to=NAME), "routing.victims"),
        (changed("routing", "label", "purposes", to=["search"]), "label"),
        (changed("sections", 0, "category", to=NAME), "sections.0.category"),
        (changed("sections", 0, "category", to=[NAME]), "sections.0.category"),
        (changed("sections", 0, "salt", to=NAME), "sections.0.salt"),
        (changed("sections", 0, "salt", to=5), "sections.0.salt"),
        (changed("sections", 0, "salt", to="AAAA"), "sections.0.salt"),
        (changed("sections", 0, "payload", to=NAME), "sections.0.payload"),
        (changed("sections", 0, "payload", to=None), "sections.0.payload"),
        (changed("sections", 0, "payload", "person", to=NAME), "sections.0.payload.person"),
        (changed("sections", 0, "payload", "emails", to=NAME), "sections.0.payload.emails"),
        (changed("sections", 0, "payload", "emails", to=[NAME * 20]), "sections.0.payload.emails.0"),
        (changed("sections", 0, "payload", "emails", to=["\ud800" + NAME]), "sections.0.payload"),
        (changed("sections", 0, "payload", "unheard_of", to=NAME), "sections.0.payload.unheard_of"),
    ],
)
def test_errors_tell_the_field_and_never_the_value(fields: Any, field: str) -> None:
    with pytest.raises(BadJson) as caught:
        alert_from_json(fields)
    assert field in str(caught.value)
    assert NAME not in str(caught.value) and NAME.split(maxsplit=1)[0] not in str(caught.value)
    assert caught.value.__cause__ is None and (caught.value.__context__ is None or caught.value.__suppress_context__)


@pytest.mark.parametrize(
    ("text", "time_ms"),
    [
        ("1970-01-01T00:00:00.000Z", 0),
        ("2026-11-24T09:30:00.123Z", 1_795_512_600_123),
        ("1969-12-31T23:59:59.999Z", -1),
    ],
)
def test_times_are_rfc3339_in_utc_with_milliseconds(text: str, time_ms: int) -> None:
    assert to_rfc3339(time_ms) == text
    assert from_rfc3339(text) == time_ms
    assert from_rfc3339(text.replace("Z", "+00:00")) == time_ms


def test_a_time_with_another_offset_is_the_same_moment() -> None:
    assert from_rfc3339("2026-11-24T04:30:00.123-05:00") == 1_795_512_600_123


@settings(max_examples=200)
@given(made.TIMES_MS)
def test_every_time_comes_back_from_its_text_as_it_was(time_ms: int) -> None:
    assert from_rfc3339(to_rfc3339(time_ms)) == time_ms


def test_a_wrong_time_is_not_shown() -> None:
    with pytest.raises(BadJson) as caught:
        alert_from_json(changed("core", "created_ms", to=NAME))
    assert "core.created_ms" in str(caught.value) and NAME not in str(caught.value)


@pytest.mark.parametrize("time_ms", [2**62, 2**80, -(2**62)])
def test_a_time_that_no_calendar_has_is_refused(time_ms: int) -> None:
    with pytest.raises(BadJson, match=r"core\.created_ms"):
        to_json(alert_from_json(changed("core", "created_ms", to=time_ms)))


@pytest.mark.parametrize("text", ["2026\n", "2026-11-24\n", "٢٠٢٦"])
def test_a_date_is_of_plain_digits_and_nothing_else(text: str) -> None:
    with pytest.raises(ValidationError):
        Document.model_validate({"number": "x", "expiry": text})
