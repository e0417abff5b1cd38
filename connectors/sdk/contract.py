"""What every connector must keep, as statements that are tried on it. Each passes, raises Broken, or Unexamined.

They run on the simulated bus (hub/bus/memory.py), which ends a connector at named points of a commit. Use them from pytest
(`@pytest.mark.parametrize("statement", STATEMENTS)`) or by `enlace connector test`. What a connector is tried on is its
`Trial`; nothing here knows a connector.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import stamina

from hub.bus.memory_log import Crashed
from hub.model.avro import LOCAL_IDS
from hub.model.compose import DAY_MS
from hub.model.receipt import Receipt
from hub.routing.opening import Refused, open_alert

from .contract_samples import KEEP_DAYS, RELEASES, SAMPLES, WORDS, deliveries
from .contract_world import PARTITIONS, Broken, Crash, NotClaimed, Unexamined, World, folders, must
from .convert import Proposed, proposals
from .kinds import Alert, Connector, Read, Rejected, Transient, Trial
from .listening import Overheard, overhearing
from .status import sayable, trouble_of

__all__ = ["STATEMENTS", "Broken", "Finding", "NotClaimed", "Statement", "Unexamined", "examine"]

POINTS: Final = ("commit:staged", "commit:flushed", "commit:committed", "commit:bumped")
STOP_WITHIN_S: Final = 30.0

Trying = Callable[[Path], Trial]


# --- sources


def every_record_is_published_or_set_aside(connector: Connector[Any], trying: Trying, folder: Path) -> None:
    """The input becomes as many alerts, and as many bad records, as its trial says."""
    world, trial = World(connector), trying(folder)
    counts = world.published(trial)
    published = len(world.records("alerts"))
    must(published == trial.alerts, f"{published} alerts were published, and the trial says {trial.alerts}")
    bad = sum(each.level == "bad" for each in world.bad)
    must(bad == trial.set_aside, f"{bad} records were set aside, and the trial says {trial.set_aside}")
    must(counts.set_aside == bad, "what was set aside was not counted")


def bad_records_are_set_aside_and_the_others_go_on(connector: Connector[Any], trying: Trying, folder: Path) -> None:
    """Each bad record is told with its place and reason, and something is published besides."""
    world, trial = World(connector), trying(folder)
    if not trial.set_aside:
        world.publication(trial).close()
        raise Unexamined("the trial has no bad record")
    world.published(trial)
    must(bool(world.records("alerts")), "nothing was published beside the bad records")
    for bad in world.bad:
        must(bool(bad.reason), "a bad record has no reason")
        placed = bool(bad.file) and (bad.line is not None or bad.segment is not None or bool(bad.field))
        must(placed or bool(bad.field), "a bad record does not say where it stands")


def every_alert_is_valid(connector: Connector[Any], trying: Trying, folder: Path) -> None:
    """Every alert on the topic can be decided: the router's own strict opening takes it."""
    world, trial = World(connector), trying(folder)
    world.published(trial)
    for at, record in world.records("alerts"):
        try:
            open_alert(at.topic, at.partition, record, LOCAL_IDS.by_name["Alert"], PARTITIONS)
        except Refused as refused:
            raise Broken(f"an alert would go to quarantine: {refused}") from None


def stopped_in_the_middle_it_loses_and_repeats_nothing(connector: Connector[Any], trying: Trying, folder: Path) -> None:
    """Ended at any point of any commit and started again, it publishes what an undisturbed run publishes, once."""
    fresh = folders(folder)
    undisturbed, trial = World(connector), trying(next(fresh))
    undisturbed.published(trial)
    expected = undisturbed.seen()
    crashed = 0
    for point in POINTS:
        for turn in (1, 2):
            world, trial = World(connector), trying(next(fresh))
            crash = Crash(point, turn)
            try:
                world.published(trial, crash)
            except Crashed:
                crashed += 1
            world.published(trial)
            must(world.seen().alerts == expected.alerts, f"after an end at {point}, alerts are missing or doubled")
            must(world.seen().bad == expected.bad, f"after an end at {point}, other records were set aside")
    must(crashed >= len(POINTS), "no commit was disturbed: has the trial any record?")


def a_repeat_of_everything_publishes_nothing(connector: Connector[Any], trying: Trying, folder: Path) -> None:
    """Rewound to its beginning, over the same input, it says nothing new: keys and contents are the same again."""
    fresh = folders(folder)
    world, trial = World(connector), trying(next(fresh))
    world.published(trial)
    before = len(world.records("alerts"))
    if not before:
        raise Unexamined("the trial publishes nothing")
    again = trying(next(fresh))
    publication = world.publication(again)
    try:
        publication.rewind(None)
        counts = publication.run()
    finally:
        publication.close()
    added = len(world.records("alerts")) - before
    must(added == 0, f"{added} of {before} alerts were published again: is the key or the content not the same?")
    must(counts.unchanged > 0, "the same input was not read again")


