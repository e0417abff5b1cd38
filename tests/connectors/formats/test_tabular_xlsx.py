"""Workbooks: values, dates, formulas, sheets, and packages that are damaged or made to do harm; and writing them.

Files are made by openpyxl, which is also the oracle for what they hold, or part by part. All persons are invented.
"""

import zipfile
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.datetime import MAC_EPOCH

from connectors.formats.records import BadRecord, Note
from connectors.formats.tabular import Limits, Options, Row, Table, TableRefused, Value, read
from connectors.formats.tabular_write import Unwritable, write_csv, write_xlsx

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATIONS = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def package(sheet: str, *, strings: str = "", styles: str = "", **others: Any) -> bytes:
    """A workbook of one sheet whose rows are `sheet`, part by part."""
    parts: dict[str, str | bytes] = {
        "_rels/.rels": f'<Relationships {RELATIONS}><Relationship Id="r" Type="{KIND}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{KIND}"><sheets>'
        '<sheet name="S" sheetId="1" r:id="a"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships {RELATIONS}><Relationship Id="a" Type="{KIND}/worksheet" '
        f'Target="worksheets/s.xml"/><Relationship Id="b" Type="{KIND}/sharedStrings" Target="strings.xml"/>'
        f'<Relationship Id="c" Type="{KIND}/styles" Target="/xl/styles.xml"/></Relationships>',
        "xl/worksheets/s.xml": sheet
        if sheet.startswith("<?")
        else f"<worksheet {MAIN}><sheetData>{sheet}</sheetData></worksheet>",
        "xl/strings.xml": f"<sst {MAIN}>{strings}</sst>",
        "xl/styles.xml": f"<styleSheet {MAIN}>{styles}</styleSheet>",
    }
    parts |= {name.replace("__", "/"): data for name, data in others.items()}
    return zipped(parts)


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def cell(place: str, value: str, kind: str = "str") -> str:
    return f'<c r="{place}" t="{kind}"><v>{value}</v></c>'


HEADER = f'<row r="1">{cell("A1", "a")}{cell("B1", "b")}</row>'


def items(data: bytes, **options: Any) -> list[Row | BadRecord]:
    return list(read(BytesIO(data), Options(**options)))


def values(data: bytes, **options: Any) -> list[dict[str, Any]]:
    return [dict(item.values) for item in items(data, **options) if isinstance(item, Row)]


def codes(data: bytes, **options: Any) -> list[tuple[str, int, str]]:
    return [(item.code, item.line, item.field) for item in items(data, **options) if isinstance(item, BadRecord)]


def page(book: openpyxl.Workbook) -> Any:
    return book.active


def saved(book: openpyxl.Workbook) -> bytes:
    out = BytesIO()
    book.save(out)
    return out.getvalue()


# Values


def test_a_workbook_is_read_as_its_maker_wrote_it() -> None:
    book = openpyxl.Workbook()
    page(book).append(["texto", "número", "día", "hora", "sí"])
    page(book).append(["Muñoz", 1.5, date(1990, 2, 28), datetime.fromisoformat("2024-01-02T03:04:05"), True])
    page(book).append([" x ", 3.0, date(1900, 1, 1), time(3, 4), False])
    page(book).append([None, -7, date(2024, 12, 31), timedelta(hours=30), None])
    assert [list(row.values()) for row in values(saved(book))] == [
        ["Muñoz", 1.5, date(1990, 2, 28), datetime.fromisoformat("2024-01-02T03:04:05"), True],
        ["x", 3, date(1900, 1, 1), "03:04:00", False],
        [None, -7, date(2024, 12, 31), "30:00:00", None],
    ]


def test_days_count_from_1904_where_the_workbook_says_so() -> None:
    book = openpyxl.Workbook()
    book.epoch = MAC_EPOCH
    page(book).append(["a", "b"])
    page(book).append([date(2024, 1, 2), 5])
    assert values(saved(book)) == [{"a": date(2024, 1, 2), "b": 5}]
    assert Table(BytesIO(saved(book))).base == 1904


