"""On a real Kafka: a sink deletes what it may not keep longer though nothing is delivered, and the hub has a receipt."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.customs.connector import CONNECTOR, CustomsOptions
from connectors.sdk.contract_samples import RELEASES, deliveries
from connectors.sdk.run import Place, Running
from hub.bus.kafka import KafkaPublisher
from hub.bus.local import LocalKafka
from hub.bus.settings import Connection
from hub.bus.topics import administration, create
from hub.cli.seen import records
from hub.model.avro import decode_as, unframe
from hub.model.receipt import Receipt

AGENCY = "housekeeping"
PARTITIONS = 6
TURNS = 30


def _all_taken(running: Running) -> bool:
    return running.reception is not None and running.reception.counts.delivered == RELEASES


def _deleted(running: Running) -> bool:
    return running.housekeeping is not None and running.housekeeping.counts.deleted > 0


@pytest.mark.kafka
def test_a_copy_that_is_past_its_date_is_deleted_and_receipted_once(kafka: LocalKafka, tmp_path: Path) -> None:
    connection = Connection(bootstrap_servers=kafka.bootstrap_servers)
    with administration(connection) as admin:
        create(admin, [AGENCY], PARTITIONS, 1)
    hub = KafkaPublisher(connection, name="hub.of.a.test")
    hub.publish(deliveries(AGENCY, PARTITIONS)[:RELEASES])  # decided years ago: their dates have come
    hub.close()
    options = CustomsOptions(database=f"sqlite:///{tmp_path / 'watch.db'}")
    place = Place(connection, tmp_path / "state", PARTITIONS, agency=AGENCY)
    for done in (_all_taken, _deleted):
        running = Running(CONNECTOR, options, place)
        try:
            for _ in range(TURNS):  # the first few join the group
                running.turn(lambda: False)
                if done(running):
                    break
        finally:
            running.close()
    found = [decode_as(Receipt, unframe(each.value or b"")[1]) for each in records(connection, f"receipts.{AGENCY}")]
    states = [each.state for each in found]
    assert states.count("effected") == RELEASES and states.count("deleted") == 1
    (deleted,) = [each for each in found if each.state == "deleted"]
    assert deleted.delivery in {each.delivery for each in found if each.state == "effected"}
