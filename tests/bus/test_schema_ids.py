"""Schema ids: from the lock or from a registry, asked once, settled for a cluster's life."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

import schemas
from hub.bus import registry
from hub.bus.bus import Outgoing
from hub.bus.local import LocalKafka
from hub.bus.memory import MemoryPublisher
from hub.bus.memory_log import MemoryLog
from hub.bus.registry import Locked, RegistryError, RegistrySettings, registered
from hub.bus.schema_ids import KEY, SchemaIdsDiffer, Settled, agreed, asked, local, record, recorded, settle
from hub.bus.settings import Connection
from hub.bus.topics import GUIDELINES, administration, create
from hub.model.avro import LOCAL_IDS
from tests.bus import registry_server
from tests.bus.registry_server import FIRST_ID, Registry

LOCKED = [Locked(each["name"], each["version"], each["schema"]) for each in schemas.lock()["records"]]
REGISTRY = Settled(source="registry", ids={key: 1000 + number for key, number in local().ids.items()})


@pytest.fixture
def server() -> Iterator[Registry]:
    with registry_server.running() as server:
        yield server


def settings(server: Registry, **fields: str) -> RegistrySettings:
    return RegistrySettings.model_validate({"url": server.address, **fields})


def test_every_locked_schema_is_registered_under_its_full_name_and_guarded(server: Registry) -> None:
    numbers = registered(settings(server), LOCKED)
    assert numbers == [FIRST_ID + at for at in range(len(LOCKED))]
    assert set(server.subjects) == {f"enlace.{each.name}" for each in LOCKED}
    assert [json.loads(text) for text in server.schemas] == [each.schema for each in LOCKED]
    assert set(server.levels.values()) == {"FULL_TRANSITIVE"} and set(server.levels) == set(server.subjects)


def test_asking_again_changes_nothing_and_gives_the_same_ids(server: Registry) -> None:
    first = registered(settings(server), LOCKED)
    server.asked.clear()
    assert registered(settings(server), LOCKED) == first
    assert not [path for method, path in server.asked if method == "PUT"]


def test_user_and_password_are_sent_and_never_shown(server: Registry) -> None:
    chosen = settings(server, username="hub", password="hunter2")
    registered(chosen, LOCKED[:1])
    assert server.authorization == {"Basic aHViOmh1bnRlcjI="}
    assert "hunter2" not in repr(chosen)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, b"{}", "does not let us in"),
        (404, b"{}", "is the path right"),
        (409, b'{"error_code": 409}', "older schema"),
        (422, b"{}", "does not take this schema"),
        (500, b"<html>", "500"),
        (200, b"<html>", "no JSON object"),
        (200, b"[" * 100_000, "no JSON object"),
        (200, b'{"id": 0}', "no id"),
        (200, b'{"id": true}', "no id"),
        (200, b'{"id": "7"}', "no id"),
        (200, b'{"id": 4294967296}', "no id"),
        (200, b" " * (registry.ANSWER_MAX_BYTES + 1), "over"),
    ],
)
def test_an_answer_that_gives_no_id_is_one_clear_line(server: Registry, status: int, body: bytes, words: str) -> None:
    server.says("POST", "subjects", status, body)
    with pytest.raises(RegistryError, match=words) as caught:
        registered(settings(server), LOCKED)
    assert "\n" not in str(caught.value) and server.address in str(caught.value)


def test_a_redirect_is_not_followed(server: Registry) -> None:
    with registry_server.running() as elsewhere:
        server.says("POST", "subjects", 307, Location=elsewhere.address)
        with pytest.raises(RegistryError, match="redirects"):
            registered(settings(server), LOCKED)
        assert not elsewhere.asked


def test_an_id_that_leads_to_another_schema_is_refused(server: Registry) -> None:
    server.says("GET", "schemas", 200, json.dumps({"schema": json.dumps(LOCKED[1].schema)}).encode())
    with pytest.raises(RegistryError, match="leads to another schema"):
        registered(settings(server), LOCKED[:1])


def test_a_registry_may_write_the_schema_in_another_form(server: Registry) -> None:
    rewritten = json.dumps(dict(reversed(LOCKED[0].schema.items())), indent=3)
    server.says("GET", "schemas", 200, json.dumps({"schema": rewritten}).encode())
    assert registered(settings(server), LOCKED[:1]) == [FIRST_ID]


def test_a_registry_that_is_not_there_is_one_clear_line() -> None:
    with registry_server.running() as gone:
        pass
    with pytest.raises(RegistryError, match="is it running"):
        registered(settings(gone), LOCKED)


def test_a_registry_that_never_ends_its_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "ALL_S", 0.3)
    listening: list[int] = []
    ready, done = threading.Event(), threading.Event()

    async def serve() -> None:
        async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while not done.is_set():
                writer.write(b"1\r\n \r\n")
                await writer.drain()
                await asyncio.sleep(0.01)

        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        listening.append(server.sockets[0].getsockname()[1])
        ready.set()
        await asyncio.to_thread(done.wait, 60)
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        with pytest.raises(RegistryError, match="not done"):
            registered(RegistrySettings(url=f"http://127.0.0.1:{listening[0]}"), LOCKED)
    finally:
        done.set()
        thread.join(30)


@pytest.mark.parametrize(
    "url", ["registry:8081", "ftp://registry", "http:///path", "http://a:b@registry", "http://r/?x=1"]
)
def test_an_address_that_cannot_be_asked_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        RegistrySettings(url=url)
    assert url not in str(caught.value)


def test_ids_are_recorded_by_record_and_version(server: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENLACE_SCHEMA_REGISTRY_URL", server.address + "/")
    found = asked()
    assert found.source == "registry" and found.ids["Alert/1"] == FIRST_ID
    assert found.current().by_name["Alert"] == max(
        found.ids[f"Alert/{each.version}"] for each in LOCKED if each.name == "Alert"
    )


def test_local_ids_are_those_of_the_lock() -> None:
    assert local().current() == LOCAL_IDS


def test_the_same_ids_agree_and_other_ids_do_not() -> None:
    assert agreed(None, REGISTRY) == agreed(REGISTRY, REGISTRY) == REGISTRY
    moved = Settled(source="registry", ids={**REGISTRY.ids, "Alert/1": 5})
    with pytest.raises(SchemaIdsDiffer, match="Alert/1 has id 5 by the registry, and 1001 on this cluster"):
        agreed(REGISTRY, moved)


def test_another_source_is_refused_and_the_line_says_which_setting_to_change() -> None:
    with pytest.raises(SchemaIdsDiffer, match=": unset ENLACE_SCHEMA_REGISTRY_URL"):
        agreed(local(), REGISTRY)
    with pytest.raises(SchemaIdsDiffer, match=": set ENLACE_SCHEMA_REGISTRY_URL"):
        agreed(REGISTRY, local())


def test_a_new_schema_joins_unless_its_id_is_taken() -> None:
    newer = Settled(source="registry", ids={**REGISTRY.ids, "Alert/2": 7})
    assert agreed(REGISTRY, newer) == agreed(newer, REGISTRY) == newer
    with pytest.raises(SchemaIdsDiffer, match="the id that another one has"):
        agreed(REGISTRY, Settled(source="registry", ids={"Alert/2": REGISTRY.ids["Alert/1"]}))


def test_software_with_newer_schemas_than_the_cluster_is_told_to_wait() -> None:
    with pytest.raises(SchemaIdsDiffer, match="start the newer hub first"):
        Settled(source="local", ids={"Alert/1": 1}).current()


def a_log() -> MemoryLog:
    log = MemoryLog()
    log.create(GUIDELINES, 1)
    return log


def written(log: MemoryLog) -> list[bytes | None]:
    return [record.value for _, record in log.table(log.partitions(GUIDELINES)) if record.key == KEY]


def test_the_first_start_records_and_the_second_writes_nothing() -> None:
    log = a_log()
    for _ in range(2):
        assert record(MemoryPublisher(log, name="x"), local()) == local()
    (only,) = written(log)
    assert json.loads(only or b"") == {"source": "local", "ids": local().ids}


def test_of_two_first_starts_at_once_one_settles_and_the_other_is_refused() -> None:
    log = a_log()
    first, second = (MemoryPublisher(log, name="x") for _ in range(2))
    list(first.table(GUIDELINES))  # has read that nothing is settled
    record(second, local())
    with pytest.raises(SchemaIdsDiffer):
        record(first, REGISTRY)
    assert len(written(log)) == 1


def test_other_records_of_the_topic_are_passed_over_and_a_damaged_one_stops_the_start() -> None:
    log = a_log()
    publisher = MemoryPublisher(log, name="x")
    publisher.publish([Outgoing(GUIDELINES, 0, b"bundle/1", b"\xff")])
    record(publisher, local())
    publisher.publish([Outgoing(GUIDELINES, 0, KEY, b'{"source": "local"}')])
    with pytest.raises(SchemaIdsDiffer, match="cannot be read"):
        record(publisher, local())


@pytest.mark.kafka
def test_a_real_cluster_keeps_what_its_first_start_settled(tmp_path: Path) -> None:
    with LocalKafka(tmp_path / "kafka") as broker:  # of its own: this can be settled once only
        connection = Connection(bootstrap_servers=broker.bootstrap_servers)
        with administration(connection) as admin:
            create(admin, ["customs"], partitions=6)
        assert recorded(connection) is None
        assert settle(connection, REGISTRY) == settle(connection, REGISTRY) == recorded(connection) == REGISTRY
        with pytest.raises(SchemaIdsDiffer):
            settle(connection, local())
        newer = Settled(source="registry", ids={**REGISTRY.ids, "Alert/2": 7})
        assert settle(connection, newer) == recorded(connection) == newer


@pytest.mark.kafka
@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_real_apicurio_registry_gives_ids_and_refuses_what_does_not_go_with_them(
    kafka: LocalKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.bus.apicurio import apicurio

    with apicurio(tmp_path, kafka.bootstrap_servers) as address:
        monkeypatch.setenv("ENLACE_SCHEMA_REGISTRY_URL", address)
        found = asked()
        assert found == asked()
        assert found.ids.keys() == local().ids.keys()
        other = {"type": "record", "name": "Position", "namespace": "enlace", "fields": [{"name": "x", "type": "int"}]}
        with pytest.raises(RegistryError, match="409"):
            registered(RegistrySettings(url=address), [Locked("Position", 2, other)])