def test_dates_are_known_by_their_style_built_in_or_named() -> None:
    styles = (
        '<numFmts><numFmt numFmtId="170" formatCode="dd&quot; de &quot;mmm"/></numFmts>'
        '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/><xf numFmtId="4"/></cellXfs>'
    )
    row = "".join(
        f'<c r="{place}2" s="{style}"><v>45293</v></c>' for place, style in zip("ABCDE", "01239", strict=True)
    )
    header = f'<row r="1">{"".join(cell(f"{each}1", each) for each in "ABCDE")}</row>'
    day = date(2024, 1, 2)
    assert values(package(f'{header}<row r="2">{row}</row>', styles=styles)) == [
        {"A": 45293, "B": day, "C": day, "D": 45293, "E": 45293}
    ]


def test_a_formula_gives_its_saved_value_and_one_without_is_an_error_of_its_row() -> None:
    data = package(
        f'{HEADER}<row r="2"><c r="A2"><f>1+1</f><v>2</v></c>{cell("B2", "x")}</row>'
        f'<row r="3"><c r="A3"><f>1+1</f></c>{cell("B3", "x")}</row><row r="4">{cell("A4", "y")}</row>'
    )
    assert values(data) == [{"a": 2, "b": "x"}, {"a": "y", "b": None}]
    assert codes(data) == [("xlsx-formula-without-value", 3, "column A")]


def test_error_cells_impossible_dates_and_damaged_cells_cost_their_row_only() -> None:
    styles = '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
    bad = [
        '<c r="A2" t="e"><v>#N/A</v></c>',
        '<c r="A3" s="1"><v>-400000</v></c>',
        '<c r="A4"><v>1e999</v></c>',
        '<c r="A5" t="s"><v>77</v></c>',
        '<c r="A6" t="b"><v>9</v></c>',
        '<c r="A7" t="d"><v>2024-13-01</v></c>',
        f'<c r="A8"><v>{"9" * 5_000}</v></c>',
        '<c r="A9" t="zz"><v>1</v></c>',
        '<c r="AAAA10" t="str"><v>1</v></c>',
        '<c r="XFD11" t="str"><v>1</v></c>',
        '<c r="A12"><v>1</v></c><c r="A12"><v>2</v></c>',
    ]
    rows = "".join(f'<row r="{number}">{each}</row>' for number, each in enumerate(bad, 2))
    data = package(f'{HEADER}{rows}<row r="99">{cell("A99", "end")}</row>', styles=styles)
    assert [code for code, _, _ in codes(data)] == [
        "xlsx-cell-error",
        "xlsx-date-impossible",
        *["xlsx-cell-damaged"] * 6,
        "xlsx-cell-place",
        "table-too-many-columns",
        "xlsx-cell-place",
    ]
    assert values(data) == [{"a": "end", "b": None}]


def test_texts_are_joined_from_runs_without_what_is_there_for_pronunciation() -> None:
    strings = "<si><r><t>Mu</t></r><r><t>ñoz</t></r><rPh sb='0' eb='1'><t>no</t></rPh></si><si><t>a_x000D_\nb</t></si>"
    data = package(f'{HEADER}<row r="2">{cell("A2", "0", "s")}{cell("B2", "1", "s")}</row>', strings=strings)
    assert values(data) == [{"a": "Muñoz", "b": "a\r\nb"}]
    inline = '<c r="A2" t="inlineStr"><is><r><t>x</t></r><r><t>y</t></r></is></c>'
    assert values(package(f'{HEADER}<row r="2">{inline}</row>'))[0]["a"] == "xy"


def test_long_document_numbers_keep_every_digit() -> None:
    assert (
        values(package(f'{HEADER}<row r="2"><c r="A2"><v>12345678901234567890</v></c></row>'))[0]["a"]
        == 12345678901234567890
    )


