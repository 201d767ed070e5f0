from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest

from core.claiming import claims, rule_set, sound
from rostergate.core.checking import Checked, check
from rostergate.core.claims import CLAIMED, FILE, Claims
from rostergate.core.findings import LINES_MAX, Code, Severity
from rostergate.core.problem import Effect, Problem
from rostergate.core.rule import Rule, Stage
from rostergate.core.values import normalised

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ERROR = Code("an-error", Severity.ERROR, "Something is wrong.", "Correct it.")
ALERT = Code("an-alert", Severity.ALERT, "Something is incomplete.", "Complete it.")


def rows(file: str, *lines: int) -> pl.DataFrame:
    """Build the rows of a problem."""
    return pl.DataFrame({"file": [file] * len(lines), "line": lines}, schema={"file": FILE, "line": pl.UInt32})


def left_out(checked: Checked) -> dict[str, list[tuple[str, int]]]:
    """Return file and line of the unusable rows, by table, where there are any."""
    return {table: frame.select("file", "line").rows() for table, frame in checked.unusable.items() if len(frame)}


def codes(checked: Checked) -> list[tuple[str, str | None, str | None, tuple[int, ...]]]:
    """Return code, file, column and lines of each finding."""
    return [(one.code, one.file, one.column, one.lines) for one in checked.findings]


def test_sound_claims_pass_untouched() -> None:
    """Where nothing is wrong every claim is usable as it stands and nothing is reported."""
    claimed = sound()
    checked = check(claimed, (), rule_set())
    assert checked.findings == ()
    assert left_out(checked) == {}
    for table, frame in claimed.tables.items():
        assert checked.usable.tables[table].equals(frame)
        assert checked.unusable[table].schema == frame.schema


def test_an_error_leaves_out_every_claim_of_its_line() -> None:
    """A row that is left out makes nothing in any table that its file feeds; the other rows stay."""
    claimed = sound(
        teachers=[{"teacher_id": "u", "line": 3}],
        teacher_schools=[{"school_id": "1", "teacher_id": "u", "line": 3}],
    )
    problem = Problem(ERROR, "teachers", "email", rows("teachers.csv", 3), Effect.LEAVE_OUT)
    none = replace(problem, rows=rows("teachers.csv"))
    checked = check(claimed, [problem, none], ())
    assert left_out(checked) == {"teachers": [("teachers.csv", 3)], "teacher_schools": [("teachers.csv", 3)]}
    assert checked.usable.tables["teachers"]["teacher_id"].to_list() == ["t"]


def test_a_line_means_a_line_of_its_own_file() -> None:
    """The same line number in another file is not concerned."""
    checked = check(sound(), [Problem(ERROR, "schools", None, rows("rooms.csv", 2), Effect.LEAVE_OUT)], ())
    assert left_out(checked) == {}


def test_what_hangs_on_a_lost_school_is_lost_silently() -> None:
    """Without its school nothing is usable, and only the school is reported."""
    problem = Problem(ERROR, "schools", "name", rows("schools.csv", 2), Effect.LEAVE_OUT)
    checked = check(sound(), [problem], rule_set())
    assert set(left_out(checked)) == set(CLAIMED)
    assert codes(checked) == [("an-error", "schools.csv", "school_name", (2,))]


def test_a_student_takes_family_and_seat_along() -> None:
    """Without the student neither the guardian nor the enrollment is usable; that the class is empty is no news."""
    problem = Problem(ERROR, "students", "last_name", rows("students.csv", 2), Effect.LEAVE_OUT)
    checked = check(sound(), [problem], rule_set())
    assert set(left_out(checked)) == {"students", "student_schools", "guardians", "guardianships", "enrollments"}
    assert [one.code for one in checked.findings] == ["an-error"]


def test_a_person_stays_while_one_row_is_left() -> None:
    """A student with an unusable row in one school stays in the other, classes of the lost school excepted."""
    claimed = sound(
        schools=[{"school_id": "2", "name": "Grant"}],
        students=[{"student_id": "s", "last_name": "Dale", "birth_date": "2012-03-04", "line": 3}],
        student_schools=[{"school_id": "2", "student_id": "s", "line": 3}],
        classes=[{"school_id": "2", "class_id": "d", "name": "Music", "line": 3}],
        class_teachers=[{"class_id": "d", "teacher_id": "t", "line": 3}],
        enrollments=[{"class_id": "d", "student_id": "s", "line": 3}],
    )
    problem = Problem(ERROR, "students", None, rows("students.csv", 3), Effect.LEAVE_OUT)
    checked = check(claimed, [problem], rule_set())
    assert left_out(checked) == {
        "students": [("students.csv", 3)],
        "student_schools": [("students.csv", 3)],
        "enrollments": [("enrollments.csv", 3)],
    }


