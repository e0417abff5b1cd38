"""The walk and the strict decoder: one verdict on every sequence of bytes, and the same slices."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from hub.model import avro, codes
from hub.model.core import Alert, Core, Label, Reference, Routing, Section
from hub.model.walk import REMEMBERED_MAX_BYTES, NotProven, Walked, kind_of, walk
from tests.model import strategies as made


def opened(walked: Walked) -> dict[str, Any]:
    """What the slices of a walk say, proven as the router proves them. Raises Undecodable."""
    values = {name: avro.attribute(name, raw) for name, raw in zip(codes.ATTRIBUTES, walked.attributes, strict=True)}
    for name, raw in zip(codes.ATTRIBUTES, label_slices(walked.core_label), strict=False):
        avro.attribute(name, raw)
    return values | {
        "kind": avro.attribute("class", walked.kind),
        "originator": avro.attribute("class", walked.originator),
        "caveats": avro.attribute("legal_basis", walked.caveats),
        "id": walked.id,
        "revision": walked.revision,
        "created_ms": walked.created_ms,
        "valid_until_ms": walked.valid_until_ms,
        "categories": [kind_of(head).category for head in walked.heads],
        "versions": [kind_of(head).version for head in walked.heads],
    }


def label_slices(label: bytes) -> Iterator[bytes]:
    """A label's fields, each cut where the next begins: proven by decoding prefixes until one is canonical."""
    start = 0
    for name in codes.ATTRIBUTES[:7]:
        for end in range(start + 1, len(label) + 1):
            try:
                avro.attribute(name, label[start:end])
            except avro.Undecodable:
                continue
            yield label[start:end]
            start = end
            break
        else:
            raise avro.Undecodable(name)
    if start != len(label):
        raise avro.Undecodable("label")


def strictly(fields: dict[str, Any]) -> dict[str, Any]:
    """The same of what the strict decoder gave."""
    routing, core, sections = fields["routing"], fields["core"], fields["sections"]
    values = {**routing["label"], **{name: value for name, value in routing.items() if name != "label"}}
    values["derived_from"] = [str(uuid.UUID(bytes=item["alert"])) for item in values["derived_from"]]
    return {
        **{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()},
        **{name: core[name] for name in ("kind", "originator", "id", "revision", "created_ms", "valid_until_ms")},
        "caveats": tuple(core["caveats"]),
        "categories": [section["category"] for section in sections],
        "versions": [section["version"] for section in sections],
    }


def verdict_of_the_walk(body: bytes, key: bytes | None) -> dict[str, Any] | None:
    try:
        return opened(walk(body, key))
    except (NotProven, avro.Undecodable):
        return None


def verdict_of_the_decoder(body: bytes) -> dict[str, Any] | None:
    try:
        found = strictly(avro.decode("Alert", body))
    except avro.Undecodable:
        return None
    known = all(category.isascii() and len(category) <= 64 for category in found["categories"])
    return found if known else None


@settings(max_examples=40)
@given(made.alerts())
def test_the_slices_of_an_alert_are_the_encodings_of_its_parts(alert: Alert) -> None:
    body = avro.encode(alert)
    walked = walk(body)
    assert walked == walk(body, alert.core.id.bytes)
    assert opened(walked) == strictly(avro.decode("Alert", body))
    assert walked.routing + walked.core == walked.alert
    assert b"".join(walked.attributes[:7]) == walked.label == walked.core_label
    assert sorted(walked.attributes) == sorted(attribute_encodings(alert))
    assert walked.id == alert.core.id.bytes
    assert walked.core.endswith(walked.stable + walked.digests)
    assert walked.stable.startswith(walked.kind + walked.originator)
    assert walked.stable.endswith(walked.core_label + walked.caveats)
    assert walked.digests == array(list(alert.core.digests))
    assert list(walked.sections) == [avro.encode_section(item) for item in alert.sections]
    assert body == walked.alert + array(list(walked.sections))


def array(items: list[bytes]) -> bytes:
    count = 2 * len(items)
    head = bytes([count]) if count < 0x80 else bytes([count & 0x7F | 0x80, count >> 7])
    return head + b"".join(items) + b"\x00" if items else b"\x00"


