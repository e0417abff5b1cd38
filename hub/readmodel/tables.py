"""The read model's tables: what the recorder writes and operators ask. Their making and upgrading is migrations/'s.

No section of an alert, no routing block, no key, value or header of a record, no native key and no reference of a receipt
has a column here. Times are milliseconds since 1970 (`_ms`); ids of alerts and deliveries are their 16 bytes. What is derived
from the topics (DERIVED) is dropped and rebuilt by `enlace recorder rebuild`; samples and the audit log are not on any topic.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from sqlalchemy import BigInteger, Boolean, Index, Integer, LargeBinary, String, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Slug = Annotated[str, mapped_column(String(40))]
Code = Annotated[str, mapped_column(String(64))]
Topic = Annotated[str, mapped_column(String(249))]
Words = Annotated[str, mapped_column(String(500))]
Ms = Annotated[int, mapped_column(BigInteger)]
Long = Annotated[int, mapped_column(BigInteger)]
Id = Annotated[bytes, mapped_column(LargeBinary(16))]
Digest = Annotated[bytes, mapped_column(LargeBinary(32))]
Body = Annotated[str, mapped_column(Text)]


class Base(DeclarativeBase):
    """All tables of the read model."""

    type_annotation_map: Final[dict[Any, Any]] = {int: Integer, bool: Boolean}


class Position(Base):
    """How far the recorder has read a partition: changed by compare-and-set in the transaction of what was recorded."""

    __tablename__ = "positions"

    topic: Mapped[Topic] = mapped_column(primary_key=True)
    partition: Mapped[int] = mapped_column(primary_key=True)
    next_offset: Mapped[Long]


class Alert(Base):
    """An alert as it stands after its newest decision. `state`: see results.ALERT_STATES.

    `opened_ms`: when its first decision was logged; it never changes, so pages are ordered by it. `restricted`: of a class
    that only its parties' auditors may know of (mutual-legal-assistance); once restricted, always.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        Index("alerts_by_time", "opened_ms", "id"),
        Index("alerts_by_class", "alert_class", "opened_ms", "id"),
        Index(
            "alerts_by_state",
            "state",
            "opened_ms",
            "id",
            sqlite_where=text("state <> 'released'"),
            postgresql_where=text("state <> 'released'"),
        ),
        {"sqlite_with_rowid": False},
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    opened_ms: Mapped[Ms]
    decided_ms: Mapped[Ms]
    revision: Mapped[int]
    originator: Mapped[Slug]
    alert_class: Mapped[Code]
    exercise: Mapped[Code]
    tlp: Mapped[Code]
    state: Mapped[Code]
    recipients: Mapped[int]
    valid_until_ms: Mapped[Ms]
    restricted: Mapped[bool]


class Tag(Base):
    """What an alert is found by besides: the agencies concerned (originator and recipients, slugs) and countries (two
    capitals), of all its revisions. For a restricted alert the agencies are its parties."""

    __tablename__ = "alert_tags"
    __table_args__ = ({"sqlite_with_rowid": False},)

    value: Mapped[Slug] = mapped_column(primary_key=True)
    opened_ms: Mapped[Ms] = mapped_column(primary_key=True)
    alert: Mapped[Id] = mapped_column(primary_key=True)


class Fragment(Base):
    """A piece of JSON that many decisions share, under the first 16 bytes of its SHA-256.

    A verdict: [[agency, reason, [category, ...]], ...]; a label: {"exercise": ..., "class": ..., ...}; terms of an
    obligation: its fields that say something.
    """

    __tablename__ = "fragments"

    id: Mapped[Id] = mapped_column(primary_key=True)
    body: Mapped[Body]


