"""The shapes of the kit: what a source yields, what a sink takes, how a connector describes itself. No I/O here."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from hub.model.compose import Draft
from hub.model.core import Label, Reference
from hub.model.delivery import Delivery as DeliveryRecord
from hub.model.receipt import KEPT_UNTIL
from hub.model.sections import Content

Native = TypeVar("Native")


@dataclass(frozen=True)
class Provenance:
    """The delivered alert that a new one rests on: the new one names it, and inherits its limits."""

    reference: Reference
    label: Label
    releasable_to: tuple[str, ...] = ()


@dataclass(frozen=True)
class Alert:
    """One piece of information that a source proposes to publish.

    `key` names the native record within its source for ever: an update is a new revision of the same alert, a repeat
    nothing. It leaves the connector only under an HMAC. `lasting`: it tells of a state that goes on until the source says
    otherwise (a warrant in force), and is published anew before it ends (renewal.py).
    """

    key: str = field(repr=False)
    draft: Draft
    contents: tuple[Content, ...] = field(repr=False)
    derived: tuple[Provenance, ...] = ()
    original: Original | None = field(default=None, repr=False)  # the kit puts the one of the Read here
    lasting: bool = False


@dataclass(frozen=True)
class Cancel:
    """The source withdrew a record: the alert that it became ends."""

    key: str = field(repr=False)


@dataclass(frozen=True)
class Note:
    """What of a record was less than it should be, and did not keep it from being used: never a value."""

    reason: str
    field: str = ""
    code: str = ""


@dataclass(frozen=True)
class Original:
    """A native record as its system has it: its SHA-256 goes with the alert (`evidence`), the bytes never do.

    `ask`: whom to ask for it, as officers would.
    """

    data: bytes = field(repr=False)
    media_type: str
    ask: str


@dataclass(frozen=True)
class Read(Generic[Native]):
    """A native record and the position after it, in the source's own words. `file` and `line` (or segment) tell where
    it stands; `records`: how many input records it is. `settle`: commit what was read up to here now, and tell the source
    (at the end of a file, so that the file can be moved away)."""

    native: Native = field(repr=False)
    position: str
    file: str = ""
    line: int | None = None
    segment: int | None = None
    records: int = 1
    settle: bool = False
    original: Original | None = None


@dataclass(frozen=True)
class BadRecord:
    """A native record that is set aside, whole: where it stands and why, never what it says.

    `level`: `bad` for a record that was not used, `warning` for what was used in spite of something.
    """

    file: str
    reason: str
    line: int | None = None
    segment: int | None = None
    field: str = ""
    code: str = ""
    level: Literal["bad", "warning"] = "bad"
    position: str | None = None

    def report(self) -> dict[str, Any]:
        """What `convert` prints of it."""
        fields = {
            "level": self.level,
            "file": self.file,
            "line": self.line,
            "segment": self.segment,
            "field": self.field or None,
            "code": self.code or None,
            "reason": self.reason,
        }
        return {name: value for name, value in fields.items() if value is not None}


@dataclass(frozen=True)
class Listed:
    """What was read up to `position` is all that the source has, and these are the keys of all of it: what was published
    under any other key has disappeared, and its alert is cancelled.

    Yield it only when every record's key is known: a bad record without one would seem to have disappeared. A listing of
    nothing withdraws nothing.
    """

    keys: frozenset[str] = field(repr=False)
    position: str
    file: str = ""


class Source(Protocol[Native]):
    """Yields native records with positions, and says what alerts they are.

    A source may also have `check()`, which tries the connection (raises Transient, Credentials, ValueError), and
    `follows(before, after)`, which says whether one position comes right after another: then a gap stops the connector.
    One that can be asked again has `standing()`: Reads of all the records that it has now, whatever was read before, with
    positions that nobody looks at. It is asked when a lasting alert is near its end.
    """

    def read(self, after: str | None) -> Iterator[Read[Native] | BadRecord | Listed]:
        """The records after a position, None for all. Ends when there is nothing more for now."""

    def alerts(self, native: Native) -> Iterable[Alert | Cancel | Note]:
        """Pure: convert, dry run and tests share it. Raises BadNative for a record that cannot be said."""

    def settled(self, position: str) -> None:
        """Called once what was read up to `position` is committed: a file may be moved away now."""


@dataclass(frozen=True)
class Delivery:
    """What a sink is given: the record as the hub sent it, and the contents of its sections, checked again."""

    record: DeliveryRecord
    contents: tuple[Content, ...] = field(default=(), repr=False)

    @property
    def id(self) -> bytes:
        return self.record.id

    @property
    def alert(self) -> uuid.UUID:
        return self.record.alert


@dataclass(frozen=True)
class Effect:
    """What a sink did; `reference` is the recipient system's own word for it (no personal data)."""

    state: Literal["effected", "rejected"] = "effected"
    reference: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Deletion:
    """A copy that a sink has no more because it may not be kept longer: the delivery that brought it, when it went, and why."""

    delivery: bytes
    alert: uuid.UUID
    at_ms: int
    reason: str = KEPT_UNTIL


