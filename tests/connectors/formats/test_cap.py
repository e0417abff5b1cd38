"""CAP alerts on abducted children, element by element, in every version and in feeds. All persons are invented."""

from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from pathlib import Path

import pytest
from pydantic import Secret

from connectors.formats import cap, records
from connectors.formats.cap_events import verdict
from connectors.formats.cap_record import REASONS, BadAlert, CapAlert, Circle, Named, Reference
from connectors.formats.records import Note

SAMPLES = Path(__file__).parent / "samples" / "cap"
PANAMA = timezone(timedelta(hours=-5))
SPACE = "urn:oasis:names:tc:emergency:cap:1.2"


MANY = "<parameter><valueName>a</valueName><value>b</value></parameter>" * 501


def info(event: str = "Alerta AMBER", category: str = "Rescue", more: str = "") -> str:
    return (
        f"<info><category>{category}</category><event>{event}</event><urgency>Immediate</urgency>"
        f"<severity>Severe</severity><certainty>Observed</certainty>{more}</info>"
    )


def alert(body: str | None = None, space: str = SPACE, **header: str) -> str:
    values = {
        "identifier": "A-1",
        "sender": "a@policia.example",
        "sent": "2026-05-04T16:00:00-05:00",
        "status": "Actual",
        "msgType": "Alert",
        "scope": "Public",
        **header,
    }
    elements = "".join(f"<{name}>{value}</{name}>" for name, value in values.items() if value)
    return f'<alert xmlns="{space}">{elements}{info() if body is None else body}</alert>'


def read(data: str | bytes, limits: cap.Limits | None = None) -> list[CapAlert | BadAlert]:
    return list(cap.read(BytesIO(data if isinstance(data, bytes) else data.encode()), limits=limits))


def sample(name: str) -> list[CapAlert | BadAlert]:
    return read((SAMPLES / name).read_bytes())


def one(data: str | bytes) -> CapAlert:
    (found,) = read(data)
    assert isinstance(found, CapAlert), found
    return found


def refused(data: str | bytes) -> list[tuple[str, int, str]]:
    return [(each.code, each.line, each.field) for each in read(data) if isinstance(each, BadAlert)]


def test_an_alert_in_two_languages_is_one_record_with_two_blocks() -> None:
    found = one((SAMPLES / "two_languages_1.2.xml").read_bytes())

    assert (found.identifier, found.sender) == ("PAN-AMBER-2026-0007-A", "alertas@policia.example")
    assert found.sent == datetime(2026, 5, 4, 22, 39, tzinfo=PANAMA)
    assert (found.status, found.message_type, found.scope, found.version) == ("Actual", "Alert", "Public", "1.2")
    assert (found.source, found.codes, found.incidents) == (Secret("DIJ"), ("IPAWSv1.0",), ("caso 7", "PAN-7"))
    assert [(each.language, each.event) for each in found.infos] == [
        ("es-PA", "Sustracción de Niña"),
        ("en-US", "Child Abduction"),
    ]
    assert (found.notes, found.record, found.line) == ((), 1, 2)


def test_a_block_is_read_element_by_element() -> None:
    block = one((SAMPLES / "two_languages_1.2.xml").read_bytes()).infos[0]

    assert (block.categories, block.response_types) == (("Rescue",), ("Monitor",))
    assert (block.urgency, block.severity, block.certainty) == ("Immediate", "Severe", "Likely")
    assert block.event_codes == (Named("SAME", Secret("CAE")),)
    assert (block.effective, block.onset) == (datetime(2026, 5, 4, 22, 39, tzinfo=PANAMA), None)
    assert block.expires == datetime(2026, 5, 5, 22, 39, tzinfo=PANAMA)
    assert block.description == Secret(
        "NIÑA: XIOMARA EJEMPLO, 6 AÑOS, VESTIDO ROJO & ZAPATOS BLANCOS.\n"
        "SOSPECHOSO: FULANO DE PRUEBA. VEHÍCULO: SEDÁN AZUL 000000."
    )
    assert block.contact == Secret("Sgto. Prueba, 555-0100")
    assert block.parameters == (Named("CMAMtext", Secret("Alerta AMBER: sedán azul 000000")),)
    (resource,) = block.resources
    assert (resource.media_type, resource.size_bytes) == ("image/jpeg", 9)
    assert (resource.content, resource.uri) == (Secret(b"no foto.."), Secret("https://alertas.example/7.jpg"))
    (area,) = block.areas
    assert area.description == Secret("Provincia de Colón")
    assert area.polygons == (Secret(((9.1, -79.9), (9.4, -79.9), (9.4, -79.5), (9.1, -79.9))),)
    assert area.circles == (Secret(Circle(9.35, -79.9, 12.5)),)
    assert area.geocodes == (Named("ISO3166-2", Secret("PA-3")),)
    assert (area.altitude, area.ceiling) == ("0", "100")


