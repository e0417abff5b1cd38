"""What holds for every request before any page sees it: the host it names, how large it is, and the headers of the answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .metrics import Metrics

MAX_BODY_BYTES: Final = 64 * 1024
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# `same-origin` and not `no-referrer`: with the latter browsers send `Origin: null` with our own forms.
HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "cache-control": "no-store",
    "x-robots-tag": "noindex",
}
YEAR_S: Final = 31_536_000


class Guard:
    """ASGI middleware. `hosts`: what a browser may name; `secure`: it is reached over TLS; `proxied`: a named proxy ends that,
    and who comes past it is refused (the server knows the proxy's word about the scheme from anybody else's)."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str], secure: bool, proxied: bool, metrics: Metrics) -> None:
        self._app = app
        self._proxied = proxied
        self._hosts = frozenset(hosts)
        self._metrics = metrics
        headers = {**HEADERS, **({"strict-transport-security": f"max-age={YEAR_S}"} if secure else {})}
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = self._refused(scope)
        app = self._app
        if refused:
            self._metrics.refused.labels(refused[0]).inc()
            app = PlainTextResponse(refused[2], refused[1])

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(each for each in self._headers if each[0] not in given)]
            await send(message)

        await app(scope, receive, with_headers)

    def _refused(self, scope: Scope) -> tuple[str, int, str] | None:
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        if host not in self._hosts:
            return ("host", 421, "This console is not reached by this name.\n")
        if self._proxied and scope.get("scheme") != "https":
            return ("scheme", 421, "This console is reached through its proxy only.\n")
        if scope["method"] in ("GET", "HEAD"):
            return None
        length = headers.get(b"content-length", b"")
        if not length.isdigit():
            return ("size", 411, "A form says how long it is.\n")
        if int(length) > MAX_BODY_BYTES:
            return ("size", 413, "That is too much for a form.\n")
        return None
