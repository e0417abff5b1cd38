"""Deliveries pushed to any agency's own system over signed HTTP: a connector without code."""

from __future__ import annotations

from connectors.sdk import Connector
from connectors.transports.webhook import WebhookOptions, WebhookSink

CONNECTOR = Connector(
    name="webhook",
    agency="",
    title="Any agency's deliveries by signed webhook",
    options=WebhookOptions,
    sink=WebhookSink,
)
