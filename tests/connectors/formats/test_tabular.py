"""CSV as it is really sent: encodings, delimiters, quotes, ragged rows, damage. All persons are invented."""

import codecs
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.formats.records import REASONS, BadRecord, Note
from connectors.formats.tabular import Limits, Options, Row, Table, TableRefused, read
from connectors.formats.tabular_cells import CONTROL, date_of_serial
from connectors.formats.tabular_csv import Decoder


def items(data: bytes, **options: Any) -> list[Row | BadRecord]:
    return list(read(BytesIO(data), Options(**options)))


def values(data: bytes, **options: Any) -> list[dict[str, Any]]:
    return [dict(item.values) for item in items(data, **options) if isinstance(item, Row)]


def codes(data: bytes, **options: Any) -> list[tuple[str, int]]:
    return [(item.code, item.line) for item in items(data, **options) if isinstance(item, BadRecord)]


# Delimiters and headers


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    data = f"nombre{delimiter}monto\nAna{delimiter}1.500\nEva{delimiter}2\n".encode()
    assert values(data) == [{"nombre": "Ana", "monto": "1.500"}, {"nombre": "Eva", "monto": "2"}]
    assert Table(BytesIO(data)).delimiter == delimiter


def test_decimal_commas_do_not_make_a_table_of_semicolons_one_of_commas() -> None:
    assert values(b"a;b\n1,5;2,5\n3,5;x, y\n") == [{"a": "1,5", "b": "2,5"}, {"a": "3,5", "b": "x, y"}]


def test_a_line_that_names_the_delimiter_is_obeyed_and_is_no_row() -> None:
    assert values(b"sep=;\r\na,x;b\r\n1;2\r\n") == [{"a,x": "1", "b": "2"}]


def test_titles_above_the_header_are_passed_over_and_told() -> None:
    table = Table(BytesIO(b"Reporte de incautaciones\n\nacta;fecha\n1;2024-01-02\n"))
    assert table.header == ("acta", "fecha")
    assert table.notes == (Note("rows-before-header"),)
    assert [row.line for row in table.rows()] == [4]


def test_a_table_of_one_column_keeps_every_row() -> None:
    assert values(b"acta\n1\n2\n") == [{"acta": "1"}, {"acta": "2"}]


def test_a_header_that_stands_twice_is_numbered_so_that_neither_is_taken_for_the_other() -> None:
    table = Table(BytesIO(b"nombre,nota,nota\nx,1,2\n"))
    assert table.header == ("nombre", "nota#1", "nota#2")
    assert table.notes == (Note("header-repeated", "column B"), Note("header-repeated", "column C"))


def test_a_header_of_two_rows_is_joined_and_an_upper_one_holds_to_its_right() -> None:
    data = b"Acta;Conductor;;\n;Nombre;Documento;\n7;Ana;X1;\n"
    assert values(data, header_row=1, header_rows=2) == [
        {"Acta": "7", "Conductor / Nombre": "Ana", "Conductor / Documento": "X1"}
    ]


def test_empty_rows_and_blank_trailing_columns_are_skipped() -> None:
    assert values(b"a,b,,\n\n1,2,,\n,,,\n  ,\t,,\n3,4,,\n") == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


def test_blanks_around_texts_are_taken_off_and_blank_cells_are_none() -> None:
    assert values("a,b,c\n Ana\xa0,   ,x\n".encode()) == [{"a": "Ana", "b": None, "c": "x"}]


# Ragged and damaged rows


def test_ragged_rows_are_one_error_each_and_the_others_go_on() -> None:
    data = b"a,b,c\n1,2,3\n1,2\n1,2,3,4\n4,5,6\n"
    assert codes(data) == [("table-row-short", 3), ("table-row-long", 4)]
    assert len(values(data)) == 2


def test_short_rows_may_be_taken_for_rows_whose_last_cells_are_blank() -> None:
    assert values(b"a,b,c\n1,2\n", short_rows="blank") == [{"a": "1", "b": "2", "c": None}]


def test_a_value_under_no_header_is_an_error_not_a_silence() -> None:
    bad = items(b"a,,c\n1,x,3\n")
    assert bad == [BadRecord("table-value-without-header", line=2, record=1, field="column B")]


def test_line_breaks_within_quotes_belong_to_the_cell_and_lines_are_still_counted() -> None:
    found = items(b'a,b\r\n"one\r\ntwo",2\r\nx,y\r\n')
    assert [item.line for item in found] == [2, 4]
    assert values(b'a,b\r\n"one\r\ntwo",2\r\n') == [{"a": "one\r\ntwo", "b": "2"}]


