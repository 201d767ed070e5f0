from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from core.claiming import claims, rule_set, sound
from rostergate.core.checking import check
from rostergate.core.claims import CLAIMED, Claims
from rostergate.core.roster import PEOPLE, TABLES, schema
from rostergate.core.snapshot import MENTIONED, Snapshot, take
from rostergate.core.values import normalised

if TYPE_CHECKING:
    from rostergate.core.problem import Problem

REFERENCES = {
    "teacher_schools": {"schools": ["school_id"], "teachers": ["teacher_id"]},
    "student_schools": {"schools": ["school_id"], "students": ["student_id"]},
    "guardianships": {"student_schools": ["school_id", "student_id"], "guardians": ["guardian_id"]},
    "classes": {"schools": ["school_id"]},
    "class_teachers": {"classes": ["school_id", "class_id"], "teacher_schools": ["school_id", "teacher_id"]},
    "enrollments": {"classes": ["school_id", "class_id"], "student_schools": ["school_id", "student_id"]},
}
"""What each canonical table must find in others: written down again here, so that the code is not its own measure."""


def snapshot(claimed: Claims) -> Snapshot:
    """Take the snapshot of claims by the whole road: values, rules, checking."""
    found, problems = normalised(claimed, phone_region="US")
    return take(check(found, problems, rule_set()))


def test_one_of_everything() -> None:
    """Sound claims give every canonical table, ties placed in their school."""
    taken = snapshot(sound())
    assert {table: frame.rows() for table, frame in taken.tables.items()} == {
        "schools": [("1", "Lincoln")],
        "teachers": [("t", None, "Hill", "t@school.org", None)],
        "students": [("s", None, "Dale", None, "2012-03-04", None, None)],
        "guardians": [("g", None, "Dale", "g@home.org", None)],
        "classes": [("1", "c", "Algebra")],
        "teacher_schools": [("1", "t")],
        "student_schools": [("1", "s")],
        "guardianships": [("1", "s", "g", "mother", None)],
        "class_teachers": [("1", "c", "t")],
        "enrollments": [("1", "c", "s")],
    }
    assert all(frame.is_empty() for frame in taken.mentioned.values())


def test_a_guardian_is_tied_in_each_school_of_the_student() -> None:
    """A guardianship becomes one row per school of the student."""
    taken = snapshot(
        sound(
            schools=[{"school_id": "2", "name": "Grant"}],
            students=[{"student_id": "s", "last_name": "Dale", "birth_date": "2012-03-04"}],
            student_schools=[{"school_id": "2", "student_id": "s"}],
        )
    )
    assert taken.tables["guardianships"].rows() == [("1", "s", "g", "mother", None), ("2", "s", "g", "mother", None)]


def test_the_first_row_of_a_person_counts_as_a_whole() -> None:
    """Later rows of a key change nothing, not even where the first one is empty."""
    taken = snapshot(sound(students=[{"student_id": "s", "last_name": "Hale", "grade": "4", "line": 3}]))
    assert taken.tables["students"].rows() == [("s", None, "Dale", None, "2012-03-04", None, None)]


def test_who_teaches_a_class_is_in_its_school() -> None:
    """A teacher of one school with a class in another is a teacher of both."""
    taken = snapshot(
        sound(
            schools=[{"school_id": "2", "name": "Grant"}],
            classes=[{"school_id": "2", "class_id": "d", "name": "Music"}],
            class_teachers=[{"class_id": "d", "teacher_id": "t"}],
        )
    )
    assert taken.tables["teacher_schools"].rows() == [("1", "t"), ("2", "t")]


def test_what_cannot_be_used_is_mentioned() -> None:
    """Keys of rows that are left out, and of those that hang on them, are mentioned, with what a class tie implies."""
    taken = snapshot(
        sound(
            schools=[{"school_id": "2", "name": "Grant"}],
            teachers=[{"teacher_id": "u", "email": "nobody"}],
            teacher_schools=[{"school_id": "1", "teacher_id": "u"}],
            classes=[{"school_id": "2", "class_id": "d", "name": "Music"}],
            class_teachers=[{"class_id": "d", "teacher_id": "u"}],
            enrollments=[{"class_id": "d", "student_id": "s"}],
        )
    )
    assert {table: sorted(frame.rows()) for table, frame in taken.mentioned.items() if len(frame)} == {
        "teachers": [("u",)],
        "teacher_schools": [("1", "u"), ("2", "u")],
        "classes": [("2", "d")],
        "class_teachers": [("d", "u")],
        "enrollments": [("d", "s")],
    }


def test_a_class_row_that_cannot_be_used_states_two_things() -> None:
    """Of a class that can be used, too, it mentions that the teacher teaches it, and is one of its school."""
    taken = snapshot(sound(class_teachers=[{"class_id": "c", "teacher_id": "nobody", "line": 3}]))
    assert {table: frame.rows() for table, frame in taken.mentioned.items() if len(frame)} == {
        "teacher_schools": [("1", "nobody")],
        "class_teachers": [("c", "nobody")],
    }