def test_a_class_goes_with_its_last_teacher() -> None:
    """A class whose teacher is left out is an error of its own; its enrollments go silently."""
    claimed, problems = normalised(
        sound(
            teachers=[{"teacher_id": "u", "email": "nobody"}],
            teacher_schools=[{"school_id": "1", "teacher_id": "u"}],
            classes=[{"school_id": "1", "class_id": "d"}],
            class_teachers=[{"class_id": "d", "teacher_id": "u"}],
            enrollments=[{"class_id": "d", "student_id": "s"}],
        ),
        phone_region="US",
    )
    checked = check(claimed, problems, rule_set())
    assert codes(checked) == [
        ("class-without-teacher", "classes.csv", None, (3,)),
        ("teacher-email-invalid", "teachers.csv", "email", (3,)),
    ]
    assert set(left_out(checked)) == {"teachers", "teacher_schools", "classes", "class_teachers", "enrollments"}


def test_an_unknown_teacher_is_one_error() -> None:
    """A class row that names an unknown teacher is left out for that, and not reported as a class without teacher."""
    claimed = sound(
        classes=[{"school_id": "1", "class_id": "d"}], class_teachers=[{"class_id": "d", "teacher_id": "nobody"}]
    )
    assert codes(check(claimed, (), rule_set())) == [("unknown-teacher", "classes.csv", "teacher_id", (3,))]


def test_a_blanked_cell_is_null_and_reported_once() -> None:
    """A cell that makes no sense is null afterwards, not reported as missing too, and conflicts with nothing."""
    claimed, problems = normalised(
        sound(
            students=[{"student_id": "u", "birth_date": "someday", "email": "u@school.org"}],
            student_schools=[{"school_id": "1", "student_id": "u"}],
        ),
        phone_region="US",
    )
    checked = check(claimed, problems, rule_set())
    assert codes(checked) == [("birth-date-invalid", "students.csv", "birth_date", (3,))]
    assert checked.usable.tables["students"]["birth_date"].to_list() == ["2012-03-04", None]


def test_cells_that_make_no_sense_belong_to_nobody() -> None:
    """The same senseless word in many cells is invalid, and not a contact that somebody else has taken."""
    claimed, problems = normalised(
        sound(
            guardians=[{"guardian_id": f"g{number}", "email": "none"} for number in range(3)],
            guardianships=[{"student_id": "s", "guardian_id": f"g{number}"} for number in range(3)],
            teachers=[{"teacher_id": f"t{number}", "email": "none"} for number in range(3)],
            teacher_schools=[{"school_id": "1", "teacher_id": f"t{number}"} for number in range(3)],
        ),
        phone_region="US",
    )
    assert codes(check(claimed, problems, rule_set())) == [
        ("teacher-email-invalid", "teachers.csv", "email", (3, 4, 5)),
        ("guardian-unreachable", "guardians.csv", None, (3, 4, 5)),
        ("email-invalid", "guardians.csv", "email", (3, 4, 5)),
    ]


def test_a_contact_taken_by_a_teacher_leaves_the_guardian_without_it() -> None:
    """A guardian with a teacher's address is usable without it, and the alerts know."""
    claimed = sound(
        guardians=[{"guardian_id": "h", "email": "t@school.org"}],
        guardianships=[{"student_id": "s", "guardian_id": "h"}],
    )
    checked = check(claimed, (), rule_set())
    assert checked.usable.tables["guardians"]["email"].to_list() == ["g@home.org", None]
    assert codes(checked) == [
        ("contact-taken", "guardians.csv", "email", (3,)),
        ("guardian-unreachable", "guardians.csv", None, (3,)),
    ]


def test_contacts_are_those_of_the_rows_that_count() -> None:
    """A teacher's first row goes for its address, then the second counts, and takes its own from a guardian."""
    claimed = sound(
        teachers=[{"teacher_id": "u", "email": "t@school.org"}, {"teacher_id": "u", "email": "g@home.org"}],
        teacher_schools=[{"school_id": "1", "teacher_id": "u"}, {"school_id": "1", "teacher_id": "u"}],
        class_teachers=[{"class_id": "c", "teacher_id": "u"}],
    )
    checked = check(claimed, (), rule_set())
    assert left_out(checked) == {"teachers": [("teachers.csv", 3)], "teacher_schools": [("teachers.csv", 3)]}
    assert checked.usable.tables["guardians"]["email"].to_list() == [None]
    assert ("contact-taken", "guardians.csv", "email", (2,)) in codes(checked)
    assert ("contact-taken", "teachers.csv", "email", (3,)) in codes(checked)


