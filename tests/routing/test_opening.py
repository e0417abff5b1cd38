"""Every reason for which a record waits in quarantine, and that it waits there whole."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hub.bus.bus import Outgoing
from hub.model.avro import ALERT_MAX_BYTES, LOCAL_IDS, encode, frame
from hub.model.compose import DAY_MS, VALID_MAX_MS
from hub.model.core import Alert, Reference
from hub.model.decision import QUARANTINE_REASONS
from hub.model.splice import long
from tests.routing.alerts import (
    NOW_MS,
    SECTIONS,
    Hub,
    alert,
    alert_id,
    cancel,
    framed,
    label,
    narrated,
    record_of,
    replaced,
)

GOOD = alert()


def wire(made: Alert) -> Outgoing:
    """As a faulty connector writes it: what the model forbids is not looked at."""
    return record_of(made)


def with_core(**changes: object) -> Outgoing:
    return wire(replaced(GOOD, core=replaced(GOOD.core, **changes)))


def with_routing(**changes: object) -> Outgoing:
    return wire(replaced(GOOD, routing=replaced(GOOD.routing, **changes)))


def with_label(**changes: object) -> Outgoing:
    marked = replaced(label(), **changes)
    routing, core = replaced(GOOD.routing, label=marked), replaced(GOOD.core, label=marked)
    return wire(replaced(GOOD, routing=routing, core=core))


def resealed(sections: tuple[object, ...]) -> Outgoing:
    """Sections that the model forbids, with digests that fit."""
    from hub.model.compose import digests

    made = replaced(GOOD, sections=sections, core=replaced(GOOD.core, digests=digests(sections)))  # type: ignore[arg-type]
    return wire(made)


def body_changed(change: Callable[[bytes], bytes]) -> Outgoing:
    return wire(GOOD)._replace(value=frame(LOCAL_IDS.by_name["Alert"], change(encode(GOOD))))


FIRST_SECTION = GOOD.sections[0]
OTHER_AGENCY = "alerts.police"
CASES: dict[str, tuple[Outgoing, str, str]] = {
    "no value": (wire(GOOD)._replace(value=None), "undecodable", "value"),
    "no frame": (wire(GOOD)._replace(value=b"\x01abcdef"), "undecodable", "value"),
    "an empty value": (wire(GOOD)._replace(value=b""), "undecodable", "value"),
    "cut short": (body_changed(lambda body: body[:-1]), "undecodable", "value"),
    "something behind it": (body_changed(lambda body: body + b"\0"), "undecodable", "value"),
    "text that is no text": (
        body_changed(lambda body: body.replace(b"suspected", b"suspecte\xff")),
        "undecodable",
        "routing.class",
    ),
    "another schema": (wire(GOOD)._replace(value=frame(999, encode(GOOD))), "unknown-schema", "value"),
    "over the limit": (wire(GOOD)._replace(value=framed(GOOD) + bytes(ALERT_MAX_BYTES)), "too-large", "value"),
    "too many sections": (resealed((FIRST_SECTION,) * 1001), "too-large", "sections"),
    "no key": (wire(GOOD)._replace(key=None), "key-mismatch", "core.id"),
    "another alert's key": (wire(GOOD)._replace(key=alert_id(2).bytes), "key-mismatch", "core.id"),
    "another agency's topic": (wire(GOOD)._replace(topic=OTHER_AGENCY), "foreign-topic", "core.originator"),
    "two labels": (with_core(label=label(tlp="CLEAR")), "label-mismatch", "core.label"),
    "a missing digest": (with_core(digests=GOOD.core.digests[1:]), "digest-mismatch", "core.digests"),
    "digests in another order": (with_core(digests=GOOD.core.digests[::-1]), "digest-mismatch", "core.digests"),
    "a section changed": (
        wire(replaced(GOOD, sections=(replaced(FIRST_SECTION, salt=bytes(16)), *GOOD.sections[1:]))),
        "digest-mismatch",
        "core.digests",
    ),
    "valid for too long": (
        with_core(valid_until_ms=NOW_MS + VALID_MAX_MS + 1),
        "valid-too-long",
        "core.valid_until_ms",
    ),
    "another kind": (with_core(kind="rumour"), "unknown-value", "core.kind"),
    "revision 0": (with_core(revision=0), "unknown-value", "core.revision"),
    "a revision over the limit": (with_core(revision=2**31), "unknown-value", "core.revision"),
    "a cancel with sections": (with_core(kind="cancel"), "contradiction", "core.kind"),
    "a class that no list has": (with_label(class_="gossip"), "unknown-value", "routing.class"),
    "a label that is none": (with_label(tlp="PURPLE"), "unknown-value", "routing.tlp"),
    "no handling code": (with_label(handling=()), "unknown-value", "routing.handling"),
    "a country that is none": (with_routing(origin=("ZZ",)), "unknown-value", "routing.origin"),
    "not even like a country": (with_routing(origin=("Panama",)), "unknown-value", "routing.origin"),
    "a count below zero": (with_routing(victims=-1), "unknown-value", "routing.victims"),
    "consent in other words": (with_routing(consent="perhaps"), "unknown-value", "routing.consent"),
    "an unknown agency named": (with_routing(releasable_to=("nobody",)), "unknown-value", "routing.releasable_to"),
    "an unknown legal basis": (with_routing(legal_basis=("L9",)), "unknown-value", "routing.legal_basis"),
    "an unknown caveat": (with_core(caveats=("C9",)), "unknown-value", "core.caveats"),
    "201 caveats": (with_core(caveats=("C1",) * 201), "unknown-value", "core.caveats"),
    "a reference to revision 0": (
        with_routing(derived_from=(replaced(Reference(alert=alert_id(9), revision=1), revision=0),)),
        "unknown-value",
        "routing.derived_from",
    ),
    "101 references": (
        with_routing(derived_from=(Reference(alert=alert_id(9), revision=1),) * 101),
        "unknown-value",
        "routing.derived_from",
    ),
    "a section of no category": (
        resealed((replaced(FIRST_SECTION, category=""),)),
        "unknown-value",
        "sections.category",
    ),
    "a section of version 0": (resealed((replaced(FIRST_SECTION, version=0),)), "unknown-value", "sections.version"),
    "a category longer than any code": (
        resealed((replaced(FIRST_SECTION, category="c" * 65),)),
        "undecodable",
        "value",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_record_that_cannot_be_decided_waits_in_quarantine_with_its_reason_and_field(case: str) -> None:
    record, reason, field = CASES[case]
    followed = Hub().take(record)
    assert followed.quarantined is not None
    assert (followed.quarantined.reason, followed.quarantined.field) == (reason, field)
    assert followed.result == reason


@pytest.mark.parametrize("case", CASES)
def test_quarantine_is_all_that_follows_from_such_a_record_and_keeps_its_untouched_bytes(case: str) -> None:
    record = CASES[case][0]._replace(headers=b"\x02\x08kept\x02x")
    hub = Hub()
    hub.take(alert(8))
    before = dict(hub.holdings)
    followed = hub.take(record)
    waiting = followed.quarantined
    assert waiting is not None and len(followed.routed.outgoing) == 1
    assert (waiting.key, waiting.value, waiting.headers) == (record.key, record.value, record.headers)
    assert (waiting.topic, waiting.partition, waiting.timestamp_ms) == (record.topic, 0, NOW_MS)
    assert hub.holdings == before


def test_a_record_in_the_wrong_lane_waits_in_quarantine_of_the_lane_where_it_was_found() -> None:
    right = record_of(GOOD, partitions=6)
    wrong = right._replace(partition=(right.partition + 1) % 6)
    followed = Hub(partitions=6).take(wrong)
    assert followed.quarantined is not None
    assert followed.quarantined.reason == "wrong-lane"
    assert followed.quarantined.partition == followed.routed.outgoing[0].partition == wrong.partition
    assert Hub(partitions=6).take(right).result == "decided"


def test_an_id_that_another_originator_used_first_waits_in_quarantine() -> None:
    hub = Hub()
    hub.take(alert(1, originator="customs"))
    followed = hub.take(alert(1, 2, originator="police"))
    assert followed.quarantined is not None
    assert (followed.quarantined.reason, followed.quarantined.field) == ("foreign-id", "core.id")
    assert hub.holding(GOOD).originator == "customs"


def test_the_same_revision_with_other_content_waits_in_quarantine() -> None:
    hub = Hub()
    hub.take(GOOD)
    followed = hub.take(alert(sections=SECTIONS[:1]))
    assert followed.quarantined is not None
    assert followed.quarantined.reason == "same-revision-other-content"
    assert hub.holders(GOOD) == {"police": 1, "prosecutor": 1, "shelter": 1}


def test_a_cancel_or_an_older_revision_is_checked_as_strictly_as_what_the_guidelines_are_asked_about() -> None:
    """Its routing block and core stand in the decision, where the recorder must be able to read them."""
    hub = Hub()
    hub.take(alert(1, 5))
    for made in (cancel(1, 6), alert(1, 3)):
        for change in ({"victims": -1}, {"origin": ("Panama",)}, {"consent": "perhaps"}):
            faulty = replaced(made, routing=replaced(made.routing, **change))
            assert hub.take(wire(faulty)).result == "unknown-value"


def test_an_alert_of_ninety_days_and_not_one_millisecond_more_is_taken() -> None:
    assert Hub().take(with_core(valid_until_ms=NOW_MS + VALID_MAX_MS)).result == "decided"
    assert (
        Hub(now_ms=NOW_MS + DAY_MS).take(alert(valid_ms=91 * DAY_MS), timestamp_ms=NOW_MS + DAY_MS).result == "decided"
    )


def test_an_alert_of_the_largest_size_is_taken() -> None:
    room = ALERT_MAX_BYTES - len(encode(alert(sections=()))) - 2_000
    texts = [narrated(f"{number:05}" + "x" * 19_000) for number in range(room // 19_100)]
    large = alert(sections=(), contents=texts)
    assert ALERT_MAX_BYTES - 50_000 < len(encode(large)) <= ALERT_MAX_BYTES
    assert Hub().take(large).result == "decided"


def test_numbers_are_taken_in_their_shortest_form_only() -> None:
    revision = GOOD.core.id.bytes + long(1)
    longer = GOOD.core.id.bytes + b"\x82\x00"
    assert Hub().take(body_changed(lambda body: body.replace(revision, longer))).result == "undecodable"


def test_every_reason_that_route_gives_is_a_reason_of_the_list() -> None:
    elsewhere = {"wrong-lane", "foreign-id", "same-revision-other-content"}
    by_the_loop = {"fails-alone"}  # tests/routing/test_router.py
    assert {reason for _, reason, _ in CASES.values()} | elsewhere | by_the_loop == set(QUARANTINE_REASONS)


@pytest.mark.parametrize("field", ["created_ms", "observed_ms"])
def test_a_time_that_no_calendar_has_waits(field: str) -> None:
    followed = Hub().take(with_core(**{field: 2**61}))
    assert followed.result == "unknown-value"
    assert followed.quarantined is not None and followed.quarantined.field == f"core.{field}"
