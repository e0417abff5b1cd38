"""What the ministry's own system is sent, by a real server that takes it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.responses import Response

from connectors.foreign_affairs.connector import CONNECTOR, ForeignAffairsOptions, sink
from connectors.sdk import Delivery, Trial
from connectors.sdk.contract import Statement
from connectors.transports.signing import Verifier
from hub.model.obligation import Obligation
from tests.connectors.deliveries import narrative, record, suspect, victim
from tests.connectors.generic.keeping import FOR_SINKS, keep
from tests.connectors.transports.servers import Stage, certificates, serving

SECRET = "whsec_" + base64.b64encode(b"an invented secret " * 2).decode()
OBLIGATION = Obligation(
    acknowledge_hours=24,
    keep_days=180,
    keep_events=("case-closed",),
    onward="accepted-consulate",
    caveats=("C5", "C3"),
)


@pytest.fixture(scope="module", autouse=True)
def _authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A short list of authorities: reading the system's takes longer than most of these tests."""
    few = certificates(tmp_path_factory.mktemp("few")).authority
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SSL_CERT_FILE", str(few))
        yield


def options(folder: Path, stage: Stage, path: str = "/") -> ForeignAffairsOptions:
    hook = {"url": f"http://127.0.0.1:{stage.port}{path}", "secrets": [SECRET], "allow_plain": True}
    fields = {"webhook": {**hook, "allow_networks": ["127.0.0.0/8"]}, "folder": folder}
    return ForeignAffairsOptions.model_validate(fields)


@pytest.mark.parametrize("statement", FOR_SINKS, ids=lambda each: each.__name__)
def test_it_keeps_the_contract(statement: Statement, tmp_path: Path) -> None:
    verifier, numbers = Verifier([SecretStr(SECRET)]), count()
    with serving(lambda _seen: Response(status_code=204)) as stage:

        def trying(folder: Path) -> Trial:
            path = f"/{next(numbers)}"

            def effects() -> object:
                """As a receiver has them that knows a repeat by its signed id."""
                mine = [seen for seen in stage.seen if seen.url.endswith(path)]
                return {verifier.verify(seen.headers, seen.body): seen.body for seen in mine}

            return Trial(options(folder, stage, path), effects=effects)

        tried = keep(statement, CONNECTOR, trying, tmp_path)
    assert not tried or stage.seen


def sent(folder: Path, *deliveries: Delivery) -> list[dict[str, Any]]:
    with serving(lambda _seen: Response(status_code=202)) as stage:
        made = sink(options(folder, stage))
        for delivery in deliveries:
            made.deliver(delivery)
        made.close()
    for seen in stage.seen:
        Verifier([SecretStr(SECRET)]).verify(seen.headers, seen.body)
    return [json.loads(seen.body) for seen in stage.seen]


def test_a_release_says_its_view_by_category_and_its_terms_as_dates(tmp_path: Path) -> None:
    contents = (victim(), narrative(), narrative("another"), suspect())
    released = record("release", contents, recipient="foreign-affairs", obligation=OBLIGATION, withdrawn=("case",))
    (said,) = sent(tmp_path, Delivery(released, contents[:3]))
    assert (said["action"], said["kind"], said["originator"]) == ("replace", "release", "interpol")
    assert set(said["view"]) == {"victim.identity", "narrative"} and len(said["view"]["narrative"]) == 2
    assert said["withheld"] == len(released.view.core.digests) - 3 if released.view else None
    assert said["withdrawn"] == ["case"] and said["label"]["class"] == "wanted-person"
    terms = said["obligation"]
    assert terms["acknowledge_by"] == "2026-11-19T11:06:40.000Z" and terms["keep_until"] == "2027-05-17T11:06:40.000Z"
    assert terms["keep_events"] == ["case-closed"] and terms["onward"] == "accepted-consulate"
    assert terms["caveats"] == ["C3", "C5"]


def test_a_withdrawal_says_to_delete_and_carries_nothing(tmp_path: Path) -> None:
    (said,) = sent(tmp_path, Delivery(record("withdrawal", number=2, reason="cancelled")))
    assert (said["action"], said["reason"], said["view"], said["obligation"]) == ("delete", "cancelled", None, None)


def test_what_is_no_release_changes_nothing_that_is_held(tmp_path: Path) -> None:
    found = sent(tmp_path, *(Delivery(record(kind, number=3)) for kind in ("request", "feedback")))
    assert [said["action"] for said in found] == ["note", "note"]


def test_without_a_webhook_it_does_not_take_deliveries(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="webhook: say where"):
        sink(ForeignAffairsOptions(folder=tmp_path))
