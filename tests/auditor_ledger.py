"""What must follow from each answered record, worked out from the naive reading: deliveries, and who holds what.

A ledger follows the answers of all lanes in their order. It compares each decision with its own and keeps what must exist;
whether it does is auditor.py's to see.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from hub.guidelines.bundle import Bundle
from hub.guidelines.outcome import Decision, UnknownValue
from hub.model.core import Routing
from hub.model.obligation import Obligation
from tests.auditor_intake import Alert, Judged, part, written
from tests.reference import naive

FORGOTTEN_MS = 90 * 86_400_000
Place = tuple[str, int, int]  # topic, partition, offset
Found = Callable[[str, Iterable[object], str], None]  # kind, where, what


class Answer(NamedTuple):
    """What the router wrote about one record of the intake."""

    kind: str  # Decision, Ended, Noted, Quarantined
    at: Place
    fields: Mapping[str, Any]
    previous: int


@dataclass
class Holder:
    number: int = 0
    revision: int = 0
    categories: tuple[str, ...] = ()
    seen: bytes = bytes(16)


@dataclass
class Known:
    """What a lane must know of an alert."""

    originator: str
    revision: int
    content: bytes
    cancelled: bool
    source: Place
    valid_until_ms: int
    holders: dict[str, Holder] = field(default_factory=dict)


@dataclass(frozen=True)
class Expected:
    """A delivery that must exist. `fields`: all but the view; `sections`: category and bytes."""

    id: bytes
    fields: Mapping[str, Any]
    core: bytes | None = None
    sections: tuple[tuple[str, bytes], ...] = ()


class Ledger:
    """`known`: what each alert's holding must be; `expected`: the deliveries of each recipient and lane, in order."""

    def __init__(self, bundles: Iterable[Bundle], found: Found) -> None:
        self.known: dict[bytes, Known] = {}
        self.expected: dict[tuple[str, int], list[Expected]] = defaultdict(list)
        self._contents: dict[tuple[bytes, int], list[tuple[bytes, Place]]] = defaultdict(list)
        self._originators: dict[bytes, set[str]] = defaultdict(set)  # more than one, if an id was forgotten between
        self._bundles = {bundle.digest: bundle for bundle in bundles}
        self._found = found

    def follow(self, answer: Answer, judged: Judged) -> None:
        """Takes in a decision or a note."""
        if judged.kind == "bad":
            self._found("decision", answer.at, f"decided, though {judged.wrong}")
        elif judged.kind in ("expire", "forget") and judged.order is not None:
            self._follow_end(answer, judged.kind, judged.order["alert"])
        elif answer.kind != ("Noted" if judged.alert is None else "Decision"):
            self._found("decision", answer.at, f"a {judged.kind} was answered by {answer.kind}")
        elif judged.alert is not None:
            self._follow_alert(answer, judged.alert)
        elif judged.kind == "return" and judged.order is not None:
            self._follow_return(answer, judged.order)

    def _follow_return(self, answer: Answer, order: Mapping[str, Any]) -> None:
        agency = order["topic"].removeprefix("alerts.")
        if agency == order["topic"] or all(bundle.agency(agency) is None for bundle in self._bundles.values()):
            return
        place = f"{order['topic']}/{order['partition']}/{order['offset']}".encode()
        key = order["key"] if order["key"] and len(order["key"]) == 16 else bytes(16)
        fields = {"kind": "feedback", "alert": key, "revision": 0, "number": 0, "reason": order["reason"]}
        expected = Expected(hashlib.sha256(place).digest()[:16], {**fields, "withdrawn": [], "obligation": None})
        self.expected[agency, answer.at[1]].append(expected)

    def _follow_end(self, answer: Answer, kind: str, alert: bytes) -> None:
        """An order to end an alert, which is carried out if its time has come and noted otherwise."""
        known = self.known.get(alert)
        holding = [agency for agency, holder in known.holders.items() if holder.revision] if known else []
        must = "noted"
        if known is not None and kind == "expire" and holding and known.valid_until_ms <= answer.fields["decided_ms"]:
            must = "expired"
        elif known is not None and kind == "forget" and not holding:
            over = known.valid_until_ms + FORGOTTEN_MS <= answer.fields["decided_ms"]
            must = "forgotten" if over else "noted"
        told = "noted" if answer.kind == "Noted" else answer.fields.get("outcome")
        if told != must or answer.kind != ("Noted" if must == "noted" else "Ended"):
            self._found("decision", answer.at, f"{kind}: {answer.kind} {told}, must be {must}")
        if known is None or must == "noted":
            return
        sent = [(agency, self._withdraw(answer, alert, known, agency)) for agency in sorted(holding)]
        if must == "forgotten":
            del self.known[alert]
        if answer.kind == "Ended" and told == must:
            self._check_end(answer, alert, known, sent)

    def _check_end(self, answer: Answer, alert: bytes, known: Known, sent: list[tuple[str, bytes]]) -> None:
        fields = answer.fields
        if (fields["alert"], fields["originator"], fields["revision"]) != (alert, known.originator, known.revision):
            self._found("altered", answer.at, "another alert has ended than was ordered")
        if fields["bundle"] not in self._bundles:
            self._found("decision", answer.at, "by a bundle that was never in force")
        expected = [{"agency": agency, "reason": "expired", "categories": [], "delivery": id_} for agency, id_ in sent]
        if sorted(fields["outcomes"], key=lambda each: str(each["agency"])) != expected:
            self._found("decision", answer.at, "the end tells of other withdrawals than there must be")

    def _withdraw(self, answer: Answer, alert: bytes, known: Known, agency: str) -> bytes:
        holder = known.holders[agency]
        number = holder.number + 1
        expected = Expected(
            identified(alert, agency, number),
            {
                "kind": "withdrawal",
                "alert": alert,
                "revision": known.revision,
                "number": number,
                "decided_ms": answer.fields["decided_ms"],
                "bundle": answer.fields.get("bundle"),
                "obligation": None,
                "withdrawn": list(holder.categories),
                "reason": "expired",
            },
        )
        self.expected[agency, answer.at[1]].append(expected)
        known.holders[agency] = Holder(number)
        return expected.id

    def _follow_alert(self, answer: Answer, alert: Alert) -> None:
        core, fields = alert.core, answer.fields
        known = self.known.get(core.id.bytes)
        result = self._result(alert, known, fields["decided_ms"])
        if fields["outcome"] != result:
            self._found("decision", answer.at, f"{fields['outcome']}, must be {result}")
        if written(part("Alert", "core"), fields["core"]) != alert.core_bytes:
            self._found("altered", answer.at, "the decision's core is not the originator's")
        if Routing.model_validate(fields["routing"]) != alert.routing:
            self._found("altered", answer.at, "the decision's routing block is not the originator's")
        present = [(category, len(data)) for category, data, _ in alert.sections]
        if [(each["category"], each["size_bytes"]) for each in fields["present"]] != present:
            self._found("altered", answer.at, "the decision names other sections than the alert has")
        if result in ("duplicate", "superseded"):
            return
        self._contents[core.id.bytes, core.revision].append((alert.content, answer.at))
        self._originators[core.id.bytes].add(core.originator)
        cancelled = result == "cancelled"
        known = Known(
            core.originator,
            core.revision,
            alert.content,
            cancelled,
            answer.at,
            core.valid_until_ms,
            known.holders if known else {},
        )
        self.known[core.id.bytes] = known
        self._deliver(answer, alert, known, result)

    def _result(self, alert: Alert, known: Known | None, now_ms: int) -> str:
        core = alert.core
        if known is not None and known.originator != core.originator:
            return "in quarantine: foreign-id"
        if known is not None and core.revision < known.revision:
            return "superseded"
        if known is not None and core.revision == known.revision:
            return "duplicate" if alert.content == known.content else "in quarantine: same-revision-other-content"
        if core.kind == "cancel":
            return "cancelled"
        return "expired" if core.valid_until_ms <= now_ms else "decided"

    def _deliver(self, answer: Answer, alert: Alert, known: Known, result: str) -> None:
        """What every agency must be sent, against what the decision says, and what it holds afterwards."""
        bundle = self._bundles.get(answer.fields["bundle"])
        if bundle is None:
            self._found("decision", answer.at, "by a bundle that was never in force")
            return
        told = {each["agency"]: each for each in answer.fields["outcomes"]}
        outcomes: dict[str, tuple[str, tuple[str, ...], Obligation | None]] = {}
        if result != "cancelled":
            try:
                decision = decided(alert, bundle, answer.fields["decided_ms"])
            except UnknownValue as unknown:
                self._found("decision", answer.at, f"decided, though {unknown.field} is not known")
                return
            outcomes = {each.agency: (each.reason, each.released, each.obligation) for each in decision.outcomes}
        for agency, holder in known.holders.items():
            if holder.revision and agency not in outcomes:
                outcomes[agency] = "cancelled" if result == "cancelled" else "not-in-bundle", (), None
        if told.keys() != outcomes.keys():
            self._found(
                "decision", answer.at, f"outcomes for {sorted(told.keys() ^ outcomes.keys())} too many or missing"
            )
        for agency, (reason, released, obligation) in sorted(outcomes.items()):
            sent = self._send(answer, alert, known, agency, reason, released, obligation, result)
            said = told.get(agency, {})
            if said and (said["reason"], tuple(said["categories"]), said["delivery"]) != (reason, released, sent):
                self._found("decision", answer.at, f"{agency}: the decision says another outcome than {reason}")

    def _send(
        self,
        answer: Answer,
        alert: Alert,
        known: Known,
        agency: str,
        reason: str,
        released: tuple[str, ...],
        obligation: Obligation | None,
        result: str,
    ) -> bytes | None:
        holder = known.holders.setdefault(agency, Holder())
        sections = [each for each in alert.sections if each[0] in released]
        terms, terms_bytes = obligation_of(obligation)
        shown = alert.stable + b"".join(sorted(each[2] for each in sections))
        seen = hashlib.sha256(shown + terms_bytes).digest()[:16]
        permitted = reason == "permitted"
        if permitted and holder.revision and holder.seen == seen:
            return None
        if not permitted and not holder.revision:
            if not holder.number:
                del known.holders[agency]
            return None
        number = holder.number + 1
        ended = result if result in ("cancelled", "expired") else "no-longer-permitted"
        expected = Expected(
            identified(alert.core.id.bytes, agency, number),
            {
                "kind": "release" if permitted else "withdrawal",
                "alert": alert.core.id.bytes,
                "revision": alert.core.revision,
                "number": number,
                "decided_ms": answer.fields["decided_ms"],
                "bundle": answer.fields["bundle"],
                "obligation": terms,
                "withdrawn": [each for each in holder.categories if each not in released],
                "reason": None if permitted else ended,
            },
            alert.core_bytes if permitted else None,
            tuple((category, data) for category, data, _ in sections) if permitted else (),
        )
        self.expected[agency, answer.at[1]].append(expected)
        known.holders[agency] = Holder(number, alert.core.revision, released, seen) if permitted else Holder(number)
        return expected.id

    def may_refuse(self, alert: Alert, answer: Answer) -> bool:
        """Whether an alert that is sound by itself may wait for the reason given."""
        if answer.fields["reason"] == "foreign-id":
            return not self._originators[alert.core.id.bytes] <= {alert.core.originator}
        if answer.fields["reason"] == "same-revision-other-content":
            return any(
                content != alert.content and (decided_at[:2] != answer.at[:2] or decided_at[2] < answer.at[2])
                for content, decided_at in self._contents[alert.core.id.bytes, alert.core.revision]
            )
        return any(unknown_value(alert, bundle) for bundle in self._bundles.values())


