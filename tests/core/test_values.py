from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.claiming import claims
from rostergate.core import values
from rostergate.core.claims import CLAIMED, Claims
from rostergate.core.problem import Effect

ADDRESSES = [
    pytest.param("ann.hill@lincoln.k12.ca.us", id="an ordinary address"),
    pytest.param("o'neill+math@school.org", id="an apostrophe and a plus"),
    pytest.param("x@y.co", id="as short as it gets"),
    pytest.param("josé@escuela.mx", id="a letter with an accent"),
    pytest.param("a@xn--bcher-kva.example", id="an encoded international domain"),
    pytest.param("l" * 64 + "@school.org", id="64 characters before the @"),
]

NO_ADDRESSES = [
    pytest.param("none", id="a word"),
    pytest.param("ann@lincoln", id="no top-level domain"),
    pytest.param("@school.org", id="nothing before the @"),
    pytest.param("ann@@school.org", id="two @"),
    pytest.param("ann hill@school.org", id="a space inside"),
    pytest.param("ann@school.org, bob@school.org", id="two addresses in one cell"),
    pytest.param("ann..hill@school.org", id="two dots in a row"),
    pytest.param("ann.@school.org", id="a dot before the @"),
    pytest.param("ann@-school.org", id="a label that begins with a hyphen"),
    pytest.param("ann@school..org", id="an empty label"),
    pytest.param("ann@10.0.0.1", id="a number as top-level domain"),
    pytest.param("l" * 65 + "@school.org", id="65 characters before the @"),
    pytest.param("a@" + "b." * 130 + "org", id="more than 254 characters in all"),
]

NUMBERS = [
    pytest.param("US", "2125550101", "+12125550101", id="ten digits"),
    pytest.param("US", "(212) 555-0101", "+12125550101", id="brackets, space and hyphen"),
    pytest.param("US", "212.555.0101", "+12125550101", id="dots"),
    pytest.param("US", "1-212-555-0101", "+12125550101", id="the long-distance 1"),
    pytest.param("US", "+1 212 555 0101", "+12125550101", id="the country code"),
    pytest.param("CA", "212 555 0101", "+12125550101", id="another country of the North American plan"),
    pytest.param("US", "212/555/0101", "+12125550101", id="slashes, which the plain road leaves to the library"),
    pytest.param("US", "+44 20 7031 3000", "+442070313000", id="a number abroad"),
    pytest.param("GB", "020 7031 3000", "+442070313000", id="a region outside the North American plan"),
    pytest.param("GB", "+1 (212) 555-0101", "+12125550101", id="a North American number seen from elsewhere"),
]

NO_NUMBERS = [
    pytest.param("US", "555-0101", id="no area code"),
    pytest.param("US", "112-555-0101", id="an area code that begins with 1"),
    pytest.param("US", "212-055-0101", id="an exchange that begins with 0"),
    pytest.param("US", "0000000000", id="zeros"),
    pytest.param("US", "212-555-0101 x12", id="an extension"),
    pytest.param("US", "2125550101.0", id="a spreadsheet's decimal"),
    pytest.param("US", "2.125550101E9", id="a spreadsheet's power of ten"),
    pytest.param("US", "home", id="a word"),
    pytest.param("US", "2" * 300, id="hundreds of digits"),
    pytest.param("GB", "2125550101", id="a North American number without its country code, seen from elsewhere"),
]

DATES = [
    pytest.param("2012-03-04", "2012-03-04", id="year-month-day"),
    pytest.param("20120304", "2012-03-04", id="eight digits"),
    pytest.param("3/4/2012", "2012-03-04", id="month/day/year without zeros"),
    pytest.param("03/04/2012", "2012-03-04", id="month/day/year with zeros"),
    pytest.param("2/29/2012", "2012-02-29", id="a leap day"),
]

