"""CAP 1.2 as we write it: in the order of its schema, and read back equal. All persons are invented."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from typing import get_args
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Secret

from connectors.formats import cap
from connectors.formats.cap_record import (
    Area,
    CapAlert,
    Certainty,
    Circle,
    Info,
    Named,
    Point,
    Reference,
    Resource,
    Severity,
    Urgency,
    cancelling,
)
from connectors.formats.cap_write import SPACE, CapRefused, write
from tests.connectors.formats.test_cap import SAMPLES, read

# The sequences of CAP-v1.2.xsd with what may stand: 1 once, ? at most once, * any number, + at least once.
SCHEMA = {
    "alert": "identifier1 sender1 sent1 status1 msgType1 source? scope1 restriction? addresses? code* note? references?"
    " incidents? info*",
    "info": "language? category+ event1 responseType* urgency1 severity1 certainty1 audience? eventCode* effective? onset?"
    " expires? senderName? headline? description? instruction? web? contact? parameter* resource* area*",
    "eventCode": "valueName1 value1",
    "parameter": "valueName1 value1",
    "geocode": "valueName1 value1",
    "resource": "resourceDesc1 mimeType1 size? uri? derefUri? digest?",
    "area": "areaDesc1 polygon* circle* geocode* altitude? ceiling?",
}
COUNTS = {"1": (1, 1), "?": (0, 1), "*": (0, 10**9), "+": (1, 10**9)}


def assert_valid(element: ElementTree.Element) -> None:
    space, name = element.tag[1:].split("}")
    assert space == SPACE
    children = [child.tag.split("}")[1] for child in element]
    if name not in SCHEMA:
        assert children == []
        return
    order = [(each[:-1], COUNTS[each[-1]]) for each in SCHEMA[name].split()]
    places = [[known for known, _ in order].index(child) for child in children]
    assert places == sorted(places)
    for known, (least, most) in order:
        assert least <= children.count(known) <= most, (name, known)
    for child in element:
        assert_valid(child)


def written(alert: CapAlert) -> CapAlert:
    data = write(alert)
    assert_valid(ElementTree.fromstring(data))
    (found,) = cap.read(BytesIO(data))
    assert isinstance(found, CapAlert), found
    return found


@pytest.mark.parametrize("name", ["two_languages_1.2.xml", "feed.xml"])
def test_what_was_read_is_written_and_read_back_equal(name: str) -> None:
    alerts = [each for each in read((SAMPLES / name).read_bytes()) if isinstance(each, CapAlert)]

    assert alerts
    assert [written(each) for each in alerts] == alerts


# Texts as reading leaves them: no blanks at the ends, no other characters than XML has, one kind of line end.
texts = st.text(st.sampled_from("aZñ&<>\"']0,;=\t\u2028é漢\U0001f600 "), min_size=1, max_size=12).map(
    lambda text: f"x{text}x"
)
lines = texts | st.tuples(texts, texts).map("\n".join)
secrets = lines.map(Secret)
keys = st.from_regex(r"[A-Za-z0-9@._-]{1,20}", fullmatch=True)
times = st.builds(
    lambda moment, minutes: moment.replace(tzinfo=timezone(timedelta(minutes=minutes))),
    st.integers(86_400, 7_200_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.integers(-14 * 60, 14 * 60),
)
named = st.builds(Named, texts, secrets)


def decimals(most: float, least: float = 0) -> st.SearchStrategy[float]:
    """Numbers of degrees and kilometres as anybody would give them, and the smallest that are written."""
    return st.floats(least, most).map(lambda number: round(number, 15))


points = st.tuples(decimals(90, -90), decimals(180, -180))


def closed(inner: list[Point]) -> Secret[tuple[Point, ...]]:
    return Secret((*inner, inner[0]))


polygons = st.lists(points, min_size=3, max_size=6).map(closed)
circles = st.builds(Circle, decimals(90, -90), decimals(180, -180), decimals(20_000)).map(Secret)
areas = st.builds(
    Area,
    secrets,
    st.lists(polygons, max_size=2).map(tuple),
    st.lists(circles, max_size=2).map(tuple),
    st.lists(named, max_size=2).map(tuple),
    st.none() | st.just("12.5"),
    st.none() | st.just("100"),
)
plain_resources = st.builds(
    Resource, secrets, texts, st.none() | st.integers(0, 10**9), st.none() | secrets, st.none(), st.none()
)
embedded = st.binary(min_size=1, max_size=40).map(
    lambda data: Resource(
        Secret("Foto"),
        "image/jpeg",
        len(data),
        None,
        Secret(data),
        hashlib.sha1(data, usedforsecurity=False).hexdigest(),
    )
)
infos = st.builds(
    Info,
    language=st.sampled_from(["es-PA", "en-US"]),
    event=st.sampled_from(["Alerta AMBER", "Child Abduction"]),
    categories=st.lists(st.sampled_from(["Rescue", "Safety"]), min_size=1, unique=True).map(tuple),
    urgency=st.sampled_from(get_args(Urgency)),
    severity=st.sampled_from(get_args(Severity)),
    certainty=st.sampled_from(get_args(Certainty)),
    response_types=st.lists(st.sampled_from(cap.RESPONSE_TYPES), unique=True).map(tuple),
    audience=st.none() | secrets,
    event_codes=st.just(()) | st.just((Named("SAME", Secret("CAE")),)),
    effective=st.none() | times,
    onset=st.none() | times,
    expires=st.none() | times,
    sender_name=st.none() | secrets,
    headline=st.none() | secrets,
    description=st.none() | secrets,
    instruction=st.none() | secrets,
    web=st.none() | secrets,
    contact=st.none() | secrets,
    parameters=st.lists(named, max_size=2).map(tuple),
    resources=st.lists(plain_resources | embedded, max_size=2).map(tuple),
    areas=st.lists(areas, max_size=2).map(tuple),
)
references = st.lists(st.builds(Reference, keys, keys, times), min_size=1, max_size=3, unique=True).map(tuple)
alerts = st.builds(
    CapAlert,
    identifier=keys,
    sender=keys,
    sent=times,
    status=st.sampled_from(["Actual", "Exercise", "System", "Test", "Draft"]),
    message_type=st.sampled_from(["Alert", "Update", "Cancel", "Ack", "Error"]),
    scope=st.sampled_from(["Public", "Restricted", "Private"]),
    source=st.none() | secrets,
    restriction=st.none() | secrets,
    addresses=st.none() | secrets,
    codes=st.lists(texts, max_size=2).map(tuple),
    note=st.none() | secrets,
    references=references,
    incidents=st.lists(keys | keys.map(lambda key: f"{key} {key}"), max_size=2).map(tuple),
    infos=st.lists(infos, min_size=1, max_size=2).map(tuple),
)


@settings(max_examples=20)
@given(alerts)
def test_any_alert_is_valid_and_reads_back_equal(alert: CapAlert) -> None:
    assert written(alert) == alert


@settings(max_examples=5)
@given(alerts)
def test_the_same_alert_gives_the_same_bytes(alert: CapAlert) -> None:
    assert write(alert) == write(written(alert))


def one(**changes: object) -> CapAlert:
    block = Info("es-PA", "Alerta AMBER", ("Rescue",), "Immediate", "Severe", "Observed")
    base: dict[str, object] = {
        "identifier": "A-1",
        "sender": "a@policia.example",
        "sent": datetime(2026, 5, 4, 16, tzinfo=UTC),
        "status": "Actual",
        "message_type": "Alert",
        "scope": "Public",
        "infos": (block,),
    }
    return CapAlert(**{**base, **changes})  # type: ignore[arg-type]


def test_utc_is_written_as_cap_prescribes() -> None:
    assert b"<sent>2026-05-04T16:00:00-00:00</sent>" in write(one())


def test_a_cancel_cites_what_it_cancels_and_says_nothing_else_of_it() -> None:
    first = one(note=Secret("XIOMARA"), infos=(one().infos[0],))
    second = one(identifier="A-2")

    cancel = cancelling([first, second], "C-1", datetime(2026, 5, 4, 18, tzinfo=UTC))

    assert (cancel.message_type, cancel.references, cancel.infos) == ("Cancel", (first.key, second.key), ())
    assert b"XIOMARA" not in write(cancel)
    assert written(cancel) == cancel


@pytest.mark.parametrize(
    ("alert", "field"),
    [
        (one(identifier="A 1"), "identifier"),
        (one(identifier=""), "identifier"),
        (one(sender="a,b"), "sender"),
        (one(infos=()), "info"),
        (one(message_type="Cancel", infos=()), "references"),
        (one(sent=datetime(2026, 5, 4)), "sent"),  # noqa: DTZ001
        (one(note=Secret("a\x00b")), "note"),
        (one(note=Secret("a\ud800b")), "note"),
        (one(incidents=('a"b',)), "incidents"),
        (one(infos=(Info("es", "Alerta AMBER", (), "Past", "Minor", "Likely"),)), "info.category"),
    ],
)
def test_what_makes_no_alert_is_refused_by_its_element_and_never_by_its_value(alert: CapAlert, field: str) -> None:
    with pytest.raises(CapRefused) as caught:
        write(alert)
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}: ")
