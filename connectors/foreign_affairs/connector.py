"""Ministerio de Relaciones Exteriores: consular reports and requests for legal assistance in, deliveries out by signed webhook.

Messages are told apart by `tipo`; what they mean is in consular.yaml and legal_assistance.yaml. A request for legal assistance
is released to the prosecutor by name, so that no guideline, now or later, tells anybody else that it exists. The system behind
the webhook is the ministry's: what it must do with a delivery stands in `action` (deliveries.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

from pydantic import Field

from connectors.generic.messages import ByKind, MessageOptions, MessageSource
from connectors.sdk import Connector
from connectors.sdk.mapping import Mapping, mapping_of
from connectors.transports.webhook import WebhookOptions, WebhookSink

from .deliveries import delivered_json

AGENCY: Final = "foreign-affairs"
KIND: Final = "tipo"
MAPPINGS: Final = {"informe-consular": "consular.yaml", "asistencia-juridica": "legal_assistance.yaml"}


class ForeignAffairsOptions(MessageOptions):
    webhook: WebhookOptions | None = Field(None, description="where deliveries are sent; needed to run")


def mappings() -> dict[str, Mapping]:
    """The mapping of each kind of message. Raises BadMapping."""
    folder = files(__package__)
    return {kind: mapping_of(folder.joinpath(name).read_bytes(), name) for kind, name in MAPPINGS.items()}


def source(options: ForeignAffairsOptions) -> MessageSource:
    """Raises what MessageSource raises."""
    messages = ByKind(KIND, mappings())
    ask = "Ministerio de Relaciones Exteriores"
    return MessageSource(options, messages, agency=AGENCY, ask=ask, title="Enlace: Ministerio de Relaciones Exteriores")


def sink(options: ForeignAffairsOptions) -> WebhookSink:
    """Raises BadAddress; ValueError if the options have no webhook."""
    if options.webhook is None:
        raise ValueError("webhook: say where deliveries are sent")
    return WebhookSink(options.webhook, delivered_json)


def _files(paths: Sequence[Path], _watchlist: Path | None) -> ForeignAffairsOptions:
    return ForeignAffairsOptions(files=tuple(paths))


CONNECTOR = Connector(
    name="foreign-affairs",
    agency=AGENCY,
    title="Ministerio de Relaciones Exteriores: consular reports, legal assistance (signed HTTP); deliveries (webhook)",
    options=ForeignAffairsOptions,
    source=source,
    sink=sink,
    files=_files,
)