class Decision(Base):
    """One record of the topic `decisions` that is of an alert: `partition` and `offset` are its place there.

    `label`, `verdict`: fragments. `countries`: of origin, transit, destination and nationality, by spaces. `present`: JSON,
    [[category, version, size in bytes], ...].
    """

    __tablename__ = "decisions"
    __table_args__ = (
        Index("decisions_by_alert", "alert", "revision"),
        Index(
            "decisions_by_order",
            "source_partition",
            "source_offset",
            sqlite_where=text("source_topic = 'control'"),
            postgresql_where=text("source_topic = 'control'"),
        ),
        {"sqlite_with_rowid": False},
    )

    partition: Mapped[int] = mapped_column(primary_key=True)
    offset: Mapped[Long] = mapped_column(primary_key=True)
    log_ms: Mapped[Ms]
    source_topic: Mapped[Topic]
    source_partition: Mapped[int]
    source_offset: Mapped[Long]
    source_previous: Mapped[Long]
    decided_ms: Mapped[Ms]
    bundle: Mapped[Digest]
    outcome: Mapped[Code]
    alert: Mapped[Id]
    revision: Mapped[int]
    kind: Mapped[Code]
    label: Mapped[Id]
    countries: Mapped[Words]
    present: Mapped[Body]
    verdict: Mapped[Id]


class End(Base):
    """One record of the topic `decisions` that tells of an alert's end. `verdict`: a fragment, without categories."""

    __tablename__ = "ends"
    __table_args__ = (Index("ends_by_alert", "alert"),)

    partition: Mapped[int] = mapped_column(primary_key=True)
    offset: Mapped[Long] = mapped_column(primary_key=True)
    log_ms: Mapped[Ms]
    source_topic: Mapped[Topic]
    source_partition: Mapped[int]
    source_offset: Mapped[Long]
    decided_ms: Mapped[Ms]
    bundle: Mapped[Digest]
    outcome: Mapped[Code]
    alert: Mapped[Id]
    revision: Mapped[int]
    verdict: Mapped[Id]


class Note(Base):
    """One record of the topic `decisions` that notes an order carried out without a decision: a return, an empty lift."""

    __tablename__ = "notes"
    __table_args__ = (Index("notes_by_order", "source_partition", "source_offset"),)

    partition: Mapped[int] = mapped_column(primary_key=True)
    offset: Mapped[Long] = mapped_column(primary_key=True)
    log_ms: Mapped[Ms]
    source_partition: Mapped[int]
    source_offset: Mapped[Long]
    what: Mapped[Code]


