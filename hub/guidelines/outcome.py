"""What a decision is: for each agency one reason, and if it is permitted, what it gets and what it must do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

from hub.model.core import Routing
from hub.model.obligation import Obligation

# In the order in which they are asked: the first that holds is the one that is told. What the originator said of an
# agency comes before what the agency is, so that a denial names the stronger reason.
Reason = Literal[
    "expired",  # the alert's valid_until has passed
    "suspended",  # the agency takes part in no exchange at present
    "originator",  # the alert comes from this agency
    "excluded",  # the originator lists it in not_releasable_to
    "not-named",  # RED, H2 or a releasable_to list reach only those that the originator names
    "tlp",  # the label is narrower than the agency may be trusted with
    "purpose",  # it has no competence for any purpose of the alert
    "forbidden",  # a forbid matches
    "no-permit",  # no permit matches
    "permitted",
]
REASONS: Final[tuple[Reason, ...]] = (
    "expired",
    "suspended",
    "originator",
    "excluded",
    "not-named",
    "tlp",
    "purpose",
    "forbidden",
    "no-permit",
    "permitted",
)

# An originator's grants for one alert: agency -> the categories from which ordinary withholds are lifted.
Grants = Mapping[str, frozenset[str]]
NO_GRANTS: Final[Grants] = {}


class UnknownValue(Exception):
    """A value stands outside its list: the alert is not decided but waits. `field` says where, nothing says what."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field}: a value that the bundle does not know")
        self.field = field


class Outcome(NamedTuple):
    """One agency's part of a decision.

    `released`: the categories that it gets besides the core, sorted. `guidelines`: the ids of those that decided,
    sorted: for a permission its permits and the withholds that took something away, for a denial the forbids.
    """

    agency: str
    reason: Reason
    released: tuple[str, ...] = ()
    obligation: Obligation | None = None
    guidelines: tuple[str, ...] = ()

    def withheld(self, categories: Iterable[str]) -> tuple[str, ...]:
        """Which of the categories present it does not get."""
        return tuple(sorted(set(categories).difference(self.released)))


class Decision(NamedTuple):
    """All agencies' outcomes, sorted by agency, under the bundle of this digest. `permitted`: those that receive."""

    bundle: bytes
    outcomes: tuple[Outcome, ...]
    permitted: tuple[Outcome, ...]

    def of(self, agency: str) -> Outcome | None:
        return next((outcome for outcome in self.outcomes if outcome.agency == agency), None)


def values_of(routing: Routing) -> tuple[str | int | tuple[str, ...], ...]:
    """The attributes of a routing block in the order of codes.ATTRIBUTES."""
    label = routing.label
    return (
        label.exercise,
        label.class_,
        label.tlp,
        label.handling,
        label.purposes,
        label.reliability,
        label.credibility,
        routing.minor,
        routing.consent,
        routing.victims,
        routing.suspects,
        routing.missing,
        routing.releasable_to,
        routing.not_releasable_to,
        routing.origin,
        routing.transit,
        routing.destination,
        routing.nationality,
        routing.act,
        routing.means,
        routing.exploitation,
        routing.indicators,
        routing.legal_basis,
        tuple(str(reference.alert) for reference in routing.derived_from),
    )
