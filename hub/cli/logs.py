"""Structured logs on standard error, one JSON object a line: ids, places and reasons, never a value of a record."""

from __future__ import annotations

import logging
import sys

import structlog


def configure(level: str) -> None:
    """Logs of this process from `level` on; the Kafka client's own only when they warn."""
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(
        stream=sys.stderr, level=max(number, logging.WARNING), format="%(levelname)s %(name)s %(message)s"
    )
    logging.getLogger("kafka.net").setLevel(
        logging.CRITICAL
    )  # what a lost connection leads to is told by who needed it
    logging.getLogger("kafka.coordinator.assignors").setLevel(logging.ERROR)  # a topic that is new has no metadata yet
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