NO_DATES = [
    pytest.param("2/29/2011", id="a leap day in a common year"),
    pytest.param("13/12/2011", id="a thirteenth month"),
    pytest.param("3/4/12", id="a year of two digits, which leaves the century open"),
    pytest.param("1899-12-31", id="before 1900"),
    pytest.param("2101-01-01", id="after 2100"),
    pytest.param("2012-3-4", id="year-month-day without zeros"),
    pytest.param("40976", id="a spreadsheet's day number"),
    pytest.param("March 4, 2012", id="a month's name"),
]


def told(claimed: Claims, region: str = "US") -> tuple[Claims, dict[tuple[str, str], tuple[str, Effect]]]:
    """Return the claims and, by (table, column), the code and effect of every problem that concerns a row."""
    found, problems = values.normalised(claimed, phone_region=region)
    return found, {
        (one.table, str(one.column)): (one.code.code, one.effect) for one in problems if not one.rows.is_empty()
    }


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_kept_in_lower_case(address: str) -> None:
    """A complete address is taken, in lower case."""
    found, problems = told(claims(guardians=[{"guardian_id": "g", "email": address.upper()}]))
    assert found.tables["guardians"]["email"].to_list() == [address]
    assert problems == {}


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_what_is_no_address_is_reported(address: str) -> None:
    """A student or guardian loses an incomplete address; a teacher's row is left out."""
    people = {f"{role}s": [{f"{role}_id": "1", "email": address}] for role in ("teacher", "student", "guardian")}
    _, problems = told(claims(**people))
    assert problems == {
        ("teachers", "email"): ("teacher-email-invalid", Effect.LEAVE_OUT),
        ("students", "email"): ("email-invalid", Effect.BLANK),
        ("guardians", "email"): ("email-invalid", Effect.BLANK),
    }


@pytest.mark.parametrize(("region", "number", "expected"), NUMBERS)
def test_a_number_becomes_e164(region: str, number: str, expected: str) -> None:
    """A number that can be called directly is written in E.164, whatever its spelling."""
    found, problems = told(claims(teachers=[{"teacher_id": "t", "phone": number}]), region)
    assert found.tables["teachers"]["phone"].to_list() == [expected]
    assert problems == {}


@pytest.mark.parametrize(("region", "number"), NO_NUMBERS)
def test_what_is_no_number_is_reported(region: str, number: str) -> None:
    """Whoever states a number that cannot be called directly loses it, teachers too."""
    people = {f"{role}s": [{f"{role}_id": "1", "phone": number}] for role in ("teacher", "student", "guardian")}
    _, problems = told(claims(**people), region)
    assert problems == {(table, "phone"): ("phone-invalid", Effect.BLANK) for table in people}


@given(
    st.lists(
        st.one_of(
            st.from_regex(r"\A(\+?1[ .-]?)?\(?[0-9]{3}\)?[ .-]?[0-9]{3}[ .-]?[0-9]{4}\Z"),
            st.text("0123456789+-. ()x", min_size=1, max_size=16),
        ),
        max_size=8,
    )
)
@settings(max_examples=60, deadline=None)
def test_the_plain_road_agrees_with_the_library(numbers: list[str]) -> None:
    """Numbers that are settled by the column are those that the library accepts, spelled as it spells them."""
    stated = [number.strip() or None for number in numbers]
    found, problems = values.normalised(
        claims(students=[{"student_id": str(place), "phone": number} for place, number in enumerate(stated)]),
        phone_region="US",
    )
    expected = [number and values.e164(number, "US") for number in stated]
    assert found.tables["students"]["phone"].to_list() == [
        right or number for right, number in zip(expected, stated, strict=True)
    ]
    wrong = [line for line, (right, number) in enumerate(zip(expected, stated, strict=True), 2) if number and not right]
    assert [line for one in problems for line in one.rows["line"]] == wrong


@pytest.mark.parametrize(("stated", "expected"), DATES)
def test_a_birth_date_becomes_iso(stated: str, expected: str) -> None:
    """A birth date in a known notation is written year-month-day."""
    found, problems = told(claims(students=[{"student_id": "s", "birth_date": stated}, {"student_id": "u"}]))
    assert found.tables["students"]["birth_date"].to_list() == [expected, None]
    assert problems == {}