def attribute_encodings(alert: Alert) -> Iterator[bytes]:
    fields = avro.plain(alert.routing)
    for name in codes.ATTRIBUTES:
        yield avro._write(avro._ATTRIBUTE_SCHEMA[name], fields[name] if name in fields else fields["label"][name])


def damage(body: bytearray, change: str, at: int, number: int) -> None:
    """One change at a place."""
    if change == "flip":
        body[at] ^= 1 << number % 8
    elif change == "set":
        body[at] = (0x00, 0x01, 0x02, 0x7F, 0x80, 0xC3, 0xFF)[number % 7]
    elif change == "insert":
        body[at:at] = bytes([number, number >> 4])
    elif change == "delete":
        del body[at : at + 1 + number % 4]
    elif change == "overlong":
        body[at : at + 1] = bytes([body[at] | 0x80, 0x00])
    elif change == "copy":
        body[at:at] = body[at : at + 1 + number % 40]


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["flip", "set", "insert", "delete", "overlong", "copy"]),
        st.integers(0, 2**16),
        st.integers(0, 255),
    ),
    min_size=1,
    max_size=3,
)


def one_verdict(alert: Alert, changes: list[tuple[str, int, int]]) -> None:
    body = bytearray(avro.encode(alert))
    for change, at, number in changes:
        damage(body, change, at % len(body), number)
    expected = verdict_of_the_decoder(bytes(body))
    event("canonical" if expected else "refused")
    assert verdict_of_the_walk(bytes(body), None) == expected
    assert verdict_of_the_walk(bytes(body), alert.core.id.bytes) == expected


@settings(max_examples=500)
@given(st.integers(0, 2), CHANGES)
def test_walk_and_strict_decoder_give_one_verdict_on_damaged_alerts(
    which: int, changes: list[tuple[str, int, int]]
) -> None:
    one_verdict([plain_alert(), full_alert(), with_reference_to_itself()][which], changes)


@pytest.mark.long
@settings(max_examples=1500)
@given(made.alerts(), CHANGES)
def test_walk_and_strict_decoder_give_one_verdict_on_every_damaged_alert(
    alert: Alert, changes: list[tuple[str, int, int]]
) -> None:
    one_verdict(alert, changes)


@given(st.binary(max_size=200), st.binary(min_size=16, max_size=16))
def test_any_bytes_at_all_are_walked_or_refused(body: bytes, key: bytes) -> None:
    assert verdict_of_the_walk(body, key) == verdict_of_the_decoder(body)


@settings(max_examples=30)
@given(made.alerts(most_sections=2), st.data())
def test_the_key_changes_nothing_whatever_it_is(alert: Alert, data: st.DataObject) -> None:
    body = avro.encode(alert)
    start = data.draw(st.integers(0, len(body)))
    keys = [None, b"", bytes(16), body[start : start + 16], body[start : start + 1], alert.core.id.bytes]
    assert all(walk(body, key) == walk(body) for key in keys)


def test_an_id_that_occurs_earlier_in_the_routing_block_does_not_mislead_the_walk() -> None:
    alert = with_reference_to_itself()
    body = avro.encode(alert)
    assert body.index(alert.core.id.bytes) < len(walk(body).routing)
    assert walk(body, alert.core.id.bytes) == walk(body)


def with_reference_to_itself() -> Alert:
    alert = plain_alert()
    reference = Reference(alert=alert.core.id, revision=1)
    return alert.model_copy(update={"routing": alert.routing.model_copy(update={"derived_from": (reference,)})})


def full_alert() -> Alert:
    """Every array has items, one of them over 63; every optional field is there."""
    alert = plain_alert(observed_ms=-5, caveats=("C5", "é"), digests=(bytes(32), b"\xff" * 32))
    filled: dict[str, tuple[str, ...]] = dict.fromkeys(("act", "means", "exploitation", "legal_basis"), ("one", "ñ"))
    filled |= dict.fromkeys(("origin", "transit", "destination", "nationality"), ("PA", "CO"))
    filled |= {"releasable_to": ("a", "b"), "not_releasable_to": ("c",), "indicators": ("G01",) * 65}
    routing = alert.routing.model_copy(update={**filled, "victims": 70, "suspects": 20_000, "missing": 1})
    sections = (
        Section(category="narrative", version=1, salt=b"s" * 16, payload=b"x" * 70),
        Section(category="victim.identity", version=64, salt=b"t" * 16, payload=b""),
    )
    return alert.model_copy(update={"routing": routing, "sections": sections})


