"""What the records of the topic `guidelines` add up to: the bundle in force and the holds. Pure: records in, rules out.

Each record is taken once, in the order of the topic, from its beginning. What is refused changes nothing, and is raised
so that it is reported. Reading the topic is inforce.py's; which publication is valid is approval.py's; how a hold goes on is
holds.py's.
"""

from __future__ import annotations

from typing import Final, TypeVar

from hub.model.avro import LOCAL_IDS, SchemaIds, Undecodable, decode_as, unframe
from hub.model.base import Model
from hub.model.publication import HoldOrder, Publication

from . import holds
from .approval import InForce, NotApproved, verify
from .holds import NotAHold

M = TypeVar("M", bound=Model)

BUNDLE_KEY: Final = "bundle/"
HOLD_KEY: Final = "hold/"
ELSEWHERE: Final = frozenset({b"schema-ids"})  # what else stands on the topic: hub/bus/schema_ids.py's


class Stray(Exception):
    """A record that is neither a bundle's nor a hold's."""

    reason: Final = "stray"


def bundle_key(serial: int) -> bytes:
    return f"{BUNDLE_KEY}{serial}".encode()


def hold_key(scope: str) -> bytes:
    return (HOLD_KEY + scope).encode()


class Rulebook:
    """The bundle in force and the holds, as far as the topic was read.

    `published`: whether any bundle was published, be it refused. `orders`: the newest order of each scope.
    """

    def __init__(self, keys_of_first: frozenset[bytes], ids: SchemaIds = LOCAL_IDS) -> None:
        self._keys_of_first = keys_of_first
        self._ids = ids
        self.in_force: InForce | None = None
        self.published = False
        self.orders: dict[str, HoldOrder] = {}
        self._unclear: set[str] = set()

    @property
    def held(self) -> frozenset[str]:
        """The scopes that are held."""
        return frozenset(scope for scope, order in self.orders.items() if order.state != "lifted") | self._unclear

    def take(self, key: bytes | None, value: bytes | None) -> Publication | HoldOrder | None:
        """Takes the next record in, and returns it decoded; None if it is of no concern here.

        Raises NotApproved, NotAHold and Stray: nothing has changed then, but that an unclear hold holds.
        """
        if key in ELSEWHERE:
            return None
        name = (key or b"").decode("utf-8", errors="replace")
        if name.startswith(BUNDLE_KEY):
            return self._publication(name.removeprefix(BUNDLE_KEY), value)
        scope = name.removeprefix(HOLD_KEY)
        if name.startswith(HOLD_KEY) and holds.is_scope(scope):
            return self._hold(scope, value)
        raise Stray(f"a record under {name[:80]!r}")

    def _publication(self, serial: str, value: bytes | None) -> Publication | None:
        self.published = True
        candidate = self._decoded(Publication, value)
        if candidate is None or serial != str(candidate.serial):
            raise NotApproved("undecodable", f"under {BUNDLE_KEY}{serial[:20]}")
        if self._in_force_already(candidate):
            return None
        self.in_force = InForce(candidate.serial, verify(candidate, self.in_force, self._keys_of_first))
        return candidate

    def _in_force_already(self, candidate: Publication) -> bool:
        return self.in_force is not None and (candidate.serial, candidate.digest) == (
            self.in_force.serial,
            self.in_force.bundle.digest,
        )

    def _hold(self, scope: str, value: bytes | None) -> HoldOrder:
        before = self.orders.get(scope)
        try:
            order = self._decoded(HoldOrder, value)
            if order is None or order.scope != scope:
                raise NotAHold("deleted" if value is None else "undecodable", scope)
            holds.check(order, before)
        except NotAHold as refused:
            unreadable = refused.reason in ("undecodable", "deleted")
            if before is None or (before.state == "lifted" and unreadable):
                self._unclear.add(scope)
            raise
        self.orders[scope] = order
        self._unclear.discard(scope)
        return order

    def _decoded(self, model: type[M], value: bytes | None) -> M | None:
        try:
            schema_id, body = unframe(value or b"")
            return decode_as(model, body) if schema_id == self._ids.by_name[model.__name__] else None
        except Undecodable:
            return None
