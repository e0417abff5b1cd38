"""docs/stewards-walk.md is true: its files are written and its commands run, in their order, against a real Kafka and router.

How the page is read: a `yaml` block whose first line is `# PATH` is that file. In a `console` block a line `$ ...` (with the
lines that end in a backslash) is a command, and what follows is what it prints; a line `…` stands for any lines. Digests,
times, keys, UUIDs and offsets are those of the run that wrote the page: their places are compared, and a digest
that the page shows twice must be one digest here too. `python -m tests.kafka.test_stewards_walk` writes the page anew.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from hub.bus.local import LocalKafka
from hub.bus.settings import Connection
from hub.cli.cluster import schema_ids
from hub.cli.seen import decided, records
from tests.cli.command import ENLACE, environment

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "stewards-walk.md"
LONGEST_S = 240.0
PATIENCE_S = 45.0
ANY_LINES = "…"
BLOCK = re.compile(r"^```(yaml|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Commands that only look: what they are to see may still be on its way.
LOOKS = ("grep ", "enlace guidelines replay ")
DIGEST = re.compile(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{16}\b")
VARYING = (
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z"), "TIME"),
    (re.compile(r"(?<![\w+/])[A-Za-z0-9+/]{43}="), "KEY"),
    (re.compile(r"\b(alerts\.[a-z-]+)/\d+/\d+"), r"\1/PARTITION/OFFSET"),
    (re.compile(r'"offset": \d+'), '"offset": OFFSET'),
)
# The Kafka client says so of a machine that is busy.
NOISE = "WARNING kafka."


@dataclass(frozen=True)
class Command:
    """A command of the page, as a person types it, and the lines that the page says it prints."""

    text: str
    printed: tuple[str, ...]


@dataclass(frozen=True)
class File:
    path: str
    text: str


class Shell:
    """One bash that keeps its settings and its background processes from command to command."""

    def __init__(self, folder: Path, servers: str) -> None:
        binaries = folder / "bin"
        binaries.mkdir()
        (binaries / "enlace").write_text(f'#!/bin/sh\nexec {" ".join(ENLACE)} "$@"\n', encoding="utf-8")
        (binaries / "enlace").chmod(0o755)
        (folder / "profiles").symlink_to(ROOT / "profiles")
        settings = {"ENLACE_BOOTSTRAP_SERVERS": servers, "ENLACE_HOME": str(folder / "home"), "LC_ALL": "C.UTF-8"}
        self._bash = subprocess.Popen(
            ["bash", "--norc"],
            cwd=folder,
            env=environment({**settings, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        self._limit = threading.Timer(LONGEST_S, self.end)
        self._limit.start()

    def lines(self, command: str) -> list[str]:
        """What a command prints, on both outputs."""
        assert self._bash.stdin and self._bash.stdout
        self._bash.stdin.write(f"{{ {command}\n}} < /dev/null\nprintf '\\nEND-OF-COMMAND\\n'\n")
        self._bash.stdin.flush()
        found: list[str] = []
        for line in self._bash.stdout:
            if line == "END-OF-COMMAND\n":
                text = "".join(found)[:-1].lstrip("\n")  # a progress bar leaves an empty line if there is no terminal
                return [each.rstrip() for each in text.splitlines() if not each.startswith(NOISE)]
            found.append(line)
        raise AssertionError(f"no end of: {command}\n{''.join(found)}")

    def end(self) -> None:
        """Ends the shell and all that it started; asked twice, it does nothing."""
        self._limit.cancel()
        if self._bash.poll() is None:
            os.killpg(self._bash.pid, signal.SIGKILL)
            self._bash.wait()


@contextmanager
def hub() -> Iterator[tuple[Shell, Connection]]:
    """A shell in an empty folder, and a Kafka without topics that it is set to."""
    with tempfile.TemporaryDirectory() as name, LocalKafka(Path(name) / "kafka") as broker:
        folder = Path(name) / "walk"
        folder.mkdir()
        shell = Shell(folder, broker.bootstrap_servers)
        try:
            yield shell, Connection(bootstrap_servers=broker.bootstrap_servers)
        finally:
            shell.end()


def steps(page: str) -> Iterator[File | Command]:
    for kind, text in BLOCK.findall(page):
        if kind == "yaml":
            yield File(text.splitlines()[0].removeprefix("# "), text)
        else:
            yield from commands(text)


def commands(block: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        size = next(number for number, line in enumerate(lines, start=1) if not line.endswith("\\"))
        yield Command("\n".join(lines[:size]), tuple(lines[size:]))


def masked(line: str) -> str:
    for pattern, word in VARYING:
        line = pattern.sub(word, line)
    return DIGEST.sub(lambda found: f"DIGEST-{len(found[0])}", line)


def aligned(page: tuple[str, ...], real: list[str]) -> list[tuple[str, str]] | None:
    """Each line of the page with the line that was printed; None if they differ."""
    runs: list[list[str]] = [[]]
    for line in page:
        if line == ANY_LINES:
            runs.append([])
        else:
            runs[-1].append(line)
    shown = [masked(line) for line in real]
    pairs: list[tuple[str, str]] = []
    begin = 0
    for number, run_of_lines in enumerate(runs):
        last = len(real) - len(run_of_lines)
        first = begin if number < len(runs) - 1 else max(begin, last)
        places = range(first, last + 1) if number else range(1)
        wanted = [masked(line) for line in run_of_lines]
        place = next((each for each in places if shown[each : each + len(wanted)] == wanted), None)
        if place is None:
            return None
        begin = place + len(wanted)
        pairs += zip(run_of_lines, real[place:begin], strict=True)
    return pairs if begin == len(real) else None


def one_to_one(pairs: list[tuple[str, str]], known: dict[str, str]) -> bool:
    """Whether digests that are the same on the page are the same here, and others are others. Notes them in `known`."""
    for shown, real in pairs:
        for there, here in zip(DIGEST.findall(shown), DIGEST.findall(real), strict=True):
            if known.setdefault(there[:16], here[:16]) != here[:16]:
                return False
    return len(set(known.values())) == len(known)


def run(shell: Shell, command: Command) -> tuple[list[str], list[tuple[str, str]] | None]:
    """What it printed, and that beside the page, if they agree. One that only looks is asked again until they do."""
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        real = shell.lines(command.text)
        pairs = aligned(command.printed, real)
        if pairs is not None or not command.text.startswith(LOOKS) or time.monotonic() > deadline_s:
            return real, pairs


def write(shell: Shell, file: File) -> None:
    assert shell.lines(f"cat > {file.path} <<'END-OF-FILE'\n{file.text}END-OF-FILE") == []


@pytest.mark.kafka
def test_every_command_of_the_stewards_walk_prints_what_the_page_says() -> None:
    known: dict[str, str] = {}
    with hub() as (shell, connection):
        for step in steps(PAGE.read_text(encoding="utf-8")):
            if isinstance(step, File):
                write(shell, step)
                continue
            real, pairs = run(shell, step)
            assert pairs is not None, "\n".join(["", f"$ {step.text}", *real, "--- the page says", *step.printed])
            assert one_to_one(pairs, known), f"digests are mixed up: {step.text}"
        taken = sorted(decided(connection, schema_ids(connection)), key=lambda each: each.decided_ms)
        to_iom = records(connection, "deliveries.iom")
        bundles = [each.bundle.hex()[:16] for each in taken]
    in_force = [known[each] for each in published(PAGE.read_text(encoding="utf-8"))]
    assert bundles == [in_force[0], in_force[0], in_force[1], in_force[1]], "decisions carry the bundle's digest"
    assert len(to_iom) == 1, "Tuesday's girl and nobody else"


def published(page: str) -> list[str]:
    return re.findall(r"^in force: serial \d+, bundle ([0-9a-f]{16})", page, re.MULTILINE)


def test_the_page_shows_the_steps_that_a_steward_takes() -> None:
    typed = "\n".join(step.text for step in steps(PAGE.read_text(encoding="utf-8")) if isinstance(step, Command))
    steps_shown = re.findall(r"enlace guidelines (\w+)", typed)
    needed = {"test", "check", "diff", "preview", "show", "keygen", "draft", "replay", "approve", "publish", "history"}
    assert needed <= set(steps_shown)


@pytest.mark.parametrize(
    ("page", "real"),
    [
        (("2 passed",), ["3 passed"]),
        (("a", "b"), ["a"]),
        (("a",), ["a", "b"]),
        ((), ["trouble"]),
        (("a", "…", "c"), ["a", "b"]),
        (("…", "c"), ["c", "d"]),
        (("bundle 0123456789abcdef",), ["bundle none"]),
    ],
)
def test_a_page_that_differs_is_found(page: tuple[str, ...], real: list[str]) -> None:
    assert aligned(page, real) is None


@pytest.mark.parametrize(
    ("page", "real"),
    [
        ((), []),
        (("a", "…", "c"), ["a", "b", "b", "c"]),
        (("…",), ["a", "b"]),
        (("…", "c"), ["c", "d", "c"]),
        (("a", "…"), ["a"]),
        (("bundle 0123456789abcdef",), ["bundle fedcba9876543210"]),
    ],
)
def test_only_what_changes_from_run_to_run_may_differ(page: tuple[str, ...], real: list[str]) -> None:
    assert aligned(page, real) is not None


def test_one_digest_of_the_page_is_one_digest_here() -> None:
    one, two, three = ("0" * 15 + each for each in "123")
    assert one_to_one([(one, two), (one, two), (two, three)], {})
    assert not one_to_one([(one, two), (one, three)], {})
    assert not one_to_one([(one, three), (two, three)], {})


def rewritten(page: str) -> str:
    """The page with what its commands print now; where it leaves lines out, its own lines stay."""
    place = 0
    with hub() as (shell, _):
        for step in steps(page):
            if isinstance(step, File):
                write(shell, step)
                continue
            real, pairs = run(shell, step)
            before = "\n".join([f"$ {step.text}", *step.printed, ""])
            after = before if ANY_LINES in step.printed else "\n".join([f"$ {step.text}", *real, ""])
            if pairs is None and after == before:
                sys.stderr.write("\n".join([f"mend by hand: $ {step.text}", *real, ""]))
            place = page.index(before, place)
            page = page[:place] + after + page[place + len(before) :]
            place += len(after)
    return page


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