def test_hidden_rows_are_kept_and_rows_without_places_are_counted() -> None:
    data = package(f'{HEADER}<row r="2" hidden="1">{cell("A2", "x")}</row><row><c t="str"><v>y</v></c></row>')
    assert [item.line for item in items(data)] == [2, 3]
    assert [row["a"] for row in values(data)] == ["x", "y"]


def test_a_title_over_merged_cells_is_no_header() -> None:
    book = openpyxl.Workbook()
    page(book).append(["Incautaciones 2024"])
    page(book).merge_cells("A1:C1")
    page(book).append(["acta", "fecha", "monto"])
    page(book).append([1, date(2024, 1, 2), 3])
    table = Table(BytesIO(saved(book)))
    assert table.header == ("acta", "fecha", "monto")
    assert table.notes == (Note("rows-before-header"),)


def test_a_header_merged_over_two_columns_is_joined_with_the_row_below_it() -> None:
    book = openpyxl.Workbook()
    page(book).append(["Acta", "Conductor", None])
    page(book).append([None, "Nombre", "Documento"])
    page(book).merge_cells("B1:C1")
    page(book).append([1, "Ana", "X1"])
    assert values(saved(book), header_rows=2) == [
        {"Acta": 1, "Conductor / Nombre": "Ana", "Conductor / Documento": "X1"}
    ]


# Sheets


def two_sheets(second: Mapping[str, Any]) -> bytes:
    book = openpyxl.Workbook()
    page(book).append(["a", "b"])
    page(book).append([1, 2])
    other = book.create_sheet("Otra")
    other.sheet_state = second.get("state", "visible")
    for row in second["rows"]:
        other.append(row)
    return saved(book)


def test_rows_in_another_sheet_are_told_and_not_lost_in_silence() -> None:
    assert codes(two_sheets({"rows": [["c", "d"], [3, 4]]})) == [("xlsx-other-sheet", 2, "")]
    assert codes(two_sheets({"rows": []})) == []
    assert codes(two_sheets({"rows": [["c", "d"]], "state": "hidden"})) == []


def test_a_sheet_is_chosen_by_name_or_number() -> None:
    data = two_sheets({"rows": [["c", "d"], [3, 4]]})
    assert values(data, sheet="otra ") == values(data, sheet=2) == [{"c": 3, "d": 4}]
    assert codes(data, sheet="Otra") == []
    assert codes(data, sheet="Nada") == codes(data, sheet=3) == [("xlsx-no-such-sheet", 1, "")]


def test_the_strict_form_of_the_standard_is_read_too() -> None:
    strict = package(f'{HEADER}<row r="2">{cell("A2", "x")}</row>')
    parts: dict[str, str | bytes] = {}
    with zipfile.ZipFile(BytesIO(strict)) as archive:
        for name in archive.namelist():
            text = archive.read(name).decode()
            text = text.replace(
                "http://schemas.openxmlformats.org/spreadsheetml/2006", "http://purl.oclc.org/ooxml/spreadsheetml"
            )
            parts[name] = text.replace(KIND, "http://purl.oclc.org/ooxml/officeDocument/relationships")
    assert values(zipped(parts)) == [{"a": "x", "b": None}]


# Harm


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = package(f"<!-- {' ' * 30_000_000} -->")
    assert codes(bomb) == [("xlsx-unpacks-too-large", 1, "")]
    assert codes(package(HEADER, xl__theme=b"0" * 30_000_000)) == [("xlsx-unpacks-too-large", 1, "")]


def test_members_sizes_and_counts_have_limits() -> None:
    good = package(f'{HEADER}<row r="2">{cell("A2", "x")}</row>')
    for limits in (
        Limits(package_members=3),
        Limits(package_bytes=500),
        Limits(sheet_bytes=50),
        Limits(part_bytes=50),
        Limits(strings_bytes=5),
        Limits(file_bytes=100),
    ):
        assert len(codes(good, limits=limits)) == 1
        assert values(good, limits=limits) == []


