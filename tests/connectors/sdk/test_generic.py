"""The connectors that need configuration alone: tables and JSON lines by a mapping file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from connectors.generic import json_lines, table, trials
from connectors.sdk import BadRecord, Connector
from connectors.sdk.contract_world import World
from connectors.sdk.kinds import Trial
from hub.model.avro import decode_as, decode_payload, unframe
from hub.model.core import Alert
from hub.model.sections import Evidence

HEADER = ["id", "name", "born", "sex", "nationality", "passport", "account"]
ROW = ["1", "Ana Inventada", "05/02/1995", "F", "CO", "ZZ1", "an account"]


class Feed:
    """A folder of files and the connector over it, as often as it is started."""

    def __init__(self, folder: Path, connector: Connector[Any] = table.CONNECTOR, **options: Any) -> None:
        self.folder = folder
        (folder / "in").mkdir()
        (folder / "mapping.yaml").write_text(trials.MAPPING, encoding="utf-8")
        self.options = connector.options.model_validate(
            {"mapping": folder / "mapping.yaml", "folder": folder / "in", "quiet_s": 0, **options}
        )
        self.world = World(connector)

    def csv(self, name: str, rows: Sequence[Sequence[Any]], header: Sequence[str] = HEADER) -> None:
        lines = [",".join(map(str, row)) for row in [header, *rows]]
        (self.folder / "in" / name).write_text("\n".join(lines), encoding="utf-8")

    def run(self) -> None:
        for _ in range(2):  # a file is complete when two looks find it the same
            self.world.published(Trial(self.options))

    def alerts(self) -> list[Alert]:
        return [decode_as(Alert, unframe(record.value or b"")[1]) for _, record in self.world.records("alerts")]

    @property
    def bad(self) -> list[BadRecord]:
        return self.world.bad


def row(number: int, **values: str) -> list[str]:
    return [{**dict(zip(HEADER, ROW, strict=True)), "id": str(number), **values}[name] for name in HEADER]


def test_a_row_is_an_alert_with_the_digest_of_its_cells(tmp_path: Path) -> None:
    feed = Feed(tmp_path)
    feed.csv("a.csv", [row(1)])
    feed.run()
    (alert,) = feed.alerts()
    (section,) = [each for each in alert.sections if each.category == "evidence"]
    evidence = decode_payload("evidence", section.version, section.payload)
    assert isinstance(evidence, Evidence)
    cells = json.dumps(dict(sorted(zip(HEADER, ROW, strict=True))), separators=(",", ":")).encode()
    assert evidence.exhibits[0].digest == hashlib.sha256(cells).digest()
    assert not list((tmp_path / "in").glob("*.csv")) and (tmp_path / "in" / "done" / "a.csv").exists()


def test_a_workbook_says_what_the_csv_says(tmp_path: Path) -> None:
    import datetime as dt

    feed = Feed(tmp_path)
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(HEADER)
    book.active.append([7, *ROW[1:2], dt.date(1995, 2, 5), *ROW[3:]])
    book.save(tmp_path / "in" / "a.xlsx")
    feed.run()
    assert feed.bad == [] and feed.alerts()[0].routing.minor == "no"


def test_a_column_that_is_missing_refuses_the_file_and_one_too_many_is_told(tmp_path: Path) -> None:
    feed = Feed(tmp_path)
    feed.csv("a.csv", [row(1)[:-1]], HEADER[:-1])
    feed.csv("b.csv", [[*row(2), "x"]], [*HEADER, "office"])
    feed.run()
    assert len(feed.alerts()) == 1
    assert {(bad.file, bad.level, bad.field) for bad in feed.bad} == {
        ("a.csv", "bad", "account"),
        ("b.csv", "warning", "office"),
    }


def test_a_table_without_a_header_repeats_no_cell(tmp_path: Path) -> None:
    feed = Feed(tmp_path)
    feed.csv("a.csv", [row(2)], [*ROW])
    feed.run()
    told = json.dumps([bad.report() for bad in feed.bad])
    assert feed.alerts() == [] and "ZZ1" not in told and "1995" not in told


@pytest.mark.parametrize("data", [b"", b"\x00\x01\x02", b"PK\x03\x04broken", b"<html>", b"\xff\xfe", b"a\n" * 9])
@pytest.mark.parametrize("connector", [table.CONNECTOR, json_lines.CONNECTOR], ids=lambda each: each.name)
def test_a_file_that_is_none_is_one_error_or_more_and_never_an_exception(
    connector: Connector[Any], data: bytes, tmp_path: Path
) -> None:
    feed = Feed(tmp_path, connector)
    (tmp_path / "in" / "a.csv").write_bytes(data)
    feed.run()
    assert feed.alerts() == []
    assert data == b"" or any(bad.level == "bad" for bad in feed.bad)


def test_a_record_that_is_missing_in_a_later_listing_is_cancelled(tmp_path: Path) -> None:
    feed = Feed(tmp_path, listing=True)
    feed.csv("1.csv", [row(1), row(2), row(3)])
    feed.run()
    feed.csv("2.csv", [row(1), row(3, account="another")])
    feed.run()
    said = [(alert.core.kind, alert.core.revision) for alert in feed.alerts()]
    assert sorted(said) == [("alert", 1), ("alert", 1), ("alert", 1), ("alert", 2), ("cancel", 2)]


def test_a_listing_with_a_record_that_nobody_can_name_withdraws_nothing(tmp_path: Path) -> None:
    feed = Feed(tmp_path, listing=True)
    feed.csv("1.csv", [row(1), row(2)])
    feed.run()
    feed.csv("2.csv", [row(1), ["", *ROW[1:]]])
    feed.run()
    assert {alert.core.kind for alert in feed.alerts()} == {"alert"}
    assert "listing-not-whole" in {bad.code for bad in feed.bad}


def test_a_record_of_a_listing_that_is_bad_but_has_its_key_is_not_withdrawn(tmp_path: Path) -> None:
    feed = Feed(tmp_path, listing=True)
    feed.csv("1.csv", [row(1), row(2)])
    feed.run()
    feed.csv("2.csv", [row(1), row(2, born="soon")])
    feed.run()
    assert {alert.core.kind for alert in feed.alerts()} == {"alert"} and len(feed.alerts()) == 2


def test_each_bad_line_of_json_is_one_error_and_the_others_go_on(tmp_path: Path) -> None:
    feed = Feed(tmp_path, json_lines.CONNECTOR)
    good = json.dumps(dict(zip(HEADER, ROW, strict=True)))
    lines = [good, good[:-3], "[1]", '{"id": 1, "id": 2}', "", good.replace('"1"', '"2"'), '{"id": NaN}']
    lines.append('{"id": "' + "x" * 1_100_000 + '"}')
    lines.append(good.replace('"1"', '"3"'))
    (tmp_path / "in" / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    feed.run()
    assert len(feed.alerts()) == 3
    assert sorted(bad.line or 0 for bad in feed.bad if bad.level == "bad") == [2, 3, 4, 7, 8]


def test_a_field_that_nobody_mapped_is_told_once(tmp_path: Path) -> None:
    feed = Feed(tmp_path, json_lines.CONNECTOR)
    record = {**dict(zip(HEADER, ROW, strict=True)), "office": {"desk": 1}}
    lines = [json.dumps({**record, "id": number}) for number in range(3)]
    (tmp_path / "in" / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    feed.run()
    assert [(bad.field, bad.level) for bad in feed.bad] == [("office.desk", "warning")]