class Sink(Protocol):
    def deliver(self, delivery: Delivery) -> Effect:
        """Makes the effect and remembers the delivery's id in one local transaction; a second call returns the first
        effect. Raises Transient (try again later), Credentials or Rejected (never).

        A sink may also have `check()`, as a source. One that keeps data until a date has `housekeeping(now_ms)`, which deletes
        what may not be kept longer and returns the Deletions, some hundreds at most, whose receipts are owed, and
        `receipted(deletions)`, which is called when these are on the bus (connectors/sdk/effects.py has both in SQL).
        """

    def close(self) -> None: ...


class BadNative(ValueError):
    """A native record that cannot be said as an alert: `field` and `reason` name the trouble, never a value."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.reason = reason
        self.field = field


class Transient(Exception):
    """The other system is not ready; the same delivery may succeed later."""


class Credentials(Transient):
    """The other system refuses who we are. Nothing is set aside or parked: the connector stops until it is mended."""


class Gap(Exception):
    """The source's positions leave something out: records may be lost, and nothing goes on before somebody looked."""


class Fault(Exception):
    """Our own code failed: the connector starts again, and nothing is set aside."""


class Rejected(Exception):
    """The other system refuses this delivery for good; `reason` is a code of RECEIPT_REASONS (hub/model/receipt.py): operators
    read any other as `other`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Options(BaseModel):
    """A connector's options, with descriptions: `describe`, `--help` and errors are made from them."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


@dataclass(frozen=True)
class Trial:
    """What the contract suite (contract.py) tries a connector on. It is made several times over, each time the same.

    `alerts`: how many alerts the input becomes; `set_aside`: how many bad records are in it. `planted`: unmistakable values
    that stand in the input as personal data, in good and in bad records. `effects`: what the sink brought about so far, to
    be compared.
    """

    options: Options
    alerts: int = 0
    set_aside: int = 0
    planted: tuple[str, ...] = field(default=(), repr=False)
    effects: Callable[[], object] | None = None


O = TypeVar("O", bound=Options)  # noqa: E741  one letter, as type variables are


@dataclass(frozen=True)
class Connector(Generic[O]):
    """transport + format + mapping, as found under the entry point `enlace.connectors`.

    `source` and `sink` are made from options; a connector has one of them or both. `agency` is empty for one that speaks for
    whoever runs it. `files` turns the paths and the watch list that `convert` was given into options. `trial` makes what the
    contract suite tries the connector on, in an empty folder (contract.py).
    """

    name: str
    agency: str
    title: str
    options: type[O]
    source: Callable[[O], Source[Any]] | None = None
    sink: Callable[[O], Sink] | None = None
    files: Callable[[Sequence[Path], Path | None], O] | None = None
    trial: Callable[[Path], Trial] | None = None
