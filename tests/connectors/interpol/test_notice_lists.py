"""Notices from lists over HTTP: new, changed and gone; and the connector under the kit's contract."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import stamina
from starlette.responses import JSONResponse, Response

from connectors.interpol import trial
from connectors.interpol.connector import CONNECTOR, NoticeOptions, NoticeSource
from connectors.interpol.notice_lists import LostPosition, NoticeListOptions, NoticeLists
from connectors.sdk import Trial
from connectors.sdk.contract import STATEMENTS, Statement
from connectors.sdk.contract_world import World
from connectors.sdk.publish import Counts
from hub.model.avro import decode_as, unframe
from hub.model.core import Alert
from tests.connectors.transports.servers import Seen, Stage, certificates, serving

SIZE = 4


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


class Interface:
    """INTERPOL's interface in small: a list for each colour, in pages."""

    def __init__(self) -> None:
        self.lists: dict[str, list[dict[str, Any]]] = {"red": [], "yellow": []}

    def __call__(self, seen: Seen) -> Response:
        address = urlsplit(seen.url)
        colour = address.path.rsplit("/", 1)[-1]
        page = int(parse_qs(address.query).get("page", ["1"])[0])
        items = self.lists[colour]
        links: dict[str, Any] = {}
        if page * SIZE < len(items):
            links["next"] = {"href": f"/notices/v1/{colour}?page={page + 1}"}
        shown = items[(page - 1) * SIZE : page * SIZE]
        return JSONResponse({"total": len(items), "_embedded": {"notices": shown}, "_links": links})


def options(stage: Stage, folder: Path, *colours: str, gone_after: int = 1) -> NoticeOptions:
    lists = [
        {
            "colour": colour,
            "url": f"http://127.0.0.1:{stage.port}/notices/v1/{colour}",
            "allow_networks": ["127.0.0.0/8"],
            "allow_plain": True,
            "every_s": 0,
            "attempts": 1,
            "gone_after": gone_after,
            "memory": folder / f"{colour}.json",
        }
        for colour in colours
    ]
    return NoticeOptions.model_validate({"lists": lists, "requests": folder / "requests"})


@pytest.fixture
def interface() -> Iterator[tuple[Interface, Stage]]:
    made = Interface()
    with serving(made) as stage:
        yield made, stage


class Bureau:
    """The connector on the simulated bus, started anew for each turn."""

    def __init__(self, made: NoticeOptions) -> None:
        self.world = World(CONNECTOR)
        self.trial = Trial(made)

    def turn(self) -> Counts:
        return self.world.published(self.trial)

    def alerts(self) -> list[Alert]:
        return [decode_as(Alert, unframe(record.value or b"")[1]) for _, record in self.world.records("alerts")]


def test_notices_of_two_lists_become_alerts_once_and_changes_their_next_revisions(
    interface: tuple[Interface, Stage], tmp_path: Path
) -> None:
    lists, stage = interface
    lists.lists["red"] = [trial.notice(number) for number in range(6)]
    lists.lists["yellow"] = [trial.notice(number, "yellow") for number in range(10, 13)]
    bureau = Bureau(options(stage, tmp_path, "red", "yellow"))
    assert bureau.turn().published == 9
    assert bureau.turn().published == 0
    lists.lists["red"][2]["nationalities"] = ["VE"]
    assert bureau.turn().published == 1
    (second,) = [alert for alert in bureau.alerts() if alert.core.revision == 2]
    assert second.core.label.class_ == "wanted-person" and second.routing.nationality == ()


def test_a_notice_that_is_gone_from_its_list_is_cancelled_and_the_others_stay(
    interface: tuple[Interface, Stage], tmp_path: Path
) -> None:
    lists, stage = interface
    lists.lists["red"] = [trial.notice(number) for number in range(6)]
    lists.lists["yellow"] = [trial.notice(10, "yellow")]
    bureau = Bureau(options(stage, tmp_path, "red", "yellow"))
    bureau.turn()
    del lists.lists["red"][1]
    lists.lists["yellow"].clear()
    bureau.turn()
    cancelled = [alert for alert in bureau.alerts() if alert.core.kind == "cancel"]
    assert len(cancelled) == 2
    bureau.turn()
    assert len(bureau.alerts()) == 7 + 2
    lists.lists["red"].append(trial.notice(1))
    bureau.turn()
    assert [alert.core.kind for alert in bureau.alerts() if alert.core.revision == 3] == ["alert"]


def test_a_notice_that_is_gone_takes_none_of_another_colour_along(
    interface: tuple[Interface, Stage], tmp_path: Path
) -> None:
    lists, stage = interface
    lists.lists["red"], lists.lists["yellow"] = [trial.notice(1)], [trial.notice(1, "yellow")]
    bureau = Bureau(options(stage, tmp_path, "red", "yellow"))
    bureau.turn()
    lists.lists["red"].clear()
    bureau.turn()
    assert [a.core.label.class_ for a in bureau.alerts() if a.core.kind == "cancel"] == ["wanted-person"]


def test_a_notice_of_the_list_that_cannot_be_said_is_told_and_the_others_go_on(
    interface: tuple[Interface, Stage], tmp_path: Path
) -> None:
    lists, stage = interface
    lists.lists["red"] = [trial.notice(1), {**trial.notice(2), "height": "tall"}, trial.notice(3, "silver")]
    bureau = Bureau(options(stage, tmp_path, "red"))
    assert bureau.turn().published == 1
    assert [bad.field for bad in bureau.world.bad if bad.level == "bad"] == ["height", "kind"]


def test_a_position_that_is_none_is_refused_and_a_list_that_was_added_is_read(
    interface: tuple[Interface, Stage], tmp_path: Path
) -> None:
    lists, stage = interface
    lists.lists["yellow"] = [trial.notice(10, "yellow")]
    source = NoticeSource(options(stage, tmp_path, "red", "yellow"))
    for bad in ("{}", "nonsense", "[1]"):
        with pytest.raises(LostPosition):
            list(source.read(bad))
    assert len(list(source.read(json.dumps(["abc/1"])))) == 2
    source.close()


def test_two_lists_need_two_memories(tmp_path: Path) -> None:
    given = {"colour": "red", "url": "https://notices.example/red", "memory": tmp_path / "one.json"}
    with pytest.raises(ValueError, match="memory"):
        NoticeLists([NoticeListOptions.model_validate(given)] * 2)


@pytest.mark.parametrize("statement", STATEMENTS[:8], ids=lambda statement: statement.__name__)
def test_the_connector_keeps_the_contract_by_lists(
    statement: Statement, tmp_path: Path, interface: tuple[Interface, Stage]
) -> None:
    lists, stage = interface
    lists.lists["red"] = [each for each in trial.listed() if "entity_id" in each]
    trying: Callable[[Path], Trial] = lambda folder: Trial(  # noqa: E731  one letter more would be no clearer
        options(stage, folder, "red"), alerts=trial.NOTICES, set_aside=1, planted=trial.PLANTED
    )
    statement(CONNECTOR, trying, tmp_path)
