"""Deliveries pushed to an agency's own system: signed HTTP, one request each, the delivery's id as the message's.

The receiver recognises a repeat by the id (`webhook-id`), as Standard Webhooks asks of it: a connector that crashed after the
answer sends again, so the effect is made once by the receiver's memory and not by ours. 401 and 403 mean that secrets or
rights are wrong; deliveries wait for them to be mended, and are not lost one by one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import Field, SecretStr

from connectors.sdk import Delivery, Effect
from hub.model.text import to_json

from .addresses import Resolve, resolved
from .outgoing import Outgoing, Reach
from .signing import Signer, SigningSecrets

HEADERS: Final = {"Content-Type": "application/json", "User-Agent": "Enlace"}


class WebhookOptions(Reach):
    url: SecretStr = Field(description="where deliveries are sent, as in https://host/path")
    secrets: SigningSecrets
    # One delivery may not hold up the kit's step for long: the kit comes back with it.
    answer_s: float = Field(8.0, gt=0, le=60, description="seconds to wait for a whole answer")
    attempts: int = Field(2, ge=1, le=10, description="attempts at one delivery within a step")
    wait_max_s: float = Field(2.0, ge=0, le=20, description="longest pause between them, Retry-After included")


class Webhook:
    """Sends signed messages to one address."""

    def __init__(self, options: WebhookOptions, resolve: Resolve = resolved) -> None:
        """Raises BadAddress (a ValueError)."""
        self._signer = Signer(options.secrets)
        self._outgoing = Outgoing(options.url.get_secret_value(), options, resolve)

    def send(self, message_id: str, body: bytes) -> int:
        """The status of the answer, 2xx. `body` is JSON in UTF-8. Raises Transient and Rejected."""
        signed = self._signer.headers(message_id, datetime.now(UTC), body)
        return self._outgoing.ask("POST", self._outgoing.url, {**HEADERS, **signed}, body).status

    def check(self) -> None:
        """Whether the address may be reached; sends nothing, since that would be a message. Raises Transient."""
        self._outgoing.check()

    def close(self) -> None:
        self._outgoing.close()


class WebhookSink:
    """Every delivery as one message; `body` says how it looks, by default as `delivery_json`."""

    def __init__(
        self,
        options: WebhookOptions,
        body: Callable[[Delivery], dict[str, Any]] | None = None,
        resolve: Resolve = resolved,
    ) -> None:
        self._webhook = Webhook(options, resolve)
        self._body = body or delivery_json

    def deliver(self, delivery: Delivery) -> Effect:
        text = json.dumps(self._body(delivery), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        status = self._webhook.send(delivery.id.hex(), text.encode())
        return Effect(reference=f"http-{status}")

    def check(self) -> None:
        self._webhook.check()

    def close(self) -> None:
        self._webhook.close()


def delivery_json(delivery: Delivery) -> dict[str, Any]:
    """The delivery as JSON: the record's own fields, and the sections with their contents in place of the encoded view."""
    record = delivery.record
    said: dict[str, Any] = {
        name: to_json(getattr(record, name), name) for name in type(record).model_fields if name not in ("view", "id")
    }
    return {
        "id": record.id.hex(),
        **said,
        "core": to_json(record.view.core) if record.view else None,
        "sections": [{"category": each.category, "content": to_json(each.content)} for each in delivery.contents],
    }