def identified(alert: bytes, agency: str, number: int) -> bytes:
    """The id of an alert's delivery to an agency."""
    return hashlib.sha256(alert + agency.encode() + b"\0" + number.to_bytes(4, "big")).digest()[:16]


_DECIDED: dict[tuple[bytes, bytes, int], Decision | str] = {}  # the naive reading is slow, and many histories are alike


def decided(alert: Alert, bundle: Bundle, now_ms: int) -> Decision:
    """The naive decision. Raises UnknownValue."""
    question = alert.content, bundle.digest, now_ms
    if question not in _DECIDED:
        try:
            _DECIDED[question] = naive.decide(alert.routing, alert.core, alert.categories, bundle, now_ms)
        except UnknownValue as unknown:
            _DECIDED[question] = unknown.field
    answer = _DECIDED[question]
    if isinstance(answer, str):
        raise UnknownValue(answer)
    return answer


def unknown_value(alert: Alert, bundle: Bundle) -> bool:
    try:
        naive.refuse_unknown_values(naive.attributes(alert.routing), alert.core, bundle)
    except UnknownValue:
        return alert.core.kind == "alert"  # a cancel withdraws whatever the bundle knows
    return False


@cache
def obligation_of(obligation: Obligation | None) -> tuple[dict[str, Any] | None, bytes]:
    """An obligation's fields, and its bytes as they stand in a delivery."""
    fields: dict[str, Any] | None = None
    if obligation is not None:
        fields = {name: list(each) if isinstance(each, tuple) else each for name, each in dict(obligation).items()}
    return fields, written(part("Delivery", "obligation"), fields)
