"""Ports of this machine that are free, for servers that start a little later: brokers, and what a demonstration runs."""

from __future__ import annotations

import itertools
import random
import socket
from collections.abc import Sequence
from typing import Final

HOST: Final = "127.0.0.1"
PORTS: Final = range(15_000, 32_000)  # below those that the system gives to outgoing connections


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: TIME_WAIT is no hindrance
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> Sequence[int]:
    candidates = random.SystemRandom().sample(PORTS, 50)
    return list(itertools.islice(filter(is_free, candidates), count))
