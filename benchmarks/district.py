"""A made-up district in the `direct` format: any number of students, any number of days, the same ones every time.

    python benchmarks/district.py 50000 FOLDER [DAYS]

Rule 1: everything follows from the number of students, the seed and the day. Nothing is drawn from a generator with a
state: each number is a hash of what it is about, so that a million rows are made column by column.
Rule 2: a district is sound as it is founded and stays sound from day to day; `faults.injected` is what breaks it.
Rule 3: it is as skewed as real ones: small and large schools, siblings who share guardians, teachers of two schools,
classes with two teachers, names with accents and commas.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Final, TypeAlias

import polars as pl

Tables: TypeAlias = dict[str, pl.DataFrame]
"""The files of a set by name, in the columns of the format; every cell is text."""

SIZES: Final = {"S": 5_000, "M": 50_000, "L": 1_000_000}
"""Students of the sizes that are measured; M has half a million rows, L nine million in 350 MB."""

_STUDENTS_PER_SCHOOL = 520
_STUDENTS_PER_CLASS = 24
_STUDENTS_PER_TEACHER = 17
_PERIODS = 6
_MASK = (1 << 64) - 1
_FIRST_SCHOOL, _FIRST_STUDENT, _FIRST_CLASS, _FIRST_TEACHER, _FIRST_GUARDIAN = (
    1_001,
    10_000_001,
    20_000_001,
    30_000_001,
    40_000_001,
)
_DAY = 5_000_000
"""Numbers that one day's new students may take; more than a district of the largest size gains in a year."""

_FIRST_STARTS = ("Al", "Bel", "Cor", "Dan", "El", "Fer", "Gal", "Hel", "Is", "Jon", "Lil", "Mar", "Nor", "Or", "Yus")
_FIRST_ENDS = ("a", "an", "ette", "ia", "ina", "ira", "is", "ita", "o", "on", "uel", "yn", "é")
_LAST_STARTS = ("Ash", "Black", "Dray", "East", "Fair", "Green", "Hart", "Iver", "Lind", "North", "Nuñ", "O'Mal", "Pem")
_LAST_MIDDLES = ("", "en", "er", "ing")
_LAST_ENDS = (
    "bert",
    "burn",
    "by",
    "croft",
    "dale",
    "field",
    "ford",
    "gate",
    "ham",
    "ley",
    "man",
    "mere",
    "ström",
    "ton",
)
_FIRST_NAMES = pl.Series(map("".join, product(_FIRST_STARTS, _FIRST_ENDS)))
_LAST_NAMES = pl.Series(map("".join, product(_LAST_STARTS, _LAST_MIDDLES, _LAST_ENDS)))
_SUBJECTS = pl.Series(
    map(
        " ".join,
        product(
            ("Algebra", "Art", "Band", "Biology", "Civics", "English,", "French", "Geometry", "History", "Music"),
            ("I", "II", "Honors", "Workshop"),
        ),
    )
)
_SCHOOL_KINDS = pl.Series(["Elementary School", "Middle School", "High School", "Academy", "Charter School"])
_RELATIONSHIPS = pl.Series(["mother", "father", "grandparent", "stepfather", "guardian"])


@dataclass(frozen=True, slots=True)
class Churn:
    """What happens overnight, in percent."""

    changed: float = 1.0  # students with another last name, grade or phone
    moved: float = 0.1  # students who go to another school
    added: float = 0.25  # students who are new
    removed: float = 0.25  # students who leave
    rescheduled: float = 1.0  # enrollments that become another class of the same period


@dataclass(frozen=True, slots=True)
class District:
    """One district on one day."""

    students: int
    """As many as it was founded with."""
    seed: int
    day: int
    tables: Tables

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(frame.height for frame in self.tables.values())


def founded(students: int, seed: int = 1) -> District:
    """Return a district on its first day."""
    plan = _plan(students)
    number = pl.col("number").cast(pl.Float64) / students
    school = (number.sqrt() * number.sqrt().sqrt() * plan.height).floor().cast(pl.Int64)
    enrolled = _numbers(students).with_columns(school=school.clip(0, plan.height - 1))
    tables = {
        "schools.csv": _schools(plan, seed),
        "teachers.csv": _teachers(plan, seed),
        "students.csv": _students(enrolled, plan.height, seed),
        "guardians.csv": _guardians(enrolled, seed),
        "classes.csv": _classes(plan, seed),
        "enrollments.csv": _enrollments(enrolled, plan, seed),
    }
    return District(students, seed, 1, tables)


