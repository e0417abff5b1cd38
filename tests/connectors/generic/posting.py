"""A connector that listens, on a bus in memory, and a system that posts to it."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from connectors.generic.messages import MessageOptions, MessageSource
from connectors.sdk import BadRecord, Connector, Trial
from connectors.sdk.contract_world import World
from connectors.transports.intake_options import IntakeOptions
from connectors.transports.spool import Spool
from tests.connectors.transports.test_intake import Sender

SECRET = "whsec_" + base64.b64encode(b"an invented secret " * 2).decode()


def listen(folder: Path) -> dict[str, Any]:
    return {"secrets": [SECRET], "spool": folder / "spool.db", "port": 0, "commit_s": 60}


def waiting(folder: Path, options: MessageOptions, messages: list[bytes]) -> MessageOptions:
    """The same options, listening, with messages that wait: as after an end between taking and publishing them."""
    chosen = IntakeOptions.model_validate(listen(folder))
    spool = Spool(chosen.spool, 1_000, 1 << 26, 1 << 40)
    for number, body in enumerate(messages):
        spool.put(f"m{number}", body, 1)
    spool.close()
    return options.model_copy(update={"listen": chosen, "files": ()})


class Posting:
    def __init__(self, world: World, sender: Sender) -> None:
        self.world = world
        self._sender = sender

    def post(self, name: str, message: object) -> httpx.Response:
        return self._sender.post(name, json.dumps(message, ensure_ascii=False))

    @property
    def bad(self) -> list[BadRecord]:
        return self.world.bad


@contextmanager
def posting(connector: Connector[Any], folder: Path, **fields: Any) -> Iterator[Posting]:
    """The connector's loop goes on in a thread until the end."""
    made: list[MessageSource] = []

    def source(options: Any) -> MessageSource:
        assert connector.source is not None
        found = connector.source(options)
        assert isinstance(found, MessageSource)
        made.append(found)
        return found

    options = connector.options.model_validate({"listen": listen(folder), **fields})
    world = World(replace(connector, source=source))
    publication = world.publication(Trial(options))
    sender = Sender(made[0].start(), SECRET)
    ended = threading.Event()

    def loop() -> None:
        while not ended.wait(0.01):
            publication.run(ended.is_set)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        with sender.client:
            yield Posting(world, sender)
    finally:
        ended.set()
        thread.join()
        publication.close()
        made[0].close()
