"""Another system's list over HTTP by a mapping file, from a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import stamina
from starlette.responses import JSONResponse, Response

from connectors.generic import paged, trials
from connectors.sdk import Trial
from connectors.sdk.contract import Statement
from connectors.sdk.contract_world import World
from tests.connectors.generic.keeping import FOR_SOURCES, alerts, closing, keep, told
from tests.connectors.transports.servers import Seen, Stage, certificates, serving

SIZE = 5


@pytest.fixture(autouse=True)
def _no_pauses() -> Iterator[None]:
    with stamina.set_testing(True, attempts=1):
        yield


@pytest.fixture(scope="module", autouse=True)
def _authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A short list of authorities: reading the system's takes longer than most of these tests."""
    few = certificates(tmp_path_factory.mktemp("few")).authority
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SSL_CERT_FILE", str(few))
        yield


class List:
    """Rows in pages of five."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def __call__(self, seen: Seen) -> Response:
        page = int(parse_qs(urlsplit(seen.url).query)["page"][0])
        return JSONResponse({"items": self.rows[(page - 1) * SIZE : page * SIZE]})


def options(folder: Path, stage: Stage, **fields: Any) -> paged.PagedFeedOptions:
    (folder / "mapping.yaml").write_text(trials.MAPPING, encoding="utf-8")
    return paged.PagedFeedOptions.model_validate(
        {
            "mapping": folder / "mapping.yaml",
            "url": f"http://127.0.0.1:{stage.port}/list",
            "allow_plain": True,
            "allow_networks": ["127.0.0.0/8"],
            "items": "items",
            "key": "id",
            "pages": {"style": "page"},
            **fields,
        }
    )


@pytest.mark.parametrize("statement", FOR_SOURCES, ids=lambda each: each.__name__)
def test_it_keeps_the_contract(statement: Statement, tmp_path: Path) -> None:
    with serving(List(trials.rows())) as stage:

        def trying(folder: Path) -> Trial:
            return Trial(options(folder, stage), alerts=trials.GOOD, set_aside=3, planted=trials.PLANTED)

        keep(statement, paged.CONNECTOR, trying, tmp_path)


def test_an_item_that_changes_is_a_revision_and_one_that_is_gone_a_cancel(tmp_path: Path) -> None:
    first, second, third = trials.rows()[:3]
    there = List([first, second])
    with serving(there) as stage, closing(paged.CONNECTOR) as connector:
        world, trial = World(connector), Trial(options(tmp_path, stage, every_s=0, gone_after=1))
        publication = world.publication(trial)
        publication.run()
        there.rows = [{**first, "account": "changed", "office": "x"}, third]
        publication.run()
        publication.close()
    said = sorted((alert.core.kind, alert.core.revision) for alert in alerts(world))
    assert said == [("alert", 1), ("alert", 1), ("alert", 1), ("alert", 2), ("cancel", 2)]
    assert "changed" in {told(alert) for alert in alerts(world)}
    assert [(bad.field, bad.level) for bad in world.bad] == [("office", "warning")]


def test_a_list_whose_key_is_not_the_mapping_s_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the one key of the mapping"):
        paged.PagedSource(options(tmp_path, Stage(port=1), key="number"))