def next_day(district: District, churn: Churn | None = None) -> District:
    """Return the same district one day later."""
    overnight = churn or Churn()
    day, plan, tables = district.day + 1, _plan(district.students), district.tables
    salt = district.seed * 1_000 + day
    students = tables["students.csv"]
    number = pl.col("student_id").cast(pl.Int64) - _FIRST_STUDENT
    drawn = _drawn(number, salt, 1_000_000) / 10_000
    leaves, moves = drawn < overnight.removed, drawn.is_between(overnight.removed, overnight.removed + overnight.moved)
    gone = students.filter(leaves | moves).select("student_id").unique()
    moving = students.filter(moves).select(number.alias("number"), school=_drawn(number, salt + 1, plan.height))
    moving = moving.unique("number", maintain_order=True)
    arriving = round(district.students * overnight.added / 100)
    new = _numbers(arriving).with_columns(pl.col("number") + day * _DAY)
    new = new.with_columns(school=_drawn(pl.col("number"), salt, plan.height))
    coming = pl.concat([moving, new.select("number", "school")])
    families = tables["guardians.csv"].join(students.filter(leaves), on="student_id", how="anti", maintain_order="left")
    seats = tables["enrollments.csv"].join(gone, on="student_id", how="anti", maintain_order="left")
    return replace(
        district,
        day=day,
        tables={
            **tables,
            "students.csv": pl.concat(
                [
                    _aged(students.join(gone, on="student_id", how="anti", maintain_order="left"), overnight, salt),
                    _students(coming, 0, district.seed),
                ]
            ),
            "guardians.csv": pl.concat([families, _guardians(new, district.seed)]),
            "enrollments.csv": pl.concat(
                [_rescheduled(seats, plan, overnight, salt), _enrollments(coming, plan, salt)]
            ),
        },
    )


def as_files(tables: Tables, *, quoted: bool = False) -> dict[str, bytes]:
    """Return the bytes of every file by name; `quoted`: every cell in quotation marks, as some systems export."""
    return {
        name: frame.write_csv(quote_style="always" if quoted else "necessary").encode()
        for name, frame in tables.items()
    }


