"""Any agency's child-abduction alerts (CAP) by a mapping file. All persons are invented."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.generic import cap
from connectors.sdk import Trial
from connectors.sdk.contract import Statement
from connectors.sdk.contract_world import World
from tests.connectors.formats.test_cap import SAMPLES
from tests.connectors.generic.keeping import FOR_SOURCES, alerts, keep, told

SENDER, DAY = "desk@police.example", "2026-05-04T12:0{}:00-05:00"


@pytest.mark.parametrize("statement", FOR_SOURCES, ids=lambda each: each.__name__)
def test_it_keeps_the_contract(statement: Statement, tmp_path: Path) -> None:
    assert cap.CONNECTOR.trial is not None
    keep(statement, cap.CONNECTOR, cap.CONNECTOR.trial, tmp_path)


class Feed:
    """A folder into which messages are put, one file each, and the connector as often as it is started."""

    def __init__(self, folder: Path, memory: bool = True) -> None:
        self._in = folder / "in"
        self._in.mkdir()
        (folder / "mapping.yaml").write_text(cap._MAPPING, encoding="utf-8")
        fields = {"mapping": folder / "mapping.yaml", "folder": self._in, "quiet_s": 0}
        self.options = cap.CapOptions.model_validate({**fields, "memory": folder / "threads" if memory else None})
        self.world = World(cap.CONNECTOR)

    def put(self, number: int, kind: str = "Alert", cites: tuple[int, ...] = (), words: str = "words") -> None:
        cited = " ".join(f"{SENDER},T-{each},{DAY.format(each)}" for each in cites)
        info = (
            "<info><category>Rescue</category><event>Child abduction</event><urgency>Immediate</urgency>"
            f"<severity>Severe</severity><certainty>Likely</certainty><description>{words}</description></info>"
        )
        text = (
            f'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>T-{number}</identifier>'
            f"<sender>{SENDER}</sender><sent>{DAY.format(number)}</sent><status>Actual</status>"
            f"<msgType>{kind}</msgType><scope>Public</scope>"
            + (f"<references>{cited}</references>" if cited else "")
            + ("" if kind == "Cancel" else info)
            + "</alert>"
        )
        (self._in / f"{number}.xml").write_text(text, encoding="utf-8")

    def run(self) -> None:
        for _ in range(2):  # a file is complete when two looks find it the same
            self.world.published(Trial(self.options))

    def said(self) -> list[tuple[str, int, str]]:
        return [(alert.core.kind, alert.core.revision, told(alert)) for alert in alerts(self.world)]


def test_an_update_is_a_revision_and_a_cancel_ends_the_alert_though_each_cites_only_the_last(tmp_path: Path) -> None:
    feed = Feed(tmp_path)
    feed.put(1, words="first")
    feed.run()  # each time started anew
    feed.put(2, "Update", (1,), words="second")
    feed.run()
    feed.put(3, "Update", (2,), words="third")
    feed.run()
    feed.put(4, "Cancel", (3,))
    feed.run()
    assert feed.said() == [("alert", 1, "first"), ("alert", 2, "second"), ("alert", 3, "third"), ("cancel", 4, "")]
    assert len({alert.core.id for alert in alerts(feed.world)}) == 1
    assert b"T-1" not in (tmp_path / "threads").read_bytes()


def test_without_a_memory_updates_that_cite_all_messages_still_belong_together(tmp_path: Path) -> None:
    feed = Feed(tmp_path, memory=False)
    feed.put(1)
    feed.run()
    feed.put(2, "Update", (1,), words="more")
    feed.run()
    feed.put(3, "Cancel", (2, 1))
    feed.run()
    assert [kind for kind, _, _ in feed.said()] == ["alert", "alert", "cancel"]


def test_a_memory_that_a_crash_cut_short_is_read_and_another_file_is_refused(tmp_path: Path) -> None:
    feed = Feed(tmp_path)
    feed.put(1)
    feed.put(2, "Update", (1,))
    feed.run()
    memory = tmp_path / "threads"
    memory.write_bytes(memory.read_bytes()[:-5])
    feed.put(3, "Cancel", (1,))
    feed.run()
    assert [kind for kind, _, _ in feed.said()][-1] == "cancel"
    memory.write_text("something else that is long enough to be no line of a memory, whatever is done to it\n")
    with pytest.raises(cap.BadMemory):
        cap.CapSource(feed.options)


def test_a_feed_is_read_entry_by_entry_and_a_message_in_two_languages_is_one_alert(tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text(cap._MAPPING, encoding="utf-8")
    files = tuple(SAMPLES / name for name in ("feed.xml", "two_languages_1.2.xml", "plain_1.0.xml", "prefixed_1.1.xml"))
    world = World(cap.CONNECTOR)
    world.published(Trial(cap.CapOptions.model_validate({"mapping": tmp_path / "mapping.yaml", "files": files})))
    found = alerts(world)
    kinds = sorted((alert.core.kind, alert.core.label.exercise) for alert in found)
    # The feed's first alert and its cancel, its test, and the three samples.
    assert kinds == sorted([("alert", "none")] * 3 + [("cancel", "none"), ("alert", "test"), ("alert", "exercise")])
    two = [alert for alert in found if sum(each.category == "narrative" for each in alert.sections) == 2]
    assert len(two) == 1
    assert {bad.file for bad in world.bad if bad.level == "bad"} == {"feed.xml"}
