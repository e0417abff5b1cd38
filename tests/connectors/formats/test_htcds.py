"""HTCDS 2.0 as it is really filled in, and written: the official template, labels, codes, lists. All persons are invented."""

import csv
import dataclasses
import importlib.resources
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.formats import countries, htcds, htcds_layout, htcds_standard
from connectors.formats.htcds import PLACES, Case, Unlisted
from connectors.formats.htcds_case import CaseFile, Organisation, Person, SupportPlan, TraffickingEvent, Victim
from connectors.formats.records import REASONS, BadRecord, Note
from connectors.formats.tabular import Limits, Options
from connectors.formats.tabular_write import write_csv as write_table
from connectors.formats.tabular_write import write_xlsx as write_book

TEMPLATE = Path(__file__).parent / "samples" / "htcds_template_2.0.xlsx"
PANAMA = countries.resolve("PA")


def read(data: bytes, **options: Any) -> list[Case | BadRecord]:
    return list(htcds.read(BytesIO(data), Options(**options)))


def one(row: dict[str, Any], **options: Any) -> Case:
    """The case of a row, by the standard's names."""
    padded = {"prs_FirstName": None, "prs_SecondName": None, "prs_Title": None} | row
    out = BytesIO()
    write_book(out, [list(padded), list(padded.values())])
    (found,) = read(out.getvalue(), **options)
    assert isinstance(found, Case)
    return found


def filled(values: dict[str, Any]) -> bytes:
    """The official template with one row filled in, by column letter."""
    book = openpyxl.load_workbook(TEMPLATE)
    page: Any = book.active
    for column, value in values.items():
        page[f"{column}3"] = value
    out = BytesIO()
    book.save(out)
    return out.getvalue()


# The standard


def test_every_field_of_the_standard_has_its_place_in_a_case() -> None:
    text = importlib.resources.files("connectors.formats").joinpath("data", "htcds_2.0_fields.csv").read_text("utf-8")
    assert list(PLACES) != []
    assert sorted(PLACES) == sorted(row["field"] for row in csv.DictReader(text.splitlines()))


def test_every_attribute_has_the_type_of_its_field() -> None:
    types = {
        "many": "tuple[str, ...]",
        "countries": "tuple[Country, ...]",
        "country": "Country | None",
        "box": "bool | None",
    }
    types |= {"number": "float | None", "count": "int | None"}
    sections = {each.name: each.default_factory for each in dataclasses.fields(Case)}
    for name, (section, attribute) in PLACES.items():
        owner: Any = sections[section] if section else Case
        (found,) = [each.type for each in dataclasses.fields(owner) if each.name == attribute]
        shown = getattr(found, "__name__", str(found)) if isinstance(found, type) else str(found)
        shown = shown.replace("connectors.formats.countries.", "")
        assert shown == types.get(htcds_standard.fields()[name].kind, "str | None"), name


def test_what_is_written_is_the_official_template_but_for_its_faults() -> None:
    out = BytesIO()
    htcds.write_xlsx(out, [Case(consent=True)])
    official: Any = openpyxl.load_workbook(TEMPLATE).active
    ours: Any = openpyxl.load_workbook(out).active
    assert ours.title == official.title
    different = {
        cell.coordinate
        for row in official.iter_rows(max_row=2)
        for cell in row
        if cell.value != ours[cell.coordinate].value
    }
    assert different == {"AJ1", "N2", "O2", "Q2", "R2"}
    assert ours["AJ1"].value == "cas_ReasonForOutgoingReferral"
    assert [ours[f"{column}2"].value for column in "NOPQR"] == [
        *("Mailing City", "Mailing Country", "Mailing State/Province", "Mailing Street", "Mailing Zip/Postal Code")
    ]
    assert (ours["A3"].value, ours["F3"].value) == (1, True)


# The official template


def test_the_empty_template_holds_no_record() -> None:
    assert read(TEMPLATE.read_bytes()) == []


