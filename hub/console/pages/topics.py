"""Topics as they are and as they are declared, and their records: headers, core, routing block; of sections the size only."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, select
from starlette.responses import Response

from hub.bus.topics import TopicSpec, declared
from hub.readmodel import queries
from hub.readmodel.tables import Alert

from ..ask import Ask, NoSuchThing
from ..audit import hidden
from ..browse import browsed, lists_of, withheld
from ..cluster import TopicSeen

RECORDS: Final = 20  # on a page
LAST_OFFSET: Final = 2**62


def topics(ask: Ask) -> Response:
    """Those with lag first."""
    found = sorted(ask.house.cluster.topics(), key=lambda each: (-(each.lag or 0), each.name))
    with ask.reading() as db:
        lags, alarms = queries.lags(db, ask.now_ms), queries.alarms(db)
    return ask.page(
        "topics.html",
        topics=found,
        judged={(each.topic, each.group): each for each in lags},
        findings=ask.house.cluster.findings(),
        alarms=alarms,
        wrong=[each for each in lags if each.state not in ("ok", "unknown")],
    )


def topic(ask: Ask) -> Response:
    name = str(ask.request.path_params["topic"])
    seen = _seen(ask, name)
    settings = ask.house.cluster.settings(name)
    spec = _declared(ask).get(name)
    with ask.reading() as db:
        lags = [each for each in queries.lags(db, ask.now_ms) if each.topic == name]
    return ask.page(
        "topic.html",
        topic=seen,
        spec=spec,
        parties=", ".join(ask.say(f"party.{each}") for each in spec.readers) if spec else "",
        settings=settings,
        lags=lags,
        findings=[each for each in ask.house.cluster.findings() if each.topic == name],
        retention_ms=_number(settings.get("retention.ms")),
        compacted="compact" in settings.get("cleanup.policy", ""),
    )


def records(ask: Ask) -> Response:
    """A page of records, from an offset on; the newest if none is named. The look is logged, with the alerts it showed."""
    name = str(ask.request.path_params["topic"])
    seen = _seen(ask, name)
    number = ask.whole("partition", 10_000) or 0
    partition = next((each for each in seen.partitions if each.number == number), None)
    if partition is None:
        raise NoSuchThing
    asked = ask.whole("offset", LAST_OFFSET)
    offset = max(partition.first, partition.end - RECORDS) if asked is None else asked
    found = ask.house.cluster.records(name, number, offset, RECORDS)
    lists = lists_of(ask.house.cluster.bundle() or ask.house.profile)
    shown = [browsed(name, each, ask.house.cluster.ids, ask.who, lists) for each in found]
    with ask.writing() as db:
        unseen = hidden(db, ask.scope, [each.alert for each in shown if each.alert])  # restricted by another revision
        shown = [withheld(each) if each.alert in unseen else each for each in shown]
        ask.note(db, "records.browsed", name, f"{number}/{offset}+{len(shown)}")
        seen_ids = list(dict.fromkeys(each.alert for each in shown if each.alert))
        for alert in seen_ids:
            ask.note(db, "alert.seen", alert, name)
        recorded = _recorded(db, seen_ids)
    return ask.page(
        "records.html",
        topic=seen,
        partition=partition,
        offset=offset,
        records=shown,
        recorded=recorded,
        step=RECORDS,
    )


def _recorded(db: Connection, alerts: Sequence[str]) -> frozenset[str]:
    """Those that have a page of their own: an alert that waits in quarantine has none."""
    ids = {uuid.UUID(each).bytes: each for each in alerts}
    return frozenset(ids[each] for each in db.scalars(select(Alert.id).where(Alert.id.in_(ids))))


def _seen(ask: Ask, name: str) -> TopicSeen:
    for each in ask.house.cluster.topics():
        if each.name == name:
            return each
    raise NoSuchThing


def _declared(ask: Ask) -> dict[str, TopicSpec]:
    bundle = ask.house.cluster.bundle() or ask.house.profile
    agencies = [agency.id for agency in bundle.agencies] if bundle else []
    return {each.name: each for each in declared(agencies, ask.house.cluster.partitions)}


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.lstrip("-").isdigit() else None
