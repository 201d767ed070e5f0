from __future__ import annotations

import pytest

from rostergate.core.header import check

NAMES = ("teacher_id", "email")


def told(header: tuple[str, ...], *, optional: tuple[str, ...] = (), extra: bool = False) -> list[tuple[str, str]]:
    """Check a header of teachers.csv: code and message of each finding."""
    found = check("teachers.csv", header, 1, required=NAMES, optional=optional, extra=extra)
    return [(one.code, one.message) for one in found]


def test_exact_names_in_any_order_pass() -> None:
    """The order of columns is free."""
    assert told(("email", "teacher_id")) == []


def test_near_misses_are_named() -> None:
    """A near miss says which name was found and which was expected."""
    assert told(("Teacher_ID", "email")) == [
        ("header-mismatch", "Column `Teacher_ID` found, `teacher_id` expected."),
    ]


def test_missing_columns_are_named() -> None:
    """A column without any like it is missing."""
    assert told(("teacher_id",)) == [("header-mismatch", "Column `email` is missing.")]


def test_other_columns_are_told_by_place() -> None:
    """A column that is not declared is not named: it could be a value."""
    declared = "not part of the format, which has `teacher_id`, `email`."
    assert told(("teacher_id", "secret", "email")) == [("header-mismatch", f"Column 2 is {declared}")]
    assert told(("x", "teacher_id", "email", "")) == [("header-mismatch", f"Columns 1, 4 are {declared}")]


def test_columns_without_a_name_are_not_told_again() -> None:
    """Several of them are told already, one is not."""
    assert told((*NAMES, "", "")) == []
    declared = "not part of the format, which has `teacher_id`, `email`."
    assert told((*NAMES, "x", "", "")) == [("header-mismatch", f"Column 3 is {declared}")]
    assert told((*NAMES, "")) == [("header-mismatch", f"Column 3 is {declared}")]


def test_extra_columns_can_be_allowed() -> None:
    """Where the format allows extra columns, they pass, but near misses of required ones are still named."""
    assert told(("teacher_id", "more", "email"), extra=True) == []
    assert told(("Teacher_ID", "more", "email"), extra=True) == [
        ("header-mismatch", "Column `Teacher_ID` found, `teacher_id` expected.")
    ]


def test_columns_of_the_format_are_never_near_misses() -> None:
    """What the format has itself is not offered for what is missing, in any spelling."""
    zips = ["teacher_zip"]
    for other in ("teacher_zip", "Teacher_ZIP"):
        (one,) = check("teachers.csv", (other, "email"), 1, required=NAMES, unread=zips, extra=True)
        assert one.message == "Column `teacher_id` is missing."
    found = check("teachers.csv", ("Teacher_2_ID", "email"), 1, required=NAMES, optional=["teacher_2_id"], extra=True)
    assert [one.message for one in found] == [
        "Column `Teacher_2_ID` found, `teacher_2_id` expected.",
        "Column `teacher_id` is missing.",
    ]
    (one,) = check("teachers.csv", ("teacher_ids", "email"), 1, required=NAMES, unread=zips, extra=True)
    assert one.message == "Column `teacher_ids` found, `teacher_id` expected."


def test_columns_that_are_not_read_are_allowed() -> None:
    """They are no fault where extra columns are, and make a row of names a header."""
    assert check("teachers.csv", (*NAMES, "title"), 1, required=NAMES, unread=["title"]) == ()
    found = check("teachers.csv", ("title", "x"), 1, required=NAMES, unread=["title"], extra=True)
    assert [one.message for one in found] == ["Column `teacher_id` is missing.", "Column `email` is missing."]


def test_extensions_are_allowed_by_their_prefix() -> None:
    """Columns whose name begins with the prefix are no fault, any other one still is."""
    assert check("a.csv", ("id", "x.house"), 1, required=["id"], extension="x.") == ()
    (foreign,) = check("a.csv", ("id", "x.house", "y"), 1, required=["id"], extension="x.")
    assert foreign.message.startswith("Column 3 is not part of the format")


def test_optional_columns_may_be_absent() -> None:
    """An optional column may be missing, but not misspelt."""
    assert told(NAMES, optional=("phone",)) == []
    assert told((*NAMES, "phone"), optional=("phone",)) == []
    assert told((*NAMES, "Phone"), optional=("phone",)) == [
        ("header-mismatch", "Column `Phone` found, `phone` expected.")
    ]


@pytest.mark.parametrize("name", ["Home_Phone", "home phone", "HOMEPHONE"])
def test_optional_columns_are_not_misspelt_among_extra_ones(name: str) -> None:
    """Where the format allows extra columns, an optional name in other signs is named, as its cells would be lost."""
    assert told((*NAMES, name, "more"), optional=("home_phone",), extra=True) == [
        ("header-mismatch", f"Column `{name}` found, `home_phone` expected.")
    ]


@pytest.mark.parametrize("name", ["home_phone_2", "homes_phone"])
def test_extra_columns_may_be_much_like_optional_ones(name: str) -> None:
    """A column that is only much like an optional one is an extra column."""
    assert told((*NAMES, name), optional=("home_phone",), extra=True) == []


def test_an_optional_column_that_is_there_is_not_told_in_its_other_spelling() -> None:
    """Where the format reads two spellings of a column, and one has come, a third one is an extra column."""
    assert told((*NAMES, "Phone", "PHONE"), optional=("phone", "Phone"), extra=True) == []
    assert told((*NAMES, "PHONE"), optional=("phone", "Phone"), extra=True) == [
        ("header-mismatch", "Column `PHONE` found, `Phone` expected.")
    ]


def test_a_row_of_data_is_no_header() -> None:
    """Without any expected name the header is missing, and nothing of the row is shown."""
    assert told(("17", "ada@example.org")) == [
        ("missing-header", "The first row does not hold the column names `teacher_id`, `email`.")
    ]


@pytest.mark.parametrize(
    ("cell", "called"),
    [
        ("teacher_id;email", "semicolons"),
        ("teacher_id\temail", "tabs"),
        ("teacher_id|email|more", "vertical bars"),
        ('"teacher_id";"email"', "semicolons"),
    ],
)
def test_another_separator_is_named(cell: str, called: str) -> None:
    """A header that is one cell, with the expected names in it, says what separates them."""
    assert told((cell,)) == [("wrong-separator", f"The columns are separated by {called}, not by commas.")]


def test_one_cell_without_expected_names_says_nothing_about_separators() -> None:
    """A title with a semicolon is a title."""
    assert [code for code, _ in told(("Teachers; all schools",))] == ["missing-header"]


@pytest.mark.parametrize("header", [("sep=", ""), ("sep=;",)])
def test_a_note_for_spreadsheets_is_no_header(header: tuple[str, ...]) -> None:
    """A first line that tells Excel the separator is told as what it is."""
    ((code, message),) = told(header)
    assert (code, "sep=" in message) == ("missing-header", True)