def test_a_sheet_that_goes_on_without_a_row_is_left() -> None:
    blank = "".join(f'<row r="{number}"><c r="A{number}" s="0"/></row>' for number in range(2, 5_000))
    data = package(f"{HEADER}{blank}")
    assert codes(data, limits=Limits(quiet_bytes=100_000)) == [("xlsx-unpacks-too-large", 1, "")]


def test_a_tag_without_end_is_not_held_in_memory() -> None:
    noise = "".join(str(hash((number, 7))) for number in range(600_000))
    data = package(f'<?xml version="1.0"?><worksheet {MAIN} x="{noise}"><sheetData>{HEADER}</sheetData></worksheet>')
    assert codes(data) == [("xlsx-unpacks-too-large", 1, "")]


@pytest.mark.parametrize("part", ["xl__worksheets__s.xml", "xl__strings.xml", "xl__workbook.xml", "_rels__.rels"])
def test_entities_and_document_types_are_refused_in_every_part(part: str) -> None:
    evil = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    others: dict[str, Any] = {part: evil}
    assert [code for code, _, _ in codes(package(HEADER, **others))] == ["xlsx-entities"]


def test_a_package_cut_short_is_refused_and_a_damaged_sheet_gives_what_it_holds() -> None:
    good = package(f'{HEADER}<row r="2">{cell("A2", "x")}</row>')
    for size in range(0, len(good) - 1, 97):
        assert values(good[:size]) == []
    cut = package(
        f'<?xml version="1.0"?><worksheet {MAIN}><sheetData>{HEADER}<row r="2">{cell("A2", "x")}</row><row r="3"><c'
    )
    assert values(cut) == [{"a": "x", "b": None}]
    assert codes(cut) == [("xlsx-damaged", 2, "")]