def test_only_line_ends_end_a_line() -> None:
    assert values("a,b\nx\x0b\u2028\x85y,2\n".replace("\x0b", "").replace("\x85", "").encode()) == [
        {"a": "x\u2028y", "b": "2"}
    ]


def test_old_line_ends_are_read() -> None:
    assert values(b"a,b\r1,2\r3,4\r") == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


def test_a_quotation_mark_that_never_closes_costs_one_row() -> None:
    data = b'a,b\n"x,1\n2,3\n4,5\n'
    assert codes(data) == [("table-quote-open", 2)]
    assert values(data) == [{"a": "2", "b": "3"}, {"a": "4", "b": "5"}]


def test_quotes_that_are_not_doubled_cost_one_row() -> None:
    data = b'a,b\n"Juan "el gordo" P",1\n2,3\n'
    assert codes(data) == [("table-quotes-damaged", 2)]
    assert values(data) == [{"a": "2", "b": "3"}]


def test_a_quotation_mark_inside_a_bare_cell_is_a_character() -> None:
    assert values(b'a;b\n5" pipe;1\n2;3\n')[0] == {"a": '5" pipe', "b": "1"}


def test_nul_bytes_and_control_characters_are_errors_of_their_row() -> None:
    data = b"a,b\n1,x\x00y\n1,x\x1by\n1,2\n"
    assert codes(data) == [("table-control-character", 2), ("table-control-character", 3)]
    assert len(values(data)) == 1


# Encodings

TEXT = "nombre;país\nMuñoz;Panamá\n"


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (codecs.BOM_UTF8 + TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-16"), "utf-16-le"),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "utf-16-be"),
        (TEXT.encode("windows-1252"), "windows-1252"),
        (TEXT.encode("latin-1"), "windows-1252"),
    ],
)
def test_the_encoding_is_found_and_told(data: bytes, encoding: str) -> None:
    table = Table(BytesIO(data))
    assert [dict(row.values) for row in table.rows() if isinstance(row, Row)] == [{"nombre": "Muñoz", "país": "Panamá"}]
    assert table.encoding == encoding


def test_a_late_first_accent_still_decides_the_encoding() -> None:
    plain = b"a,b\n" + b"x,y\n" * 20_000
    table = Table(BytesIO(plain + "Muñoz,1\n".encode("windows-1252")))
    last = list(table.rows())[-1]
    assert isinstance(last, Row)
    assert last.values["a"] == "Muñoz"
    assert table.encoding == "windows-1252"


@pytest.mark.parametrize("shift", range(4))
def test_a_character_cut_by_a_block_is_read_whole(shift: int) -> None:
    data = b"a,b\n" + b"x" * (64 * 1024 - 6 + shift) + "ñ€,1\n".encode()
    assert str(values(data)[0]["a"]).endswith("xñ€")


@given(
    st.lists(st.sampled_from([b"ab", "ñ".encode(), b"\xf1", b"\xc3", "€".encode(), b"\n", b"\x81"]), max_size=12),
    st.data(),
)
@settings(max_examples=80)
def test_how_the_bytes_are_cut_makes_no_difference(pieces: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    blocks = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    at_once, in_parts = Decoder(b"", None), Decoder(b"", None)
    text = at_once.decode(whole) + at_once.decode(b"", final=True)
    assert "".join(map(in_parts.decode, blocks)) + in_parts.decode(b"", final=True) == text
    assert in_parts.encoding == at_once.encoding


def test_bytes_that_are_not_utf_8_in_a_file_that_is_cost_their_row_only() -> None:
    data = "a,b\nMuñoz,1\n".encode() + "Peña,2\n".encode("windows-1252") + "Núñez,3\n".encode()
    assert codes(data) == [("table-encoding-mixed", 3)]
    assert [row["a"] for row in values(data)] == ["Muñoz", "Núñez"]


def test_bytes_that_windows_1252_lacks_cost_their_row_only() -> None:
    assert codes(b"a,b\nMu\xf1oz,1\nx\x81,2\n") == [("table-byte-undefined", 3)]


def test_a_dos_code_page_is_not_read_as_another_name() -> None:
    data = "a,b\nMuñoz,1\n".encode("cp850")
    assert codes(data) == [("table-encoding-doubtful", 2)]
    assert values(data, encoding="cp850") == [{"a": "Muñoz", "b": "1"}]


def test_half_a_character_at_the_end_of_utf_16_is_an_error() -> None:
    assert codes("a,b\nx,y".encode("utf-16")[:-1]) == [("table-encoding-mixed", 2)]


# What is no table


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "table-empty"),
        (b"\n\n \n", "table-empty"),
        (codecs.BOM_UTF8, "table-empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "table-old-excel"),
        (b"<html><table><tr><td>x</td></tr></table></html>", "table-other-format"),
        (b"%PDF-1.7\n", "table-other-format"),
        (b"PK\x03\x04" + b"\x00" * 40, "xlsx-damaged"),
        ("a,b\n".encode("utf-32"), "table-encoding-unsupported"),
    ],
)
def test_what_is_no_table_is_one_error(data: bytes, code: str) -> None:
    assert codes(data) == [(code, 1)]
    with pytest.raises(TableRefused, match=code):
        Table(BytesIO(data))


