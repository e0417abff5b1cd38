"""The kit for connectors: everything that an agency's own package needs, and the whole of what stays stable.

A connector is `Connector(name, agency, title, options, source, sink)`, found under the entry point `enlace.connectors`.
A source yields `Read` and `BadRecord` and says of each native record which `Alert` or `Cancel` it is; a sink makes the
effect of a `Delivery` once. Positions, transactions, retries and receipts are the kit's.
"""

from hub.model.compose import Draft
from hub.model.core import Label, Reference
from hub.model.derive import Facts
from hub.model.sections import Content

from .kinds import (
    Alert,
    BadNative,
    BadRecord,
    Cancel,
    Connector,
    Credentials,
    Deletion,
    Delivery,
    Effect,
    Gap,
    Listed,
    Note,
    Options,
    Original,
    Provenance,
    Read,
    Rejected,
    Sink,
    Source,
    Transient,
    Trial,
)

__all__ = [
    "Alert",
    "BadNative",
    "BadRecord",
    "Cancel",
    "Connector",
    "Content",
    "Credentials",
    "Deletion",
    "Delivery",
    "Draft",
    "Effect",
    "Facts",
    "Gap",
    "Label",
    "Listed",
    "Note",
    "Options",
    "Original",
    "Provenance",
    "Read",
    "Reference",
    "Rejected",
    "Sink",
    "Source",
    "Transient",
    "Trial",
]
