"""Whether one alert lies in a region, read plainly; and a witness decided by the naive reading."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hub.guidelines.bundle import Bundle
from hub.guidelines.cases import Case, alert_of
from hub.guidelines.outcome import Decision
from hub.guidelines.space import AXES, Numbers, Region, Space
from hub.model.core import Core, Routing
from tests.reference import naive


def lies_in(space: Space, region: Region, routing: Routing, core: Core, now_ms: int) -> bool:
    alert = naive.attributes(routing)
    alert["originator"] = core.originator
    alert["day"] = datetime.fromtimestamp(now_ms / 1000, UTC).date().toordinal()
    alert["derived_from"] = ("alert",) if alert["derived_from"] else ()
    return all(_has(space, name, values, alert[name]) for name, values in zip(AXES, region.values, strict=True))


def _has(space: Space, name: str, values: Any, found: Any) -> bool:
    if isinstance(values, Numbers):
        return bool(values.least <= found <= values.most)
    codes = naive.values(found)
    allowed, hits = set(space.names(name, values.allowed)), [set(space.names(name, hit)) for hit in values.hits]
    return codes <= allowed and all(codes & hit for hit in hits)


def decided_naively(bundle: Bundle, case: dict[str, Any]) -> Decision:
    """What the naive reading makes of a witness, an entry of `cases/*.yaml`."""
    entry = Case.model_validate(case)
    routing, core, categories, now_ms = alert_of(entry)
    grants = {agency: frozenset(each) for agency, each in entry.grants.items()}
    return naive.decide(routing, core, categories, bundle, now_ms, grants)


def matching_naively(bundle: Bundle, case: dict[str, Any], agency: str) -> set[str]:
    """The guidelines that match for the agency."""
    routing, core, _, now_ms = alert_of(Case.model_validate(case))
    party, alert = bundle.agency(agency), naive.attributes(routing)
    assert party is not None
    return {each.id for each in bundle.guidelines if naive.matches(each, party, alert, core, bundle, now_ms)}