def test_a_row_of_the_template_is_read_through_its_faulty_headers() -> None:
    data = filled(
        {
            "D": "Ana",
            "F": "Yes",
            "G": date(1999, 2, 3),
            "H": "Feminine",
            "I": "Panamá; CO",
            "S": "Possible Victim of Trafficking",
            "T": "Police ",
            "X": "Forced Labour; SexualExploitation;",
            "AJ": "Additional services required",
        }
    )
    (case,) = read(data)
    assert isinstance(case, Case)
    assert case.notes == ()
    assert (case.person.first_name, case.person.birth_date, case.consent) == ("Ana", "1999-02-03", True)
    assert [each.alpha2 for each in case.person.citizenship] == ["PA", "CO"]
    assert case.victim.trafficking_status == "PossibleVictimOfTrafficking"
    assert case.victim.trafficking_status_decision_making_org == "Police"
    assert case.victim.type_of_exploitation == ("ForcedLabour", "SexualExploitation")
    assert case.file.reason_for_outgoing_referral == "AdditionalServicesRequired"
    assert (case.line, case.record) == (3, 1)


@pytest.mark.parametrize(
    ("cells", "notes"),
    [
        # columns N to R by their codes: city, country, State, street, postal code
        ({"N": "Colón", "O": "Panama", "P": "C", "Q": "Calle 5", "R": "0301"}, ()),
        ({"N": "Cali", "O": "CO", "P": "Valle", "Q": "Calle 5"}, ()),
        # by their labels: street, city, State, postal code, country
        ({"N": "Calle 5", "O": "Panama", "P": "C", "Q": "0301", "R": "Panamá"}, ()),
        ({"N": "Calle 5", "O": "Cali", "P": "Valle", "Q": "76001", "R": "Colombia"}, ()),
        ({"N": "Calle 5", "O": "Panama"}, (Note("address-columns-unclear", "prs_MailingCountry"),)),
    ],
)
def test_the_address_follows_the_header_row_that_its_country_agrees_with(
    cells: dict[str, str], notes: tuple[Note, ...]
) -> None:
    (case,) = read(filled({"D": "Ana"} | cells))
    assert isinstance(case, Case)
    assert case.notes == notes
    assert case.person.mailing_street == "Calle 5"
    assert case.person.mailing_city in ("Colón", "Cali", "Panama")
    if not notes:
        assert case.person.mailing_country is not None


def test_an_address_without_any_country_is_told_as_unclear() -> None:
    (case,) = read(filled({"D": "Ana", "N": "Calle 5", "O": "Ciudad"}))
    assert isinstance(case, Case)
    assert [note.code for note in case.notes] == ["address-columns-unclear"]


# Headers


def test_labels_alone_are_enough_and_those_that_fields_share_are_told() -> None:
    data = b"First Name;Second Name;Trafficking Status;Type\nAna;Ruiz;ActualVictimOfTrafficking;x\n"
    (case,) = read(data)
    assert isinstance(case, Case)
    assert case.victim.trafficking_status == "ActualVictimOfTrafficking"
    assert case.notes == (Note("unknown-column", "column D"),)
    assert case.extra == {"Type": "x"}


def test_a_column_of_the_senders_own_is_kept_by_its_header_and_told() -> None:
    (case,) = read(b"Nr,prs_FirstName,prs_SecondName,prs_Gender\nC-7,Ana,Ruiz,Feminine\n")
    assert isinstance(case, Case)
    assert case.extra == {"Nr": "C-7"}
    assert case.notes == (Note("unknown-column", "column A"),)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"a,b,c\n1,2,3\n", "htcds-no-header"),
        (b"", "table-empty"),
        (b"prs_FirstName,prs_FirstName,prs_Gender\nx,y,z\n", "htcds-column-twice"),
        (b"prs_FirstName,prs_SecondName,prs_Gender\nFirst Name,Gender,Second Name\nx,y,z\n", "htcds-headers-disagree"),
        (b"PK\x03\x04" + b"0" * 50, "xlsx-damaged"),
    ],
)
def test_a_file_whose_columns_are_not_known_for_certain_is_refused(data: bytes, code: str) -> None:
    assert [item.code for item in read(data) if isinstance(item, BadRecord)] == [code]
    assert len(read(data)) == 1


