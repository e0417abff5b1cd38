"""Signed HTTP in: another system posts JSON, and is told 202 once the bus has committed what became of it.

A message is put into a spool on the disk, the connector's loop publishes it, and only when the kit says that its position
is committed is the sender answered. So 202 rests on the bus alone: neither a crash nor the loss of this machine takes back
what was answered, and a sender that was not answered sends again, with the same `webhook-id`, and gets the answer of the first.
The spool is there so that a message which was taken, but not answered in time, goes on by itself, and so that a repeat is
recognised.

Reading a request goes from the cheap to the costly: number of requests, headers, size while it arrives, signature, JSON, the
record. What a record means is left to `check` and to the connector's `alerts`.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from connectors.formats.strict_json import JsonRefused, JsonValue, Limits, loads, text_of
from connectors.sdk import Alert, BadNative, BadRecord, Original, Read
from connectors.sdk.convert import composed
from hub.model.base import new_alert_id

from . import problems, server
from .intake_options import IntakeOptions
from .problems import Problem
from .signing import ID, SIGNATURE, TIMESTAMP, NotSigned, Verifier
from .spool import OtherContent, Spool, SpoolFull, Stored

log = structlog.get_logger()

RETRY_S: Final = 5  # what a sender is asked to wait
PATH: Final = "/messages"
_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,40}|[0-9]{1,6}")  # a field or an item; anything else is the sender's text
_SOME_KEY: Final = bytes(32)  # what is made with it is thrown away


@dataclass(frozen=True)
class Received:
    """A message: the sender's id for it, when it came, and its JSON."""

    id: str
    received_ms: int
    value: JsonValue = field(repr=False)


class Intake:
    """The messages as a source. It listens from the first `read` on, or from `start`."""

    def __init__(
        self,
        options: IntakeOptions,
        check: Callable[[Received], object] | None = None,
        schema: dict[str, Any] | None = None,
        title: str = "Enlace",
        ask: str | None = None,
    ) -> None:
        """`check` refuses a record that cannot be said (BadNative, ValidationError): the sender is told at once; make it with
        `publishable`. `schema`: JSON Schema of a record, for the description. `ask`: whom to ask for the original
        of a message (see Original). Raises OSError, sqlite3.Error."""
        self._ask = ask
        self._options = options
        self._check = check
        self._verifier = Verifier(options.secrets)
        self._limits = Limits(document_bytes=options.body_bytes, record_bytes=options.body_bytes, depth=options.depth)
        remember_ms = options.remember_days * 86_400_000
        self._spool = Spool(options.spool, options.waiting, options.waiting_bytes, remember_ms)
        self._commits = _Commits()
        self._rate = _Rate(options.per_minute)
        self._in_flight = 0
        self._server: server.Server | None = None
        self.app = _app(self, schema, title)

    def read(self, after: str | None) -> Iterator[Read[Received] | BadRecord]:
        """The messages after a position; starts to listen. Raises LostPosition, and what `start` raises."""
        self.start()
        for message in self._spool.waiting(after):
            position = self._spool.position(message.number)
            try:
                value = loads(text_of(message.body), limits=self._limits)
            except JsonRefused as bad:  # was taken under other limits
                yield BadRecord(message.id, str(bad), line=bad.line, field=bad.field, code=bad.code, position=position)
                continue
            original = Original(message.body, "application/json", self._ask) if self._ask else None
            received = Received(message.id, message.received_ms, value)
            yield Read(received, position, file=message.id, original=original)

    def settled(self, position: str) -> None:
        """The bus has committed up to here: the senders that wait are answered."""
        self._commits.reach(self._spool.settled(position))

    def start(self) -> int:
        """Listens, if it does not yet; the port. Raises server.CannotListen."""
        if self._server is None:
            options = self._options
            self._server = server.Server(
                self.app, options.host, options.port, options.certificate, options.private_key, options.requests
            )
        return self._server.port

    def close(self) -> None:
        """Stops listening; those that wait are asked to repeat."""
        self._commits.end()
        if self._server is not None:
            self._server.close()
            self._server = None
        self._spool.close()

    async def take(self, request: Request) -> Response:
        """One message. Raises Problem."""
        if self._in_flight >= self._options.requests:
            raise Problem("not-ready", retry_after_s=RETRY_S)
        self._in_flight += 1
        try:
            body = await self._body(request)
            try:
                message_id = self._verifier.verify(request.headers, body)
            except NotSigned:
                raise Problem("not-signed") from None
            if not self._rate.allows(time.monotonic()):
                raise Problem("too-many", retry_after_s=RETRY_S)
            stored = self._stored(message_id, body)
            if not stored.committed and not await self._commits.wait(stored.number, self._options.commit_s):
                raise Problem("not-ready", retry_after_s=RETRY_S)
            return JSONResponse({"id": message_id, "status": "committed"}, 202)
        finally:
            self._in_flight -= 1

    async def _body(self, request: Request) -> bytes:
        """The whole body, refused as soon as it is too large or too slow."""
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json" or request.headers.get("content-encoding", "identity") != "identity":
            raise Problem("media-type")
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) > self._options.body_bytes:
            raise Problem("too-large")
        body = bytearray()
        try:
            with anyio.fail_after(self._options.body_s):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > self._options.body_bytes:
                        raise Problem("too-large")
        except TimeoutError:
            raise Problem("body-timeout") from None
        return bytes(body)

    def _checked(self, message_id: str, body: bytes) -> None:
        try:
            value = loads(text_of(body), limits=self._limits)
            if self._check is not None:
                self._check(Received(message_id, _now_ms(), value))
        except JsonRefused as bad:
            raise Problem("bad-json", field=bad.field, line=bad.line, reason=bad.code) from None
        except BadNative as bad:
            raise Problem("bad-record", field=bad.field, reason=bad.reason) from None
        except ValidationError as bad:
            first = bad.errors(include_input=False, include_url=False, include_context=False)[0]
            place = ".".join(part if _NAME.fullmatch(part) else "?" for part in map(str, first["loc"]))
            raise Problem("bad-record", field=place, reason=first["type"]) from None

    def _stored(self, message_id: str, body: bytes) -> Stored:
        """The message in the spool. What came before is not checked again: its answer stays, whatever the rules are now.

        Not in a thread: one agency's messages take milliseconds, and idle threads would keep the process from ending.
        """
        try:
            known = self._spool.find(message_id, body)
            if known is not None:
                return known
            self._checked(message_id, body)
            return self._spool.put(message_id, body, _now_ms())
        except SpoolFull:
            raise Problem("not-ready", retry_after_s=RETRY_S) from None
        except OtherContent:
            raise Problem("id-reused") from None