def plain_alert(**core: Any) -> Alert:
    label = Label(class_="seizure", purposes=("search",))
    identifier = uuid.UUID(int=2**100 + 77)
    return Alert(
        routing=Routing(label=label),
        core=Core(id=identifier, created_ms=1, originator="a", valid_until_ms=2, label=label, **core),
    )


def test_a_routing_block_longer_than_those_remembered_is_walked_all_the_same() -> None:
    alert = plain_alert()
    routing = alert.routing.model_copy(update={"act": ("x" * 60,) * 150, "indicators": ("y",) * 200})
    body = avro.encode(alert.model_copy(update={"routing": routing}))
    walked = walk(body, alert.core.id.bytes)
    assert len(walked.routing) > REMEMBERED_MAX_BYTES
    assert verdict_of_the_walk(body, alert.core.id.bytes) == verdict_of_the_decoder(body)


def test_labels_that_differ_are_told_apart_and_not_refused() -> None:
    """The router quarantines them by their own reason, for which it must see both."""
    alert = plain_alert()
    other = alert.core.label.model_copy(update={"purposes": ("search", "oversight")})
    walked = walk(avro.encode(alert.model_copy(update={"core": alert.core.model_copy(update={"label": other})})))
    assert walked.label != walked.core_label
    assert b"oversight" in walked.core_label and walked.caveats == b"\x00"


@pytest.mark.parametrize("field", ["kind", "originator", "caveats", "core_label"])
def test_text_of_the_core_that_is_not_utf8_is_left_to_whoever_reads_the_slice(field: str) -> None:
    body = avro.encode(plain_alert(caveats=("C5",)))
    slice_ = getattr(walk(body), field)
    start = body.rindex(slice_)
    text = start + {"kind": 1, "originator": 1, "caveats": 2, "core_label": 1}[field]
    damaged = body[:text] + b"\xff" + body[text + 1 :]
    walk(damaged)
    assert verdict_of_the_walk(damaged, None) is None
    assert verdict_of_the_decoder(damaged) is None


@pytest.mark.parametrize("at", [b"\xfe\xff\xff\xff\x0f", b"\xfe" + b"\xff" * 8 + b"\x01", b"\x01", b"\xff" * 11])
def test_hostile_sizes_are_refused_wherever_they_stand(at: bytes) -> None:
    body = avro.encode(plain_alert(caveats=("C5",), digests=(bytes(32),)))
    for start in range(len(body)):
        for damaged in (body[:start] + at + body[start + 1 :], body[:start] + at):
            assert verdict_of_the_walk(damaged, None) == verdict_of_the_decoder(damaged)


def test_every_prefix_of_an_alert_is_refused() -> None:
    alert = plain_alert(caveats=("C5",), digests=(bytes(32),))
    body = avro.encode(alert)
    for end in range(len(body)):
        for key in (None, alert.core.id.bytes):
            with pytest.raises(NotProven):
                walk(body[:end], key)


@settings(max_examples=400)
@given(st.integers(0, 63).flatmap(lambda bits: st.integers(-(2**bits), 2**bits - 1)))
def test_a_time_is_read_whatever_number_it_is(number: int) -> None:
    body = avro.encode(plain_alert())
    before, after = body.split(b"\x02\x02\x0aalert")  # revision 1, created at 1
    written = before + b"\x02" + avro._write("long", number) + b"\x0aalert" + after
    assert walk(written).created_ms == number


def test_a_category_that_can_be_in_no_bundle_is_refused() -> None:
    walked = walk(one_section("a" * 64))
    assert kind_of(walked.heads[0]).category == "a" * 64
    for category in ("niña", "a" * 65, "a" * 9000):
        with pytest.raises(NotProven):
            walk(one_section(category))


def one_section(category: str) -> bytes:
    fields = avro.plain(plain_alert())
    fields["sections"] = [{"category": category, "version": 1, "salt": bytes(16), "payload": b""}]
    return avro._write(avro.PARSED["Alert"], fields)