def test_the_wrong_sheet_is_told_and_the_right_one_can_be_named() -> None:
    book = openpyxl.Workbook()
    first: Any = book.active
    first.append(["Guidance", "for", "you"])
    book.create_sheet("Cases").append(["prs_FirstName", "prs_SecondName", "prs_Gender"])
    book["Cases"].append(["Ana", "Ruiz", "Feminine"])
    out = BytesIO()
    book.save(out)
    assert [item.code for item in read(out.getvalue()) if isinstance(item, BadRecord)] == ["htcds-no-header"]
    assert [type(item) for item in read(out.getvalue(), sheet="Cases")] == [Case]


def test_titles_stand_above_the_header_and_a_header_again_is_an_error() -> None:
    data = b"Report,,\n\n%(header)sAna,Ruiz,\n%(header)sEva,Gil,\n" % {
        b"header": b"prs_FirstName,prs_SecondName,prs_Gender\n"
    }
    found = read(data)
    assert [type(item) for item in found] == [Case, BadRecord, Case]
    assert found[1] == BadRecord("htcds-header-again", line=5, record=2)


# Values


@pytest.mark.parametrize(
    ("name", "cell", "expected"),
    [
        ("vic_TypeOfExploitation", "ForcedLabour", ("ForcedLabour",)),
        (
            "vic_TypeOfExploitation",
            "forced labor | Organ removal\nServitude",
            ("ForcedLabour", "OrganRemoval", "Servitude"),
        ),
        ("vic_TypeOfExploitation", "ForcedLabour,ForcedLabour, Other ;", ("ForcedLabour", "Other")),
        ("vic_RelationshipToTrafficker", "Unacquainted", "Unaquainted"),
        ("vic_ForcedLabourIndustry", "F - Construction", "F_Construction"),
        ("vic_ForcedLabourIndustry", "Agriculture, forestry and fishing", "A_AgricultureForestryAndFishing"),
        (
            "vic_TraffickingStatusDecisionMakingOrg",
            "Non police governmental organisation",
            "NonPoliceGovernmentalOrganization",
        ),
        ("vic_RecruitmentWebsitesAndApps", "4Sale; WhatsApp", ("4Sale", "WhatsApp")),
        ("prs_Birthdate", 36_192, "1999-02-01"),
        ("prs_Birthdate", 1999, "1999"),
        ("prs_Birthdate", "1999-00-00", "1999"),
        ("prs_Birthdate", date(1999, 2, 1), "1999-02-01"),
        ("prs_MobilePhone", 50761234567, "50761234567"),
        ("prs_PrimaryLanguage", "es", "spa"),
        ("prs_PrimaryLanguage", "Español", "spa"),
        ("prs_PrimaryLanguage", "fre", "fra"),
        ("prs_PrimaryLanguage", "Haitian", "hat"),
        ("prs_NumberOfChildren", 2, 2),
        ("hte_Latitude", "8,98", 8.98),
        ("prs_Deceased", "Sí", True),
        ("con_Consent", False, False),
        ("con_Consent", "No.", False),
    ],
)
def test_codes_labels_and_local_ways_of_writing_are_read(name: str, cell: Any, expected: object) -> None:
    case = one({name: cell})
    section, attribute = PLACES[name]
    assert getattr(getattr(case, section) if section else case, attribute) == expected
    assert case.notes == ()


@pytest.mark.parametrize(
    ("name", "cell", "problem", "value"),
    [
        ("vic_TypeOfExploitation", "ForcedLabour; Begging", "value-not-in-list", ("ForcedLabour",)),
        ("vic_TraffickingStatus", "Victim", "value-not-in-list", None),
        ("prs_Gender", "F", "value-not-in-list", None),
        ("prs_Birthdate", "03/04/1999", "date-order-unknown", "1999"),
        ("prs_Birthdate", "soon", "date-invalid", None),
        ("prs_Citizenship", "Atlantis", "country-unknown", ()),
        ("prs_PrimaryLanguage", "Klingonese", "language-unknown", None),
        ("vic_AgeWhenTrafficked", 900, "number-invalid", None),
        ("vic_AgeWhenTrafficked", "14.5", "number-invalid", None),
        ("hte_Longitude", "181", "number-invalid", None),
        ("con_Consent", "ask her", "box-unclear", None),
    ],
)
def test_what_the_standard_lacks_is_a_note_on_its_field_and_is_kept_beside(
    name: str, cell: Any, problem: str, value: object
) -> None:
    case = one({name: cell, "prs_FirstName": "Ana"})
    section, attribute = PLACES[name]
    assert case.notes == (Note(problem, name),)
    assert getattr(getattr(case, section) if section else case, attribute) == value
    assert case.unlisted == (Unlisted(name, str(cell).removeprefix("ForcedLabour; ")),)


