"""Invented records of every kind that goes over the bus, for property tests: alerts, and what is written beside them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from hub.model import codes, decision, delivery
from hub.model.obligation import Obligation
from hub.model.publication import Approval, HoldOrder, Publication
from hub.model.receipt import Health, NativeKey, Receipt, SourcePosition
from tests.model.strategies import (
    ALERT_IDS,
    BYTES_16,
    BYTES_32,
    CODES,
    LONGS,
    SLUGS,
    TEXTS,
    TIMES_MS,
    Draw,
    alerts,
    cores,
    counts,
    labels,
    maybe,
    routings,
    some,
)

obligations = st.builds(
    Obligation,
    acknowledge_hours=maybe(st.integers(1, 8_760)),
    keep_days=maybe(st.integers(1, 36_500)),
    keep_events=some(CODES, 2),
    review_days=maybe(st.integers(1, 36_500)),
    onward=CODES,
    onward_to=some(SLUGS, 2),
    caveats=some(CODES, 2),
)
offsets = st.integers(-1, 2**63 - 1)
places: dict[str, SearchStrategy[Any]] = {
    "topic": SLUGS.map(lambda slug: f"alerts.{slug}"),
    "partition": LONGS,
    "offset": offsets,
}
sources = st.builds(decision.Source, **places, previous=offsets)


@st.composite
def deliveries(draw: Draw) -> delivery.Delivery:
    alert = draw(alerts())
    view = delivery.View(core=alert.core, sections=alert.sections)
    return delivery.Delivery(
        id=draw(BYTES_16),
        kind=draw(st.sampled_from(delivery.DELIVERY_KINDS)),
        recipient=draw(SLUGS),
        alert=alert.core.id,
        revision=alert.core.revision,
        number=draw(st.integers(1, 2**31 - 1)),
        decided_ms=draw(TIMES_MS),
        bundle=draw(BYTES_32),
        obligation=draw(maybe(obligations)),
        withdrawn=draw(some(st.sampled_from(codes.CATEGORIES))),
        reason=draw(maybe(CODES)),
        view=draw(maybe(st.just(view))),
    )


outcomes = st.builds(
    decision.AgencyOutcome,
    agency=SLUGS,
    reason=CODES,
    categories=some(st.sampled_from(codes.CATEGORIES)),
    delivery=maybe(BYTES_16),
)
presents = st.builds(
    decision.Present, category=st.sampled_from(codes.CATEGORIES), version=st.integers(1, 1000), size_bytes=LONGS
)


@st.composite
def decisions(draw: Draw) -> decision.Decision:
    alert = draw(alerts(most_sections=1))
    return decision.Decision(
        source=draw(sources),
        decided_ms=draw(TIMES_MS),
        bundle=draw(BYTES_32),
        outcome=draw(st.sampled_from(decision.DECISION_OUTCOMES)),
        routing=alert.routing,
        core=alert.core,
        present=draw(some(presents)),
        outcomes=draw(some(outcomes)),
    )


helds = st.builds(
    decision.Held,
    agency=SLUGS,
    number=counts,
    revision=LONGS,
    categories=some(st.sampled_from(codes.CATEGORIES)),
    seen=BYTES_16,
    owed=maybe(CODES),
)
holdings = st.builds(
    decision.Holding,
    **places,
    originator=SLUGS,
    revision=st.integers(1, 2**31 - 1),
    cancelled=st.booleans(),
    content=BYTES_32,
    valid_until_ms=TIMES_MS,
    recipients=some(helds),
)
_RAW: dict[str, SearchStrategy[Any]] = {
    "field": st.text(max_size=90),
    "attempt": st.integers(1, 1000),
    "key": maybe(st.binary(max_size=90)),
    "value": maybe(st.binary(max_size=90)),
    "headers": st.binary(max_size=90),
}
quarantined = st.builds(
    decision.Quarantined,
    **places,
    **_RAW,
    previous=offsets,
    timestamp_ms=TIMES_MS,
    quarantined_ms=TIMES_MS,
    reason=st.sampled_from(decision.QUARANTINE_REASONS),
)
controls = st.builds(
    decision.Control,
    **places,
    **_RAW,
    kind=st.sampled_from(["expire", "replay", "return", "reevaluate", "lift", "forget"]),
    alert=maybe(ALERT_IDS),
    reason=maybe(CODES),
    who=CODES,
    why=st.text(max_size=90),
)

approvals = st.builds(
    Approval, steward=CODES, agency=maybe(SLUGS), key=BYTES_32, signature=st.binary(min_size=64, max_size=64)
)

RECORDS: dict[str, SearchStrategy[Any]] = {
    "Label": labels,
    "Routing": routings(),
    "Core": cores(),
    "Alert": alerts(),
    "Delivery": deliveries(),
    "Decision": decisions(),
    "Noted": st.builds(decision.Noted, source=sources, decided_ms=TIMES_MS, what=CODES),
    "Ended": st.builds(
        decision.Ended,
        source=sources,
        decided_ms=TIMES_MS,
        bundle=BYTES_32,
        outcome=st.sampled_from(decision.END_OUTCOMES),
        alert=ALERT_IDS,
        originator=SLUGS,
        revision=st.integers(1, 2**31 - 1),
        outcomes=some(outcomes),
    ),
    "Holding": holdings,
    "Position": st.builds(decision.Position, next_offset=offsets, last_decided=offsets),
    "Quarantined": quarantined,
    "Control": controls,
    "Receipt": st.builds(
        Receipt,
        delivery=BYTES_16,
        alert=ALERT_IDS,
        recipient=SLUGS,
        state=st.sampled_from(["effected", "parked", "rejected", "deleted"]),
        at_ms=TIMES_MS,
        reason=maybe(CODES),
        reference=maybe(st.text(max_size=90)),
    ),
    "SourcePosition": st.builds(SourcePosition, source=CODES, position=st.text(max_size=90), records=LONGS),
    "NativeKey": st.builds(
        NativeKey,
        alert=ALERT_IDS,
        revision=st.integers(1, 2**31 - 1),
        content=BYTES_16,
        cancelled=st.booleans(),
        valid_until_ms=TIMES_MS,
        alert_class=CODES,
        purposes=some(CODES),
    ),
    "Health": st.builds(
        Health,
        connector=CODES,
        agency=SLUGS,
        at_ms=TIMES_MS,
        state=st.sampled_from(["running", "waiting", "stopped", "failed"]),
        published=LONGS,
        delivered=LONGS,
        set_aside=LONGS,
        error=maybe(st.text(max_size=90)),
    ),
    "Publication": st.builds(
        Publication,
        serial=st.integers(1, 1000),
        previous=BYTES_32,
        digest=BYTES_32,
        bundle=st.binary(max_size=90),
        approvals=some(approvals, 2),
    ),
    "HoldOrder": st.builds(
        HoldOrder,
        scope=st.sampled_from(["everything", "intake/customs", "deliveries/iom"]),
        state=st.sampled_from(["held", "lift-asked", "lifted"]),
        why=TEXTS,
        set_by=CODES,
        set_ms=TIMES_MS,
        asked_by=maybe(CODES),
        asked_ms=maybe(TIMES_MS),
        lifted_by=maybe(CODES),
        lifted_ms=maybe(TIMES_MS),
    ),
}