@pytest.mark.parametrize("stated", NO_DATES)
def test_what_is_no_birth_date_is_reported(stated: str) -> None:
    """A student loses a birth date that is no date, or not in a known notation."""
    _, problems = told(claims(students=[{"student_id": "s", "birth_date": stated}]))
    assert problems == {("students", "birth_date"): ("birth-date-invalid", Effect.BLANK)}


@pytest.mark.parametrize(
    ("stated", "said", "to_do"),
    [
        pytest.param("42067", "a number of days", "spreadsheet", id="a date as Excel keeps it"),
        pytest.param("42067.5", "a number of days", "spreadsheet", id="with its time"),
        pytest.param("3/4/15", "two digits", "mm/dd/yyyy", id="a date as Excel shows it"),
        pytest.param("4-Mar-15", "two digits", "mm/dd/yyyy", id="a date with its month in letters"),
        pytest.param("15-03-04", "two digits", "mm/dd/yyyy", id="the year first"),
        pytest.param("31/12/2014", "before the month", "month first", id="the day first"),
        pytest.param("32/12/2014", None, None, id="no day at all"),
        pytest.param("9999", None, None, id="no day of a living person"),
    ],
)
def test_what_has_become_of_a_birth_date_is_told(stated: str, said: str | None, to_do: str | None) -> None:
    """Where a notation shows what has happened, that is said and what to do; no day or century is guessed."""
    _, found = values.normalised(claims(students=[{"student_id": "s", "birth_date": stated}]), phone_region="US")
    (problem,) = (one for one in found if not one.rows.is_empty())
    assert (problem.code, problem.effect) == (values.BIRTH_DATE_INVALID, Effect.BLANK)
    assert (said or "None") in str(problem.message)
    assert (to_do or "None") in str(problem.next_step)


@pytest.mark.parametrize(
    "grade", ["PK", "pre-k", "TK", "K", "KG", "0", "1", "01", "09", "12", "13", "-1", "UG", "Other"]
)
def test_a_usual_grade_is_kept(grade: str) -> None:
    """A grade of the documented list is kept as it stands and not reported."""
    found, problems = told(claims(students=[{"student_id": "s", "grade": grade}]))
    assert found.tables["students"]["grade"].to_list() == [grade]
    assert problems == {}


@pytest.mark.parametrize("grade", ["14", "3-May", "Room 4", "001"])
def test_an_unusual_grade_is_kept_and_reported(grade: str) -> None:
    """A grade outside the list is reported, and used nevertheless."""
    found, problems = told(claims(students=[{"student_id": "s", "grade": grade}]))
    assert found.tables["students"]["grade"].to_list() == [grade]
    assert problems == {("students", "grade"): ("grade-unknown", Effect.NOTE)}


def test_what_makes_no_sense_stays_and_names_its_line() -> None:
    """Values that make no sense stay in the claims, and the problem names file and line of each."""
    found, problems = values.normalised(
        claims(guardians=[{"guardian_id": "g", "email": "g@x.org"}, {"guardian_id": "h", "email": "None", "line": 7}]),
        phone_region="US",
    )
    assert found.tables["guardians"]["email"].to_list() == ["g@x.org", "none"]
    assert [row for one in problems for row in one.rows.iter_rows()] == [("guardians.csv", 7)]


def test_nothing_claimed_is_nothing_wrong() -> None:
    """Empty tables and empty cells are left alone."""
    found, problems = told(claims(students=[{"student_id": "s"}]))
    assert problems == {}
    assert {table: frame.columns for table, frame in found.tables.items()} == {
        table: [*columns, "file", "line"] for table, columns in CLAIMED.items()
    }


@pytest.mark.parametrize("code", values.CODES, ids=lambda code: code.code)
def test_every_code_tells_what_to_do(code: values.Code) -> None:
    """Each code has a name of its own, a title and a next step in full sentences."""
    assert [one.code for one in values.CODES].count(code.code) == 1
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code.code)
    assert code.title.endswith(".")
    assert code.next_step.endswith(".")
