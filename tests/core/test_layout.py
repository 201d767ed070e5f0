from __future__ import annotations

import polars as pl
import pytest

from core.sets import DIRECT, SETS, claims, found, readings
from rostergate.core import catalogue, layout
from rostergate.core.claims import CLAIMED
from rostergate.core.declaration import CLASS_NAME_CHARS_MAX, SCHOOL_NAME_CHARS_MAX, Column, File, Format, Source
from rostergate.core.findings import Finding, Severity
from rostergate.core.formats.direct import FORMAT


def check(changed: dict[str, str | None]) -> tuple[Finding, ...]:
    """Check the sound set with these files in the place of its own; None takes a file away."""
    files = {name: text for name, text in {**DIRECT, **changed}.items() if text is not None}
    return layout.check(FORMAT, readings(files))


def told(changed: dict[str, str | None]) -> list[tuple[str, str | None, str | None, tuple[int, ...]]]:
    """Return code, file, column and lines of what `check` finds."""
    return [(one.code, one.file, one.column, one.lines) for one in check(changed)]


def test_a_sound_set_passes() -> None:
    """A set that follows its declaration has no findings."""
    assert check({}) == ()


def test_a_missing_file_is_a_format_error() -> None:
    """A required file that did not come refuses the delivery."""
    assert told({"students.csv": None}) == [("missing-file", "students.csv", None, ())]


def test_a_missing_optional_file_is_an_alert() -> None:
    """An optional file that did not come is told, and refuses nothing."""
    (found,) = check({"guardians.csv": None})
    assert (found.code, found.file, found.severity) == ("optional-file-missing", "guardians.csv", Severity.ALERT)


def test_a_file_that_is_not_of_the_set_is_a_format_error() -> None:
    """A file that the format does not have refuses the delivery."""
    assert told({"readme.txt": "a\n"}) == [("unexpected-file", "readme.txt", None, ())]


def test_near_misses_of_file_names_are_named() -> None:
    """A file whose name is nearly right is told once: which one was meant, and that it is to be renamed."""
    found = check({"students.csv": None, "Students.csv": DIRECT["students.csv"]})
    assert [(one.code, one.message) for one in found] == [
        ("unexpected-file", "Students.csv found, students.csv expected.")
    ]
    assert found[0].next_step.startswith("Give the file exactly the name")


def test_headers_are_checked() -> None:
    """A header that differs from the declaration is told on its line."""
    assert told({"enrollments.csv": "\nClass_ID,student_id\n"}) == [
        ("header-mismatch", "enrollments.csv", "Class_ID", (2,))
    ]
    assert told({"enrollments.csv": "c1,s1\nc2,s2\n"}) == [("missing-header", "enrollments.csv", None, (1,))]


def test_missing_ids_are_told_by_line() -> None:
    """Every row without a key value is counted, column by column."""
    assert told({"enrollments.csv": "class_id,student_id\nc1,\n,0s1\nc1,\n"}) == [
        ("missing-id", "enrollments.csv", "class_id", (3,)),
        ("missing-id", "enrollments.csv", "student_id", (2, 4)),
    ]


def test_a_school_id_may_be_used_once() -> None:
    """The second row of a school is a format error; a missing id is another."""
    assert told({"schools.csv": "school_id,school_name\n01,A\n02,B\n01,C\n,D\n,E\n"}) == [
        ("missing-id", "schools.csv", "school_id", (5, 6)),
        ("duplicate-school", "schools.csv", "school_id", (4,)),
    ]


def test_files_that_could_not_be_read_are_not_checked_further() -> None:
    """What reading found is not repeated."""
    assert told({"schools.csv": "", "teachers.csv": DIRECT["teachers.csv"].replace("phone", "email", 1)}) == [
        ("header-mismatch", "teachers.csv", "phone", (1,))
    ]
    assert told({"schools.csv": "school_name\nA\n"}) == [("header-mismatch", "schools.csv", "school_id", (1,))]


def test_a_row_that_is_no_header_has_no_name_twice() -> None:
    """Two equal cells in the first row of a file without a header are explained by the missing header."""
    files = readings({"teachers.csv": "t1,01,A,B,,\n", "schools.csv": "school_id,school_id\n"})
    declared = layout.check(FORMAT, files)
    found = [fault for one in files.values() for fault in one.findings]
    assert {(one.code, one.file) for one in found} == {
        ("duplicate-header", "teachers.csv"),
        ("duplicate-header", "schools.csv"),
    }
    assert [(one.code, one.file) for one in layout.explained(found, declared)] == [("duplicate-header", "schools.csv")]
    assert ("missing-header", "teachers.csv") in {(one.code, one.file) for one in declared}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('school_id;school_name\n01;Lincoln, High\n02;"Adams"\n', "wrong-separator"),
        ("sep=;\nschool_id;school_name\n01;Lincoln, High\n02;Adams\n", "missing-header"),
        ("Schools of 3 August\nschool_id,school_name\n01,Lincoln\n02,Adams\n", "missing-header"),
        ("school_id,school_name,,\n01,Lincoln,,\n02,Adams,,\n", "duplicate-header"),
    ],
    ids=["semicolons", "a note for spreadsheets", "a title", "columns without a name"],
)
def test_a_wrong_header_is_told_once(text: str, code: str) -> None:
    """What follows from it in the rows is no fault of theirs."""
    assert found({**DIRECT, "schools.csv": text}, "direct") == [(code, "schools.csv", None, (1,))]


