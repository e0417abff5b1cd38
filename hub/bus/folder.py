"""A folder that one process at a time writes in, and the one line a person reads when that cannot be.

Used for the jars' cache and for a broker's data; what is in the folder is theirs.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

LOOK_S = 0.05  # between two looks at a lock that another process has
FREE_SPACE_BYTES = 64 * 2**20


class KafkaNotStarted(Exception):
    """The broker could not be started. The message is one line and says what to do, or what the broker said."""


class FolderUnusable(KafkaNotStarted):
    """The folder is in use by another broker, cannot be written, or its disk is full."""


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Makes the folder if need be; what the system says against writing there becomes one line."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        if free < FREE_SPACE_BYTES:
            raise FolderUnusable(f"the disk of {folder} is full: {free // 2**20} MiB are left")
        yield
    except OSError as error:
        raise FolderUnusable(f"{folder} cannot be used: {error.strerror or error}") from error


def lock_of(folder: Path, wait_s: float, *, only_after_a_dead_owner: bool = False) -> IO[str]:
    """The folder's lock, held until the returned file is closed here and in whoever inherited it.

    Waits at most `wait_s`; if `only_after_a_dead_owner`, then only for what a process that is gone left behind. Raises
    FolderUnusable.
    """
    file = (folder / ".lock").open("a+")
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip()
            if time.monotonic() > deadline or (only_after_a_dead_owner and _alive(owner)):
                file.close()
                raise FolderUnusable(f"{folder} is in use by another process ({owner or 'unknown'})") from None
            time.sleep(LOOK_S)
        else:
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            return file


def _alive(process: str) -> bool:
    if not process.isdigit():
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