def test_a_guardian_of_two_students_is_mentioned_with_the_one_who_cannot_be_used() -> None:
    """What is in the snapshot of the other student says nothing of this one."""
    taken = snapshot(
        sound(
            students=[{"student_id": "u"}],
            student_schools=[{"school_id": "9", "student_id": "u"}],
            guardianships=[{"student_id": "u", "guardian_id": "g"}],
        )
    )
    assert taken.mentioned["guardianships"].rows() == [("u", "g")]


def test_what_another_row_makes_is_not_mentioned() -> None:
    """A row that is left out needs no mention where another row of the same key is in the snapshot."""
    taken = snapshot(sound(teachers=[{"teacher_id": "t", "email": "nobody", "file": "more.csv"}]))
    assert taken.mentioned["teachers"].is_empty()


def test_an_absent_file_is_passed_on() -> None:
    """Tables whose file did not come are named, and empty."""
    taken = snapshot(claims(absent={"guardians", "guardianships"}))
    assert taken.absent == {"guardians", "guardianships"}
    assert {table: frame.schema for table, frame in taken.tables.items()} == {
        name: pl.Schema(schema(table)) for name, table in TABLES.items()
    }
    assert {table: tuple(frame.columns) for table, frame in taken.mentioned.items()} == MENTIONED


IDS = {
    "school_id": ["1", "1", "2", "3"],
    "teacher_id": ["t", "t", "u", "v"],
    "student_id": ["s", "s", "r", "q"],
    "guardian_id": ["g", "g", "h", "i"],
    "class_id": ["c", "c", "d", "e"],
}
VALUES = {"name": ["A", "B"], "email": ["a@x.org", "b@x.org", "none", None], "phone": ["2125550101", None]}


@st.composite
def random_claims(draw: st.DrawFn) -> Claims:
    """Draw a few rows for every table, with ids that often meet and often do not."""
    tables = {}
    for table, columns in CLAIMED.items():
        row = st.fixed_dictionaries(
            {
                column: st.sampled_from(IDS.get(column) or VALUES.get(column) or ["x", None])
                if (table, column) != ("enrollments", "school_id")
                else st.sampled_from([None, "1", "2"])
                for column in columns
            }
        )
        tables[table] = draw(st.lists(row, min_size=1, max_size=5))
    return claims(**tables)


@given(random_claims(), st.sets(st.integers(0, 14), max_size=4))
@settings(max_examples=40, deadline=None)
def test_a_snapshot_is_sound_whatever_is_claimed(claimed: Claims, missing: set[int]) -> None:
    """Keys are unique, every tie finds its ends, every person has a tie, and every claim is in it or mentioned.

    That holds even when some rules are missing.
    """
    found, problems = normalised(claimed, phone_region="US")
    rules = [rule for place, rule in enumerate(rule_set()) if place not in missing]
    taken = take(check(found, problems, rules))
    for name, table in TABLES.items():
        frame = taken.tables[name]
        assert frame.columns == list(table.columns)
        assert not frame.select(pl.struct(table.key).is_duplicated().any()).item()
        for other, on in REFERENCES.get(name, {}).items():
            assert frame.join(taken.tables[other], on=on, how="anti").is_empty(), (name, other)
    for table in PEOPLE:
        tied = pl.concat(taken.tables[tie].select(table.key) for tie in table.tied_by)
        assert taken.tables[table.name].join(tied, on=table.key, how="anti").is_empty()
    for table, key in MENTIONED.items():
        kept = pl.concat([taken.tables[table].select(key), taken.mentioned[table].select(key)])
        assert claimed.tables[table].join(kept, on=key, how="anti").is_empty(), table


@given(random_claims())
@settings(max_examples=20, deadline=None)
def test_nothing_is_both_made_and_mentioned(claimed: Claims) -> None:
    """What the snapshot has is not mentioned besides, and nothing is mentioned twice."""
    taken = snapshot(claimed)
    for table, key in MENTIONED.items():
        assert taken.mentioned[table].join(taken.tables[table], on=key, how="semi").is_empty()
        assert taken.mentioned[table].is_unique().all()


@given(random_claims())
@settings(max_examples=20, deadline=None)
def test_one_contact_one_account(claimed: Claims) -> None:
    """No two accounts of a snapshot carry the same e-mail address, nor the same phone number."""
    taken = snapshot(claimed)
    for column in ("email", "phone"):
        carried = pl.concat(taken.tables[table.name][column].drop_nulls() for table in PEOPLE)
        assert carried.is_unique().all()


def test_random_claims_are_worth_drawing() -> None:
    """Drawn claims do reach the snapshot: the properties above are not about nothing."""
    made: set[str] = set()

    @given(random_claims())
    @settings(max_examples=40, deadline=None, database=None, derandomize=True)
    def draw(claimed: Claims) -> None:
        made.update(table for table, frame in snapshot(claimed).tables.items() if len(frame))

    draw()
    assert made == set(TABLES)


def test_problems_are_all_that_rules_say() -> None:
    """Problems hold rows, never values: file, line and at most a mark of the cell are all that leaves a rule."""
    found, problems = normalised(sound(), phone_region="US")
    said: list[Problem] = [*problems, *(one for rule in rule_set() for one in rule.check(found))]
    assert {tuple(one.rows.columns) for one in said} == {("file", "line"), ("file", "line", "cell")}
    assert {one.rows.schema.get("cell", pl.UInt64()) for one in said} == {pl.UInt64()}
