"""An alert put together: contents encoded, salted and digested, routing block derived, core and sections made one.

A connector's SDK calls this; so does whoever reads an alert from JSON. Pure: time, id and key are handed in.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from .avro import SECTION_VERSION, digest, encode_payload, encode_section, salt
from .base import Model, Slug, TimeMs
from .core import Alert, Codes, Core, Label, Routing, Section
from .derive import Facts, derive
from .sections import Content

DAY_MS: Final = 86_400_000
VALID_MAX_MS: Final = 90 * DAY_MS


class Draft(Model):
    """What a connector says of one piece of information. Everything else of an alert is derived.

    `valid_ms`: how long it is valid from its making, at most 90 days, the time for which topics keep it.
    """

    label: Label
    facts: Facts = Facts()
    observed_ms: TimeMs | None = None
    valid_ms: int = 60 * DAY_MS
    caveats: Codes = ()

    @property
    def validity_ms(self) -> int:
        """`valid_ms`, as far as topics allow it: with a day for the way to them."""
        return min(self.valid_ms, VALID_MAX_MS - DAY_MS)


def compose(
    draft: Draft,
    contents: Sequence[Content],
    *,
    originator: Slug,
    alert_id: uuid.UUID,
    revision: int,
    now_ms: int,
    key: bytes,
) -> Alert:
    """The whole alert. `key` is the connector's own: salts are made with it, so equal contents cannot be told by digest."""
    on = datetime.fromtimestamp((draft.observed_ms or now_ms) / 1000, UTC).date()
    routing, completed = derive(draft.label, contents, draft.facts, on)
    sections = seal(completed, alert_id, key)
    core = Core(
        id=alert_id,
        revision=revision,
        created_ms=now_ms,
        originator=originator,
        observed_ms=draft.observed_ms,
        valid_until_ms=now_ms + draft.validity_ms,
        label=draft.label,
        caveats=draft.caveats,
        digests=digests(sections),
    )
    return Alert(routing=routing, core=core, sections=sections)


def cancel(
    label: Label, *, originator: Slug, alert_id: uuid.UUID, revision: int, now_ms: int, valid_until_ms: int
) -> Alert:
    """The revision that ends an alert: no sections, no facts, the label it had."""
    core = Core(
        id=alert_id,
        revision=revision,
        created_ms=now_ms,
        kind="cancel",
        originator=originator,
        valid_until_ms=valid_until_ms,
        label=label,
    )
    return Alert(routing=Routing(label=label, minor="no", consent="not-applicable"), core=core)


def seal(contents: Sequence[Content], alert_id: uuid.UUID, key: bytes) -> tuple[Section, ...]:
    """Contents as sections, each with its salt; `ordinal` counts the sections of one category."""
    ordinals: Counter[str] = Counter()
    sections = []
    for item in contents:
        payload = encode_payload(item.category, item.content)
        salted = salt(key, alert_id.bytes, item.category, ordinals[item.category], payload)
        ordinals[item.category] += 1
        version = SECTION_VERSION[item.category]
        sections.append(Section(category=item.category, version=version, salt=salted, payload=payload))
    return tuple(sections)


def digests(sections: Sequence[Section]) -> tuple[bytes, ...]:
    """The sorted SHA-256 of every section's bytes."""
    return tuple(sorted(digest(encode_section(section)) for section in sections))
