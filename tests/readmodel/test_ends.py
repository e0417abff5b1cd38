"""How an alert's end is shown: as expired, with each withdrawal and its reason, and later as forgotten."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from hub.model.compose import DAY_MS
from hub.model.delivery import Delivery
from hub.readmodel import queries
from hub.readmodel.evidence import compared_end
from hub.readmodel.results import NOBODY, AlertLife, DeliveryEntry, EndEntry, Scope, Wanted
from hub.readmodel.tables import DERIVED
from tests.readmodel.history import History
from tests.readmodel.recording import record_all, rows_of
from tests.routing.alerts import alert, alert_id, decoded, order_to, replaced

RECIPIENTS = {"police", "prosecutor", "shelter"}
RESTRICTED = {"class": "mutual-legal-assistance", "purposes": ("investigation",), "tlp": "AMBER"}


def ended() -> History:
    made = History()
    made.acknowledge(made.take(alert()), *RECIPIENTS)
    made.now_ms += 30 * DAY_MS
    for _ in range(2):
        made.take(order_to("expire", alert()))
    return made


def life_of(engine: Engine, number: int = 1, scope: Scope = NOBODY) -> AlertLife | None:
    with engine.connect() as connection:
        return queries.alert_life(connection, scope, alert_id(number))


def test_an_alert_that_has_ended_is_shown_as_expired_with_each_withdrawal_and_its_reason(engine: Engine) -> None:
    record_all(ended(), engine)
    life = life_of(engine)
    assert life is not None and (life.alert.state, life.alert.recipients) == ("expired", 0)
    *_, end, first, second, third = life.events()
    assert isinstance(end, EndEntry) and end.outcome == "expired"
    told = {each.recipient: each for each in (first, second, third) if isinstance(each, DeliveryEntry)}
    assert told.keys() == RECIPIENTS
    assert {(each.kind, each.reason, each.number) for each in told.values()} == {("withdrawal", "expired", 2)}
    assert {each.agency: each.delivery for each in end.verdicts} == {name: each.id for name, each in told.items()}
    with engine.connect() as connection:
        assert [each.id for each in queries.search(connection, NOBODY, Wanted(state="expired")).alerts] == [alert_id(1)]


def test_its_withdrawals_wait_for_their_receipts_and_everything_adds_up(engine: Engine) -> None:
    made = ended()
    record_all(made, engine)
    with engine.connect() as connection:
        sums = queries.reconciliation(connection, made.now_ms + DAY_MS)
        assert (sums.missing, sums.unauthorised, sums.broken, sums.alarms) == (0, 0, 0, 0)
        police = queries.agency_detail(connection, NOBODY, "police", made.now_ms)
        assert police is not None and [each.reason for each in police.open] == ["expired"]


def test_an_alert_that_was_renewed_after_its_end_is_shown_as_it_stands_then(engine: Engine) -> None:
    made = ended()
    made.take(alert(1, 2, valid_ms=60 * DAY_MS))
    record_all(made, engine)
    life = life_of(engine)
    assert life is not None and (life.alert.state, life.alert.recipients) == ("released", 3)


def test_a_forgotten_alert_stays_in_the_record_and_its_life_says_so(engine: Engine) -> None:
    made = ended()
    made.now_ms += 90 * DAY_MS
    made.take(order_to("forget", alert()))
    record_all(made, engine)
    life = life_of(engine)
    assert life is not None and life.alert.state == "expired"
    assert [each.outcome for each in life.ends] == ["expired", "forgotten"]


@pytest.mark.parametrize(("chunk", "order"), [(1, ()), (1, ("decisions",)), (3, ("deliveries.police", "decisions"))])
def test_however_it_is_read_the_same_is_recorded(engine: Engine, chunk: int, order: tuple[str, ...]) -> None:
    made = ended()
    made.take(alert(1, 2, valid_ms=60 * DAY_MS))
    record_all(made, engine)
    at_once = rows_of(engine)
    with engine.begin() as connection:
        for table in DERIVED:
            connection.execute(table.__table__.delete())  # type: ignore[attr-defined]
    record_all(made, engine, chunk=chunk, order=order)
    assert rows_of(engine) == at_once


def test_the_end_of_a_restricted_alert_is_for_its_parties_auditors_only(engine: Engine) -> None:
    made = History()
    made.take(alert(2, labelled=RESTRICTED, sections=("circumstances",)))
    made.now_ms += 30 * DAY_MS
    found = made.take(order_to("expire", alert(2)))
    record_all(made, engine)
    assert life_of(engine, 2) is None
    life = life_of(engine, 2, Scope(frozenset({"police"})))
    assert life is not None and life.alert.state == "expired"
    with engine.connect() as connection:
        assert queries.delivery(connection, NOBODY, found.deliveries["police"].id.hex()) is None


def test_a_withdrawal_is_held_against_the_end_that_ordered_it(engine: Engine) -> None:
    made = ended()
    withdrawal = next(each for each in made.of("deliveries.police") if each.offset == 1)
    record_all(made, engine)
    life = life_of(engine)
    assert life is not None
    delivery = decoded(withdrawal.value)
    assert isinstance(delivery, Delivery)
    assert all(each.same for each in compared_end(delivery, life.ends[0]))
    for part, changes in (
        ("id", {"number": 7}),
        ("permitted", {"reason": "cancelled"}),
        ("bundle", {"bundle": bytes(32)}),
    ):
        altered = replaced(delivery, **changes)
        assert {each.part for each in compared_end(altered, life.ends[0]) if not each.same} == {part}