def nothing_personal_is_told_by_the_source(connector: Connector[Any], trying: Trying, folder: Path) -> None:
    """Planted values are in no log, no reason, no position, no key on the bus; what is published has them."""
    world, trial = World(connector), trying(folder)
    if not trial.planted:
        world.publication(trial).close()
        raise Unexamined("the trial plants nothing")
    with overhearing() as heard:
        world.published(trial)
    heard.add(*(str(bad.report()) + repr(bad) for bad in world.bad))
    heard.add(*(str(record) for _, record in world.records("connectors")))
    _quiet(heard, trial.planted)
    said = "".join(world.seen().alerts)
    must(any(planted in said for planted in trial.planted), "no planted value was published: does the input have them?")


def _quiet(heard: Overheard, planted: tuple[str, ...]) -> None:
    found = [number for number, value in enumerate(planted, start=1) if value.casefold() in heard.text.casefold()]
    must(not found, f"planted values number {found} were told in a log, an error, a position or a key")


def it_stops_between_two_batches(connector: Connector[Any], trying: Trying, folder: Path) -> None:
    """Asked to stop, it publishes the batch at hand and ends, and a later start publishes the rest."""
    fresh = folders(folder)
    expected_world, trial = World(connector), trying(next(fresh))
    expected_world.published(trial)
    world, trial = World(connector), trying(next(fresh))
    publication = world.publication(trial)
    asked: list[bool] = []

    def stop() -> bool:
        """Not at the first question, which is asked before anything is read."""
        asked.append(True)
        return len(asked) > 1

    thread = threading.Thread(target=lambda: publication.run(stop), daemon=True)
    thread.start()
    thread.join(STOP_WITHIN_S)
    must(not thread.is_alive(), f"it did not stop within {STOP_WITHIN_S:.0f} s")
    publication.close()
    world.published(trial)
    must(world.seen().alerts == expected_world.seen().alerts, "after a stop, alerts are missing or doubled")


def what_lasts_is_told_anew_before_it_ends(connector: Connector[Any], trying: Trying, folder: Path) -> None:
    """Near the end of its alert, what the source still has is published once more; what happened once is not."""
    fresh = folders(folder)
    keys = _lasting(connector, trying(next(fresh)))
    for point in POINTS:
        world, trial = World(connector), trying(next(fresh))
        world.published(trial)
        before = [world.known(key) for key in keys]
        world.passes(min(each.valid_until_ms for each in before if each is not None) - world.now_ms - 1)
        try:
            world.published(trial, Crash(point, 1))
            raise Broken("nothing was told anew")
        except Crashed:
            world.published(trial)
        for key, was in zip(keys, before, strict=True):
            now = world.known(key)
            if was is None or now is None:
                raise Broken("an alert that lasts was not remembered")
            must(now.valid_until_ms > was.valid_until_ms, "an alert that lasts was left to end")
            must(now.revision == was.revision + 1, "an alert was told anew more than once")


def _lasting(connector: Connector[Any], trial: Trial) -> list[str]:
    """The keys of what lasts. Raises NotClaimed."""
    if connector.source is None:
        raise Unexamined("it has no source")
    source = connector.source(trial.options)
    if getattr(source, "standing", None) is None:
        raise NotClaimed("its source cannot be asked again")
    found = []
    for read in source.read(None):
        proposed = proposals(source, read) if isinstance(read, Read) else None
        if isinstance(proposed, Proposed):
            found += [each.key for each in proposed.alerts if isinstance(each, Alert) and each.lasting]
    if not found:
        raise NotClaimed("nothing that it tells lasts")
    return found


# --- sinks


def a_delivery_has_its_effect_once(connector: Connector[Any], trying: Trying, folder: Path) -> None:
    """The same delivery a second time, and by a new process, changes nothing and gives the first effect."""
    world, trial = World(connector), trying(folder)
    if connector.sink is None:
        raise Unexamined("it has no sink")
    for _ in range(2):
        world.reception(trial).close()
    found: list[list[object]] = []
    looks: list[object] = []
    for _ in range(2):
        sink = connector.sink(trial.options)
        try:
            found.append([_effect(sink, delivery) for each in SAMPLES for delivery in [each(world.agency)] * 2])
        finally:
            sink.close()
        looks.append(trial.effects() if trial.effects else None)
    must(found[0][::2] == found[0][1::2], "a second call gives another effect")
    must(found[0] == found[1], "after a restart, the same delivery gives another effect")
    must(looks[0] == looks[1], "after a restart, the same delivery has its effect again")


def _effect(sink: Any, delivery: Any) -> object:
    try:
        return sink.deliver(delivery)
    except Rejected as rejected:
        return ("rejected", rejected.reason)
    except Transient as error:
        raise Broken(f"the trial's system is not ready ({type(error).__name__})") from None


def every_kind_of_delivery_is_taken(connector: Connector[Any], trying: Trying, folder: Path) -> None:
    """Releases of every section, withdrawals, requests and feedback have an effect or are rejected; none is parked."""
    world, trial = World(connector), trying(folder)
    sent = deliveries(world.agency, PARTITIONS)
    world.send(sent)
    world.taken(trial)
    receipts = world.receipts()
    must(len(receipts) == len(sent), f"{len(receipts)} receipts for {len(sent)} deliveries")
    parked = sorted({receipt.reason or "" for receipt in receipts if receipt.state == "parked"})
    must(not parked, f"deliveries were parked: {', '.join(parked)}")