def test_two_members_of_one_name_are_refused() -> None:
    out = BytesIO(package(HEADER))
    with zipfile.ZipFile(out, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("xl/worksheets/s.xml", "<x/>")
    assert codes(out.getvalue()) == [("xlsx-damaged", 1, "")]


def test_a_locked_member_is_told_as_such() -> None:
    data = bytearray(package(HEADER))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert codes(bytes(data)) == [("table-locked", 1, "")]


def test_another_zip_is_no_workbook() -> None:
    assert codes(zipped({"word/document.xml": "<x/>"})) == [("xlsx-damaged", 1, "")]


def test_row_numbers_that_go_back_or_reach_too_far_cost_their_row() -> None:
    data = package(
        f'{HEADER}<row r="9">{cell("A9", "x")}</row><row r="3">{cell("A3", "y")}</row><row r="2000000">{cell("A1", "z")}</row>'
    )
    assert [code for code, _, _ in codes(data)] == ["xlsx-row-number", "xlsx-row-number"]
    assert values(data) == [{"a": "x", "b": None}]


def test_a_workbook_that_cannot_go_back_is_read_from_a_copy_of_bounded_size() -> None:
    class Pipe(BytesIO):
        def seekable(self) -> bool:
            return False

    data = package(f'{HEADER}<row r="2">{cell("A2", "x")}</row>')
    assert [type(item) for item in read(Pipe(data))] == [Row]
    with pytest.raises(TableRefused, match="file-too-large"):
        Table(Pipe(data), Options(limits=Limits(copied_bytes=100)))


def test_a_sheet_is_read_in_pieces() -> None:
    rows = "".join(
        f'<row r="{number}">{cell(f"A{number}", str(hash((number, "x"))))}</row>' for number in range(2, 20_000)
    )
    stream = BytesIO(package(HEADER + rows))
    found = read(stream)
    next(found)
    assert stream.tell() < len(stream.getvalue()) / 2
    assert sum(1 for _ in found) == 19_997


@given(st.data())
@settings(max_examples=60)
def test_no_damage_to_a_workbook_makes_the_reader_fail(data: st.DataObject) -> None:
    good = bytearray(
        package(f'{HEADER}<row r="2">{cell("A2", "x")}<c r="B2"><v>5</v></c></row>', strings="<si><t>q</t></si>")
    )
    for _ in range(data.draw(st.integers(1, 6))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    assert all(isinstance(item, Row | BadRecord) for item in read(BytesIO(bytes(good))))


# Writing

DANGEROUS = (
    "=1+1",
    "+507 6123",
    "-5",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "'=1",
    "''+1",
    " =1",
    "＝1",
    "=cmd|' /C calc'!A0",
)


def test_no_text_becomes_a_formula_in_a_workbook() -> None:
    out = BytesIO()
    write_xlsx(out, [["a"], *([text] for text in DANGEROUS)])
    for row in page(openpyxl.load_workbook(out)).iter_rows(min_row=2):
        assert row[0].data_type == "s"
        assert row[0].quotePrefix


def test_no_text_becomes_a_formula_in_a_csv() -> None:
    out = BytesIO()
    write_csv(out, [["a"], *([text] for text in DANGEROUS)])
    rows = out.getvalue().decode("utf-8-sig").split("\r\n")[1:]
    assert all(row.strip('"').startswith("'") for row in rows if row and not row.startswith("=1"))
    assert values(out.getvalue()) == [{"a": text.strip()} for text in DANGEROUS]


def test_numbers_are_no_formulas_and_stay_numbers() -> None:
    out = BytesIO()
    write_csv(out, [["a", "b"], [-5, 1.5]])
    assert b"-5,1.5" in out.getvalue()


def test_what_no_cell_can_hold_is_refused_with_its_place_and_not_repeated() -> None:
    for value in ("secret\x00", "secret" * 10_000, float("nan")):
        with pytest.raises(Unwritable, match="row 2, column B") as refused:
            write_xlsx(BytesIO(), [["a", "b"], ["x", value]])
        assert "secret" not in str(refused.value)


CLEAN = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), max_size=12).map(str.strip)
TEXTS = st.one_of(
    CLEAN, st.sampled_from([text.strip() for text in DANGEROUS]), st.just("_x000D_"), st.just("a\r\nb\rc")
)
VALUES: st.SearchStrategy[Value] = st.one_of(
    TEXTS,
    st.integers(-(10**14), 10**14),
    st.floats(allow_nan=False, allow_infinity=False, width=32)
    .map(lambda number: float(f"{number:.12g}"))
    .filter(lambda number: not number.is_integer()),
    st.dates(date(1900, 3, 1), date(2199, 12, 31)),
    st.datetimes(datetime.fromisoformat("1950-01-01"), datetime.fromisoformat("2100-01-01")).map(
        lambda when: when.replace(microsecond=0)
    ),
    st.booleans(),
)
BLANKS = " \t\r\n\x0b\x0c\xa0\u200b\ufeff"


def plain(value: Value) -> Value:
    if isinstance(value, datetime):
        return value.date() if value.time() == time(0) else value
    return (value.strip(BLANKS) or None) if isinstance(value, str) else value


@given(st.lists(st.tuples(VALUES, VALUES), max_size=8))
@settings(max_examples=30)
def test_a_workbook_that_was_written_reads_back_equal(rows: list[tuple[Value, Value]]) -> None:
    out = BytesIO()
    write_xlsx(out, [("a", "b"), *rows])
    expected = [{"a": plain(a), "b": plain(b)} for a, b in rows]
    assert values(out.getvalue()) == [row for row in expected if any(value is not None for value in row.values())]


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=8), st.sampled_from([",", ";", "\t", "|"]))
@settings(max_examples=80)
def test_a_csv_that_was_written_reads_back_equal(rows: list[tuple[str, str]], delimiter: str) -> None:
    out = BytesIO()
    write_csv(out, [("a", "b"), *rows], delimiter=delimiter)
    expected = [{"a": plain(a), "b": plain(b)} for a, b in rows]
    assert values(out.getvalue()) == [row for row in expected if any(value is not None for value in row.values())]