def test_country_names_with_commas_are_one_country() -> None:
    case = one({"prs_Citizenship": "Venezuela, Bolivarian Republic of; Colombia, Peru"})
    assert [each.alpha2 for each in case.person.citizenship] == ["VE", "CO", "PE"]


# Bad rows


def test_a_bad_row_is_set_aside_with_line_and_field_and_the_others_go_on() -> None:
    data = b"prs_FirstName,prs_SecondName,prs_Gender\nAna,R\x01,\nx,y\nEva,Gil,,\nLuz,Paz,,z\n"
    found = read(data)
    assert found[0] == BadRecord("table-control-character", line=2, record=1, field="prs_SecondName")
    assert found[1] == BadRecord("table-row-short", line=3, record=2)
    assert isinstance(found[2], Case)
    assert found[3] == BadRecord("table-row-long", line=5, record=4, field="column D")


def test_a_text_beside_the_numbering_is_not_passed_over() -> None:
    book = openpyxl.load_workbook(TEMPLATE)
    page: Any = book.active
    page["A5"] = "somebody"
    out = BytesIO()
    book.save(out)
    assert read(out.getvalue()) == [BadRecord("htcds-value-without-column", line=5, record=1, field="column A")]


def test_a_remark_beside_the_table_is_no_case() -> None:
    book = openpyxl.load_workbook(TEMPLATE)
    page: Any = book.active
    page["AP7"] = "checked"
    out = BytesIO()
    book.save(out)
    assert read(out.getvalue()) == [BadRecord("htcds-value-without-column", line=7, record=1, field="column AP")]


def test_nothing_personal_shows_in_a_repr_or_an_error() -> None:
    case = one({"prs_FirstName": "Anabel", "prs_Gender": "Anabel", "con_Consent": "Anabel", "Xyz": "Anabel"})
    for shown in (case, case.person, case.unlisted, case.victim):
        assert "Anabel" not in repr(shown)


@given(st.binary(max_size=200))
@settings(max_examples=80)
def test_no_bytes_make_the_reader_fail(data: bytes) -> None:
    for item in read(b"prs_FirstName,prs_Citizenship,prs_Birthdate,con_Consent,hte_Latitude\n" + data):
        assert isinstance(item, Case) or item.reason == REASONS[item.code]


@given(
    st.lists(
        st.one_of(st.text(max_size=20), st.integers(), st.floats(), st.dates(), st.booleans()), min_size=86, max_size=86
    )
)
@settings(max_examples=40)
def test_no_value_makes_a_field_fail(cells: list[Any]) -> None:
    for field, cell in zip(htcds_standard.fields().values(), cells, strict=False):
        htcds_standard.read(field, cell)


def test_numbered_rows_hold_nothing_and_rows_over_the_limit_are_told() -> None:
    data = b",prs_FirstName,prs_SecondName,prs_Gender\n" + b"".join(b"%d,,,\n" % number for number in range(1, 20_001))
    assert read(data) == []
    assert [item.code for item in read(data, limits=Limits(rows=500)) if isinstance(item, BadRecord)] == [
        "table-too-many-rows"
    ]


# Writing

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Cf"]), min_size=1, max_size=10)
TEXTS = (
    st.one_of(TEXT, st.sampled_from(["=1+1", "+507 1", "-x", "@y", "'=z", "a;b", 'q"', "5"]))
    .map(lambda text: text.strip(" \t\r\n\x0b\x0c\xa0\u200b\ufeff"))
    .filter(bool)
)
COUNTRIES = st.sampled_from(["PA", "CO", "VE", "XK", "XXA"]).map(countries.resolve)
DAYS = st.one_of(st.dates(date(1900, 1, 1), date(2100, 1, 1)).map(str), st.sampled_from(["1999", "1999-02"]))


