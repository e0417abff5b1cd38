"""What operators, stewards and auditors ask of the read model: the whole of it, as `hub/console` and `hub/cli` use it.

Every function takes an open SQLAlchemy connection (`open_database(url).connect()`, in a transaction or not) and gives the
frozen values of results.py. Where alerts are concerned it takes the viewer's `Scope`: a restricted alert
(mutual-legal-assistance) is listed, counted and summarised only for who audits one of its parties; for everybody else it does
not exist. `now_ms` is the caller's clock. Counts of what waits stop at COUNT_LIMIT: a page shows that as "10,000 or more".

    now(connection, scope, now_ms) -> Now                                     the page Now
    handover(connection, scope, since_ms, now_ms) -> Handover                 what happened since
    agency_detail(connection, scope, agency, now_ms) -> AgencyDetail | None   one agency; None: never heard of
    connectors(connection, now_ms) -> tuple[Connector, ...]                   by agency and name
    reconciliation(connection, now_ms) -> Reconciliation                      does everything add up
    lags(connection, now_ms) -> tuple[Lag, ...]                               every consumer group and topic, worst first
    search(connection, scope, wanted, after=None, limit=50) -> Found          alerts by page; `after`: a page's `next`
    alert_life(connection, scope, alert) -> AlertLife | None                  one alert; None: not there, or not for you
    delivery(connection, scope, delivery_id) -> DeliveryEntry | None          `delivery_id`: hexadecimal
    agencies_known(connection) -> tuple[str, ...]                             every agency's id, sorted
    quarantine_groups(connection) -> tuple[QuarantineGroup, ...]              what waits, by reason, most first
    quarantine(connection, reason=None, agency=None, waiting=True, after=None, limit=50) -> QuarantinePage
    quarantine_record(connection, place) -> QuarantineRow | None              `place`: <topic>/<partition>/<offset>
    holds(connection) -> tuple[HoldState, ...]                                scopes that are held
    bundles(connection) -> tuple[BundleEntry, ...]                            history, newest first
    bundle_json(connection, digest) -> bytes | None                           canonical JSON; Bundle.from_json reads it
    alarms(connection) -> tuple[AlarmEntry, ...]
    note_act(connection, who, role, action, subject, outcome="done", detail="", *, now_ms) -> None   writes the audit log
    audit_log(connection, who=None, action=None, subject=None, since_ms=None, after=None, limit=100) -> AuditPage
"""

from __future__ import annotations

from .aside import quarantine, quarantine_groups, quarantine_record
from .auditlog import audit_log, note_act
from .lags import lags
from .lives import agencies_known, alert_life, delivery
from .overview import agency_detail, connectors, handover, now, reconciliation
from .rules import alarms, bundle_json, bundles, holds
from .searching import search
from .waiting import COUNT_LIMIT

__all__ = [
    "COUNT_LIMIT",
    "agencies_known",
    "agency_detail",
    "alarms",
    "alert_life",
    "audit_log",
    "bundle_json",
    "bundles",
    "connectors",
    "delivery",
    "handover",
    "holds",
    "lags",
    "note_act",
    "now",
    "quarantine",
    "quarantine_groups",
    "quarantine_record",
    "reconciliation",
    "search",
]
