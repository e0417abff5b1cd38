"""Transports under the kit, on a bus that loses requests, answers and its patience: everything is published once."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from connectors.sdk import Alert, BadRecord, Cancel, Content, Draft, Facts, Label, Read
from connectors.sdk.publish import Identity, Publication
from connectors.transports.intake import Intake, Received, publishable
from connectors.transports.sql import SqlOptions, SqlRow, SqlTable
from hub.bus.memory import MemoryPublisher
from hub.bus.memory_log import START_MS, Faults, MemoryLog
from hub.model.avro import LOCAL_IDS, decode_as, decode_payload, unframe
from hub.model.compose import DAY_MS
from hub.model.core import Alert as ComposedAlert
from hub.model.sections import Narrative
from tests.connectors.deliveries import KEY
from tests.connectors.transports.test_intake import Sender, options

PARTITIONS = 6
FAULTY = Faults(lost_request=0.1, lost_answer=0.1, late_commit=0.1)


def said(key: str, words: str) -> Alert:
    label = Label.model_validate({"class": "missing-person", "purposes": ["search"]})
    content = Content("narrative", Narrative.model_validate({"text": words}))
    return Alert(key, Draft(label=label, facts=Facts(), valid_ms=DAY_MS), (content,))


class Place:
    """An agency's topics in memory."""

    def __init__(self, seed: int, faults: Faults) -> None:
        self.log = MemoryLog(seed, faults, record_bytes=1 << 20)
        self.log.create("alerts.embassy", PARTITIONS)
        self.log.create("connectors.embassy", 1)
        self.bad: list[BadRecord] = []

    def start(self, source: Any) -> Publication:
        identity = Identity("embassy", "under-test", KEY, PARTITIONS, LOCAL_IDS)

        def opened() -> MemoryPublisher:
            return MemoryPublisher(self.log, name="under-test", mark=lambda _name: None)

        return Publication(source, identity, opened, lambda: START_MS, self.bad.append)

    def texts(self) -> list[tuple[uuid.UUID, int, str]]:
        """Alert, revision and narrative of all that stands on the topic; of a cancel, nothing."""
        found = []
        for _, record in self.log.table(self.log.partitions("alerts.embassy")):
            alert = decode_as(ComposedAlert, unframe(record.value or b"")[1])
            words = ""
            for section in alert.sections:
                content = decode_payload(section.category, section.version, section.payload)
                if isinstance(content, Narrative):
                    words = content.text.get_secret_value()
            found.append((alert.core.id, alert.core.revision, words))
        return found


class IntakeSource:
    """A connector's source, as a party composes it."""

    def __init__(self, folder: Path, **fields: object) -> None:
        self.intake = Intake(options(folder, **fields), publishable(self.alerts, "embassy"))
        self.read: Callable[[str | None], Iterator[Read[Received] | BadRecord]] = self.intake.read
        self.settled = self.intake.settled

    def alerts(self, native: Received) -> Iterable[Alert | Cancel]:
        assert isinstance(native.value, dict)
        yield said(native.id, str(native.value["words"]))


@pytest.mark.parametrize("seed", range(3))
def test_every_message_that_was_answered_202_is_on_the_bus_once_whatever_the_bus_does(
    tmp_path: Path, seed: int
) -> None:
    place = Place(seed, FAULTY)
    answered: dict[str, int] = {}
    for turn in range(2):  # the connector ends in between, and its senders repeat what was not answered
        source = IntakeSource(tmp_path, commit_s=60)
        publication, ended = place.start(source), threading.Event()
        sender = Sender(source.intake.start())

        def loop(publication: Publication = publication, ended: threading.Event = ended) -> None:
            while not ended.wait(0.01):
                publication.run(ended.is_set)

        thread = threading.Thread(target=loop)
        thread.start()

        def post(name: str, sender: Sender = sender) -> None:
            answered[name] = sender.post(name, f'{{"words": "{name}"}}').status_code

        with sender.client, ThreadPoolExecutor(8) as pool:
            list(pool.map(post, [f"m{number}" for number in range(10 * (turn + 1))] * 2))
        ended.set()
        thread.join()
        publication.close()
        source.intake.close()
    assert set(answered.values()) == {202}
    assert Counter(words for _, _, words in place.texts()) == Counter(dict.fromkeys(answered, 1))
    assert place.bad == []


class SqlSource:
    def __init__(self, url: str) -> None:
        fields = {"database": url, "table": "cases", "columns": ["id", "words"], "key": ["id"], "changed": "changed"}
        self.table = SqlTable(SqlOptions.model_validate({**fields, "deleted": "gone", "overlap": 5, "page_rows": 3}))
        self.read: Callable[[str | None], Iterator[Read[SqlRow] | BadRecord]] = self.table.read

    def alerts(self, native: SqlRow) -> Iterable[Alert | Cancel]:
        yield Cancel(native.key) if native.deleted else said(native.key, str(native.values["words"]))

    def settled(self, position: str) -> None:
        pass


@pytest.mark.parametrize("seed", range(3))
def test_every_change_of_a_table_is_published_once_whatever_the_bus_does_and_late_commits_too(
    tmp_path: Path, seed: int
) -> None:
    url = f"sqlite:///{tmp_path / 'agency.db'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE cases (id INTEGER PRIMARY KEY, changed INTEGER, words TEXT, gone INTEGER)")
        )

    def write(case: int, changed: int, words: str, gone: int = 0) -> None:
        with engine.begin() as connection:
            statement = "INSERT OR REPLACE INTO cases VALUES (:case, :changed, :words, :gone)"
            connection.execute(text(statement), {"case": case, "changed": changed, "words": words, "gone": gone})

    place = Place(seed, FAULTY)
    wanted = []
    source = SqlSource(url)
    publication = place.start(source)
    for turn in range(12):
        write(turn, 100 + turn, f"case {turn}")
        write(100 + turn, 98 + turn, f"late {turn}")
        wanted += [f"case {turn}", f"late {turn}"]
        if turn == 6:
            write(1, 100 + turn, "changed")
            write(2, 100 + turn, "case 2", gone=1)
            wanted += ["changed", ""]
        publication.run()
        if turn % 4 == 3:  # a restart
            publication.close()
            source.table.close()
            source = SqlSource(url)
            publication = place.start(source)
    place.log.faults = Faults()
    publication.run()
    publication.close()
    source.table.close()
    engine.dispose()
    assert sorted(words for _, _, words in place.texts()) == sorted(wanted)
    assert sorted(revision for _, revision, words in place.texts() if words in ("changed", "")) == [2, 2]