def some(field: htcds_standard.Field) -> st.SearchStrategy[Any]:
    """Values that a field may have; mostly none."""
    known: dict[str, st.SearchStrategy[Any]] = {
        "text": TEXTS,
        "one": st.sampled_from(field.values or ("",)),
        "many": st.lists(st.sampled_from(field.values or ("",)), unique=True, max_size=3).map(tuple),
        "date": DAYS,
        "number": st.integers(-9_000, 9_000).map(lambda number: number / 100),
        "count": st.integers(0, 100),
        "box": st.booleans(),
        "country": COUNTRIES,
        "countries": st.lists(COUNTRIES, unique=True, max_size=3).map(tuple),
        "language": st.sampled_from(["spa", "eng", "hat", "kek"]),
    }
    empty: tuple[str, ...] | None = () if field.kind in ("many", "countries") else None
    return st.one_of(st.just(empty), st.just(empty), known[field.kind])


@st.composite
def cases(draw: st.DrawFn) -> Case:
    sections: dict[str, Any] = {each.name: each.default_factory for each in dataclasses.fields(Case)}
    chosen = draw(st.lists(st.sampled_from(sorted(PLACES)), unique=True, max_size=25))
    values: dict[str, dict[str, Any]] = {}
    for name in (*chosen, "prs_FirstName"):
        section, attribute = PLACES[name]
        values.setdefault(section, {})[attribute] = draw(some(htcds_standard.fields()[name]))
    values.setdefault("person", {})["title"] = draw(TEXTS)  # so that there is a row at all
    unlisted = draw(st.lists(st.sampled_from(["vic_MethodsOfControl", "cas_Status", "prs_Gender"]), unique=True))
    order = [name for name in PLACES if name in unlisted]
    for name in order:
        section, attribute = PLACES[name]
        values.setdefault(section, {}).pop(attribute, None)
    made = {section: sections[section](**own) for section, own in values.items() if section}
    return Case(**made, **values.get("", {}), unlisted=tuple(Unlisted(name, "own word") for name in order))


@given(st.lists(cases(), max_size=4))
@settings(max_examples=25)
def test_cases_written_by_the_template_read_back_equal(written: list[Case]) -> None:
    out = BytesIO()
    htcds.write_xlsx(out, written)
    assert read(out.getvalue()) == written


@given(st.lists(cases(), max_size=4))
@settings(max_examples=40)
def test_cases_written_as_csv_read_back_equal(written: list[Case]) -> None:
    out = BytesIO()
    htcds.write_csv(out, written)
    assert read(out.getvalue()) == written


def test_a_full_case_reads_back_equal_from_both() -> None:
    case = Case(
        organisation=Organisation(name="Casa", type="NGO", shipping_country=PANAMA, shipping_latitude=8.98),
        person=Person(
            first_name="=Ana",
            birth_date="1999-02",
            citizenship=(PANAMA,),
            mailing_country=PANAMA,
            mobile_phone="+507 1",
        ),
        victim=Victim(type_of_exploitation=("ForcedLabour", "Other"), age_when_trafficked=14),
        file=CaseFile(outgoing_referral_date="2024-05-06", reason_for_outgoing_referral="Other"),
        event=TraffickingEvent(type="Transit", country=PANAMA, date="2024"),
        plan=SupportPlan(type="Legal"),
        comment="one\ntwo",
        consent=False,
        unlisted=(Unlisted("prs_Birthdate", "02/1999?"),),
    )
    case = dataclasses.replace(case, person=dataclasses.replace(case.person, birth_date=None))
    for write in (htcds.write_xlsx, htcds.write_csv):
        out = BytesIO()
        write(out, [case])
        assert read(out.getvalue()) == [case]


def test_a_case_without_any_value_is_left_out() -> None:
    out = BytesIO()
    htcds.write_csv(out, [Case(), Case(comment="x")])
    assert read(out.getvalue()) == [Case(comment="x")]


def test_the_layouts_columns_are_the_templates() -> None:
    out = BytesIO()
    write_table(out, [list(htcds_layout.TEMPLATE)])
    assert len(htcds_layout.TEMPLATE) == len(set(htcds_layout.TEMPLATE)) == 38
    assert set(htcds_layout.TEMPLATE) <= set(htcds_standard.fields())
    assert read(out.getvalue()) == []