def test_version_1_1_is_read_with_a_prefix_in_latin_1_and_with_a_signature() -> None:
    found = one((SAMPLES / "prefixed_1.1.xml").read_bytes())

    assert (found.version, found.status, found.message_type) == ("1.1", "Exercise", "Update")
    assert found.sent == datetime(2026, 5, 4, 12, tzinfo=UTC)
    cited = datetime(2026, 5, 4, 10, tzinfo=timezone(timedelta(hours=-4)))
    assert found.references == (Reference("alerte@police.example", "QC-2026-10", cited),)
    assert found.infos[0].description == Secret("GARÇON: JEAN EXEMPLE, 4 ANS")
    assert found.infos[0].urgency == "Immediate"
    assert {note.code for note in found.notes} == {"signature-not-checked", "media-type-missing"}


def test_version_1_0_is_read_with_codes_as_name_and_value() -> None:
    found = one((SAMPLES / "plain_1.0.xml").read_bytes())
    (block,) = found.infos

    assert (found.version, block.certainty, block.language) == ("1.0", "Likely", "en-US")
    assert block.event_codes == (Named("SAME", Secret("CAE")),)
    assert block.parameters == (Named("PLATE", Secret("000 ZZZ")),)
    assert block.areas[0].geocodes == (Named("FIPS6", Secret("006037")),)
    assert block.categories == ("Other",)


def test_a_feed_gives_every_alert_and_every_error_and_a_bad_one_stops_nothing() -> None:
    found = sample("feed.xml")

    assert [(each.record, each.identifier if isinstance(each, CapAlert) else each.code) for each in found] == [
        (1, "F-1"),
        (2, "cap-entry-without-alert"),
        (3, "F-3"),
        (4, "cap-other-event"),
        (5, "cap-time-without-offset"),
        (6, "xml-not-well-formed"),
        (7, "F-7"),
    ]
    lines = (SAMPLES / "feed.xml").read_text().splitlines()
    assert "<identifier>F-5" in lines[found[4].line - 1]
    assert "urn:6" in lines[found[5].line - 2]


def test_a_cancel_in_a_feed_cites_the_alert_before_it() -> None:
    first, cancel = (
        each for each in sample("feed.xml") if isinstance(each, CapAlert) and each.identifier in {"F-1", "F-3"}
    )

    assert (cancel.message_type, cancel.infos) == ("Cancel", ())
    assert cancel.references == (first.key,)


