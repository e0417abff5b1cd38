"""The jars of Apache Kafka, from a lock file into a cache, every one compared with its SHA-256.

kafka-jars.lock.json names coordinates, versions, sizes and digests, and no host: jgo knows where Maven artifacts are.
What is run with the jars is local.py's.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from hub.bus.folder import KafkaNotStarted, lock_of, writing

LOCK_FILE = "kafka-jars.lock.json"
WANTED = ("org.apache.kafka:kafka_2.13:4.4.0", "org.slf4j:slf4j-simple:1.7.36")
FETCH_TIMEOUT_S = 60  # of one request
FETCH_WAIT_S = 600.0  # for another process that is fetching


class JarDamaged(KafkaNotStarted):
    """A jar is not the one whose SHA-256 stands in the lock file."""


class JarsUnreachable(KafkaNotStarted):
    """The jars are not in the cache and could not be fetched."""


class Jar(NamedTuple):
    group: str
    artifact: str
    version: str
    sha256: str
    size_bytes: int

    @property
    def name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


def locked(lock: Path | None = None) -> Sequence[Jar]:
    """The jars of a lock file, in its order; without one, of our own."""
    file = lock or resources.files("hub.bus").joinpath(LOCK_FILE)
    return [Jar(**jar) for jar in json.loads(file.read_text())["jars"]]


def cache_folder() -> Path:
    """Where the jars are kept: ENLACE_CACHE_DIR, else `.cache` of the checkout, else the user's cache folder."""
    if given := os.environ.get("ENLACE_CACHE_DIR"):
        return Path(given) / "kafka"
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").is_file():
        return checkout / ".cache" / "kafka"
    user = os.environ.get("XDG_CACHE_HOME")
    return (Path(user) if user else Path.home() / ".cache") / "enlace" / "kafka"


def jars(cache: Path | None = None, *, offline: bool = False, lock: Path | None = None) -> Sequence[Path]:
    """The jars of the lock file, fetched if need be, every one of them compared with its SHA-256.

    Several processes may call it at once. A fetch shows its progress on standard error; with all jars in the cache it
    is silent and needs no network. Raises JarDamaged, JarsUnreachable and FolderUnusable.
    """
    cache = cache or cache_folder()
    wanted = {cache / jar.name: jar for jar in locked(lock)}
    if not all(path.is_file() for path in wanted):
        with writing(cache), lock_of(cache, FETCH_WAIT_S):
            _fetch([jar for path, jar in wanted.items() if not path.is_file()], cache, offline=offline)
    for path, jar in wanted.items():
        _check(path, jar, "remove the file and start again: it is fetched anew")
    return list(wanted)


def relock(path: Path, wanted: Sequence[str] = WANTED) -> Sequence[Jar]:
    """Resolves `wanted` with all it needs at run time, and writes the lock file to `path`. Needs the network."""
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415 - needed for a fetch only

    with tempfile.TemporaryDirectory() as folder:
        context = MavenContext(resolver=PythonResolver(), repo_cache=Path(folder), timeout=FETCH_TIMEOUT_S)
        inputs, others = context.resolver.resolve([context.create_dependency(each) for each in wanted])
        found = []
        for dependency in [*inputs, *others]:
            jar = dependency.artifact.resolve()
            found.append(
                Jar(dependency.groupId, dependency.artifactId, dependency.version, _sha256(jar), jar.stat().st_size)
            )
    lines = ",\n    ".join(json.dumps(jar._asdict()) for jar in sorted(found))
    path.write_text(f'{{\n  "wanted": {json.dumps(wanted)},\n  "jars": [\n    {lines}\n  ]\n}}\n')
    return found


def _fetch(missing: Sequence[Jar], cache: Path, *, offline: bool) -> None:
    if not missing:  # another process fetched them while we waited
        return
    if offline:
        raise JarsUnreachable(
            f"{missing[0].name} and {len(missing) - 1} more jars are not in {cache}, and offline is set"
        )
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415
    from requests import RequestException  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="incoming-", dir=cache) as incoming, _progress(missing) as watched:
        resolver = PythonResolver(progress_callback=watched)
        context = MavenContext(resolver=resolver, repo_cache=Path(incoming), timeout=FETCH_TIMEOUT_S)
        for jar in missing:
            try:
                arrived = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
            except (RequestException, RuntimeError) as error:  # jgo's own: "not found in remote repositories"
                raise JarsUnreachable(
                    f"{jar.name} could not be fetched ({type(error).__name__}): the first start needs the network"
                ) from error
            _check(arrived, jar, "what was fetched is not what the lock file names")
            arrived.replace(cache / jar.name)


@contextlib.contextmanager
def _progress(
    missing: Sequence[Jar],
) -> Iterator[Callable[[str, int], contextlib.AbstractContextManager[Callable[[int], None]]]]:
    """One bar over all jars, in the form that jgo calls: (file name, size) -> a context that counts bytes."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar: TaskID = progress.add_task(f"Kafka: {len(missing)} jars", total=sum(jar.size_bytes for jar in missing))

        @contextlib.contextmanager
        def watched(_name: str, _size_bytes: int) -> Iterator[Callable[[int], None]]:
            yield lambda count: progress.update(bar, advance=count)

        yield watched


def _check(path: Path, jar: Jar, advice: str) -> None:
    if _sha256(path) != jar.sha256:
        raise JarDamaged(f"{path} is damaged (its SHA-256 is not the one in {LOCK_FILE}): {advice}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
