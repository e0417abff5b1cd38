"""Invented stewards, and bundles as they publish them."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.bus.bus import Record
from hub.guidelines.approval import InForce, approve, following, publication
from hub.guidelines.bundle import Bundle
from hub.guidelines.holds import lifted_by, set_by
from hub.guidelines.rulebook import bundle_key, hold_key
from hub.model.avro import LOCAL_IDS, encode, frame
from hub.model.base import Model
from hub.model.publication import HoldOrder, Publication

NOW_MS = 1_780_000_000_000


@cache
def key(steward: str) -> Ed25519PrivateKey:
    """The same steward always has the same key."""
    return Ed25519PrivateKey.from_private_bytes(steward.encode().ljust(32, b"-")[:32])


def public(steward: str) -> bytes:
    return key(steward).public_key().public_bytes_raw()


FIRST_KEYS = frozenset({public("ana"), public("luis")})


def with_stewards(bundle: Bundle, *stewards: str) -> Bundle:
    """The bundle, with these stewards at its first agency."""
    texts = tuple(base64.b64encode(public(steward)).decode() for steward in stewards)
    changed = [each.model_copy(update={"stewards": ()}) for each in bundle.agencies]
    changed[0] = changed[0].model_copy(update={"stewards": tuple(sorted(texts))})
    return Bundle(**{**bundle_fields(bundle), "agencies": tuple(changed)})


def without(bundle: Bundle, guideline: str) -> Bundle:
    kept = tuple(each for each in bundle.guidelines if each.id != guideline)
    return Bundle(**{**bundle_fields(bundle), "guidelines": kept})


def bundle_fields(bundle: Bundle) -> dict[str, object]:
    return {name: getattr(bundle, name) for name in Bundle.model_fields}


def published(
    bundle: Bundle,
    after: InForce | None = None,
    stewards: Iterable[str] = ("ana", "luis"),
    *,
    serial: int | None = None,
) -> Publication:
    """The bundle as the next publication, signed by `stewards`."""
    next_serial, previous = following(after)
    number = serial or next_serial
    signed = [approve(key(each), number, previous, bundle.digest, each) for each in stewards]
    return publication(number, previous, bundle, signed)


def in_force(record: Publication, bundle: Bundle) -> InForce:
    return InForce(record.serial, bundle)


def framed(model: Model) -> bytes:
    return frame(LOCAL_IDS.by_name[type(model).__name__], encode(model))


def record_of(model: Publication | HoldOrder, offset: int = 0) -> Record:
    name = bundle_key(model.serial) if isinstance(model, Publication) else hold_key(model.scope)
    return Record(offset, NOW_MS, name, framed(model))


def hold(scope: str, *people: str) -> HoldOrder:
    """A hold set by the first person, asked to be lifted by the second, lifted by the third."""
    order = set_by(people[0], scope, "a test", NOW_MS)
    for person in people[1:]:
        order = lifted_by(person, order, NOW_MS)
    return order