@pytest.mark.parametrize(
    ("event", "categories", "codes", "expected"),
    [
        ("Child Abduction Emergency", ("Rescue",), (), "abduction"),
        ("AMBER Alert", ("Safety",), (), "abduction"),
        ("Alerta AMBER Panamá", (), (), "abduction"),
        ("Sustracción internacional de menores", ("Security",), (), "abduction"),
        ("Abducción de Niño", ("Rescue",), (), "abduction"),
        ("Rapto de una niña", ("Other",), (), "abduction"),
        ("Enlèvement d'enfant", ("Rescue",), (), "abduction"),
        ("Alerte enlèvement", ("Rescue",), (), "abduction"),
        ("Alerte AMBER", ("Rescue",), (), "abduction"),
        ("Something", ("Met",), (("SAME", "CAE"),), "abduction"),
        ("Something", (), (("profile:CAP-CP:Event:0.4", "amber"),), "abduction"),
        ("AMBER Alert", ("Met",), (), "unknown"),
        ("Amber wind warning", ("Safety",), (), "unknown"),
        ("Amber heat-health alert", ("Health",), (), "unknown"),
        ("Flood Warning", ("Met",), (), "unknown"),
        ("Secuestro", ("Security",), (), "unknown"),
        ("Alerta AMBER", ("Rescue",), (("SAME", "CEM"),), "other"),
        ("", (), (), "unknown"),
    ],
)
def test_an_abduction_is_known_by_its_code_or_by_words_in_three_languages(
    event: str, categories: tuple[str, ...], codes: tuple[tuple[str, str], ...], expected: str
) -> None:
    assert verdict(event, codes, categories) == expected


def test_a_block_in_a_language_that_we_do_not_know_is_kept_with_a_note_and_one_of_another_event_is_not() -> None:
    flood = "<eventCode><valueName>SAME</valueName><value>FFW</value></eventCode>"
    found = one(alert(info() + info("Rapto de criança") + info("Flood", "Met", flood)))

    assert [each.event for each in found.infos] == ["Alerta AMBER", "Rapto de criança"]
    assert found.notes == (Note("event-unknown", "info.event"), Note("info-of-other-event", "info"))


@pytest.mark.parametrize("status", ["Actual", "Exercise", "System", "Test", "Draft"])
def test_every_status_is_read_as_it_is(status: str) -> None:
    assert one(alert(status=status)).status == status


@pytest.mark.parametrize("kind", ["Cancel", "Ack", "Error"])
def test_messages_about_messages_need_no_block(kind: str) -> None:
    found = one(alert("<references>a@x,A-0,2026-05-04T15:00:00-05:00</references>", msgType=kind))

    assert (found.message_type, found.infos, len(found.references)) == (kind, (), 1)


def test_several_alerts_are_cited_and_repeated_ones_once() -> None:
    cited = "a@x,A-0,2026-05-04T15:00:00-05:00"
    found = one(alert(f"<references>{cited}\n  {cited} b@y,B-1,2026-05-04T15:00:00Z</references>", msgType="Cancel"))

    assert [(each.sender, each.identifier) for each in found.references] == [("a@x", "A-0"), ("b@y", "B-1")]


def test_an_unreadable_reference_spoils_a_cancel_and_is_only_noted_elsewhere() -> None:
    bad = "<references>a@x,A-0,2026-05-04T15:00:00-05:00 A-7</references>"

    assert refused(alert(bad, msgType="Cancel")) == [("cap-without-references", 1, "references")]
    assert one(alert(bad + info())).notes == (Note("reference-unreadable", "references"),)


