"""Approval of a bundle by two stewards: what is signed, and when a publication may come into force. Pure.

A steward signs, with Ed25519 (RFC 8032), exactly these 93 bytes, of which every part has a fixed place and size:

    "enlace/publication/1"   20 bytes of ASCII, so that the signature means nothing anywhere else
    00                       1 byte
    serial                   8 bytes, unsigned, big-endian
    previous                 32 bytes: SHA-256 of the bundle that is in force before; zeros for the first bundle
    digest                   32 bytes: SHA-256 of the bundle's canonical JSON (bundle.py)

Which keys count is not the publication's to say: they are those of the bundle in force, of its active agencies; for the
first bundle, those of local settings. Files and the topic are others' business; docs/change-control.md says it for people.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hub.model.publication import FIRST, PACKED_MAX_BYTES, Approval, Publication

from .bundle import MAX_BYTES, Bundle, BundleError

DOMAIN: Final = b"enlace/publication/1\0"
STEWARDS: Final = 2  # as many different ones must sign
KEY_BYTES: Final = 32

# In the order in which they are asked. docs/change-control.md says of each what it means and what to do.
RefusalReason = Literal[
    "undecodable",  # the record is not a publication, or stands under another key than its serial's
    "older-serial",  # its serial is not above that in force
    "wrong-previous",  # it does not follow the bundle in force
    "altered-bundle",  # the bundle's bytes are not those of the digest
    "unsigned",  # it has no approval
    "unknown-key",  # a signature is by a key that is not a steward's
    "bad-signature",  # a signature is not of this serial, previous digest and digest
    "single-signed",  # it has one approval only
    "same-steward",  # its approvals are one steward's
    "does-not-load",  # what was signed is not a bundle that this software can read
    "too-few-stewards",  # it names fewer than two stewards' keys, so that no bundle could ever follow it
]
REFUSAL_REASONS: Final[tuple[RefusalReason, ...]] = (
    "undecodable",
    "older-serial",
    "wrong-previous",
    "altered-bundle",
    "unsigned",
    "unknown-key",
    "bad-signature",
    "single-signed",
    "same-steward",
    "does-not-load",
    "too-few-stewards",
)


class NotApproved(Exception):
    """A publication that must not come into force. `reason`: a code; `detail`: what a person needs besides."""

    def __init__(self, reason: RefusalReason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason: Final = reason
        self.detail = detail


class BadKey(Exception):
    """What should be a steward's public key is none: base64 of 32 bytes is expected."""


class InForce(NamedTuple):
    """A bundle in force, with its serial."""

    serial: int
    bundle: Bundle


def statement(serial: int, previous: bytes, digest: bytes) -> bytes:
    """What a steward signs: see the top of this file."""
    return DOMAIN + serial.to_bytes(8, "big") + previous + digest


def approve(
    key: Ed25519PrivateKey, serial: int, previous: bytes, digest: bytes, steward: str, agency: str | None = None
) -> Approval:
    """A steward's approval of a bundle as the one with this serial, after the bundle of digest `previous`."""
    signature = key.sign(statement(serial, previous, digest))
    return Approval(steward=steward, agency=agency, key=key.public_key().public_bytes_raw(), signature=signature)


def publication(serial: int, previous: bytes, bundle: Bundle, approvals: Iterable[Approval]) -> Publication:
    """The bundle as a record. Raises NotApproved if it is too large for one."""
    packed = zlib.compress(bundle.to_json(), 9)
    if len(packed) > PACKED_MAX_BYTES:
        raise NotApproved("does-not-load", f"{len(packed)} bytes compressed; the limit is {PACKED_MAX_BYTES}")
    return Publication(
        serial=serial, previous=previous, digest=bundle.digest, bundle=packed, approvals=tuple(approvals)
    )


def following(in_force: InForce | None) -> tuple[int, bytes]:
    """The serial and the previous digest of the next publication."""
    return (in_force.serial + 1, in_force.bundle.digest) if in_force else (1, FIRST)