@pytest.mark.parametrize("fmt", ["auto", "direct"])
def test_quoted_cells_with_another_separator_are_told_as_that(fmt: str) -> None:
    """A set whose cells are all in quotation marks is recognised, and told its separator and nothing else."""
    files = {name: '"' + text[:-1].replace(",", '";"').replace("\n", '"\n"') + '"\n' for name, text in DIRECT.items()}
    assert found(files, fmt) == [("wrong-separator", name, None, (1,)) for name in sorted(files)]


def test_next_steps_name_the_limits_of_every_format() -> None:
    """The longest names that a next step allows are those that the formats declare."""
    declared = [file for one in catalogue.formats().values() for file in one.files]
    limits = {column.chars_max for file in declared for column in file.columns}
    assert limits <= {None, SCHOOL_NAME_CHARS_MAX, CLASS_NAME_CHARS_MAX}


def test_claims_have_every_table_in_canonical_columns() -> None:
    """Whatever comes, every claimed table is there, with its columns, file and line."""
    for files in (DIRECT, {}):
        found = claims(FORMAT, files)
        assert {name: tuple(frame.columns) for name, frame in found.tables.items()} == {
            name: (*columns, "file", "line") for name, columns in CLAIMED.items()
        }


def test_claims_know_the_own_names_of_columns() -> None:
    """Findings can show the column as the file's header names it."""
    assert claims(FORMAT, DIRECT).columns["schools.csv", "schools", "name"] == "school_name"


def test_tables_of_absent_optional_files_are_absent() -> None:
    """Without guardians.csv the tables it feeds stay untouched; a header alone empties them."""
    without = {name: text for name, text in DIRECT.items() if name != "guardians.csv"}
    assert claims(FORMAT, without).absent == {"guardians", "guardianships"}
    assert claims(FORMAT, DIRECT).absent == frozenset()


def test_a_row_without_the_id_claims_nothing() -> None:
    """A class without a teacher claims the class, and no teacher of it."""
    files = {**DIRECT, "classes.csv": "class_id,school_id,class_name,teacher_id\nc1,01,Algebra,\n"}
    found = claims(FORMAT, files)
    assert found.tables["classes"].height == 1
    assert found.tables["class_teachers"].is_empty()


@pytest.mark.parametrize(
    ("name", "files"),
    SETS.items(),
)
def test_no_claim_is_empty(name: str, files: dict[str, str]) -> None:
    """Whatever a format makes of a list of nothing, in any column, what is absent is null in the claims."""
    sheets = {file: one.frame for file, one in readings(files).items() if one.frame is not None}
    fmt = catalogue.formats()[name]
    for file, column in ((one.name, column.name) for one in fmt.files for column in one.columns if not one.unused):
        if file in sheets and column in sheets[file].columns:
            spoilt = sheets[file].with_columns(pl.lit(",").alias(column))
            found = layout.claims(fmt, {**sheets, file: spoilt})
            for table, rows in found.tables.items():
                assert rows.filter(pl.any_horizontal(pl.col(pl.String) == "")).is_empty(), (file, column, table)


def test_optional_columns_may_be_absent_and_extra_ones_allowed() -> None:
    """A format may declare columns that files can leave out, and let others through."""
    fmt = Format(
        name="loose",
        title="Loose",
        files=(File("schools.csv", (Column("id", key=True), Column("name", optional=True))),),
        sources=(Source("schools.csv", "schools", {"school_id": "id", "name": "name"}),),
        extra_columns=True,
    )
    files = {"schools.csv": "id,metadata.x\n1,2\n"}
    assert layout.check(fmt, readings(files)) == ()
    assert claims(fmt, files).tables["schools"].rows() == [("1", None, "schools.csv", 2)]


def test_a_format_names_its_files() -> None:
    """A declared file is found by name; any other is a mistake of the caller."""
    assert FORMAT.file("guardians.csv").optional
    with pytest.raises(KeyError):
        FORMAT.file("parents.csv")


def test_codes_say_what_to_do() -> None:
    """Every code states a fault and a next step."""
    assert all(code.title.endswith(".") and code.next_step.endswith(".") for code in layout.CODES)