def ended_in_the_middle_each_delivery_is_receipted_once(
    connector: Connector[Any], trying: Trying, folder: Path
) -> None:
    """Ended at any point of a commit and started again, each delivery has one receipt, and one effect."""
    if connector.sink is None:
        raise Unexamined("it has no sink")
    fresh = folders(folder)
    undisturbed, trial = World(connector), trying(next(fresh))
    undisturbed.send(deliveries(undisturbed.agency, PARTITIONS))
    undisturbed.taken(trial)
    expected = trial.effects() if trial.effects else None
    for point in POINTS:
        world, trial = World(connector), trying(next(fresh))
        sent = deliveries(world.agency, PARTITIONS)
        world.send(sent)
        try:
            world.taken(trial, Crash(point, 1))
            raise Broken(f"no commit reached {point}")
        except Crashed:
            world.taken(trial)
        receipts = [receipt.delivery for receipt in world.receipts()]
        must(
            len(receipts) == len(set(receipts)) == len(sent),
            f"after an end at {point}, receipts are missing or doubled",
        )
        found = trial.effects() if trial.effects else None
        must(found == expected, f"after an end at {point}, the effects are not those of an undisturbed run")


def nothing_personal_is_told_by_the_sink(connector: Connector[Any], trying: Trying, folder: Path) -> None:
    """What deliveries say of persons is in no log, no receipt and no error."""
    world, trial = World(connector), trying(folder)
    world.send(deliveries(world.agency, PARTITIONS))
    with overhearing() as heard:
        world.taken(trial)
    heard.add(*(str(receipt) for receipt in world.receipts()))
    _quiet(heard, WORDS)


def what_a_sink_may_not_keep_is_deleted_and_receipted(connector: Connector[Any], trying: Trying, folder: Path) -> None:
    """When its date has come, what was delivered is gone though nothing more comes, and the hub is told of each copy."""
    if connector.sink is None:
        raise Unexamined("it has no sink")
    fresh = folders(folder)
    sink = connector.sink(trying(next(fresh)).options)
    sink.close()
    if not hasattr(sink, "housekeeping"):
        raise NotClaimed("its sink keeps nothing until a date")
    for point in POINTS:
        world, trial = World(connector), trying(next(fresh))
        world.send(deliveries(world.agency, PARTITIONS)[:RELEASES])
        world.taken(trial)
        world.kept_house(trial)
        must(not _deleted(world), "something was deleted before its date")
        world.passes(KEEP_DAYS * DAY_MS)
        try:
            world.kept_house(trial, Crash(point, 1))
            raise Broken("nothing was deleted, or nobody was told")
        except Crashed:
            world.kept_house(trial)
        told = _deleted(world)
        must(len({repr(each) for each in told}) == len({each.delivery for each in told}), "it was told in two ways")
        world.kept_house(trial)
        must(_deleted(world) == told, "a deletion is told again and again")
        left = repr(trial.effects()) if trial.effects else ""
        must(not any(word in left for word in WORDS), "something of what was delivered is still there")


def _deleted(world: World) -> list[Receipt]:
    return [receipt for receipt in world.receipts() if receipt.state == "deleted"]


Statement = Callable[[Connector[Any], Trying, Path], None]
STATEMENTS: Final[tuple[Statement, ...]] = (
    every_record_is_published_or_set_aside,
    bad_records_are_set_aside_and_the_others_go_on,
    every_alert_is_valid,
    stopped_in_the_middle_it_loses_and_repeats_nothing,
    a_repeat_of_everything_publishes_nothing,
    nothing_personal_is_told_by_the_source,
    it_stops_between_two_batches,
    what_lasts_is_told_anew_before_it_ends,
    a_delivery_has_its_effect_once,
    every_kind_of_delivery_is_taken,
    ended_in_the_middle_each_delivery_is_receipted_once,
    what_a_sink_may_not_keep_is_deleted_and_receipted,
    nothing_personal_is_told_by_the_sink,
)


@dataclass(frozen=True)
class Finding:
    """What became of one statement; `passed` is None where there was nothing to try it on."""

    test: str
    passed: bool | None
    reason: str = ""

    @property
    def word(self) -> str:
        return {True: "kept", False: "BROKEN", None: "-"}[self.passed]


def examine(connector: Connector[Any], trying: Trying, folder: Path) -> Iterator[Finding]:
    """Every statement tried on a connector, each in a folder of its own."""
    with stamina.set_testing(True, attempts=1):
        for statement in STATEMENTS:
            name = statement.__name__.replace("_", " ")
            own = folder / statement.__name__
            own.mkdir(parents=True)
            try:
                statement(connector, trying, own)
                yield Finding(name, True)
            except Unexamined as unexamined:
                yield Finding(name, None, str(unexamined))
            except Broken as broken:
                yield Finding(name, False, str(broken))
            except Exception as error:
                yield Finding(name, False, f"{trouble_of(error).words}: {sayable(error)}")