def test_alerts_speak_of_what_is_left() -> None:
    """A rule of the last stage does not see rows that another rule has left out."""
    claimed = sound(
        students=[{"student_id": "u"}], student_schools=[{"school_id": "9", "student_id": "u"}]
    )  # no birth date, no contact: but the row is out for its school
    assert codes(check(claimed, (), rule_set())) == [("unknown-school", "students.csv", "school_id", (3,))]


def test_late_errors_are_asked_again_until_nothing_goes() -> None:
    """An error found on what is left may bring about the next one."""

    def longest_id(claimed: Claims) -> Iterator[Problem]:
        schools = claimed.tables["schools"]
        several = schools.filter(pl.len() > 1).filter(
            pl.col("school_id").str.len_chars() == pl.col("school_id").str.len_chars().max()
        )
        yield Problem(ERROR, "schools", "school_id", several.select("file", "line"), Effect.LEAVE_OUT)

    claimed = claims(schools=[{"school_id": "1"}, {"school_id": "22"}, {"school_id": "333"}])
    checked = check(claimed, (), [Rule(ERROR, Stage.USABLE, longest_id)])
    assert checked.usable.tables["schools"]["school_id"].to_list() == ["1"]
    assert codes(checked) == [("an-error", "schools.csv", "school_id", (3, 4))]


def test_no_rule_speaks_of_a_cell_that_is_spoken_of() -> None:
    """What was found in a value comes before what any rule says of that cell; of other cells each says its own."""

    def about(table: str) -> Callable[[Claims], Iterator[Problem]]:
        def every(claimed: Claims) -> Iterator[Problem]:
            for column in ("email", "phone"):
                yield Problem(ALERT, table, column, claimed.tables[table].select("file", "line"))

        return every

    claimed = sound(guardians=[{"guardian_id": "h"}], guardianships=[{"student_id": "s", "guardian_id": "h"}])
    given = [
        Problem(ERROR, "guardians", "email", rows("guardians.csv", 2)),
        Problem(ERROR, "guardians", "email", rows("guardians.csv", 3)),
        Problem(ERROR, "guardians", "phone", rows("guardians.csv", 3)),
    ]
    for code, stage in ((ALERT, Stage.CLAIMED), (ERROR, Stage.USABLE), (ALERT, Stage.USABLE)):
        checked = check(claimed, given, [Rule(code, stage, about("guardians")), Rule(code, stage, about("teachers"))])
        assert codes(checked) == [
            ("an-error", "guardians.csv", "email", (2, 3)),
            ("an-error", "guardians.csv", "phone", (3,)),
            ("an-alert", "guardians.csv", "phone", (2,)),
            ("an-alert", "teachers.csv", "email", (2,)),
            ("an-alert", "teachers.csv", "phone", (2,)),
        ]


def test_a_cell_that_is_emptied_is_empty_from_then_on() -> None:
    """Whatever emptied it, no later rule sees its value, and nothing is made of it; earlier ones do see it."""
    shown: list[list[str | None]] = []

    def emptying(column: str) -> Callable[[Claims], Iterator[Problem]]:
        def one(claimed: Claims) -> Iterator[Problem]:
            shown.append(list(claimed.tables["students"].select("email", "phone", "grade", "birth_date").row(0)))
            if claimed.tables["students"][column].null_count() == 0:
                yield Problem(ALERT, "students", column, rows("students.csv", 2), Effect.BLANK)

        return one

    cells = {"email": "e", "phone": "p", "grade": "g", "birth_date": "b"}
    claimed = claims(
        schools=[{"school_id": "1"}],
        students=[{"student_id": "s", **cells}],
        student_schools=[{"school_id": "1", "student_id": "s"}],
    )
    given = [Problem(ERROR, "students", "email", rows("students.csv", 2), Effect.BLANK)]
    rules = [
        Rule(ALERT, Stage.CLAIMED, emptying("phone")),
        Rule(ERROR, Stage.USABLE, emptying("grade")),
        Rule(ALERT, Stage.USABLE, emptying("birth_date")),
    ]
    checked = check(claimed, given, rules)
    assert shown == [[None, "p", "g", "b"], [None, None, "g", "b"], [None, None, None, "b"]]
    assert checked.usable.tables["students"].select(*cells).row(0) == (None, None, None, None)


def test_somebody_without_a_usable_row_keeps_their_contact() -> None:
    """They may well have an account already: nobody else is made with the address while their row is out."""
    claimed = sound(
        guardians=[{"guardian_id": "a", "email": "g@home.org"}],
        guardianships=[{"student_id": "nobody", "guardian_id": "a"}],
    )
    checked = check(claimed, (), rule_set())
    assert ("contact-taken", "guardians.csv", "email", (2,)) in codes(checked)
    assert checked.usable.tables["guardians"].select("guardian_id", "email").rows() == [("g", None)]