class Delivery(Base):
    """One delivery, known from up to three sides, in whatever order they were read.

    The decision that ordered it (`authorised_ms`, its place, `restricted`); its record's header in `deliveries.<recipient>`
    (`log_ms`, place, kind and so on; never the view); the recipient's receipts (`state`, `acknowledged_ms`). A side that is
    not known is null: authorised without `log_ms` is missing; `log_ms` without `authorised_ms` is a feedback, or was never
    authorised. `due_ms`: when it is to be acknowledged by. `terms`: a fragment. `withdrawn`: categories by spaces.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("deliveries_by_alert", "alert"),
        Index(
            "deliveries_open",
            "recipient",
            "restricted",
            "log_ms",
            sqlite_where=text("acknowledged_ms IS NULL AND log_ms IS NOT NULL"),
            postgresql_where=text("acknowledged_ms IS NULL AND log_ms IS NOT NULL"),
        ),
        Index(
            "deliveries_due",
            "recipient",
            "restricted",
            "due_ms",
            sqlite_where=text("acknowledged_ms IS NULL AND due_ms IS NOT NULL"),
            postgresql_where=text("acknowledged_ms IS NULL AND due_ms IS NOT NULL"),
        ),
        Index(
            "deliveries_missing",
            "recipient",
            "authorised_ms",
            sqlite_where=text("log_ms IS NULL"),
            postgresql_where=text("log_ms IS NULL"),
        ),
        Index(
            "deliveries_unauthorised",
            "recipient",
            sqlite_where=text("authorised_ms IS NULL"),
            postgresql_where=text("authorised_ms IS NULL"),
        ),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    alert: Mapped[Id]
    recipient: Mapped[Slug]
    revision: Mapped[int]
    restricted: Mapped[bool | None]
    authorised_ms: Mapped[Ms | None]
    decision_partition: Mapped[int | None]
    decision_offset: Mapped[Long | None]
    log_ms: Mapped[Ms | None]
    partition: Mapped[int | None]
    offset: Mapped[Long | None]
    kind: Mapped[Code | None]
    number: Mapped[int | None]
    decided_ms: Mapped[Ms | None]
    bundle: Mapped[Digest | None]
    terms: Mapped[Id | None]
    due_ms: Mapped[Ms | None]
    withdrawn: Mapped[Body | None]
    reason: Mapped[Code | None]
    state: Mapped[Code | None]
    acknowledged_ms: Mapped[Ms | None]
    receipt_reason: Mapped[Code | None]


class Receipt(Base):
    """One receipt, without its reference. `reason`: of the closed list of model/receipt.py, or `other`."""

    __tablename__ = "receipts"
    __table_args__ = (
        Index("receipts_by_alert", "alert"),
        {"sqlite_with_rowid": False},
    )  # ids of alerts are in order of time

    topic: Mapped[Topic] = mapped_column(primary_key=True)
    partition: Mapped[int] = mapped_column(primary_key=True)
    offset: Mapped[Long] = mapped_column(primary_key=True)
    log_ms: Mapped[Ms]
    delivery: Mapped[Id]
    alert: Mapped[Id]
    recipient: Mapped[Slug]
    state: Mapped[Code]
    at_ms: Mapped[Ms]
    reason: Mapped[Code | None]


class Unmatched(Base):
    """A delivery that receipts were read of before all that must be known of it; or of which nothing is ever known."""

    __tablename__ = "unmatched"

    delivery: Mapped[Id] = mapped_column(primary_key=True)


class Quarantined(Base):
    """One record of the topic `quarantine`: reason, field path, place and size. `original_*`: the agency's record that it
    is about, which differs from the source if that is an order; `agency`: whose topic the original stands in."""

    __tablename__ = "quarantine"
    __table_args__ = (
        Index("quarantine_by_reason", "reason", "log_ms"),
        Index("quarantine_by_agency", "agency", "log_ms"),
        Index("quarantine_by_source", "source_topic", "source_partition", "source_offset"),
    )

    partition: Mapped[int] = mapped_column(primary_key=True)
    offset: Mapped[Long] = mapped_column(primary_key=True)
    log_ms: Mapped[Ms]
    source_topic: Mapped[Topic]
    source_partition: Mapped[int]
    source_offset: Mapped[Long]
    source_previous: Mapped[Long]
    recorded_ms: Mapped[Ms]
    quarantined_ms: Mapped[Ms]
    reason: Mapped[Code]
    field: Mapped[Words]
    attempt: Mapped[int]
    size_bytes: Mapped[int]
    agency: Mapped[Slug | None]
    original_topic: Mapped[Topic]
    original_partition: Mapped[int]
    original_offset: Mapped[Long]


class Order(Base):
    """One order of the topic `control`: about which record, by whom. Never the bytes that it carries."""

    __tablename__ = "orders"
    __table_args__ = (Index("orders_by_original", "original_topic", "original_partition", "original_offset"),)

    partition: Mapped[int] = mapped_column(primary_key=True)
    offset: Mapped[Long] = mapped_column(primary_key=True)
    log_ms: Mapped[Ms]
    kind: Mapped[Code]
    original_topic: Mapped[Topic]
    original_partition: Mapped[int]
    original_offset: Mapped[Long]
    attempt: Mapped[int]
    who: Mapped[Code]
    why: Mapped[Words]


class Health(Base):
    """The newest word of a connector about itself (`health/*`). `offset`: of its record in `connectors.<agency>`; `error`:
    its kind (model/receipt.py), or `other`."""

    __tablename__ = "health"

    agency: Mapped[Slug] = mapped_column(primary_key=True)
    connector: Mapped[Code] = mapped_column(primary_key=True)
    offset: Mapped[Long]
    log_ms: Mapped[Ms]
    at_ms: Mapped[Ms]
    state: Mapped[Code]
    published: Mapped[Long]
    delivered: Mapped[Long]
    set_aside: Mapped[Long]
    error: Mapped[Words | None]


class Hold(Base):
    """The newest order of each scope (model/publication.py). Held unless `state` is lifted; `unclear`: a record that cannot
    be read stands there, which holds."""

    __tablename__ = "holds"

    scope: Mapped[Code] = mapped_column(primary_key=True)
    offset: Mapped[Long]
    log_ms: Mapped[Ms]
    state: Mapped[Code]
    why: Mapped[Words]
    set_by: Mapped[Code]
    set_ms: Mapped[Ms]
    asked_by: Mapped[Code | None]
    asked_ms: Mapped[Ms | None]
    lifted_by: Mapped[Code | None]
    lifted_ms: Mapped[Ms | None]


class Bundle(Base):
    """A bundle that came into force. `packed`: its canonical JSON, compressed (zlib). `approvals`: JSON,
    [[steward, agency or null], ...]."""

    __tablename__ = "bundles"

    serial: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[Digest]
    previous: Mapped[Digest]
    offset: Mapped[Long]
    log_ms: Mapped[Ms]
    approvals: Mapped[Body]
    packed: Mapped[bytes] = mapped_column(LargeBinary)


class Segment(Base):
    """An unbroken piece of a partition's chain of positions (KAFKA.md, rule 16): from after `previous` to `last`.

    A partition whose records are all accounted for has one, from -1.
    """

    __tablename__ = "chain"

    topic: Mapped[Topic] = mapped_column(primary_key=True)
    partition: Mapped[int] = mapped_column(primary_key=True)
    previous: Mapped[Long] = mapped_column(primary_key=True)
    last: Mapped[Long]


class Alarm(Base):
    """What must never happen, and did. `kind`: see results.ALARMS. The place is that of the record it is about."""

    __tablename__ = "alarms"

    kind: Mapped[Code] = mapped_column(primary_key=True)
    topic: Mapped[Topic] = mapped_column(primary_key=True)
    partition: Mapped[int] = mapped_column(primary_key=True)
    offset: Mapped[Long] = mapped_column(primary_key=True)
    detail: Mapped[Words]


class Agency(Base):
    """An agency that something was counted of, or whose connector told its health."""

    __tablename__ = "agencies"

    agency: Mapped[Slug] = mapped_column(primary_key=True)


class Minute(Base):
    """How many of `what` (results.COUNTED) concerned an agency in a minute of log time. Restricted alerts are not counted."""

    __tablename__ = "minutes"
    __table_args__ = ({"sqlite_with_rowid": False},)

    minute_ms: Mapped[Ms] = mapped_column(primary_key=True)
    agency: Mapped[Slug] = mapped_column(primary_key=True)
    what: Mapped[Code] = mapped_column(primary_key=True)
    count: Mapped[int]


class Sample(Base):
    """Committed and end offsets of what a consumer group reads, as the recorder saw them. Kept for some hours.

    `body`: JSON, {topic: {partition: [committed, end]}}.
    """

    __tablename__ = "samples"

    at_ms: Mapped[Ms] = mapped_column(primary_key=True)
    consumer_group: Mapped[Topic] = mapped_column(primary_key=True)
    body: Mapped[Body]


class Audit(Base):
    """Who saw or did what, in console and commands. Append-only: the database refuses to change or delete a row."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("audit_by_time", "at_ms"),
        Index("audit_by_person", "who", "at_ms"),
        Index("audit_by_subject", "subject", "at_ms"),
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    at_ms: Mapped[Ms]
    who: Mapped[Code]
    role: Mapped[Code]
    action: Mapped[Code]
    subject: Mapped[Words]
    outcome: Mapped[Code]
    detail: Mapped[Words]


# What stands on the topics, and can be rebuilt from them.
DERIVED: Final[tuple[type[Base], ...]] = (
    Position,
    Alert,
    Tag,
    Fragment,
    Decision,
    End,
    Note,
    Delivery,
    Receipt,
    Unmatched,
    Quarantined,
    Order,
    Health,
    Hold,
    Bundle,
    Segment,
    Alarm,
    Agency,
    Minute,
)