def write(tables: Tables, folder: Path, *, quoted: bool = False) -> None:
    """Write the files into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in tables.items():
        frame.write_csv(folder / name, quote_style="always" if quoted else "necessary")


def _plan(students: int) -> pl.DataFrame:
    """Return for each school: number, students, classes per period, teachers; and the first number of its own."""
    schools = max(1, students // _STUDENTS_PER_SCHOOL)
    # A school ends where (number / students) ** 0.75 reaches its share: sizes grow with the school's number.
    ends = (((pl.col("school") + 1) / schools) ** (4 / 3) * students).round().cast(pl.Int64)
    plan = pl.DataFrame({"school": pl.int_range(schools, eager=True)}).with_columns(size=ends.diff().fill_null(ends))
    plan = plan.with_columns(
        per_period=(pl.col("size") // _STUDENTS_PER_CLASS).clip(1),
        teachers=(pl.col("size") // _STUDENTS_PER_TEACHER).clip(1),
    )
    classes = pl.col("per_period") * _PERIODS
    return plan.with_columns(
        first_class=classes.cum_sum() - classes,
        first_teacher=pl.col("teachers").cum_sum() - pl.col("teachers"),
    )


def _schools(plan: pl.DataFrame, seed: int) -> pl.DataFrame:
    number = pl.col("school")
    name = pl.concat_str(
        _chosen(_LAST_NAMES, number, seed + 1),
        _chosen(_SCHOOL_KINDS, number, seed + 2),
        number + 1,
        separator=" ",
    )
    return plan.select(school_id=_text(number + _FIRST_SCHOOL), school_name=name)


def _teachers(plan: pl.DataFrame, seed: int) -> pl.DataFrame:
    staff = plan.select("school", "first_teacher", pl.int_ranges(0, "teachers").alias("number")).explode("number")
    staff = staff.select("school", number=pl.col("number") + pl.col("first_teacher"))
    number = pl.col("number")
    also = staff.filter(_drawn(number, seed + 3, 100) < 5).with_columns(school=(pl.col("school") + 1) % plan.height)
    also = also.filter(plan.height > 1)
    return pl.concat([staff, also]).select(
        teacher_id=_text(number + _FIRST_TEACHER),
        school_id=_text(pl.col("school") + _FIRST_SCHOOL),
        first_name=_chosen(_FIRST_NAMES, number, seed + 4),
        last_name=_chosen(_LAST_NAMES, number, seed + 5),
        email=pl.concat_str(pl.lit("staff."), number, pl.lit("@district.example")),
        phone=pl.when(_drawn(number, seed + 6, 100) < 40).then(_phone(number, 212)),
    )


def _students(enrolled: pl.DataFrame, schools: int, seed: int) -> pl.DataFrame:
    """Return a row per student, and a second one for those who attend two of that many schools."""
    number = pl.col("number")
    also = enrolled.filter(_drawn(number, seed + 7, 1_000) < 8).filter(schools > 1)
    also = also.with_columns(school=(pl.col("school") + 1) % max(1, schools))
    age = _drawn(number, seed + 8, 13)
    day = _drawn(number, seed + 9, 336)
    return pl.concat([enrolled, also]).select(
        student_id=_text(number + _FIRST_STUDENT),
        school_id=_text(pl.col("school") + _FIRST_SCHOOL),
        first_name=_chosen(_FIRST_NAMES, number, seed + 10),
        last_name=_chosen(_LAST_NAMES, _household(), seed + 11),
        grade=pl.when(age == 0).then(pl.lit("K")).otherwise(_text(age)),
        birth_date=pl.concat_str(
            2020 - age, _text(day // 28 + 1).str.zfill(2), _text(day % 28 + 1).str.zfill(2), separator="-"
        ),
        email=pl.concat_str(pl.lit("s"), number, pl.lit("@students.example")),
        phone=pl.when(_drawn(number, seed + 12, 100) < 20).then(_phone(number, 312)),
    )


def _guardians(enrolled: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Return one or two rows per student; brothers and sisters have the same guardians."""
    parts = []
    for place, percent in enumerate((97, 75)):
        number = _household() * 2 + place
        parts.append(
            enrolled.filter(_drawn(_household(), seed + 13 + place, 100) < percent).select(
                guardian_id=_text(number + _FIRST_GUARDIAN),
                student_id=_text(pl.col("number") + _FIRST_STUDENT),
                first_name=_chosen(_FIRST_NAMES, number, seed + 15),
                last_name=_chosen(_LAST_NAMES, _household(), seed + 11),
                relationship=_chosen(_RELATIONSHIPS, number, seed + 16),
                contact_type=pl.lit("secondary" if place else "primary"),
                email=pl.when(_drawn(number, seed + 17, 100) < 90).then(
                    pl.concat_str(pl.lit("family"), number, pl.lit("@mail.example"))
                ),
                phone=_phone(number, 412),
            )
        )
    return pl.concat(parts)


