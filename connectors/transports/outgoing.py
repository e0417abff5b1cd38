"""HTTP to one other system: allowed addresses only, no redirect, no proxy of the environment, a limit on size and time of
each answer, retries with backoff. What is sent, and what an answer means, is left to webhook.py and paged.py.
"""

from __future__ import annotations

import asyncio
import email.utils
import ssl
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import anyio
import httpx
import stamina
from pydantic import Field, IPvAnyNetwork

from connectors.sdk import Credentials, Options, Rejected, Transient

from .addresses import AddressRefused, Resolve, reachable, resolved

stamina.instrumentation.set_on_retry_hooks([])  # they would log what an error says

T = TypeVar("T")

LATER: Final = (408, 409, 425, 429)
CREDENTIALS: Final = (401, 403, 407)
NOT_MODIFIED: Final = 304


class Reach(Options):
    """How far an outgoing connection may go, and how long it may take."""

    allow_networks: tuple[IPvAnyNetwork, ...] = Field(
        (), description="networks inside that may be reached, as in 10.20.0.0/16; without any, public addresses only"
    )
    allow_plain: bool = Field(False, description="allow http:// without TLS; never across a network of others")
    ca_file: Path | None = Field(None, description="certificates (PEM) that are trusted instead of the system's")
    connect_s: float = Field(5.0, gt=0, le=60, description="seconds to wait for a connection")
    answer_s: float = Field(30.0, gt=0, le=300, description="seconds to wait for a whole answer")
    answer_bytes: int = Field(64_000, gt=0, le=64_000_000, description="the largest answer that is read")
    attempts: int = Field(
        3, ge=1, le=10, description="attempts at one request before it is given back as not possible now"
    )
    wait_max_s: float = Field(10.0, ge=0, le=60, description="longest pause between attempts, Retry-After included")


class BadAddress(ValueError):
    """The address in the settings cannot be used; says why, without the address: it may hold a token."""


class Busy(Transient):
    """The other system asks for patience; `after_s` seconds, if it said so."""

    def __init__(self, status: int, after_s: float | None) -> None:
        super().__init__(f"answered {status}")
        self.after_s = after_s


class Redirected(Transient):
    """The other system points elsewhere, and redirects are not followed: the address in the settings is to be mended."""


class AnswerTooLarge(Transient):
    """The answer is larger than `answer_bytes`, or is compressed although that was not asked for."""


@dataclass(frozen=True)
class Answer:
    """What came back: 2xx or 304."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Outgoing:
    """A client for the origin (scheme, host, port) of one address."""

    def __init__(self, address: str, reach: Reach, resolve: Resolve = resolved) -> None:
        """Raises BadAddress; ValueError if `ca_file` cannot be used."""
        self.url = parsed(address, reach)
        self._reach = reach
        self._resolve = resolve
        self._client = httpx.AsyncClient(
            verify=_tls(reach.ca_file),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(reach.answer_s, connect=reach.connect_s),
            limits=httpx.Limits(max_connections=4),
        )
        self._loop = _Loop()

    def check(self) -> None:
        """Whether the host has addresses, and all may be reached; sends nothing. Raises Transient (also AddressRefused)."""
        self._loop.run(self._addresses(self.url))

    def close(self) -> None:
        if not self._client.is_closed:
            self._loop.run(self._client.aclose())
            self._loop.end()

    def ask(self, method: str, url: httpx.URL, headers: Mapping[str, str], content: bytes | None = None) -> Answer:
        """One request, repeated with growing pauses while the other system is not ready.

        Raises Transient (also Busy, Credentials, Redirected, AnswerTooLarge, AddressRefused) and Rejected, for any
        other 4xx. Raises BadAddress for a URL of another origin.
        """
        if _origin(url) != _origin(self.url):
            raise BadAddress("another host than the one that was configured")
        attempts, wait_max = self._reach.attempts, self._reach.wait_max_s
        for attempt in stamina.retry_context(on=self._pause, attempts=attempts, timeout=None, wait_max=wait_max):
            with attempt:
                return self._loop.run(self._asked(method, url, dict(headers), content))
        raise AssertionError("unreachable")

    def _pause(self, error: Exception) -> bool | float:
        """Whether to try again, after how many seconds if the other system said so."""
        if isinstance(error, Busy) and error.after_s is not None:
            return error.after_s if error.after_s <= self._reach.wait_max_s else False
        hopeless = AddressRefused | Credentials | Redirected | AnswerTooLarge
        return isinstance(error, Transient) and not isinstance(error, hopeless)

    async def _asked(self, method: str, url: httpx.URL, headers: dict[str, str], content: bytes | None) -> Answer:
        try:
            with anyio.fail_after(self._reach.answer_s):  # httpx limits each wait, and a slow drip has no end
                return await self._attempt(method, url, headers, content)
        except TimeoutError:
            raise Transient("no whole answer in time") from None
        except httpx.HTTPError as error:  # its words may hold the address
            raise Transient(type(error).__name__) from None

    async def _attempt(self, method: str, url: httpx.URL, headers: dict[str, str], content: bytes | None) -> Answer:
        addresses = await self._addresses(url)
        for last, address in ((at == len(addresses) - 1, each) for at, each in enumerate(addresses)):
            request = self._client.build_request(
                method,
                url.copy_with(host=address),
                headers={**headers, "Host": url.netloc.decode("ascii"), "Accept-Encoding": "identity"},
                content=content,
                extensions={"sni_hostname": url.host},  # the certificate must be the name's
            )
            try:
                answer = await self._client.send(request, stream=True)
            except httpx.ConnectError:
                if last:
                    raise
                continue
            try:
                return await self._read(answer)
            finally:
                await answer.aclose()
        raise AssertionError("unreachable")

    async def _addresses(self, url: httpx.URL) -> list[str]:
        return await reachable(url.host, _origin(url)[2], self._reach.allow_networks, self._resolve)

    async def _read(self, answer: httpx.Response) -> Answer:
        _judge(answer)
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise AnswerTooLarge("a compressed answer, which was not asked for")
        body = bytearray()
        async for chunk in answer.aiter_raw():
            body += chunk
            if len(body) > self._reach.answer_bytes:
                raise AnswerTooLarge("the answer is larger than the limit")
        return Answer(answer.status_code, dict(answer.headers), bytes(body))


class _Loop:
    """An event loop in a thread that keeps no process from ending: only there can a whole answer be given a time limit."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="outgoing", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def parsed(address: str, reach: Reach) -> httpx.URL:
    """The address, if it is one that may be used at all. Raises BadAddress."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        raise BadAddress("not a URL") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise BadAddress("not an http or https address")
    if url.scheme == "http" and not reach.allow_plain:
        raise BadAddress("https is needed; allow_plain allows http")
    if url.userinfo:
        raise BadAddress("credentials do not belong into an address")
    return url


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)


def _judge(answer: httpx.Response) -> None:
    status = answer.status_code
    if status < 300 or status == NOT_MODIFIED:
        return
    if status < 400:
        raise Redirected(f"answered {status}")
    if status in CREDENTIALS:
        raise Credentials(f"answered {status}")
    if status in LATER or status >= 500:
        raise Busy(status, retry_after_s(answer.headers.get("retry-after"), datetime.now(UTC)))
    raise Rejected(f"http-{status}")


def retry_after_s(text: str | None, now: datetime) -> float | None:
    """Seconds to wait (RFC 9110, 10.2.3: seconds or a date); None if absent or not understood."""
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdecimal():
        return float(text.strip()[:9])
    try:
        at = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ssl.SSLError):
        raise ValueError("ca_file: not a file of certificates (PEM)") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
