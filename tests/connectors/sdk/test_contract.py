"""Our own connectors keep the kit's contract; and the suite finds each way in which one might not."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import stamina
import structlog

from connectors.sdk import Alert, BadNative, BadRecord, Connector, Delivery, Effect, Read, Trial
from connectors.sdk.contract import STATEMENTS, Broken, NotClaimed, Statement, Unexamined, examine
from tests.connectors.sdk.trials import OURS, PLANTED

log = structlog.get_logger()


# What is optional in the contract, and which of ours do it.
CLAIMED = {
    "what_lasts_is_told_anew_before_it_ends": ("attorney-general",),
    "what_a_sink_may_not_keep_is_deleted_and_receipted": ("customs",),
}


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=1):
        yield


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: statement.__name__)
@pytest.mark.parametrize("name", OURS)
def test_our_connectors_keep_the_contract(name: str, statement: Statement, tmp_path: Path) -> None:
    connector, trying = OURS[name]
    try:
        statement(connector, trying, tmp_path)
    except NotClaimed:
        assert name not in CLAIMED.get(statement.__name__, ())
    except Unexamined:
        assert connector.source is None or connector.sink is None


# --- connectors that do not


def _statement(words: str) -> Statement:
    (found,) = [each for each in STATEMENTS if each.__name__ == words.replace(" ", "_")]
    return found


class Wrong:
    """The table connector's source, with one thing wrong."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.spoilt = 0

    def read(self, after: str | None) -> Iterator[Any]:
        return iter(self._inner.read(after))

    def alerts(self, native: Any) -> Iterable[Any]:
        return list(self._inner.alerts(native))

    def settled(self, position: str) -> None:
        self._inner.settled(position)


class ForgetsPositions(Wrong):
    def read(self, after: str | None) -> Iterator[Any]:
        return iter(self._inner.read(None if after is None else self._last(after)))

    def _last(self, after: str) -> str:
        end = [each.position for each in self._inner.read(None) if each.position][-1]
        return str(end)  # whatever is between is lost


class OtherKeysEachTime(Wrong):
    number = 0

    def alerts(self, native: Any) -> Iterable[Any]:
        for each in self._inner.alerts(native):
            type(self).number += 1
            yield replace(each, key=f"{type(self).number}") if isinstance(each, Alert) else each


class DropsSilently(Wrong):
    def alerts(self, native: Any) -> Iterable[Any]:
        try:
            return list(self._inner.alerts(native))
        except BadNative:
            return []


class EndsWithABadRecord(Wrong):
    def alerts(self, native: Any) -> Iterable[Any]:
        try:
            return list(self._inner.alerts(native))
        except BadNative as bad:
            raise RuntimeError("a bad record") from bad


class LogsAName(Wrong):
    def alerts(self, native: Any) -> Iterable[Any]:
        if native:
            log.info("mapped", name=native["name"])
        return self._inner.alerts(native)  # type: ignore[no-any-return]


class TellsAName(Wrong):
    def read(self, after: str | None) -> Iterator[Any]:
        for each in self._inner.read(after):
            yield (
                BadRecord("f", f"no good: {PLANTED_HERE}", line=1, position=each.position)
                if (isinstance(each, Read) and each.native and not each.native["id"])
                else each
            )


PLANTED_HERE = "PLANTEDNAMEQZ"
BROKEN_SOURCES: dict[type[Wrong], str] = {
    ForgetsPositions: "stopped in the middle it loses and repeats nothing",
    OtherKeysEachTime: "a repeat of everything publishes nothing",
    DropsSilently: "every record is published or set aside",
    EndsWithABadRecord: "bad records are set aside and the others go on",
    LogsAName: "nothing personal is told by the source",
    TellsAName: "nothing personal is told by the source",
}


@pytest.mark.parametrize("wrong", BROKEN_SOURCES, ids=lambda wrong: wrong.__name__)
def test_a_source_that_does_not_keep_a_statement_is_found(wrong: type[Wrong], tmp_path: Path) -> None:
    table, trying = OURS["table"]
    assert table.source is not None
    source = table.source
    broken = replace(table, source=lambda options: wrong(source(options)))
    with pytest.raises(Exception) as found:
        _statement(BROKEN_SOURCES[wrong])(broken, trying, tmp_path)
    assert isinstance(found.value, Broken) or wrong is EndsWithABadRecord


class Desk:
    """A sink in memory, which outlives its processes in `shelf`."""

    def __init__(self, shelf: dict[bytes, Effect], does: str) -> None:
        self._shelf = shelf
        self._does = does

    def deliver(self, delivery: Delivery) -> Effect:
        if self._does == "logs" and delivery.contents:
            log.info("delivered", contents=[each.content.model_dump_json() for each in delivery.contents], said=PLANTED)
            for each in delivery.contents:
                names = getattr(each.content, "names", ())
                log.info("delivered", name=[name.family.get_secret_value() for name in names])
        if self._does == "fails" and delivery.record.kind == "feedback":
            raise RuntimeError("not thought of")
        key = delivery.id if self._does != "repeats" else delivery.id + bytes([len(self._shelf)])
        return self._shelf.setdefault(key, Effect(reference=str(len(self._shelf))))

    def close(self) -> None: ...


def desk(does: str) -> tuple[Connector[Any], Callable[[Path], Trial]]:
    shelves: dict[str, dict[bytes, Effect]] = {}
    connector, trying = OURS["attorney-general"]

    def sink(options: Any) -> Desk:
        return Desk(shelves.setdefault(options.database, {}), does)

    def trial(folder: Path) -> Trial:
        made = trying(folder)
        shelf = shelves.setdefault(str(made.options.model_dump()["database"]), {})
        return replace(made, effects=lambda: sorted(copy.deepcopy(list(shelf))))

    return replace(connector, source=None, sink=sink), trial


@pytest.mark.parametrize(
    ("does", "broken"),
    [
        ("well", None),
        ("repeats", "a delivery has its effect once"),
        ("fails", "every kind of delivery is taken"),
        ("logs", "nothing personal is told by the sink"),
    ],
)
def test_a_sink_that_does_not_keep_a_statement_is_found(does: str, broken: str | None, tmp_path: Path) -> None:
    if broken is None:
        assert {each.passed for each in examine(*desk(does), tmp_path)} == {True, None}
    else:
        with pytest.raises(Broken):
            _statement(broken)(*desk(does), tmp_path)


def test_a_finding_repeats_nothing_that_an_error_says(tmp_path: Path) -> None:
    table, trying = OURS["table"]

    def away(_: Any) -> Any:
        raise RuntimeError(PLANTED[0])

    findings = list(examine(replace(table, source=away), trying, tmp_path))
    assert any(each.passed is False for each in findings) and PLANTED[0] not in repr(findings)
    assert any("RuntimeError in" in each.reason for each in findings)