# Limits


def test_a_row_over_the_limit_is_one_error_and_the_next_is_read() -> None:
    limits = Limits(row_characters=200_000)
    data = b"a,b\n" + b"x" * 700_000 + b",1\n2,3\n"
    assert codes(data, limits=limits) == [("table-row-too-long", 2)]
    assert values(data, limits=limits) == [{"a": "2", "b": "3"}]


def test_cells_and_columns_have_limits() -> None:
    limits = Limits(cell_characters=10, columns=3)
    assert codes(b"a,b\n12345678901,1\n1,2,3,4\n", limits=limits) == [
        ("table-cell-too-long", 2),
        ("table-too-many-columns", 3),
    ]
    assert codes(b"a,b\n" + b"x" * 200_000 + b",1\n") == [("table-cell-too-long", 2)]


def test_rows_over_the_limit_are_told() -> None:
    assert codes(b"a,b\n1,2\n3,4\n5,6\n", limits=Limits(rows=3)) == [("table-too-many-rows", 4)]


def test_a_file_over_the_limit_is_read_up_to_it_without_the_row_that_was_cut() -> None:
    data = b"a,b\n" + b"1,2\n" * 30_000
    found = items(data, limits=Limits(file_bytes=100_000))
    assert isinstance(found[-1], BadRecord)
    assert found[-1].code == "file-too-large"
    assert all(dict(row.values) == {"a": "1", "b": "2"} for row in found[:-1] if isinstance(row, Row))
    assert len(found) > 1_000


class Counting(BytesIO):
    """Never gives more than it is asked for, and remembers how much was held at most."""

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        assert 0 < size <= 64 * 1024
        return super().read(size)


def test_a_csv_is_read_in_pieces() -> None:
    stream = Counting(b"a,b\n" + b"1,2\n" * 40_000)
    rows = read(stream)
    next(rows)
    assert stream.tell() < 140_000
    assert sum(1 for _ in rows) == 39_999


# Errors repeat nothing


def test_errors_name_a_column_by_its_letter_unless_its_header_is_known() -> None:
    data = b"Ana Perez,b\nx,y\x01\n"
    assert [item.field for item in items(data) if isinstance(item, BadRecord)] == ["column B"]
    assert [item.field for item in items(data, shown=frozenset({"b"})) if isinstance(item, BadRecord)] == ["b"]


def test_rows_do_not_show_their_values() -> None:
    assert "Ana" not in repr(items(b"a,b\nAna,1\n"))


@given(st.binary(max_size=300))
@settings(max_examples=150)
def test_no_bytes_make_the_reader_fail(data: bytes) -> None:
    for item in read(BytesIO(b"a,b\n1,2\n" + data)):
        assert isinstance(item, Row) or item.reason == REASONS[item.code]
    list(read(BytesIO(data)))


@given(st.lists(st.sampled_from(["x", '"', ",", ";", "\n", "\r", "ñ", "\x00", "'", "=", " "]), max_size=60))
@settings(max_examples=150)
def test_every_row_of_a_damaged_file_is_a_row_or_an_error(pieces: list[str]) -> None:
    data = ("h1,h2\n" + "".join(pieces)).encode()
    found = items(data + b"\nend,1\n")
    assert found
    lines = [item.line for item in found]
    assert lines == sorted(lines)
    assert len(set(lines)) == len(lines)


def test_days_are_counted_from_1900_with_its_leap_day_that_never_was_and_from_1904() -> None:
    assert str(date_of_serial(59)) == "1900-02-28"
    assert str(date_of_serial(61)) == "1900-03-01"
    assert str(date_of_serial(45_292)) == "2024-01-01"
    assert str(date_of_serial(45_292 - 1_462, base=1904)) == "2024-01-01"
    assert date_of_serial(0.5) == "12:00:00"
    assert date_of_serial(1.25, duration=True) == "30:00:00"
    assert date_of_serial(1e12) is None


def test_control_characters_are_those_that_no_text_has() -> None:
    assert not CONTROL.search("a\tb\r\nc ñ \u2028 😀")
    assert all(CONTROL.search(char) for char in "\x00\x1b\x7f\x85\ud800\udcff\uffff")
