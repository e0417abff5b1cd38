"""Deliveries to any agency's own system by webhook, to a real server: the generic connector keeps the contract."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.responses import Response

from connectors.generic.webhook import CONNECTOR
from connectors.sdk import Trial
from connectors.sdk.contract import Statement
from connectors.transports.signing import Verifier
from connectors.transports.webhook import WebhookOptions
from tests.connectors.generic.keeping import FOR_SINKS, keep
from tests.connectors.transports.servers import certificates, serving

SECRET = "whsec_" + base64.b64encode(b"an invented secret " * 2).decode()


@pytest.fixture(scope="module", autouse=True)
def _authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A short list of authorities: reading the system's takes longer than most of these tests."""
    few = certificates(tmp_path_factory.mktemp("few")).authority
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SSL_CERT_FILE", str(few))
        yield


@pytest.mark.parametrize("statement", FOR_SINKS, ids=lambda each: each.__name__)
def test_it_keeps_the_contract(statement: Statement, tmp_path: Path) -> None:
    verifier, numbers = Verifier([SecretStr(SECRET)]), count()
    with serving(lambda _seen: Response(status_code=204)) as stage:

        def trying(_folder: Path) -> Trial:
            path = f"/{next(numbers)}"
            url = f"http://127.0.0.1:{stage.port}{path}"
            fields = {"url": url, "secrets": [SECRET], "allow_plain": True, "allow_networks": ["127.0.0.0/8"]}

            def effects() -> object:
                """As a receiver has them that knows a repeat by its signed id."""
                mine = [seen for seen in stage.seen if seen.url.endswith(path)]
                return {verifier.verify(seen.headers, seen.body): seen.body for seen in mine}

            return Trial(WebhookOptions.model_validate(fields), effects=effects)

        tried = keep(statement, CONNECTOR, trying, tmp_path)
    assert not tried or stage.seen
