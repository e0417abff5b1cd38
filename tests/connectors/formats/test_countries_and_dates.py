"""Country codes and partial dates: what is known is kept, nothing is invented."""

from datetime import date

import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.formats import countries, dates

TODAY = date(2026, 10, 1)


def test_every_country_is_found_by_its_codes_and_its_name() -> None:
    for country in pycountry.countries:
        assert countries.alpha2(country.alpha_2.lower()) == country.alpha_2
        assert countries.alpha2(country.alpha_3) == country.alpha_2
        assert countries.alpha2(country.name) == country.alpha_2
        assert countries.is_assigned(country.alpha_2)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("España", "ES"),
        ("PANAMA", "PA"),
        ("República Dominicana", "DO"),
        ("Estados Unidos", "US"),
        ("EE. UU.", "US"),
        ("Venezuela", "VE"),
        ("Bolivia", "BO"),
        ("Corea del Sur", "KR"),
        ("United Kingdom", "GB"),
        ("Kosovo", "XK"),
        ("Atlantis", None),
        ("Korea", None),
        ("", None),
    ],
)
def test_names_are_understood_in_spanish_and_english(name: str, code: str | None) -> None:
    assert countries.alpha2(name) == code


@pytest.mark.parametrize("code", ["AA", "QM", "QZ", "XA", "XZ", "ZZ", "XX", "D", "pa", "PAN", "", "P\n"])
def test_user_assigned_and_other_codes_are_no_countries_for_a_routing_block(code: str) -> None:
    assert not countries.is_assigned(code)
    assert countries.resolve("XK").alpha2 == "XK"


@pytest.mark.parametrize("code", ["XXA", "XXB", "XXC", "XXX", "UNO", "UNA", "XPO", "XOM", "EUE"])
def test_codes_that_are_no_state_have_no_two_letter_form(code: str) -> None:
    found = countries.resolve(code)

    assert found.alpha2 is None
    assert found.kind not in {"state", "unknown"}


@given(st.text(max_size=200))
def test_no_text_breaks_the_country_reader_or_shows_in_repr(text: str) -> None:
    found = countries.resolve(text)

    assert found.alpha2 is None or countries.is_assigned(found.alpha2)
    assert repr(found) == "Country()"


@pytest.mark.parametrize(
    ("text", "value", "problem"),
    [
        ("1998/02/03", "1998-02-03", None),
        ("1998-02-03", "1998-02-03", None),
        ("1998/02", "1998-02", None),
        ("1998", "1998", None),
        ("1998-00-00", "1998", None),
        ("1998-02-00", "1998-02", None),
        ("1998/02/XX", "1998-02", None),
        ("03/04/1998", "1998", "date-order-unknown"),
        ("25/12/1998", "1998-12-25", None),
        ("12/25/1998", "1998-12-25", None),
        ("05/05/1998", "1998-05-05", None),
        ("07SEP1998", "1998-09-07", None),
        ("1998/13/01", None, "date-invalid"),
        ("1998/00/07", None, "date-invalid"),
        ("30/02/1998", None, "date-invalid"),
        ("0000", None, "date-invalid"),
        ("about 1998", None, "date-invalid"),
        ("١٩٩٨", None, "date-invalid"),
    ],
)
def test_dates_keep_their_precision(text: str, value: str | None, problem: str | None) -> None:
    reading = dates.parse(text)

    assert (reading.value, reading.problem) == (value, problem)
    assert reading.value is None or dates.precision(reading.value) in {"year", "month", "day"}


@given(st.dates(date(1927, 1, 1), TODAY), st.dates(date(1990, 1, 1), date(2095, 1, 1)))
def test_short_birth_dates_lie_in_the_hundred_years_behind_today(day: date, today: date) -> None:
    reading = dates.parse_birth(day.strftime("%y%m%d"), today)

    if reading.value is not None:  # 29 February need not be in the century that is meant
        assert today.year - 100 <= int(reading.value[:4]) <= today.year
        assert reading.value <= today.isoformat()
        assert reading.value[2:] == day.isoformat()[2:]


@given(st.dates(date(1930, 1, 1), TODAY))
def test_whole_dates_are_kept_whole(day: date) -> None:
    for text in (day.strftime("%Y/%m/%d"), day.strftime("%Y%m%d"), day.isoformat()):
        assert dates.parse_birth(text, TODAY).value == day.isoformat()


@given(st.text(st.sampled_from("0123456789/-XxJAN<. "), max_size=14))
def test_no_text_breaks_the_date_readers(text: str) -> None:
    for reading in (dates.parse(text), dates.parse_birth(text, TODAY), dates.parse_expiry(text, TODAY)):
        assert (reading.value is None) <= (reading.problem is not None)
    dates.parse_time(text, TODAY)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2107131100", "2021-07-13T11:00"),
        ("202107131100", "2021-07-13T11:00"),
        ("210713", "2021-07-13"),
        ("2107132460", None),
        ("210713110", None),
        ("", None),
    ],
)
def test_flight_times_are_local_and_to_the_minute(text: str, value: str | None) -> None:
    assert dates.parse_time(text, TODAY).value == value


def test_at_a_centurys_end_short_years_lie_on_the_right_side() -> None:
    today = date(2098, 6, 1)

    assert dates.parse_expiry("030101", today).value == "2103-01-01"
    assert dates.parse_expiry("970101", today).value == "2097-01-01"
    assert dates.parse_birth("990101", today).value == "1999-01-01"
