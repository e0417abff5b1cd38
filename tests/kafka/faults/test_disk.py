"""The disk under the broker is full while alerts flow. Needs a small file system of its own: skipped where none may be made."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.bus.bus import BusError
from tests.kafka.faults.load import load
from tests.kafka.faults.rig import PATIENCE_S, Rig

pytestmark = [pytest.mark.kafka, pytest.mark.long, pytest.mark.timeout(240)]

SIZE_MIB = 200
BLOCK = bytes(2**16)
MOUNT_S = 10.0


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of SIZE_MIB in memory."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=MOUNT_S, check=False)
    except OSError as error:
        pytest.skip(f"no small file system can be made here: {error}")
    if done.returncode:
        pytest.skip(f"no small file system can be made here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, timeout=MOUNT_S, check=False)


def filled(folder: Path) -> Path:
    """A file that takes what room is left."""
    ballast = folder / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as out:
        while out.write(BLOCK) == len(BLOCK):
            pass
    return ballast


def test_a_broker_whose_disk_is_full_ends_and_goes_on_with_nothing_lost_once_there_is_room(
    small: Path, tmp_path: Path
) -> None:
    with Rig(tmp_path, broker_folder=small / "broker") as rig:
        rig.router()
        records = load("disk", 0)
        rig.publish(records[:30])
        ballast = filled(small)
        with pytest.raises(BusError):
            rig.publish(records[30:])
        rig.broker.wait(PATIENCE_S)
        ballast.unlink()
        rig.broker.start()
        rig.publish(records[30:])
        assert rig.wrong() == []
