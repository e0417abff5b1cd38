"""Settings of the web console, and where it may be bound: on loopback as it comes; elsewhere only behind TLS."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


class NotSafe(Exception):
    """The console would be reachable without TLS. The message says what to set."""


class ConsoleSettings(BaseSettings):
    """From the environment: `ENLACE_CONSOLE_PORT` and so on."""

    model_config = SettingsConfigDict(env_prefix="ENLACE_CONSOLE_", extra="ignore", hide_input_in_errors=True)

    host: str = Field("127.0.0.1", description="the address to listen on; another than loopback needs TLS")
    port: int = Field(8630, ge=0, le=65_535, description="the port to listen on; 0 takes a free one")
    tls_certfile: Path | None = Field(None, description="PEM file of the console's certificate chain")
    tls_keyfile: Path | None = Field(None, description="PEM file of the certificate's key")
    trusted_proxy: str = Field(
        "", description="addresses of the reverse proxies that end TLS, separated by commas; they say who asks"
    )
    origin: str = Field("", description="the address people type, as https://console.example; needed behind a proxy")
    zone: str = Field("America/Panama", description="the time zone in which times are shown")
    shift: str = Field(
        "22:00", pattern=r"^[0-2][0-9]:[0-5][0-9]$", description="when the shift began, for the handover"
    )
    metrics_from: str = Field("127.0.0.1,::1", description="addresses that may read /metrics, separated by commas")
    idle_minutes: int = Field(30, ge=1, le=1_440, description="without a request, until a session ends")
    session_hours: int = Field(12, ge=1, le=168, description="until a session ends, however busy")
    sign_in_tries: int = Field(
        5, ge=1, le=100, description="failed sign-ins of one user from one address, in 15 minutes"
    )

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("a time zone has a name as America/Panama") from None
        return value

    @field_validator("origin")
    @classmethod
    def _is_origin(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/")):
            raise ValueError("an origin is written as https://console.example")
        return value.rstrip("/")

    @property
    def tls(self) -> bool:
        return self.tls_certfile is not None and self.tls_keyfile is not None

    @property
    def secure(self) -> bool:
        """People reach it over TLS: cookies may demand it."""
        return self.tls or self.origin.startswith("https://")

    @property
    def loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def check(self) -> None:
        """Raises NotSafe unless it is bound to loopback, ends TLS itself, or stands behind a named proxy that does."""
        if (self.tls_certfile is None) != (self.tls_keyfile is None):
            raise NotSafe("ENLACE_CONSOLE_TLS_CERTFILE and ENLACE_CONSOLE_TLS_KEYFILE go together")
        if self.trusted_proxy and not self.origin.startswith("https://"):
            raise NotSafe("behind a proxy, ENLACE_CONSOLE_ORIGIN must be the https:// address that people type")
        if not (self.loopback or self.tls or self.trusted_proxy):
            raise NotSafe(
                f"{self.host} is not loopback: set ENLACE_CONSOLE_TLS_CERTFILE and _KEYFILE, or name the proxy that ends "
                "TLS in ENLACE_CONSOLE_TRUSTED_PROXY and its address in ENLACE_CONSOLE_ORIGIN"
            )

    def hosts(self, port: int) -> frozenset[str]:
        """What a browser may name as the host: another name would be a rebinding of DNS."""
        if self.origin:
            return frozenset({urlsplit(self.origin).netloc})
        named = f"[{self.host}]" if ":" in self.host else self.host
        names = {"localhost", "127.0.0.1", "[::1]", named} if self.loopback else {named}
        return frozenset({*(f"{name}:{port}" for name in names), *(names if port in (80, 443) else ())})
