"""Ids of the STIX objects that we make: the same alert gives the same ids, so what comes back is known to be ours.

UUIDv5 (RFC 9562 section 5.5) of a name space of ours and the alert id, the part of the alert and the object's type. Nothing
personal goes into an id: a hash of a name could be guessed.
"""

import re
import uuid
from typing import Final

from connectors.formats.stix_record import ExternalReference, Provenance

SOURCE_NAME: Final = "enlace"
REPORT: Final = "report"
ID: Final = re.compile(
    r"([a-z][a-z0-9-]{1,248}[a-z0-9])--([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
)
_NAMESPACE: Final = uuid.UUID("4c5f6f0e-8f0b-5d0a-9a0e-6f2f2f6c1b7d")
_EXTERNAL_ID: Final = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/([1-9][0-9]{0,9})")


def object_id(alert: str, part: str, kind: str) -> str:
    """The id of the object of type `kind` that stands for a part (`report`, `s1`, ...) of an alert, in every revision."""
    return f"{kind}--{uuid.uuid5(_NAMESPACE, f'{alert.lower()}/{part}/{kind}')}"


def identity_id(agency: str) -> str:
    """The id of the identity object of an agency, in every bundle."""
    return f"identity--{uuid.uuid5(_NAMESPACE, f'agency/{agency}')}"


def external_id(alert: str, revision: int) -> str:
    """How an external reference names an alert's revision."""
    return f"{alert.lower()}/{revision}"


def provenance(root_id: str, external: tuple[ExternalReference, ...]) -> Provenance | None:
    """The alert that an object says it was made from, if its id is the one that we give to that alert's report.

    Without that check anybody could have an alert of theirs taken for an echo of ours by naming ours.
    """
    for reference in external:
        match = _EXTERNAL_ID.fullmatch(reference.external_id or "") if reference.source == SOURCE_NAME else None
        if match and root_id == object_id(match[1], REPORT, "report"):
            return Provenance(match[1], int(match[2]))
    return None
