"""Signatures of Standard Webhooks (standardwebhooks.com, specification 1.0), both ways, while secrets are being changed.

The library signs and verifies with one secret. Here are several: what is sent bears a signature of each, what comes in needs
one. To change a secret: add the new one on both sides, then take the old one away. The tolerance in time is the library's, five
minutes either way; remembering ids against replay is left to the spool.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, Field, SecretStr
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"
SECRET_BYTES: Final = (24, 64)  # the specification's
MAX_SIGNATURES_CHARS: Final = 2_000
# No full stop: the signed text is id, time and body with full stops between them, and must be read in one way only.
_ID: Final = re.compile(r"[A-Za-z0-9_:=+/-]{1,128}")
_SECONDS: Final = re.compile(r"[0-9]{1,12}")
_PREFIX: Final = "whsec_"


def _checked(secret: SecretStr) -> SecretStr:
    """Raises ValueError, which says what is wrong and never the secret."""
    try:
        size_bytes = len(base64.b64decode(secret.get_secret_value().removeprefix(_PREFIX), validate=True))
    except ValueError:
        raise ValueError("a signing secret is whsec_ and base64") from None
    if not SECRET_BYTES[0] <= size_bytes <= SECRET_BYTES[1]:
        raise ValueError(f"a signing secret has {SECRET_BYTES[0]} to {SECRET_BYTES[1]} bytes")
    return secret


SigningSecret = Annotated[SecretStr, AfterValidator(_checked)]
SigningSecrets = Annotated[
    tuple[SigningSecret, ...],
    Field(
        min_length=1, max_length=4, description="secrets as whsec_ and base64; several while one takes another's place"
    ),
]


class NotSigned(Exception):
    """The signature is missing, wrong, too old or too new. Which of these is not told to a stranger."""


class Signer:
    """Signs what is sent with every secret."""

    def __init__(self, secrets: Sequence[SecretStr]) -> None:
        self._webhooks = [Webhook(secret.get_secret_value()) for secret in secrets]

    def headers(self, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
        """The three headers. `at` is aware; `body` is UTF-8, as it will be sent."""
        text = body.decode()
        signatures = (webhook.sign(message_id, at.astimezone(UTC), text) for webhook in self._webhooks)
        return {ID: message_id, TIMESTAMP: str(int(at.timestamp())), SIGNATURE: " ".join(signatures)}


class Verifier:
    """Accepts what any of the secrets has signed within the last five minutes."""

    def __init__(self, secrets: Sequence[SecretStr]) -> None:
        self._webhooks = [Webhook(secret.get_secret_value()) for secret in secrets]

    def verify(self, headers: Mapping[str, str], body: bytes) -> str:
        """The message's id. Raises NotSigned."""
        named = {name: headers.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE)}
        plausible = _ID.fullmatch(named[ID]) and _SECONDS.fullmatch(named[TIMESTAMP])
        if not plausible or len(named[SIGNATURE]) > MAX_SIGNATURES_CHARS:
            raise NotSigned
        if not any(_verified(webhook, named, body) for webhook in self._webhooks):
            raise NotSigned
        return named[ID]


def _verified(webhook: Webhook, headers: dict[str, str], body: bytes) -> bool:
    try:
        webhook.verify(body, headers, json_parse=False)
    except (
        WebhookVerificationError,
        ValueError,
    ):  # the library lets a malformed signature or text through as ValueError
        return False
    return True
