"""What operators see: what is wrong first, each alert once, and restricted ones only for their parties' auditors."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from typing import Any

import pytest
from sqlalchemy import Engine, event

from hub.bus.bus import Outgoing, TopicPartition
from hub.guidelines.holds import set_by
from hub.readmodel import queries, searching
from hub.readmodel.results import NOBODY, AlertRow, Now, Scope, Wanted
from hub.readmodel.sampling import write
from hub.readmodel.waiting import BadPage
from tests.readmodel.history import History
from tests.readmodel.recording import record_all
from tests.routing.alerts import alert, alert_id, cancel, order_about

HOUR_MS = 3_600_000
RESTRICTED = {"class": "mutual-legal-assistance", "purposes": ("investigation",), "tlp": "AMBER"}


def now_of(engine: Engine, history: History, later_ms: int = 0, scope: Scope = NOBODY) -> Now:
    with engine.connect() as connection:
        return queries.now(connection, scope, history.now_ms + later_ms)


def troubles(found: Now) -> dict[str, tuple[str, ...]]:
    return {row.agency: tuple(row.troubles) for row in found.agencies}


@pytest.fixture
def restricted(engine: Engine) -> History:
    """An open alert and a restricted one, from customs to police and prosecutor."""
    made = History()
    made.take(alert(1, origin=("CO",)))
    made.take(alert(2, labelled=RESTRICTED, origin=("CO",), sections=("circumstances",)))
    record_all(made, engine)
    return made


def test_a_restricted_alert_does_not_exist_for_who_audits_neither_party(engine: Engine, restricted: History) -> None:
    hidden, seen = alert_id(2), (alert_id(1),)
    with engine.connect() as connection:
        for scope in (NOBODY, Scope(frozenset({"shelter"})), Scope(frozenset({"embassy", "census"}))):
            for wanted in (Wanted(), Wanted(agency="police"), Wanted(country="CO"), Wanted(alert=hidden)):
                found = queries.search(connection, scope, wanted)
                assert tuple(row.id for row in found.alerts) == (seen if wanted.alert is None else ())
            assert queries.search(connection, scope, Wanted(alert_class="mutual-legal-assistance")).alerts == ()
            assert queries.alert_life(connection, scope, hidden) is None
            assert hidden.hex not in _everything(connection, scope, restricted)


def test_an_auditor_of_either_party_sees_a_restricted_alert_with_all_others(
    engine: Engine, restricted: History
) -> None:
    with engine.connect() as connection:
        for agency in ("customs", "police", "prosecutor"):
            scope = Scope(frozenset({agency}))
            found = queries.search(connection, scope, Wanted(country="CO"))
            assert [row.id for row in found.alerts] == [alert_id(2), alert_id(1)]
            life = queries.alert_life(connection, scope, alert_id(2))
            assert life is not None and {each.recipient for each in life.deliveries} == {"police", "prosecutor"}
            assert queries.delivery(connection, scope, life.deliveries[0].id) == life.deliveries[0]
            assert queries.delivery(connection, NOBODY, life.deliveries[0].id) is None


def test_as_much_is_asked_of_the_database_however_many_agencies_there_are(engine: Engine) -> None:
    """On a busy machine each statement waits for its turn."""
    made, asked = History(), [0]

    @event.listens_for(engine, "before_cursor_execute")
    def _count(*_: object) -> None:
        asked[0] += 1

    def statements(scope: Scope) -> int:
        asked[0] = 0
        with engine.connect() as connection:
            queries.now(connection, scope, made.now_ms)
            queries.handover(connection, scope, 0, made.now_ms)
        return asked[0]

    found = []
    for count in (1, 5):
        for number in range(count):
            made.tell(f"agency-{number}")
        record_all(made, engine)
        found.append((statements(NOBODY), statements(Scope(frozenset({"police"})))))
    assert found[0] == found[1]


def test_a_restricted_alert_is_counted_nowhere_for_others(engine: Engine, restricted: History) -> None:
    with engine.connect() as connection:
        minute = restricted.now_ms + 60_000
        police = {row.agency: row for row in queries.now(connection, NOBODY, minute).agencies}["police"]
        auditor = Scope(frozenset({"police"}))
        theirs = {row.agency: row for row in queries.now(connection, auditor, minute).agencies}["police"]
        assert (police.unacknowledged.count, theirs.unacknowledged.count) == (1, 2)
        shift = {each.agency: each for each in queries.handover(connection, NOBODY, 0, minute).agencies}
        assert (shift["customs"].decided, shift["police"].delivered) == (1, 1)


def test_a_cancel_under_another_class_does_not_bare_a_restricted_alert(engine: Engine) -> None:
    made = History()
    made.take(alert(2, labelled=RESTRICTED))
    made.take(cancel(2))
    record_all(made, engine)
    with engine.connect() as connection:
        assert queries.search(connection, NOBODY, Wanted()).alerts == ()


def _everything(connection: Any, scope: Scope, made: History) -> str:
    """All that the other queries say, as text, with ids as they would stand in it."""
    later = made.now_ms + HOUR_MS
    found: list[Any] = [queries.now(connection, scope, later), queries.handover(connection, scope, 0, later)]
    found += [queries.agency_detail(connection, scope, each, later) for each in queries.agencies_known(connection)]
    return repr(found).replace("-", "")


def test_pages_of_a_search_show_every_alert_once_newest_first(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    made = History()
    for number in range(1, 24):
        fields: dict[str, Any] = {"origin": ("CO",)} if number % 3 == 0 else {}
        made.take(alert(number, labelled={"class": "seizure" if number % 2 else "document-fraud"}, **fields))
    made.take(cancel(6))
    record_all(made, engine)
    monkeypatch.setattr(searching, "STEPS", (2, 3, 4))
    expected = {
        Wanted(): set(range(1, 24)),
        Wanted(country="CO"): {3, 6, 9, 12, 15, 18, 21},
        Wanted(country="CO", alert_class="seizure"): {3, 9, 15, 21},
        Wanted(agency="police", country="CO", state="released"): {3, 9, 12, 15, 18, 21},
        Wanted(state="cancelled"): {6},
        Wanted(agency="embassy"): set(),
        Wanted(alert=alert_id(7)): {7},
        Wanted(alert=uuid.UUID(int=7)): set(),
        Wanted(alert_class="seizure", exercise="test"): set(),
        Wanted(from_ms=made.now_ms - 45_000, alert_class="seizure"): {21, 23},
    }
    with engine.connect() as connection:
        for wanted, numbers in expected.items():
            found: list[AlertRow] = []
            after = None
            for _ in range(40):
                page = queries.search(connection, NOBODY, wanted, after, limit=2)
                assert len(page.alerts) <= 2
                found += page.alerts
                after = page.next
                if after is None:
                    break
            assert after is None
            assert [row.id for row in found] == [alert_id(number) for number in sorted(numbers, reverse=True)], wanted


@pytest.mark.parametrize("key", ["", "1", "x.y", "1.zz", "9" * 40, "1.01900000000070008000000000000001.2"])
def test_a_key_that_no_page_gave_is_refused(engine: Engine, key: str) -> None:
    with engine.connect() as connection:
        with pytest.raises(BadPage):
            queries.search(connection, NOBODY, Wanted(), key)
        with pytest.raises(BadPage):
            queries.quarantine(connection, after=key)


def test_an_alerts_life_is_told_in_the_order_in_which_it_happened(engine: Engine) -> None:
    made = History()
    first = made.take(alert(1))
    made.acknowledge(first, "police")
    made.take(alert(1, 2, nationality=("CA",)))
    made.take(cancel(1, 3))
    record_all(made, engine)
    with engine.connect() as connection:
        life = queries.alert_life(connection, NOBODY, alert_id(1))
    assert life is not None
    told = [getattr(event, "outcome", None) or getattr(event, "kind", None) or "receipt" for event in life.events()]
    assert told[0] == "decided" and told[-4:] == ["cancelled"] + ["withdrawal"] * 3
    assert "receipt" in told and life.alert.state == "cancelled"
    verdicts = {each.agency: each for each in life.decisions[0].verdicts}
    assert verdicts["embassy"].reason == "purpose" and verdicts["police"].categories == ("circumstances", "narrative")
    assert [section.category for section in life.decisions[0].present][:2] == ["circumstances", "narrative"]


def test_what_waits_in_quarantine_waits_until_an_order_about_it_was_carried_out(engine: Engine) -> None:
    made = History()
    first = made.take(alert(1, labelled={"class": "no-such-class"}))
    other = made.take(alert(2, labelled={"class": "no-such-class"}))
    assert first.quarantined and other.quarantined
    order = order_about(other.quarantined, "return")
    made.write(order)  # ordered, and not carried out yet
    record_all(made, engine)
    with engine.connect() as connection:
        (group,) = queries.quarantine_groups(connection)
        assert (group.reason, group.count, group.agencies) == ("unknown-value", 2, (("customs", 2),))
        row = queries.quarantine_record(connection, "alerts.customs/0/1")
        assert row is not None and (row.ordered, row.ordered_by, row.settled) == ("return", "operator", False)
        assert queries.quarantine_record(connection, "alerts.customs/0/9") is None
    made.logs[TopicPartition("control", 0)].clear()
    made.take(order)
    made.take(order_about(first.quarantined, "replay"))
    record_all(made, engine)
    with engine.connect() as connection:
        (left,) = queries.quarantine(connection).records
        assert (left.place, left.attempt, left.agency) == ("control/0/1", 2, "customs")
        assert len(queries.quarantine(connection, waiting=False, limit=2).records) == 2
        assert queries.quarantine(connection, waiting=False, limit=2).next is not None


def test_agencies_stand_in_the_order_of_what_is_wrong_with_them(engine: Engine) -> None:
    made = History()
    made.take(alert(1))
    made.tell("shelter", state="failed", error="Refused at inbox.sql:12")
    made.tell("embassy")
    made.order_hold(set_by("maria", "intake/census", "a test", made.now_ms))
    record_all(made, engine)
    found = now_of(engine, made)
    assert troubles(found)["shelter"] == ("connector-failed",)
    assert troubles(found)["census"] == ("held",)
    assert [row.agency for row in found.agencies][:2] == ["shelter", "census"]
    assert troubles(now_of(engine, made, HOUR_MS))["embassy"] == ("connector-silent",)
    assert "overdue" not in troubles(found)["prosecutor"]
    assert "overdue" in troubles(now_of(engine, made, 25 * HOUR_MS))["prosecutor"]


def test_a_delivery_that_was_ordered_and_is_nowhere_is_missing_once_it_had_its_time(engine: Engine) -> None:
    made = History()
    made.take(alert(1))
    made.logs[TopicPartition("deliveries.police", 0)].clear()
    record_all(made, engine)
    assert now_of(engine, made).reconciliation.sound
    later = now_of(engine, made, HOUR_MS)
    assert later.reconciliation.missing == 1 and not later.reconciliation.sound
    assert troubles(later)["police"][0] == "missing-deliveries"


def test_a_delivery_that_no_decision_ordered_is_told(engine: Engine) -> None:
    made, other = History(), History()
    made.take(alert(1))
    for record in other.take(alert(2)).routed.outgoing:
        if record.topic == "deliveries.police":
            made.write(Outgoing(*record))
    record_all(made, engine)
    assert now_of(engine, made, HOUR_MS).reconciliation.unauthorised == 1


def test_lag_is_judged_from_the_samples_and_a_stopped_intake_comes_first(engine: Engine) -> None:
    made = History()
    made.take(alert(1))
    record_all(made, engine)
    at = TopicPartition("alerts.customs", 0)
    for number in range(6):
        seen = {
            "enlace-router": {at: (1, 5 + number)},
            "deliver.police.inbox": {TopicPartition("deliveries.police", 0): (1, 1)},
        }
        write(engine, seen, made.now_ms + number * 15_000)
    found = now_of(engine, made, 90_000)
    row = found.agencies[0]
    assert (row.agency, row.troubles[0]) == ("customs", "intake-stalled")
    assert row.intake is not None and (row.intake.state, row.intake.records, row.intake.seconds) == ("stopped", 9, 90.0)
    assert found.reconciliation.undecided == 9
    police = next(each for each in found.agencies if each.agency == "police")
    assert police.deliveries is not None and police.deliveries.state == "ok"


def test_the_handover_tells_what_happened_since_and_who_did_what(engine: Engine) -> None:
    made = History()
    made.take(alert(1))
    since = made.now_ms + 120_000
    made.now_ms += 240_000
    made.acknowledge(made.take(alert(2)), "police", state="rejected")
    made.take(alert(3, labelled={"tlp": "RED"}))
    record_all(made, engine)
    with engine.begin() as connection:
        queries.note_act(connection, "luis", "auditor", "alert.seen", str(alert_id(1)), now_ms=since - 1)
        queries.note_act(connection, "maria", "operator", "hold.set", "everything", now_ms=made.now_ms)
        found = queries.handover(connection, NOBODY, since, made.now_ms)
        police = next(each for each in found.agencies if each.agency == "police")
        assert (police.delivered, police.acknowledged, police.rejected) == (1, 1, 1)
        assert found.nobody == 1 and [act.who for act in found.acts] == ["maria"]
        assert [entry.who for entry in queries.audit_log(connection).entries] == ["maria", "luis"]
        page = queries.audit_log(connection, limit=1)
        assert [entry.who for entry in queries.audit_log(connection, after=page.next).entries] == ["luis"]
        assert queries.audit_log(connection, action="hold.").entries == page.entries
        assert asdict(page.entries[0])["subject"] == "everything"
