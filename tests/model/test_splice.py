"""Spliced records are byte for byte what encoding the models would give, and pass slices on untouched."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.model import avro, decision, splice
from hub.model.core import Alert
from hub.model.delivery import Delivery, View
from hub.model.obligation import Obligation
from hub.model.walk import walk
from tests.model import records
from tests.model import strategies as made

NUMBERS = st.integers(0, 63).flatmap(lambda bits: st.integers(-(2**bits), 2**bits - 1))


@settings(max_examples=400)
@given(NUMBERS)
def test_a_number_is_spliced_as_it_is_encoded(number: int) -> None:
    encoded = avro._write("long", number)
    assert splice.long(number) == encoded
    assert avro._write("long", -1) == splice.long(-1)


@given(st.text(max_size=200), made.some(st.text(max_size=80), 70))
def test_text_is_spliced_as_it_is_encoded(text: str, texts: tuple[str, ...]) -> None:
    assert splice.string(text) == avro._write("string", text)
    assert splice.optional_string(text) == avro._write(["null", "string"], text)
    assert splice.strings(texts) == avro._write({"type": "array", "items": "string"}, list(texts))


def test_nothing_is_spliced_as_it_is_encoded() -> None:
    assert splice.optional_string(None) == splice.obligation(None) == splice.delivery_id(None) == b"\x00"
    assert splice.array([]) == splice.strings(()) == b"\x00"


@given(records.obligations)
def test_an_obligation_is_spliced_as_it_is_encoded(terms: Obligation) -> None:
    assert splice.obligation(terms) == b"\x02" + avro.encode(terms)


def spliced_delivery(model: Delivery, view: bytes | None) -> bytes:
    return splice.delivery(
        id=model.id,
        kind=model.kind,
        recipient=model.recipient,
        alert=model.alert.bytes,
        revision=model.revision,
        number=model.number,
        stamp=splice.stamp(model.decided_ms, model.bundle),
        terms=splice.obligation(model.obligation),
        withdrawn=model.withdrawn,
        reason=model.reason,
        view=view,
    )


@settings(max_examples=25)
@given(records.deliveries())
def test_a_delivery_is_spliced_as_it_is_encoded(model: Delivery) -> None:
    view = None if model.view is None else avro.encode(model)[len(spliced_delivery(model, None)) :]
    assert spliced_delivery(model, view) == avro.encode(model)
    bare = model.model_copy(update={"view": None})
    assert spliced_delivery(bare, None) == avro.encode(bare)


@settings(max_examples=25)
@given(made.alerts(), records.deliveries(), st.data())
def test_a_delivery_made_of_an_alerts_slices_is_one_and_encodes_to_the_same_bytes(
    alert: Alert, model: Delivery, data: st.DataObject
) -> None:
    walked = walk(avro.encode(alert))
    released = data.draw(
        st.lists(st.integers(0, len(alert.sections) - 1), unique=True) if alert.sections else st.just([])
    )
    view = splice.view(walked.core, [walked.sections[at] for at in released])
    body = spliced_delivery(model, view)
    opened = avro.decode_as(Delivery, body)
    assert opened.view == View(core=alert.core, sections=tuple(alert.sections[at] for at in released))
    assert opened.model_copy(update={"view": model.view}) == model
    assert avro.encode(opened) == body
    assert walked.core in body
    digests = set(alert.core.digests)
    assert all(avro.digest(avro.encode_section(section)) in digests for section in opened.view.sections)


@settings(max_examples=25)
@given(made.alerts(), records.decisions())
def test_a_decision_made_of_an_alerts_slices_is_one_and_encodes_to_the_same_bytes(
    alert: Alert, model: decision.Decision
) -> None:
    model = model.model_copy(update={"routing": alert.routing, "core": alert.core})
    walked = walk(avro.encode(alert))
    source = splice.Position(**{name: getattr(model.source, name) for name in splice.Position._fields})
    outcomes = [
        splice.outcome(item.agency, item.reason, item.categories) + splice.delivery_id(item.delivery)
        for item in model.outcomes
    ]
    present = splice.present(
        [splice.string(item.category) + splice.long(item.version) for item in model.present],
        [item.size_bytes for item in model.present],
    )
    stamp = splice.stamp(model.decided_ms, model.bundle)
    body = splice.decision(
        source, stamp, model.outcome, walked.routing + walked.core, present, splice.NO_ITEMS.with_more(outcomes)
    )
    assert body == avro.encode(model)
    assert avro.decode_as(decision.Decision, body) == model
    assert source.encode() == avro.encode(decision.Noted(source=model.source, decided_ms=0, what="x"))[:-3]


@given(records.holdings)
def test_a_holding_is_spliced_as_it_is_encoded(model: decision.Holding) -> None:
    recipients = [
        splice.held(item.agency, item.number, item.revision, item.categories, item.seen, item.owed)
        for item in model.recipients
    ]
    body = splice.holding(
        originator=model.originator,
        revision=model.revision,
        cancelled=model.cancelled,
        content=model.content,
        source=splice.Position(model.topic, model.partition, model.offset, -1),
        valid_until_ms=model.valid_until_ms,
        recipients=recipients,
    )
    assert body == avro.encode(model)


@given(records.offsets, records.offsets)
def test_a_position_is_spliced_as_it_is_encoded(next_offset: int, last_decided: int) -> None:
    model = decision.Position(next_offset=next_offset, last_decided=last_decided)
    assert splice.position(next_offset, last_decided) == avro.encode(model)
