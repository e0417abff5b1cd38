"""Files of cases: by what each is known for ever, what a later file changes, and what damage does not do."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from connectors.iom.connector import CONNECTOR, CaseOptions, CaseSource
from connectors.sdk import Alert, BadRecord, Listed
from connectors.sdk.convert import converted
from hub.bus.memory import MemoryPublisher
from hub.model.core import Alert as ComposedAlert
from tests.connectors.iom.cases import ADULT, AGREED, CONSENTS, POSSIBLE, alert, codes_of, put, source, told

TEMPLATE = Path(__file__).parents[1] / "formats" / "samples" / "htcds_template_2.0.xlsx"
DEMO = Path(__file__).parents[3] / "profiles" / "panama" / "demo" / "iom"
NOW_MS = 1_795_000_000_000


def convert(*paths: Path, **options: Any) -> tuple[list[ComposedAlert], list[BadRecord]]:
    reader = CaseSource(CaseOptions(files=paths, **{**AGREED, **options}))
    found = list(converted(reader, agency="iom", now_ms=NOW_MS, key=b"k" * 32))
    return [each for each, _ in found if each], [bad for _, bad in found if bad]


# Keys


def test_a_case_is_known_by_the_senders_number_whatever_else_changes(tmp_path: Path) -> None:
    first = alert(tmp_path, {**ADULT, "Case No": "A-7"})
    later = alert(tmp_path, {**ADULT, "Case No": " A-7", "prs_FirstName": "Otra", "prs_Birthdate": "1996-01-01"})
    other = alert(tmp_path, {**ADULT, "Case No": "A-8"})
    assert first.key == later.key != other.key


def test_one_column_may_be_named_without_a_list(tmp_path: Path) -> None:
    one, listed = (CaseOptions.model_validate({"case_number": given}) for given in ("Case No", ["Case No"]))
    assert one == listed


def test_a_number_that_excel_keeps_as_one_is_the_same_case(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page: Any = book.active
    page.append(["Case No", "prs_FirstName", "prs_SecondName", "prs_Birthdate"])
    page.append([7, "Ana", "Prueba", "1995-02-05"])
    book.save(tmp_path / "cases.xlsx")
    (read,) = [each for each in source(tmp_path / "cases.xlsx").read(None) if getattr(each, "native", None)]
    assert read.native.key == alert(tmp_path, {**ADULT, "Case No": "7"}).key  # type: ignore[union-attr]


def test_a_case_of_several_persons_needs_their_number_too(tmp_path: Path) -> None:
    rows = [{**ADULT, "Case No": "A-7", "Person": "1"}, {**ADULT, "Case No": "A-7", "Person": "2"}]
    twice = told(tmp_path, *rows, ignored=("Person",))
    assert codes_of(twice)[-1] == "case-twice" and len([each for each in twice if isinstance(each, Alert)]) == 1
    both = told(tmp_path, *rows, case_number=("Case No", "Person"))
    assert len({each.key for each in both if isinstance(each, Alert)}) == 2


def test_a_row_without_the_named_number_is_set_aside(tmp_path: Path) -> None:
    items = told(tmp_path, {**ADULT, "Case No": None}, ADULT)
    assert codes_of(items)[0] == "case-without-key" and len([each for each in items if isinstance(each, Alert)]) == 1


def test_without_a_named_column_a_case_is_known_by_name_and_whole_birth_date_and_it_is_said_once(
    tmp_path: Path,
) -> None:
    options: dict[str, Any] = {"case_number": (), "ignored": ("Case No",)}
    items = told(
        tmp_path,
        ADULT,
        {**ADULT, "prs_FirstName": "Rosa"},
        {**ADULT, "prs_FirstName": "Luz", "prs_Birthdate": "1990"},
        {**ADULT, "prs_FirstName": None, "prs_SecondName": None},
        {**ADULT, "prs_FirstName": "  ANA "},
        **options,
    )
    alerts = [each for each in items if isinstance(each, Alert)]
    codes = [each for each in codes_of(items) if each in ("no-case-number", "case-without-key", "case-twice")]
    assert len({each.key for each in alerts}) == len(alerts) == 2
    assert codes == ["no-case-number", "case-without-key", "case-without-key", "case-twice"]


def test_the_senders_other_columns_are_told_unless_named(tmp_path: Path) -> None:
    row = {**ADULT, **POSSIBLE, **CONSENTS, "Their remark": "x", "Their other": "y"}
    assert codes_of(told(tmp_path, row)).count("unknown-column") == 2
    assert codes_of(told(tmp_path, row, ignored=("their REMARK",))).count("unknown-column") == 1
    assert "unknown-column" not in codes_of(told(tmp_path, row, ignored=("Their remark", "Their other")))


# Updates and withdrawals


def test_the_digest_of_the_row_goes_along_and_changes_with_it(tmp_path: Path) -> None:
    def digest(row: dict[str, Any]) -> bytes:
        (read,) = [each for each in source(put(tmp_path / "c.csv", row)).read(None) if getattr(each, "native", None)]
        return read.original.data  # type: ignore[union-attr]

    assert digest({**ADULT, "Remark": "x"}) != digest({**ADULT, "Remark": "y"})
    assert digest(ADULT) == digest(ADULT)


def test_a_listing_names_all_its_keys_even_those_of_rows_that_are_set_aside(tmp_path: Path) -> None:
    path = put(tmp_path / "c.csv", ADULT, {**ADULT, "vic_TraffickingStatus": "Unsinnswort"})
    (listed,) = [each for each in source(path, listing=True).read(None) if isinstance(each, Listed)]
    assert len(listed.keys) == 2


def test_a_listing_with_a_row_that_has_no_key_withdraws_nothing(tmp_path: Path) -> None:
    items = list(source(put(tmp_path / "c.csv", ADULT, {**ADULT, "Case No": None}), listing=True).read(None))
    assert not any(isinstance(each, Listed) for each in items)
    assert "listing-not-whole" in [each.code for each in items if isinstance(each, BadRecord)]


def test_a_correction_that_takes_consent_back_is_a_revision_without_the_name_and_a_no_is_a_cancel(
    tmp_path: Path,
) -> None:
    from connectors.sdk.contract_world import World
    from connectors.sdk.publish import Publication

    world = World(CONNECTOR)
    folder = tmp_path / "in"
    folder.mkdir()
    options = CaseOptions(folder=folder, quiet_s=0, **AGREED)

    def publish() -> None:
        publication = Publication(
            CaseSource(options),
            world.identity,
            lambda: MemoryPublisher(world.log, name="publish"),
            lambda: NOW_MS,
            world.bad.append,
        )
        publication.run()
        publication.close()

    row = {**ADULT, **POSSIBLE, **CONSENTS}
    put(folder / "1.csv", row)
    old_s = time.time() - 10_000
    for name, changed in (("1.csv", row), ("2.csv", {**row, "con_Consent": "no"})):
        _aged(put(folder / name, changed), old_s)
        publish()
    _aged(put(folder / "3.csv", {**row, "vic_TraffickingStatus": "NotAVictimOfTrafficking"}), old_s)
    publish()
    from hub.model.avro import decode_as, unframe

    found = [decode_as(ComposedAlert, unframe(record.value or b"")[1]) for _, record in world.records("alerts")]
    found.sort(key=lambda each: each.core.revision)
    assert [(each.core.revision, each.core.kind) for each in found] == [(1, "alert"), (2, "alert"), (3, "cancel")]
    assert len({each.core.id for each in found}) == 1
    named = [{section.category for section in each.sections} for each in found]
    assert "victim.identity" in named[0] and "victim.identity" not in named[1]


def _aged(path: Path, time_s: float) -> None:
    import os

    os.utime(path, (time_s, time_s))


# Files as they come


def test_the_demos_files_are_read_with_the_options_of_their_sender() -> None:
    alerts, told_of = convert(*sorted(DEMO.iterdir()), case_number=("Expediente",))
    assert [each.core.label.class_ for each in alerts] == [
        *("victim-identified", "recruitment-offer", "suspected-transit", "recruitment-offer", "victim-identified")
    ]
    assert [each.field for each in told_of if each.level == "bad"] == ["vic_TraffickingStatus"]


def test_the_empty_template_is_no_case_and_no_error() -> None:
    assert convert(TEMPLATE) == ([], [])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 5_000,
        b"PK\x03\x04 not a workbook",
        b'prs_FirstName,prs_SecondName,prs_Birthdate\r\n"Ana,Prueba,1995-02-05\r\n',
        b"prs_FirstName;prs_SecondName;prs_Birthdate\n\xff\xfeAna;Prueba\n",
        "Nombre,Apellido\nAna,Prueba\n".encode("utf-16"),
        b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        TEMPLATE.read_bytes()[:9_000],
    ],
)
def test_damage_is_an_error_and_never_an_end(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(data)
    alerts, told_of = convert(path)
    assert alerts == [] and any(each.level == "bad" for each in told_of)
    assert "Prueba" not in str([each.report() for each in told_of])


def test_files_alone_are_options_enough_and_a_watch_list_is_refused(tmp_path: Path) -> None:
    assert CONNECTOR.files is not None
    options = CONNECTOR.files([tmp_path / "a.csv"], None)
    assert options.files == (tmp_path / "a.csv",) and options.case_number == ()
    with pytest.raises(ValueError, match="watch list"):
        CONNECTOR.files([], tmp_path / "w.csv")