def _classes(plan: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Return a row per class, and a second one for those with two teachers."""
    own = ("school", "first_class", "first_teacher", "teachers")
    taught = plan.select(*own, pl.int_ranges(0, pl.col("per_period") * _PERIODS).alias("place")).explode("place")
    number = pl.col("first_class") + pl.col("place")
    taught = taught.with_columns(number=number, teacher=pl.col("place") % pl.col("teachers"))
    also = taught.filter(_drawn(number, seed + 18, 100) < 5, pl.col("teachers") > 1)
    also = also.with_columns(teacher=(pl.col("teacher") + 1) % pl.col("teachers"))
    return pl.concat([taught, also]).select(
        class_id=_text(pl.col("number") + _FIRST_CLASS),
        school_id=_text(pl.col("school") + _FIRST_SCHOOL),
        class_name=pl.concat_str(
            _chosen(_SUBJECTS, pl.col("number"), seed + 19),
            pl.lit(" - "),
            pl.col("place") + 1,
        ),
        teacher_id=_text(pl.col("first_teacher") + pl.col("teacher") + _FIRST_TEACHER),
    )


def _enrollments(enrolled: pl.DataFrame, plan: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Return a row per student and period."""
    seats = enrolled.join(plan, on="school", maintain_order="left")
    seats = seats.select("number", "first_class", "per_period", pl.lit(list(range(_PERIODS))).alias("period"))
    seats = seats.explode("period")
    place = _drawn(pl.col("number") * _PERIODS + pl.col("period"), seed + 20, pl.col("per_period"))
    return seats.select(
        class_id=_text(pl.col("first_class") + pl.col("period") * pl.col("per_period") + place + _FIRST_CLASS),
        student_id=_text(pl.col("number") + _FIRST_STUDENT),
    )


def _aged(students: pl.DataFrame, churn: Churn, salt: int) -> pl.DataFrame:
    """Let some students have other data; all rows of a student alike."""
    number = pl.col("student_id").cast(pl.Int64)
    changes = _drawn(number, salt + 2, 1_000_000) / 10_000 < churn.changed
    kind = _drawn(number, salt + 3, 3)
    return students.with_columns(
        pl.when(changes & (kind == 0))
        .then(_chosen(_LAST_NAMES, number, salt + 4))
        .otherwise("last_name")
        .alias("last_name"),
        pl.when(changes & (kind == 1)).then(_text(_drawn(number, salt + 5, 12) + 1)).otherwise("grade").alias("grade"),
        pl.when(changes & (kind == 2))
        .then(_phone(number - _FIRST_STUDENT, 512 + salt % 100))
        .otherwise("phone")
        .alias("phone"),
    )


def _rescheduled(seats: pl.DataFrame, plan: pl.DataFrame, churn: Churn, salt: int) -> pl.DataFrame:
    """Let some enrollments become another class of the same school and period."""
    student = pl.col("student_id").cast(pl.Int64)
    number = pl.col("class_id").cast(pl.Int64) - _FIRST_CLASS
    chosen = _drawn(student * 1_000_003 + number, salt + 6, 1_000_000) / 10_000 < churn.rescheduled
    parted = seats.with_columns(chosen=chosen)
    some = parted.filter("chosen").select("student_id", number.alias("number"))
    school = (plan["first_class"].search_sorted(some["number"], side="right").cast(pl.Int64) - 1).alias("school")
    some = some.with_columns(school).join(plan, on="school", maintain_order="left")
    place, width = pl.col("number") - pl.col("first_class"), pl.col("per_period")
    start, step = place // width * width, 1 + _drawn(pl.col("number") + salt, salt, (width - 1).clip(1))
    some = some.select(
        class_id=_text(pl.col("first_class") + start + (place % width + step) % width + _FIRST_CLASS),
        student_id=pl.col("student_id"),
    )
    return pl.concat([parted.filter(~pl.col("chosen")).drop("chosen"), some])


def _numbers(count: int) -> pl.DataFrame:
    return pl.DataFrame({"number": pl.int_range(count, eager=True)})


def _household() -> pl.Expr:
    """Return the number of a student's family: of every four students two are brother and sister."""
    number = pl.col("number")
    return pl.when(number % 4 == 1).then(number - 1).otherwise(number)


def _drawn(number: pl.Expr, salt: int, below: int | pl.Expr) -> pl.Expr:
    """Return a number from 0 to `below` (exclusive) that follows from `number` and `salt` (splitmix64)."""
    mixed = number.cast(pl.UInt64) + pl.lit(salt * 0x9E3779B97F4A7C15 & _MASK, pl.UInt64)
    for bits, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed // (1 << bits))) * pl.lit(factor, pl.UInt64)
    return (mixed // (1 << 33)).cast(pl.Int64) % below


def _chosen(names: pl.Series, number: pl.Expr, salt: int) -> pl.Expr:
    return pl.lit(names).gather(_drawn(number, salt, names.len()))


def _phone(number: pl.Expr, area: int) -> pl.Expr:
    """Return the telephone number that only this person of this area code has; all are well-formed."""
    local = _text(2_000_000 + number * 4_999_999 % 8_000_000)
    code = area + number // 8_000_000
    return pl.concat_str(pl.lit("("), code, pl.lit(") "), local.str.head(3), pl.lit("-"), local.str.tail(4))


def _text(number: pl.Expr) -> pl.Expr:
    return number.cast(pl.String)


def main() -> None:
    """Write the days of a district into folders."""
    students, folder, days = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1
    district = founded(students)
    for _ in range(days):
        write(district.tables, folder / f"day-{district.day}")
        print(f"day {district.day}: {district.rows:,} rows")
        district = next_day(district)


if __name__ == "__main__":
    main()