@pytest.mark.parametrize(
    ("document", "code", "field"),
    [
        (alert(identifier=""), "cap-element-missing", "identifier"),
        (alert(sender=" "), "cap-element-missing", "sender"),
        (alert(sent=""), "cap-element-missing", "sent"),
        (alert(sent="yesterday"), "cap-time", "sent"),
        (alert(sent="2026-13-04T16:00:00-05:00"), "cap-time", "sent"),
        (alert(sent="0001-01-01T00:00:00+14:00"), "cap-time", "sent"),
        (alert(sent="2026-05-04T16:00:00"), "cap-time-without-offset", "sent"),
        (alert(status="Real"), "cap-code-unknown", "status"),
        (alert(msgType="Recall"), "cap-code-unknown", "msgType"),
        (alert(scope=""), "cap-element-missing", "scope"),
        (alert("<identifier>A-2</identifier>" + info()), "cap-element-repeated", "identifier"),
        (alert(info(more="<event>Flood</event>")), "cap-element-repeated", "info.event"),
        (alert(""), "cap-without-info", "info"),
        (alert(info(event="")), "cap-other-event", "info.event"),
        (alert(info("Flood", "Met")), "cap-other-event", "info.event"),
        (alert(msgType="Update"), "cap-without-references", "references"),
        (alert("", msgType="Cancel"), "cap-without-references", "references"),
        (alert(space="urn:oasis:names:tc:emergency:cap:2.0"), "cap-version-unknown", ""),
        (alert(space="urn:x"), "cap-version-unknown", ""),
        ("<html><body/></html>", "cap-not-an-alert", ""),
        ("<feed xmlns='http://www.w3.org/2005/Atom'><entry><title/></entry></feed>", "cap-entry-without-alert", ""),
        (alert(info() * 21), "cap-too-many-items", "info"),
        (alert(info(more="<description>" + "A" * 20_001 + "</description>")), "cap-text-too-long", "info.description"),
        (alert(info(more=MANY)), "cap-too-many-items", "info.parameter"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_element(document: str, code: str, field: str) -> None:
    assert refused(document) == [(code, 1, field)]


def test_times_without_offset_and_impossible_ones_are_noted_where_they_are_not_needed() -> None:
    found = one(alert(info(more="<onset>2026-05-04T16:00:00</onset><expires>soon</expires>")))

    assert (found.infos[0].onset, found.infos[0].expires) == (None, None)
    assert found.notes == (Note("time-without-offset", "info.onset"), Note("time-invalid", "info.expires"))


def area(more: str) -> str:
    return alert(info(more=f"<area><areaDesc>x</areaDesc>{more}</area>"))


@pytest.mark.parametrize(
    "geometry",
    [
        "<polygon>9,-79 9,-80</polygon>",
        "<polygon>9,-79 9,-80 8,-80 8,-79</polygon>",
        "<polygon>99,-79 9,-80 8,-80 99,-79</polygon>",
        "<polygon>9,-79 9,-80 nan,-80 9,-79</polygon>",
        "<circle>9,-79</circle>",
        "<circle>9,-179 99999</circle>",
        "<circle>9,-181 1</circle>",
    ],
)
def test_geometry_that_cannot_be_is_left_out_and_noted(geometry: str) -> None:
    found = one(area(geometry))

    assert (found.infos[0].areas[0].polygons, found.infos[0].areas[0].circles) == ((), ())
    assert [note.code for note in found.notes] == ["geometry-invalid"]


def test_empty_geometry_is_none_at_all() -> None:
    assert one(area("<polygon></polygon><circle/>")).notes == ()


@pytest.mark.parametrize(
    ("resource", "note"),
    [
        ("<derefUri>###</derefUri>", "resource-unreadable"),
        ("<derefUri>" + "QUFB" * 400_000 + "</derefUri>", "resource-too-large"),
        ("<derefUri>QUFB</derefUri><digest>" + "0" * 40 + "</digest>", "digest-differs"),
        ("<size>big</size>", "size-invalid"),
    ],
)
def test_an_embedded_file_that_is_not_what_it_says_is_left_out_and_noted(resource: str, note: str) -> None:
    element = f"<resource><resourceDesc>x</resourceDesc><mimeType>a/b</mimeType>{resource}</resource>"
    found = one(alert(info(more=element)))

    assert found.infos[0].resources[0].content is None
    assert [each.code for each in found.notes] == [note]


def test_unknown_codes_of_urgency_and_the_like_are_unknown_and_noted() -> None:
    block = (
        info()
        .replace("Immediate", "Now")
        .replace("Severe", "")
        .replace("<category>", "<category>Pets</category><category>")
    )
    found = one(alert(block))

    assert (found.infos[0].urgency, found.infos[0].severity, found.infos[0].categories) == (
        "Unknown",
        "Unknown",
        ("Rescue",),
    )
    assert {note.code for note in found.notes} == {"urgency-unknown", "severity-unknown", "category-unknown"}


def test_every_reason_is_a_sentence_and_known_by_its_code() -> None:
    assert BadAlert("cap-other-event", line=1).reason == REASONS["cap-other-event"]
    assert BadAlert("file-too-large", line=1).reason == records.REASONS["file-too-large"]
    assert REASONS.keys().isdisjoint(records.REASONS)
