"""What the recorder writes: everything once, whatever the order and the crashes; nothing personal; breaks are seen."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlalchemy import Engine, delete, select, text, update
from sqlalchemy.exc import DBAPIError

from hub.bus.bus import Outgoing, Record, TopicPartition
from hub.guidelines.holds import set_by
from hub.guidelines.rulebook import bundle_key
from hub.readmodel import bulk, writing
from hub.readmodel.database import NotUpgraded, check_version, open_database, upgrade
from hub.readmodel.queries import alarms, bundle_json, bundles, holds, note_act, now, reconciliation
from hub.readmodel.results import NOBODY
from hub.readmodel.tables import Alarm, Audit, Decision, Delivery, Health, Position, Receipt
from hub.recorder import AnotherRecorder, empty
from tests.guidelines.published import published, with_stewards
from tests.readmodel.history import History
from tests.readmodel.recording import record_all, recorder_of, rows_of
from tests.routing.alerts import BUNDLE, alert, cancel, framed, narrated, order_about, receipt_of

PLANTED = "Xochitl-Planted-Name"


@pytest.fixture
def history() -> History:
    """Some of everything."""
    made = History()
    first = made.take(alert(1, origin=("CO",)))
    made.acknowledge(first, "police", "shelter")
    made.acknowledge(first, "prosecutor", state="rejected", reason="not-ours")
    made.take(alert(1))  # a duplicate
    made.take(alert(1, 2, nationality=("CA",)))
    made.take(alert(2, labelled={"class": "mutual-legal-assistance", "purposes": ("investigation",)}))
    made.take(alert(3, labelled={"tlp": "RED"}))  # nobody
    cancelled = made.take(cancel(1, 3))
    made.acknowledge(cancelled, "police", state="deleted")
    waiting = made.take(alert(4, labelled={"class": "no-such-class"}))
    assert waiting.quarantined is not None
    made.take(order_about(waiting.quarantined, "replay"))
    made.take(order_about(waiting.quarantined, "return"))
    for agency in ("police", "shelter"):
        made.tell(agency, published=3)
    made.order_hold(set_by("maria", "deliveries/police", "a test", made.now_ms))
    bundle = with_stewards(BUNDLE, "ana", "luis")
    made.write(Outgoing("guidelines", 0, bundle_key(1), framed(published(bundle))))
    return made


def test_a_rebuilt_read_model_equals_the_one_that_ran_live_row_by_row(history: History, engine: Engine) -> None:
    record_all(history, engine, chunk=1)
    live = rows_of(engine)
    assert all(
        live[name] for name in ("alerts", "decisions", "deliveries", "receipts", "quarantine", "orders", "holds")
    )
    empty(engine)
    assert not any(rows_of(engine).values())
    record_all(history, engine)
    assert rows_of(engine) == live


@pytest.mark.parametrize("seed", range(2))
def test_the_rows_do_not_depend_on_the_order_in_which_topics_are_read(
    history: History, engine: Engine, seed: int
) -> None:
    record_all(history, engine)
    live = rows_of(engine)
    empty(engine)
    chance = random.Random(seed)
    topics = sorted({at.topic for at in history.logs})
    chance.shuffle(topics)
    record_all(history, engine, chunk=chance.randint(1, 3), order=topics)
    assert rows_of(engine) == live


def test_a_batch_that_fails_is_recorded_once_when_it_comes_again(
    history: History, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_all(history, engine)
    live = rows_of(engine)
    empty(engine)
    put, chance = bulk.put, random.Random(7)

    def crashing(*arguments: Any) -> None:
        if chance.random() < 0.05:
            raise ConnectionError
        put(*arguments)

    monkeypatch.setattr(writing, "put", crashing)
    failures = 0
    for _ in range(400):
        recorder = recorder_of(history, engine, chunk=1)
        try:
            while recorder.step(0):
                pass
            break
        except ConnectionError:
            failures += 1
    monkeypatch.undo()
    assert failures > 3
    record_all(history, engine)
    assert rows_of(engine) == live


def test_a_recorder_that_finds_another_at_work_records_nothing_and_ends(history: History, engine: Engine) -> None:
    mine = recorder_of(history, engine, chunk=1)
    mine.step(0)
    record_all(history, engine)
    theirs = rows_of(engine)
    with pytest.raises(AnotherRecorder):
        mine.step(0)
    assert rows_of(engine) == theirs


def test_two_recorders_that_begin_at_once_do_not_both_go_on(history: History, engine: Engine) -> None:
    recorder_of(history, engine).open()
    other = recorder_of(history, engine)
    other.open()
    other._positions = dict.fromkeys(other._positions)  # as if it had looked before the first one wrote
    with pytest.raises(AnotherRecorder):
        other.step(0)


def test_nothing_of_a_section_a_key_or_free_text_reaches_the_database(engine: Engine) -> None:
    made = History()
    found = made.take(alert(1, contents=[narrated(PLANTED)], sections=["victim.identity", "circumstances"]))
    made.acknowledge(found, "police", reference=PLANTED, reason=PLANTED)
    made.take(alert(2, contents=[narrated(PLANTED)], labelled={"class": PLANTED}))
    made.take(alert(3))
    made.take(cancel(3, labelled={"class": PLANTED}))
    made.take(alert(3, 1, contents=[narrated(PLANTED)], sections=(), labelled={"class": PLANTED}, act=(PLANTED,)))
    made.take(Outgoing("alerts.customs", 0, PLANTED.encode(), PLANTED.encode()))
    made.write(Outgoing("connectors.customs", 0, b"customs/native/" + PLANTED.encode(), PLANTED.encode()))
    record_all(made, engine)
    rows = rows_of(engine)
    assert len(rows["quarantine"]) >= 2 and rows["alerts"]
    assert PLANTED not in repr(rows) and PLANTED.encode().hex() not in repr(rows).lower()
    assert "invented account" not in repr(rows)


def test_what_an_agency_writes_of_a_refusal_or_an_error_is_recorded_as_far_as_it_is_of_a_closed_list(
    engine: Engine,
) -> None:
    made = History()
    for number, reason in enumerate(("http-404", "ana-maria"), start=1):
        made.acknowledge(made.take(alert(number)), "police", state="rejected", reason=reason)
    made.tell("police", state="failed", error="gap: Ana in maria:7")
    made.tell("shelter", state="failed", error="ana-maria")
    record_all(made, engine)
    with engine.connect() as connection:
        assert connection.execute(select(Receipt.reason).order_by(Receipt.offset)).scalars().all() == [
            "http-404",
            "other",
        ]
        assert connection.execute(select(Health.error).order_by(Health.agency)).scalars().all() == ["gap", "other"]
    assert "ana" not in repr(rows_of(engine)).lower()


def test_an_upgrade_cuts_what_was_recorded_before_to_the_closed_lists(engine: Engine) -> None:
    made = History()
    first, second = made.take(alert(1)), made.take(alert(2))
    made.acknowledge(first, "police", state="rejected", reason="not-ours")
    made.acknowledge(second, "police", state="rejected", reason="case-closed")
    made.tell("police", state="failed", error="gap: Gap in a.b:7")
    made.tell("shelter", state="failed", error="fault: KeyError in a.b:7")
    record_all(made, engine)
    before = [  # as the version before wrote it
        update(Receipt).where(Receipt.reason == "not-ours").values(reason="ana-maria"),
        update(Delivery).where(Delivery.receipt_reason == "not-ours").values(receipt_reason="ana-maria"),
        update(Health).where(Health.agency == "police").values(error="gap: Gap in a.b:7"),
        update(Health).where(Health.agency == "shelter").values(error="Ana Maria called"),
    ]
    with engine.begin() as connection:
        for each in before:
            connection.execute(each)
        connection.execute(text("DROP TABLE ends"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.execute(select(Receipt.reason).order_by(Receipt.offset)).scalars().all() == [
            "other",
            "case-closed",
        ]
        told = (
            select(Delivery.receipt_reason)
            .where(Delivery.receipt_reason.is_not(None))
            .order_by(Delivery.receipt_reason)
        )
        assert connection.execute(told).scalars().all() == ["case-closed", "other"]
        assert connection.execute(select(Health.error).order_by(Health.agency)).scalars().all() == ["gap", "other"]


def test_a_record_that_nobody_decided_breaks_the_chain_and_is_an_alarm(history: History, engine: Engine) -> None:
    log = history.of("decisions")
    gone = next(number for number, record in enumerate(log) if record.key is not None)
    log[gone] = Record(gone, log[gone].timestamp_ms, None, log[gone + 1].value)  # the next one twice instead
    record_all(history, engine)
    with engine.connect() as connection:
        kinds = {each.kind for each in alarms(connection)}
        assert {"break", "repeat"} <= kinds
        assert not reconciliation(connection, history.now_ms).sound
        assert now(connection, NOBODY, history.now_ms).agencies[0].troubles[0] == "alarm"


def test_a_chain_is_whole_whatever_was_quarantined_or_ordered(history: History, engine: Engine) -> None:
    record_all(history, engine, order=["decisions"])
    assert {(row[0], row[2]) for row in rows_of(engine)["chain"]} == {
        (topic, -1)
        for topic in ("alerts.customs", "control", "receipts.police", "receipts.prosecutor", "receipts.shelter")
    }
    with engine.connect() as connection:
        assert alarms(connection) == ()


def test_a_gap_that_is_filled_in_time_is_no_alarm(history: History, engine: Engine) -> None:
    quarantine = TopicPartition("quarantine", 0)
    kept = history.logs[quarantine]
    history.logs[quarantine] = []
    recorder = recorder_of(history, engine)
    while recorder.step(0):
        pass
    history.logs[quarantine] = kept
    while recorder.step(0):
        pass
    for _ in range(3):
        recorder.step(0)
    with engine.connect() as connection:
        assert connection.execute(select(Alarm.kind).where(Alarm.kind == "break")).all() == []


def test_what_retention_took_before_the_first_start_is_no_break(history: History, engine: Engine) -> None:
    history.first[TopicPartition("decisions", 0)] = 3
    record_all(history, engine)
    with engine.connect() as connection:
        assert alarms(connection) == ()


def test_what_retention_took_before_it_was_recorded_is_an_alarm(history: History, engine: Engine) -> None:
    recorder_of(history, engine, chunk=1).step(0)
    history.first[TopicPartition("decisions", 0)] = 3
    record_all(history, engine)
    with engine.connect() as connection:
        assert ("gap", "decisions") in {(each.kind, each.topic) for each in alarms(connection)}


def test_a_record_of_the_hub_that_cannot_be_read_is_an_alarm_and_the_others_are_recorded(
    history: History, engine: Engine
) -> None:
    history.write(Outgoing("decisions", 0, None, b"\0\0\0\0\x03nonsense"))
    history.write(Outgoing("deliveries.police", 0, None, b"nonsense"))
    history.take(alert(9))
    record_all(history, engine)
    with engine.connect() as connection:
        found = {(each.kind, each.topic) for each in alarms(connection)}
        assert {("unreadable", "decisions"), ("unreadable", "deliveries.police")} <= found
        assert now(connection, NOBODY, history.now_ms).agencies


def test_positions_go_on_over_markers(history: History, engine: Engine) -> None:
    recorder = record_all(history, engine)
    with engine.connect() as connection:
        rows = connection.execute(select(Position.topic, Position.next_offset)).all()
    assert {row.topic: row.next_offset for row in rows} == {
        at.topic: len(log)
        for at, log in history.logs.items()
        if not at.topic.startswith("alerts.") and at.topic != "holdings"
    }
    assert recorder.recorded == sum(row.next_offset for row in rows)


def test_rules_are_recorded_as_the_routers_take_them(history: History, engine: Engine) -> None:
    record_all(history, engine)
    record_all(history, engine)  # a restart reads the rules again
    with engine.connect() as connection:
        (entry,) = bundles(connection)
        assert entry.in_force and entry.serial == 1
        assert bundle_json(connection, entry.digest) == with_stewards(BUNDLE, "ana", "luis").to_json()
        assert [each.scope for each in holds(connection)] == ["deliveries/police"]


def test_a_receipt_that_comes_twice_says_what_it_said_once(engine: Engine) -> None:
    made = History()
    found = made.take(alert(1))
    made.acknowledge(found, "police", "shelter")
    made.acknowledge(found, "police", state="deleted", reason="kept-until")
    record_all(made, engine)
    once = rows_of(engine)["deliveries"]
    made.acknowledge(found, "police", state="deleted", reason="kept-until")
    record_all(made, engine)
    assert rows_of(engine)["deliveries"] == once
    with engine.connect() as connection:
        states = connection.execute(select(Delivery.recipient, Delivery.state)).all()
    assert {each.recipient: each.state for each in states}["police"] == "deleted"


def test_a_receipt_of_another_agencys_delivery_changes_nothing(engine: Engine) -> None:
    made = History()
    found = made.take(alert(1))
    made.acknowledge(found, "police")
    forged = made.of("receipts.police")[0]
    made.logs[TopicPartition("receipts.shelter", 0)].append(forged)
    theirs = made.take(alert(2)).deliveries["shelter"]
    made.take(receipt_of(theirs, recipient="police")._replace(topic="receipts.police"))
    record_all(made, engine)
    with engine.connect() as connection:
        states = connection.execute(select(Delivery.recipient, Delivery.state).where(Delivery.id == theirs.id)).all()
        assert [tuple(row) for row in states] == [("shelter", None)]
        assert connection.execute(select(Receipt.topic)).scalars().all() == ["receipts.police"] * 2


def test_the_audit_log_is_only_added_to(engine: Engine) -> None:
    with engine.begin() as connection:
        note_act(connection, "maria", "operator", "alert.seen", "x" * 600, now_ms=1)
    for change in (delete(Audit), update(Audit).values(who="nobody")):
        with pytest.raises(DBAPIError, match="only added to"), engine.begin() as connection:
            connection.execute(change)


def test_an_upgrade_is_done_once_and_a_newer_database_is_refused(url: str) -> None:
    engine = open_database(url)
    with pytest.raises(NotUpgraded):
        check_version(engine)
    upgrade(engine)
    upgrade(engine)
    check_version(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NotUpgraded):
        upgrade(engine)
    engine.dispose()


def test_the_migrations_make_the_tables_that_are_declared(engine: Engine) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from hub.readmodel.tables import Base

    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_a_decision_is_recorded_once_for_each_place(history: History, engine: Engine) -> None:
    record_all(history, engine)
    with engine.connect() as connection:
        places = connection.execute(select(Decision.source_topic, Decision.source_offset)).all()
    assert len(places) == len(set(places)) > 4