def verify(candidate: Publication, in_force: InForce | None, keys_of_first: frozenset[bytes]) -> Bundle:
    """The bundle of a publication that may come into force after the one that is. Raises NotApproved.

    `keys_of_first`: the public keys that may sign the first bundle; they count for nothing once there is one in force.
    """
    serial, previous = following(in_force)
    if candidate.serial < serial:
        raise NotApproved("older-serial", f"serial {candidate.serial}; {serial - 1} is in force")
    if candidate.previous != previous:
        raise NotApproved("wrong-previous", f"it follows {_short(candidate.previous)}, not {_short(previous)}")
    text = _unpacked(candidate.bundle)
    if hashlib.sha256(text).digest() != candidate.digest:
        raise NotApproved("altered-bundle", f"its bytes are not those of {_short(candidate.digest)}")
    _check_approvals(candidate, steward_keys(in_force.bundle) if in_force else keys_of_first)
    try:
        bundle = Bundle.from_json(text)
    except BundleError as error:
        raise NotApproved("does-not-load", f"{len(error.findings)} findings; the first: {_first(error)}") from None
    check_stewards(bundle)
    return bundle


def check_stewards(bundle: Bundle) -> None:
    """Raises NotApproved if no bundle could follow this one: two stewards of it must be able to sign."""
    found = len(steward_keys(bundle))
    if found < STEWARDS:
        raise NotApproved("too-few-stewards", f"its active agencies have {found} stewards' keys; {STEWARDS} must sign")


def steward_keys(bundle: Bundle) -> frozenset[bytes]:
    """The stewards' keys of a bundle's active agencies. What is no key counts for nothing: `bad_keys` names it."""
    keys = set()
    for agency in bundle.agencies:
        for text in agency.stewards if agency.status == "active" else ():
            try:
                keys.add(public_key(text))
            except BadKey:
                continue
    return frozenset(keys)


def bad_keys(bundle: Bundle) -> list[str]:
    """The agencies of which a steward's key is none."""
    found = []
    for agency in bundle.agencies:
        try:
            for text in agency.stewards:
                public_key(text)
        except BadKey:
            found.append(agency.id)
    return found


def agency_of_key(bundle: Bundle, key: bytes) -> str | None:
    """Whose steward a key is, in a bundle."""
    text = base64.b64encode(key).decode()
    return next((agency.id for agency in bundle.agencies if text in agency.stewards), None)


def public_key(text: str) -> bytes:
    """A steward's public key as it stands in agencies.yaml: base64 of 32 bytes. Raises BadKey."""
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadKey("not base64") from None
    if len(key) != KEY_BYTES:
        raise BadKey(f"{len(key)} bytes; an Ed25519 public key has {KEY_BYTES}")
    return key


def _check_approvals(candidate: Publication, keys: frozenset[bytes]) -> None:
    """Every approval that is there must hold, and two must be of different stewards."""
    if not candidate.approvals:
        raise NotApproved("unsigned")
    signed = statement(candidate.serial, candidate.previous, candidate.digest)
    for approval in candidate.approvals:
        if approval.key not in keys:
            raise NotApproved("unknown-key", f"the key by which {approval.steward} signed is not a steward's")
        if not _holds(approval, signed):
            raise NotApproved("bad-signature", f"that of {approval.steward}")
    if len(candidate.approvals) < STEWARDS:
        raise NotApproved("single-signed", f"by {candidate.approvals[0].steward}")
    by_key = {approval.key for approval in candidate.approvals}
    by_name = {approval.steward for approval in candidate.approvals}
    if min(len(by_key), len(by_name)) < STEWARDS:
        raise NotApproved("same-steward", f"all by {candidate.approvals[0].steward}")


def _holds(approval: Approval, signed: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(approval.key).verify(approval.signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def _unpacked(packed: bytes) -> bytes:
    """The bundle's JSON: the one whole stream, and never more than a bundle may have."""
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(packed, MAX_BYTES)
    except zlib.error:
        raise NotApproved("altered-bundle", "it cannot be decompressed") from None
    if not stream.eof or stream.unused_data:
        raise NotApproved("altered-bundle", "it does not decompress to one bundle")
    return text


def _first(error: BundleError) -> str:
    return f"{'.'.join(map(str, error.findings[0].path))} {error.findings[0].message}".strip()[:300]


def _short(digest: bytes) -> str:
    return digest.hex()[:16] if digest != FIRST else "nothing"
