"""Values: e-mail addresses, phone numbers, birth dates and grades in one spelling each, and what is wrong with them.

Rule 1: a value is judged by its shape and by the calendar, never by today's date: the core has no clock.
Rule 2: a value that makes no sense stays as it was; the problem says whether the cell is blanked or the row left out.
Rule 3: work is done on whole columns. Only distinct phone numbers of an unusual shape are looked at one by one.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import phonenumbers
import polars as pl

from rostergate.core.findings import Code, Severity
from rostergate.core.problem import Effect, Problem
from rostergate.core.roster import PEOPLE

if TYPE_CHECKING:
    from rostergate.core.claims import Claims

TEACHER_EMAIL_INVALID = Code(
    "teacher-email-invalid",
    Severity.ERROR,
    "The teacher's e-mail address is not one complete address, so no account can be made.",
    "Correct the teacher's e-mail address in the SIS (name@domain, one address per cell).",
)
EMAIL_INVALID = Code(
    "email-invalid",
    Severity.ALERT,
    "The e-mail address is not one complete address and was left blank.",
    "Correct the address in the SIS (name@domain, one address per cell), or leave it empty there.",
)
PHONE_INVALID = Code(
    "phone-invalid",
    Severity.ALERT,
    "The phone number is not a number that can be called directly and was left blank.",
    "Enter one full number with area code and without extension in the SIS, or leave it empty there.",
)
BIRTH_DATE_INVALID = Code(
    "birth-date-invalid",
    Severity.ALERT,
    "The birth date is no possible date, or in no known notation, and was left blank.",
    "Correct the date in the SIS. If many rows are told, set the export's date format to yyyy-mm-dd or mm/dd/yyyy.",
)
GRADE_UNKNOWN = Code(
    "grade-unknown",
    Severity.ALERT,
    "The grade is not one of the usual grade levels; it was kept as it stands.",
    "Have the export give the grade as PK, K, 1 to 13, PG or UG. Ignore this if your schools use grades of their own.",
)

CODES = (TEACHER_EMAIL_INVALID, EMAIL_INVALID, PHONE_INVALID, BIRTH_DATE_INVALID, GRADE_UNKNOWN)

GRADES = frozenset(
    # Common Education Data Standards, "Grade Level" option set (also used by OneRoster 1.1 and 1.2).
    ["it", "pr", "pk", "tk", "kg", "ae", "abe", "ase", "ps", "ug", "pg", "other"]
    # Student information systems: numbers with and without leading zero; 0, -1 and -2 count down from kindergarten.
    + [str(number) for number in range(-2, 14)]
    + [f"{number:02}" for number in range(10)]
    # Spellings of the years before the first grade, and of those outside the grades.
    + ["k", "kk", "tk-k", "pk3", "pk4", "p3", "p4", "prek", "pre-k", "prekindergarten", "preschool", "infanttoddler"]
    + ["transitionalkindergarten", "kindergarten", "ungraded", "postgraduate"]
)
"""Recognised grades, in lower case."""

YEARS = (1900, 2100)
"""First and last year of a birth date."""

EMAIL_CHARS_MAX = 254  # RFC 5321, 4.5.3.1.3: a path of 256 with its angle brackets
_LOCAL_CHARS_MAX = 64  # RFC 5321, 4.5.3.1.1

# RFC 5322 dot-atom before the @, two labels or more after it, the last one not a number; any script, as in RFC 6531.
_ATOM = r"[\p{L}\p{N}!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?"
_EMAIL = rf"^{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+\p{{L}}(?:[\p{{L}}\p{{N}}-]*[\p{{L}}\p{{N}}])$"

# The North American Numbering Plan: +1, area code and exchange each beginning with 2 to 9.
_NORTH_AMERICA = 1
_PLAN = r"[2-9]\d{2}[2-9]\d{6}"
_PLAIN = r"^(?:\+?1[ .-]*)?\(?([2-9][0-9]{2})\)?[ .-]*([2-9][0-9]{2})[ .-]*([0-9]{4})$"

_ISO = r"^([0-9]{4})-([0-9]{2})-([0-9]{2})$"
_COMPACT = r"^([0-9]{4})([0-9]{2})([0-9]{2})$"
_SLASHES = r"^([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})$"

MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_FROM_THE_SIS = "Upload the file as the SIS exports it; do not open and save it in a spreadsheet program on the way."
_MISREAD: dict[str, tuple[str, str]] = {
    # Days since the end of 1899: 10000 is in 1927, 73415 the last day of 2100.
    r"^[1-7][0-9]{4}(?:\.[0-9]+)?$": (
        "The birth date is a number of days, as spreadsheet programs keep dates, and was left blank.",
        _FROM_THE_SIS,
    ),
    rf"(?i)^[0-9]{{1,2}}[-/. ](?:[0-9]{{1,2}}|{MONTH})[-/. ][0-9]{{1,2}}$": (
        "The year of the birth date has two digits, which do not tell the century, so the date was left blank.",
        f"Set the export's date format to yyyy-mm-dd or mm/dd/yyyy. {_FROM_THE_SIS}",
    ),
    r"^(?:1[3-9]|2[0-9]|3[01])/(?:0?[1-9]|1[0-2])/[0-9]{4}$": (
        "The day of the birth date stands before the month; it was left blank. Days up to 12 are read as months.",
        "Set the export's date format to yyyy-mm-dd, or to mm/dd/yyyy with the month first.",
    ),
}
"""How a birth date that cannot be read may look -> what has become of it, and what to do. Other causes are not told."""


def normalised(claims: Claims, *, phone_region: str) -> tuple[Claims, list[Problem]]:
    """Return the claims with their values in one spelling, and the cells that make no sense.

    E-mail in lower case; phone in E.164 (`phone_region`, ISO 3166-1 alpha-2, for numbers without a country code); birth
    date as yyyy-mm-dd, read from yyyy-mm-dd, yyyymmdd or month/day/year of four digits (two digits do not tell the
    century). Grades stay as they are. Values that make no sense stay in the claims: `checking.check` blanks them.
    """
    found = {person.name: _contacts(claims, person.name, phone_region) for person in PEOPLE}
    students, dates = _birth_dates(found["students"][0])
    people = {table: frame for table, (frame, _) in found.items()} | {"students": students}
    problems = [problem for _, some in found.values() for problem in some]
    return replace(claims, tables=claims.tables | people), [*problems, *dates, _grades(students)]


def _contacts(claims: Claims, table: str, region: str) -> tuple[pl.DataFrame, list[Problem]]:
    frame = claims.tables[table]
    emails = _emails(frame, table)
    frame, phones = _phones(frame.with_columns(pl.col("email").str.to_lowercase()), table, region)
    return frame, [emails, phones]


def _emails(frame: pl.DataFrame, table: str) -> Problem:
    code, effect = (EMAIL_INVALID, Effect.BLANK)
    if table == "teachers":
        code, effect = (TEACHER_EMAIL_INVALID, Effect.LEAVE_OUT)
    email = pl.col("email")
    too_long = (email.str.len_chars() > EMAIL_CHARS_MAX) | (email.str.find("@", literal=True) > _LOCAL_CHARS_MAX)
    wrong = frame.filter(~email.str.contains(_EMAIL) | too_long)
    return Problem(code, table, "email", _rows(wrong), effect)


def _phones(frame: pl.DataFrame, table: str, region: str) -> tuple[pl.DataFrame, Problem]:
    phone, plain = pl.col("phone"), pl.lit(None, pl.String)
    if phonenumbers.country_code_for_region(region) == _NORTH_AMERICA:
        parts = phone.str.extract_groups(_PLAIN).struct
        plain = pl.concat_str(pl.lit("+1"), parts[0], parts[1], parts[2])
    spelled = frame.select("phone", plain=plain)
    unusual = spelled.filter(phone.is_not_null() & pl.col("plain").is_null())["phone"].unique().to_list()
    numbers = {value: number for value in unusual if (number := e164(value, region))}
    frame = frame.with_columns(pl.coalesce(spelled["plain"], phone.replace(numbers)).alias("phone"))
    senseless = [value for value in unusual if value not in numbers]
    wrong = frame.filter(phone.is_in(senseless)) if senseless else frame.clear()
    return frame, Problem(PHONE_INVALID, table, "phone", _rows(wrong), Effect.BLANK)


def e164(number: str, region: str) -> str | None:
    """Return the number in E.164, or None when nobody can call it directly (unknown to its plan, or an extension).

    `region` (ISO 3166-1 alpha-2) is where a number without a country code belongs. North American numbers are judged by
    the shape that the plan gives them, because new area codes appear faster than the library's lists of them.
    """
    try:
        read = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    if read.extension:
        return None
    if read.country_code == _NORTH_AMERICA:
        callable_ = re.fullmatch(_PLAN, phonenumbers.national_significant_number(read)) is not None
    else:
        callable_ = phonenumbers.is_valid_number(read)
    return phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.E164) if callable_ else None


def iso_date(stated: pl.Expr) -> pl.Expr:
    """Build the date as yyyy-mm-dd of one that is in a known notation, possible or not; null of any other."""
    return pl.coalesce(
        pl.when(stated.str.contains(_ISO)).then(stated),
        pl.when(stated.str.contains(_COMPACT)).then(stated.str.replace(_COMPACT, "${1}-${2}-${3}")),
        pl.when(stated.str.contains(_SLASHES)).then(
            stated.str.replace(_SLASHES, "${3}-0${1}-0${2}").str.replace_all(r"-0([0-9]{2})", "-${1}")
        ),
    )


def same_grade(stated: pl.Expr) -> pl.Expr:
    """Build what two spellings of one grade have alike: `09` and `9`, `Pk` and `PK`."""
    return stated.str.to_lowercase().str.replace(r"^0+([0-9])", "${1}")


def _birth_dates(students: pl.DataFrame) -> tuple[pl.DataFrame, list[Problem]]:
    stated = pl.col("birth_date")
    date = iso_date(stated).str.to_date("%Y-%m-%d", strict=False)
    distinct = students.select("birth_date").drop_nulls().unique()
    read = distinct.with_columns(
        pl.when(date.dt.year().is_between(*YEARS)).then(date.dt.strftime("%Y-%m-%d")).alias("iso")
    )
    wrong = students.filter(stated.is_in(read.filter(pl.col("iso").is_null())["birth_date"].implode()))
    read = read.drop_nulls()
    students = students.with_columns(stated.replace(read["birth_date"], read["iso"]))
    return students, _misread(wrong)


def _misread(wrong: pl.DataFrame) -> list[Problem]:
    """Return one problem for each thing that may have become of birth dates, and one for all others."""
    problems = []
    for pattern, told in _MISREAD.items():
        looks = pl.col("birth_date").str.contains(pattern)
        problems.append(_birth_date_invalid(wrong.filter(looks), *told))
        wrong = wrong.filter(~looks)
    return [*problems, _birth_date_invalid(wrong)]


def _birth_date_invalid(rows: pl.DataFrame, *told: str) -> Problem:
    return Problem(BIRTH_DATE_INVALID, "students", "birth_date", _rows(rows), Effect.BLANK, *told)


def _grades(students: pl.DataFrame) -> Problem:
    unknown = students.filter(~pl.col("grade").str.to_lowercase().is_in(GRADES))
    return Problem(GRADE_UNKNOWN, "students", "grade", _rows(unknown), Effect.NOTE)


def _rows(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select("file", "line")