@pytest.mark.parametrize(
    ("file", "table"),
    [
        pytest.param("students.csv", "student_schools", id="the student is not of the school any more"),
        pytest.param("classes.csv", "classes", id="the class is of another school"),
    ],
)
def test_a_seat_goes_with_what_a_late_error_leaves_out(file: str, table: str) -> None:
    """Nobody sits in a class of a school that is not theirs, whenever it comes to that; the others keep their seats."""

    def late(claimed: Claims) -> Iterator[Problem]:
        yield Problem(ERROR, table, None, claimed.tables[table].filter(line=2).select("file", "line"), Effect.LEAVE_OUT)

    claimed = sound(
        schools=[{"school_id": "2", "name": "Grant"}],
        students=[{"student_id": "s", "last_name": "Dale", "line": 4}, {"student_id": "u", "line": 3}],
        student_schools=[
            {"school_id": "2" if file == "students.csv" else "1", "student_id": "s", "line": 4},
            {"school_id": "1", "student_id": "u", "line": 3},
            {"school_id": "2", "student_id": "u", "line": 3},
        ],
        classes=[{"school_id": "2", "class_id": "c", "name": "Algebra", "line": 3}],
        enrollments=[{"class_id": "c", "student_id": "u", "line": 3}],
    )
    checked = check(claimed, (), [Rule(ERROR, Stage.USABLE, late)])
    assert left_out(checked)[table] == [(file, 2)]
    assert left_out(checked)["enrollments"] == [("enrollments.csv", 2)]


def test_a_rule_that_insists_ends_all_the_same() -> None:
    """A late error that leaves nothing out is reported once, and checking ends."""

    def always(claimed: Claims) -> Iterator[Problem]:
        yield Problem(ERROR, "schools", None, claimed.tables["schools"].select("file", "line"))

    checked = check(claims(schools=[{"school_id": "1"}]), (), [Rule(ERROR, Stage.USABLE, always)])
    assert codes(checked) == [("an-error", "schools.csv", None, (2,))]
    assert left_out(checked) == {}


def test_findings_are_grouped_by_code_file_and_the_files_own_column() -> None:
    """One finding per code, file and column; a line counts once; the list is capped, the count is not."""
    many = range(2, 2 + LINES_MAX + 5)
    problems = [
        Problem(ALERT, "schools", "name", rows("schools.csv", *reversed(many))),
        Problem(ALERT, "schools", "name", rows("schools.csv", 2, 3)),
        Problem(ALERT, "schools", "name", rows("rooms.csv", 4)),
        Problem(ALERT, "schools", None, rows("schools.csv", 2)),
        Problem(ERROR, "classes", "name", rows("classes.csv")),
    ]
    checked = check(claims(), problems, ())
    assert {(one.file, one.column, one.count, one.lines) for one in checked.findings} == {
        ("schools.csv", "school_name", len(many), tuple(many)[:LINES_MAX]),
        ("rooms.csv", None, 1, (4,)),
        ("schools.csv", None, 1, (2,)),
    }
    assert {(one.message, one.next_step) for one in checked.findings} == {(ALERT.title, ALERT.next_step)}


def test_findings_say_what_their_problem_says() -> None:
    """Problems of one code that are told in other words, or ask for something else, are findings of their own."""
    told = Problem(ALERT, "schools", "name", rows("schools.csv", 2), message="Otherwise.")
    asked = Problem(ALERT, "schools", "name", rows("schools.csv", 3), next_step="Wait.")
    checked = check(claims(), [told, asked], ())
    assert {(one.message, one.next_step, one.lines) for one in checked.findings} == {
        ("Otherwise.", ALERT.next_step, (2,)),
        (ALERT.title, "Wait.", (3,)),
    }


def test_no_finding_holds_a_value() -> None:
    """Neither message nor next step says what stands in a cell."""
    word = "Canary"
    claimed, problems = normalised(
        claims(
            schools=[{"school_id": word}],
            teachers=[{"teacher_id": word, "email": word, "phone": word}],
            students=[{"student_id": word, "birth_date": word, "grade": word, "phone": word}],
            student_schools=[{"school_id": word, "student_id": word}],
            classes=[{"school_id": word, "class_id": word}],
            class_teachers=[{"class_id": word, "teacher_id": f"{word}2"}],
            enrollments=[{"class_id": f"{word}2", "student_id": f"{word}2"}],
        ),
        phone_region="US",
    )
    checked = check(claimed, problems, rule_set())
    assert len(checked.findings) >= 8
    assert not [one for one in checked.findings if word.lower() in f"{one.message} {one.next_step}".lower()]
