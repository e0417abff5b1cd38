"""route() answers every record, whatever its bytes: by a decision, a note or quarantine, never by an exception."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.bus.bus import NO_HEADERS, Outgoing, Record
from hub.metrics import QUARANTINED, SETTLED
from hub.model.avro import FRAME_BYTES, LOCAL_IDS, encode, frame
from hub.model.core import Alert
from hub.model.decision import QUARANTINE_REASONS
from hub.routing.route import route
from hub.routing.state import Arrived, Routed, State
from tests.auditor_intake import judge
from tests.model.records import RECORDS
from tests.routing.alerts import BUNDLE, NOW_MS, Hub, alert, cancel, decoded, followed, framed, receipt_of, record_of
from tests.routing.test_deliveries import ALERTS as ROUTABLE

STATE = State(BUNDLE, LOCAL_IDS, 1, NOW_MS, {})
TOPICS = st.sampled_from(["alerts.customs", "alerts.police", "receipts.police", "control"]) | st.text(max_size=12)
DELIVERY = Hub().take(alert()).deliveries["police"]
GOOD: list[Outgoing] = [record_of(alert()), record_of(cancel()), receipt_of(DELIVERY)]
RESULTS = {*SETTLED, *QUARANTINE_REASONS} - {QUARANTINED}


def routed(topic: str, key: bytes | None, value: bytes | None, headers: bytes = NO_HEADERS) -> Routed:
    found = route(Arrived(topic, 0, Record(7, NOW_MS, key, value, headers), 6), STATE)
    assert found.result in RESULTS
    for record in found.outgoing:
        decoded(record.value)  # whatever was written can be read
    return found


@given(TOPICS, st.none() | st.binary(max_size=40), st.none() | st.binary(max_size=200), st.binary(max_size=20))
def test_any_bytes_in_any_topic_are_answered(
    topic: str, key: bytes | None, value: bytes | None, headers: bytes
) -> None:
    (answer,) = routed(topic or "t", key, value, headers).outgoing
    assert answer.topic == "quarantine"


@given(TOPICS, st.sampled_from(sorted(LOCAL_IDS.by_name)), st.binary(max_size=300))
def test_any_body_under_any_schema_is_answered(topic: str, schema: str, body: bytes) -> None:
    routed(topic or "t", bytes(16), frame(LOCAL_IDS.by_name[schema], body))


@settings(max_examples=200)
@given(TOPICS, st.sampled_from(sorted(RECORDS)).flatmap(lambda name: RECORDS[name]))
def test_any_sound_record_in_any_topic_is_answered(topic: str, model: object) -> None:
    value = framed(model) if type(model).__name__ in LOCAL_IDS.by_name else b""  # type: ignore[arg-type]
    routed(topic or "t", bytes(16), value)


@settings(max_examples=400)
@given(st.sampled_from(GOOD), st.randoms(use_true_random=False))
def test_a_mutation_is_decided_exactly_if_a_second_reading_finds_nothing_wrong_with_it(
    good: Outgoing, chosen: random.Random
) -> None:
    """The second reading is the auditor's: fastavro, the models and no walker."""
    value = mutated(good.value or b"", chosen)
    found = routed(good.topic, good.key, value)
    judged = judge(good.topic, 0, good.key, value, NOW_MS, 1)
    if judged.kind == "bad":
        assert found.result in QUARANTINE_REASONS
    elif judged.kind == "alert":
        assert found.result == "unknown-value" or found.result in ("decided", "cancelled", "expired")
    else:
        assert found.result == "noted"


def mutated(value: bytes, chosen: random.Random) -> bytes:
    """One small change behind the frame: a byte, a bit, a piece cut out, doubled, or moved."""
    at = chosen.randrange(FRAME_BYTES, len(value))
    end = min(len(value), at + chosen.randrange(1, 20))
    return chosen.choice(
        [
            value[:at] + bytes([chosen.randrange(256)]) + value[at + 1 :],
            value[:at] + bytes([value[at] ^ 1 << chosen.randrange(8)]) + value[at + 1 :],
            value[:at] + value[end:],
            value[:end] + value[at:],
            value[:at],
            value[:at] + value[at:end][::-1] + value[end:],
        ]
    )


@settings(max_examples=200)
@given(RECORDS["Alert"])
def test_whatever_is_decided_or_waits_agrees_with_a_second_reading(made: Alert) -> None:
    """Alerts with values of any kind, most of them in no list."""
    record = record_of(made)
    found = routed(record.topic, record.key, record.value)
    judged = judge(record.topic, 0, record.key, record.value, NOW_MS, 1)
    assert judged.kind == "alert" or found.result in QUARANTINE_REASONS


@given(ROUTABLE)
def test_the_same_record_and_state_always_give_the_same(made: Alert) -> None:
    record = record_of(made)
    first, second = (routed(record.topic, record.key, record.value) for _ in range(2))
    assert first == second
    assert encode(made) in (record.value or b"") and followed(first).result == first.result
