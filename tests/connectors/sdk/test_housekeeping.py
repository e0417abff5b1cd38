"""What a sink may not keep longer goes though nothing is delivered, and the hub has a receipt of every copy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

import pytest

from connectors.sdk import Deletion, Delivery, Effect, Transient
from connectors.sdk.housekeeping import EVERY_MS, Housekeeping
from connectors.sdk.publish import Identity
from hub.bus.bus import Indefinite, Publisher, lane
from hub.bus.memory import MemoryPublisher
from hub.bus.memory_log import START_MS, Crashed, Faults, MemoryLog
from hub.model.avro import LOCAL_IDS, decode_as, unframe
from hub.model.receipt import Receipt
from hub.routing.opening import open_receipt
from tests.connectors.deliveries import KEY

PARTITIONS = 6


class Cellar:
    """A sink that keeps numbered copies until their dates, two deletions at a time."""

    def __init__(self, **until_ms: int) -> None:
        self.until_ms = until_ms
        self.owed: dict[str, Deletion] = {}
        self.looks = 0

    def deliver(self, _delivery: Delivery) -> Effect:
        return Effect()

    def housekeeping(self, now_ms: int) -> Sequence[Deletion]:
        self.looks += 1
        for name in [name for name, until_ms in self.until_ms.items() if until_ms <= now_ms]:
            del self.until_ms[name]
            self.owed[name] = Deletion(name.encode().rjust(16), UUID(int=len(self.owed)), now_ms)
        return list(self.owed.values())[:2]

    def receipted(self, deletions: Sequence[Deletion]) -> None:
        self.owed = {name: each for name, each in self.owed.items() if each not in deletions}

    def close(self) -> None: ...


class House:
    """The bus in memory, and housekeeping as often as it is started."""

    def __init__(self, cellar: Cellar) -> None:
        self.cellar = cellar
        self.log = MemoryLog()
        self.log.create("receipts.customs", PARTITIONS)
        self.now_ms = START_MS

    def start(self, mark: Callable[[str], None] = lambda _: None) -> Housekeeping:
        def opened() -> Publisher:
            return MemoryPublisher(self.log, name="house", mark=mark)

        return Housekeeping(self.cellar, Identity("customs", "book", KEY, PARTITIONS), opened, lambda: self.now_ms)

    def receipts(self) -> list[Receipt]:
        """What stands on the topic, opened as the router opens it."""
        found = []
        for at, record in self.log.table(self.log.partitions("receipts.customs")):
            open_receipt(at.topic, at.partition, record, LOCAL_IDS.by_name["Receipt"], PARTITIONS)
            found.append(decode_as(Receipt, unframe(record.value or b"")[1]))
            assert at.partition == lane(record.key or b"", PARTITIONS)
        return found


def test_a_copy_whose_date_has_come_is_deleted_and_receipted() -> None:
    house = House(Cellar(a=START_MS + EVERY_MS, b=START_MS + 9 * EVERY_MS))
    keeping = house.start()
    assert keeping.turn() == 0
    house.now_ms += EVERY_MS
    assert keeping.turn() == 1
    (receipt,) = house.receipts()
    assert (receipt.delivery, receipt.state, receipt.reason) == (b"a".rjust(16), "deleted", "kept-until")
    assert receipt.at_ms == house.now_ms and keeping.counts.deleted == 1 and list(house.cellar.until_ms) == ["b"]


def test_a_sink_is_asked_now_and_then_and_again_at_once_while_it_has_more() -> None:
    house = House(Cellar(**{f"n{number}": START_MS for number in range(5)}))
    keeping = house.start()
    assert [keeping.turn() for _ in range(6)] == [2, 2, 1, 0, 0, 0]
    assert house.cellar.looks == 4 and len(house.receipts()) == 5
    house.now_ms += EVERY_MS
    keeping.turn()
    assert house.cellar.looks == 5


@pytest.mark.parametrize("point", ["commit:staged", "commit:flushed", "commit:committed", "commit:bumped"])
def test_ended_at_any_point_every_receipt_is_sent_and_a_second_one_is_the_same(point: str) -> None:
    house = House(Cellar(a=START_MS, b=START_MS))

    def crash(reached: str) -> None:
        if reached == point:
            raise Crashed(reached)

    with pytest.raises(Crashed):
        house.start(crash).turn()
    house.now_ms += 7
    keeping = house.start()
    assert [keeping.turn(), keeping.turn()] == [2, 0]
    receipts = house.receipts()
    assert len({each.model_dump_json() for each in receipts}) == len({each.delivery for each in receipts}) == 2


def test_a_bus_that_does_not_answer_is_asked_again() -> None:
    house = House(Cellar(a=START_MS))
    house.log.faults = Faults(lost_request=1.0)
    keeping = house.start()
    with pytest.raises(Indefinite):
        keeping.turn()
    house.log.faults = Faults()
    assert keeping.turn() == 1 and len(house.receipts()) == 1 and not house.cellar.owed


def test_a_database_that_is_away_is_told_and_looked_at_again_at_once() -> None:
    class Away(Cellar):
        def housekeeping(self, now_ms: int) -> Sequence[Deletion]:
            if not self.looks:
                self.looks += 1
                raise Transient("away")
            return super().housekeeping(now_ms)

    house = House(Away(a=START_MS))
    keeping = house.start()
    with pytest.raises(Transient):
        keeping.turn()
    assert keeping.turn() == 1
