"""Runs a command that must not outlive the process that asked for it, even when that process is killed with SIGKILL.

The owner starts this file with `spawn()`; it starts the command, prints the command's process id on its standard output
and then waits for whichever ends first. If the command ends, it ends with the same outcome; if the owner ends, it asks
the command to stop (SIGTERM), and after `grace_s` kills it. What the command is, this file does not know.

Why a process between the two, and not one of the simpler ways: PR_SET_PDEATHSIG fires when the *thread* that started
the command ends, so an owner with threads would lose it at random; a pipe stays open as long as any forked child of the
owner lives; a process group says nothing of SIGKILL. Here the owner is watched through a pidfd, and this process has
one thread, so that PR_SET_PDEATHSIG is right between it and the command: if it is killed itself, the command goes too.

It runs as a bare script (`python -I -S leash.py`) and imports the standard library only: it starts in milliseconds.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1  # linux/prctl.h
OWNER_GONE = 70
POLL_S = 0.5  # only where there are no pidfds: how often the parent's id is looked at


def spawn(
    command: Sequence[str],
    *,
    grace_s: float,
    cwd: Path,
    env: Mapping[str, str],
    log: IO[bytes],
    keep_open: Sequence[int] = (),
) -> tuple[subprocess.Popen[bytes], int]:
    """Starts `command` on a leash held by this process; returns the leash and the command's process id.

    The command's output goes to `log`. A SIGTERM to the leash is passed on; its return code is the command's (128 + n
    after signal n). The leash, not the command, keeps the descriptors `keep_open`, so that a lock held by one of them
    lasts as long as the command.
    Raises OSError if the command cannot be started.
    """
    leash = subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(grace_s), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        cwd=cwd,
        env=dict(env),
        pass_fds=tuple(keep_open),
        start_new_session=True,  # Ctrl-C reaches the owner only, which then stops the command in order
    )
    assert leash.stdout is not None
    with leash.stdout:
        pid = leash.stdout.readline()
    if not pid.strip():
        leash.wait()
        raise OSError(f"{command[0]} could not be started")
    return leash, int(pid)


def main(arguments: Sequence[str]) -> int:
    """`arguments`: the owner's process id, the grace in seconds, the command."""
    owner, grace_s, command = int(arguments[0]), float(arguments[1]), arguments[2:]
    owner_ended = _watch(owner)
    if os.getppid() != owner:  # it ended before we looked, and its id may be another's by now
        return OWNER_GONE
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - this process has one thread
    )
    signal.signal(signal.SIGTERM, lambda _number, _frame: child.terminate())
    print(child.pid, flush=True)  # noqa: T201
    sys.stdout.close()
    while child.poll() is None:
        if owner_ended(child):
            _end(child, grace_s)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _watch(owner: int) -> Callable[[subprocess.Popen[bytes]], bool]:
    """A wait for the end of the owner or of a child, that tells whether it was the owner."""
    try:
        owner_fd = os.pidfd_open(owner)  # Linux 5.3; not in other systems, and some containers forbid it
    except (AttributeError, OSError):
        return lambda child: _waited(child, POLL_S) is None and os.getppid() != owner

    def owner_ended(child: subprocess.Popen[bytes]) -> bool:
        child_fd = os.pidfd_open(child.pid)
        poll = select.poll()
        poll.register(owner_fd, select.POLLIN)
        poll.register(child_fd, select.POLLIN)
        ended = {fd for fd, _event in poll.poll()}
        os.close(child_fd)
        return child_fd not in ended

    return owner_ended


def _waited(child: subprocess.Popen[bytes], timeout_s: float) -> int | None:
    try:
        return child.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return None


def _end(child: subprocess.Popen[bytes], grace_s: float) -> None:
    child.terminate()
    if _waited(child, grace_s) is None:
        child.kill()
        child.wait()


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