def publishable(alerts: Callable[[Received], Iterable[object]], agency: str) -> Callable[[Received], None]:
    """A `check`: whether all that `alerts` makes of a message can be said and can travel. Only with it does the sender hear
    what the kit would set aside, and 202 means an alert."""

    def check(received: Received) -> None:
        for proposed in alerts(received):
            if isinstance(proposed, Alert):
                composed(proposed, agency=agency, alert_id=new_alert_id(), revision=1, now_ms=_now_ms(), key=_SOME_KEY)

    return check


class _Commits:
    """Up to which number the bus has what was received, waited for in the server's loop and told from the connector's."""

    def __init__(self) -> None:
        self._number = 0
        self._ended = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: dict[asyncio.Event, int] = {}

    def reach(self, number: int) -> None:
        self._number = max(self._number, number)
        self._tell()

    def end(self) -> None:
        self._ended = True
        self._tell()

    async def wait(self, number: int, limit_s: float) -> bool:
        """True if the number was reached within the limit."""
        self._loop = asyncio.get_running_loop()
        event = asyncio.Event()
        self._waiting[event] = number
        try:
            # In this order: whoever reaches a number afterwards finds the event.
            if self._number < number and not self._ended:
                with suppress(TimeoutError), anyio.fail_after(limit_s):
                    await event.wait()
            return self._number >= number
        finally:
            del self._waiting[event]

    def _tell(self) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the server is gone
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for event, number in self._waiting.items():
            if self._ended or number <= self._number:
                event.set()


class _Rate:
    """A bucket that fills evenly, so many in a minute, and holds as many."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._left = float(per_minute)
        self._at_s: float | None = None

    def allows(self, now_s: float) -> bool:
        if self._at_s is not None:
            self._left = min(self._per_minute, self._left + (now_s - self._at_s) * self._per_minute / 60)
        self._at_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True


def _app(intake: Intake, schema: dict[str, Any] | None, title: str) -> FastAPI:
    app = FastAPI(title=title, version="1", docs_url=None, redoc_url=None)  # their pages load scripts from elsewhere
    headers = [
        {"name": name, "in": "header", "required": True, "schema": {"type": "string"}, "description": description}
        for name, description in (
            (ID, "names the message for ever; the same in a repeat"),
            (TIMESTAMP, "seconds since 1970, at most five minutes from now"),
            (SIGNATURE, "v1, and the base64 of HMAC-SHA-256 (Standard Webhooks)"),
        )
    ]
    body = {"required": True, "content": {"application/json": {"schema": schema or {}}}}

    @app.post(
        PATH,
        status_code=202,
        summary="Hand in one record",
        description="202 once it is committed; anything else: nothing is promised, send again with the same webhook-id.",
        responses=problems.described(),
        openapi_extra={"parameters": headers, "requestBody": body},
    )
    async def message(request: Request) -> Response:
        try:
            return await intake.take(request)
        except (Problem, HTTPException):
            raise
        except ClientDisconnect:
            return Problem("bad-request").response()
        except Exception as error:  # here, and not further out: its words may hold what was sent
            log.error("intake.failed", error=type(error).__name__)
            raise Problem("failed", retry_after_s=RETRY_S) from None

    @app.exception_handler(Problem)
    async def problem(_request: Request, found: Problem) -> Response:
        return found.response()

    @app.exception_handler(HTTPException)
    async def refused(_request: Request, found: HTTPException) -> Response:
        codes = {404: "not-found", 405: "method-not-allowed"}
        return Problem(codes.get(found.status_code, "bad-request")).response()

    return app


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
