"""A CAP alert as a plain dictionary for mapping files. All persons are invented."""

import json

from connectors.formats.cap_plain import plain
from tests.connectors.formats.test_cap import SAMPLES, one


def test_a_mapping_reads_an_alert_by_field_names() -> None:
    found = plain(one((SAMPLES / "two_languages_1.2.xml").read_bytes()))
    first, second = found["infos"]

    assert (found["identifier"], found["message_type"], found["references"]) == ("PAN-AMBER-2026-0007-A", "Alert", [])
    assert found["sent"].isoformat() == "2026-05-04T22:39:00-05:00"
    assert (first["language"], second["description"]) == ("es-PA", "GIRL: XIOMARA EJEMPLO, 6, RED DRESS.")
    assert first["event_codes"] == [{"name": "SAME", "value": "CAE"}]
    assert first["areas"][0]["circles"] == [{"latitude": 9.35, "longitude": -79.9, "radius_km": 12.5}]
    assert "content" not in first["resources"][0]


def test_what_comes_out_is_json_but_for_its_times() -> None:
    for name in ("two_languages_1.2.xml", "prefixed_1.1.xml", "plain_1.0.xml"):
        assert json.dumps(plain(one((SAMPLES / name).read_bytes())), default=lambda moment: moment.isoformat())
