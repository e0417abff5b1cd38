"""When an alert about what goes on is published anew, before it ends: reckoned from the connector's memory alone. Pure.

A source that can be asked again (`standing`) is asked when something is due: between a third and a sixth of an alert's validity
before its end, at a moment that its key chooses, so that alerts made together are not renewed together. Where records only
come by themselves, as in listings, one that comes again renews its alert once half of its validity is over. Publishing is
publish.py's.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Final

from hub.model.compose import VALID_MAX_MS
from hub.model.receipt import NativeKey

from .kinds import Alert

LOOK_MS: Final = 3_600_000  # from one look for what is due to the next
RENEWED_AT_ONCE: Final = 10_000  # of one look: what was due while the connector was down goes in parts


class Renewals:
    """What of the alerts of one connector lasts, as far as its records were seen since it started."""

    def __init__(self, asked: bool) -> None:
        """`asked`: whether the source can be asked again."""
        self._asked = asked
        self._validity_ms: dict[bytes, int] = {}  # by native key; 0 for what does not last, or is not there any more
        self._next_look_ms = 0

    def saw(self, key: bytes, proposed: Alert) -> None:
        """A record was read: what it says now holds for its alert."""
        self._validity_ms[key] = proposed.draft.validity_ms if proposed.lasting else 0

    def is_due(self, key: bytes, known: NativeKey, now_ms: int) -> bool:
        """Whether this alert is to be published anew now.

        After a start nobody knows yet which alerts last: each may be due as early as one of the longest validity.
        """
        validity_ms = self._validity_ms.get(key, VALID_MAX_MS)
        if known.cancelled or not validity_ms:
            return False
        before_ms = _asked_before_ms(key, validity_ms) if self._asked else validity_ms // 2
        return known.valid_until_ms - before_ms <= now_ms

    def must_look(self, natives: Mapping[bytes, NativeKey], now_ms: int) -> bool:
        """Whether to ask the source now: something may be due, and the last look was a while ago."""
        if not self._asked or now_ms < self._next_look_ms:
            return False
        if any(self.is_due(key, known, now_ms) for key, known in natives.items()):
            return True
        self._next_look_ms = now_ms + LOOK_MS
        return False

    def looked(self, now_ms: int) -> None:
        """The source was asked."""
        self._next_look_ms = now_ms + LOOK_MS

    def end(self, gone: Set[bytes]) -> None:
        """The source told of all that it has, and not of these: they are not renewed unless they are read again."""
        self._validity_ms |= dict.fromkeys(gone, 0)


def _asked_before_ms(key: bytes, validity_ms: int) -> int:
    """How long before the end of an alert its source is asked."""
    share = int.from_bytes(key[-4:]) / (1 << 32)  # the end of an HMAC
    return int(validity_ms * (1 / 3 - share / 6))
