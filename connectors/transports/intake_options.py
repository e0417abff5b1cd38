"""The options of signed HTTP in: apart from intake.py, which needs the extra `http`, as options are read without it, too."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

from pydantic import Field, model_validator

from connectors.sdk import Options

from .signing import SigningSecrets


class IntakeOptions(Options):
    """Where another system posts its messages, and how much of them."""

    secrets: SigningSecrets
    spool: Path = Field(description="the file in which messages wait for the bus; on a disk, not in memory")
    host: str = Field("127.0.0.1", description="the address to listen on")
    port: int = Field(8460, ge=0, le=65_535, description="the port to listen on; 0 takes a free one")
    certificate: Path | None = Field(None, description="TLS certificate with its chain (PEM)")
    private_key: Path | None = Field(None, description="its private key (PEM)")
    behind_proxy: bool = Field(
        False, description="a proxy of one's own does TLS: allow others than this machine without it"
    )
    body_bytes: int = Field(1_000_000, ge=1, le=16_000_000, description="the largest body")
    depth: int = Field(32, ge=1, le=100, description="the deepest nesting of the JSON")
    body_s: float = Field(20.0, gt=0, le=300, description="seconds for a body to arrive")
    commit_s: float = Field(
        20.0, gt=0, le=300, description="seconds to wait for the bus before the sender is asked to repeat"
    )
    requests: int = Field(64, ge=1, le=1_000, description="requests at once")
    per_minute: int = Field(600, ge=1, le=100_000, description="signed messages in a minute")
    waiting: int = Field(1_000, ge=1, le=100_000, description="messages that may wait for the bus")
    waiting_bytes: int = Field(64_000_000, ge=1, le=1_000_000_000, description="and their size together")
    remember_days: int = Field(30, ge=1, le=365, description="how long a webhook-id is remembered")

    @model_validator(mode="after")
    def _tls(self) -> IntakeOptions:
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("certificate and private_key belong together")
        if self.certificate is None and not self.behind_proxy and not _is_loopback(self.host):
            raise ValueError("other machines are heard with TLS only: set certificate and private_key, or behind_proxy")
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
