"""Faults for a made-up district: as many as wanted of each code, at places that are the same every time.

Rule 1: a fault of one code may bring others with it, as it does in real files: a class whose teacher is unknown has no
teacher. The code that was asked for is always among what is found.
Rule 2: what only another format can have wrong comes as a set of that format in place of the district's own.
Rule 3: faults in cells go first, then those in whole rows, then those in bytes, whatever the order they are asked in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import polars as pl

from district import Tables, as_files
from rostergate.core.formats import oneroster_1_1, sds_2_1

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Change: TypeAlias = "Callable[[bytes, int], bytes]"

CELLS: Final[dict[str, tuple[str, str, str | None]]] = {
    "teacher-email-missing": ("teachers.csv", "email", None),
    "teacher-email-invalid": ("teachers.csv", "email", "nobody@"),
    "contact-taken": ("students.csv", "email", "staff.0@district.example"),
    "name-missing": ("students.csv", "last_name", None),
    "email-invalid": ("guardians.csv", "email", "none"),
    "phone-invalid": ("guardians.csv", "phone", "ext. 12"),
    "birth-date-missing": ("students.csv", "birth_date", None),
    "birth-date-invalid": ("students.csv", "birth_date", "13/13/2013"),
    "grade-unknown": ("students.csv", "grade", "Dolphins"),
    "class-name-too-long": ("classes.csv", "class_name", "x" * 300),
    "school-name-too-long": ("schools.csv", "school_name", "x" * 80),
    "class-school-missing": ("classes.csv", "school_id", None),
    "missing-id": ("students.csv", "student_id", None),
    "spreadsheet-damage": ("students.csv", "grade", "12-Sep"),
}
"""Code -> file, column, and what stands in the cell instead."""

ROWS: Final[dict[str, tuple[str, dict[str, str | None]]]] = {
    "repeated-row": ("enrollments.csv", {}),
    "conflicting-values": ("students.csv", {"first_name": "Somebody"}),
    "duplicate-class": ("classes.csv", {"class_name": "Another name"}),
    "duplicate-school": ("schools.csv", {}),
    "unknown-school": ("students.csv", {"school_id": "none"}),
    "unknown-teacher": ("classes.csv", {"teacher_id": "none"}),
    "unknown-student": ("enrollments.csv", {"student_id": "none"}),
    "unknown-class": ("enrollments.csv", {"class_id": "none"}),
    "class-without-students": ("classes.csv", {"class_id": "empty"}),
    "teacher-without-classes": ("teachers.csv", {"teacher_id": "idle", "email": "idle@x.example", "phone": None}),
    "student-unreachable": ("students.csv", {"student_id": "silent", "email": None, "phone": None}),
    "guardian-unreachable": ("guardians.csv", {"guardian_id": "silent", "email": None, "phone": None}),
}
"""Code -> file, and what is different in a further row that is a copy of one that is there."""


def _in_lines(change: Callable[[bytes], bytes]) -> Change:
    """Return a change of that many lines below the header."""

    def changed(data: bytes, count: int) -> bytes:
        lines = data.split(b"\n")
        for place in _places(len(lines) - 2, count):
            lines[place + 1] = change(lines[place + 1])
        return b"\n".join(lines)

    return changed


BYTES: Final[dict[str, tuple[str, Change]]] = {
    "bad-quotes": ("students.csv", _in_lines(lambda line: line.replace(b",", b',"', 1))),
    "wrong-column-count": ("students.csv", _in_lines(lambda line: line + b",")),
    "row-too-long": ("students.csv", _in_lines(lambda line: line + b"x" * 70_000)),
    "nul-byte": ("students.csv", _in_lines(lambda line: line + b"\0")),
    "unreadable-encoding": ("students.csv", _in_lines(lambda line: line + b"\xff")),
    "utf-16": ("schools.csv", lambda data, _count: data.decode().encode("utf-16")),
    "empty-file": ("classes.csv", lambda _data, _count: b""),
    "archive": ("classes.csv", lambda data, _count: b"PK\x03\x04" + data),
    "not-csv": ("classes.csv", lambda data, _count: b"%PDF-1.7\n" + data),
    "header-mismatch": ("classes.csv", lambda data, _count: data.replace(b"class_name", b"Class Name", 1)),
    "wrong-separator": ("classes.csv", lambda data, _count: data.replace(b",", b";")),
    "duplicate-header": ("classes.csv", lambda data, _count: data.replace(b"class_name", b"class_id", 1)),
    "too-many-columns": ("classes.csv", lambda data, _count: data.replace(b"\n", b"," * 300 + b"\n")),
    "too-many-rows": ("enrollments.csv", lambda data, count: data + data.splitlines(keepends=True)[-1] * count),
    "report-line": ("enrollments.csv", lambda data, count: data + b"(%d rows affected)\n" % count),
    "file-cut-off": ("guardians.csv", lambda data, _count: data.rsplit(b",", 2)[0]),
    "missing-header": ("classes.csv", lambda data, _count: data.partition(b"\n")[2]),
}
"""Code -> file, and what becomes of its bytes. `too-many-rows` is one when the policy's limit is that low."""

FILES: Final = {
    "missing-file": ("classes.csv", None),
    "optional-file-missing": ("guardians.csv", None),
    "unexpected-file": ("grades.csv", b"student_id,grade\n"),
}
"""Code -> a file that comes, or does not."""

SETS: Final = {
    "delta-set": ("delta", ("school",)),
    "no-schools": ("bulk", ("district",)),
    "unlisted-value": ("bulk", ("school", "academy")),
}
"""Code -> what a OneRoster set says of its files, and the types of its organisations."""

PEOPLE: Final = {
    "role-missing": {"roles.csv": "", "relationships.csv": ""},
    "school-missing": {"roles.csv": "u1,,student,,,,,\n", "relationships.csv": ""},
    "unknown-guardian": {"roles.csv": "u1,o1,student,,,,,\n", "relationships.csv": "u1,u2,parent\n"},
}
"""Code -> what a School Data Sync set says of its one person, besides a name."""

CODES: Final = (
    *CELLS,
    *ROWS,
    "student-not-in-school",
    "class-without-teacher",
    *BYTES,
    *FILES,
    "format-unknown",
    *SETS,
    *PEOPLE,
)
"""Every code that can be injected."""

REFUSING: Final = frozenset({"duplicate-school", "missing-id", "spreadsheet-damage"})
"""Those of `CELLS` and `ROWS` for which a delivery is refused whole."""


def injected(tables: Tables, wanted: Mapping[str, int]) -> dict[str, bytes]:
    """Return the files with that many faults of each code. Raises `KeyError` for a code that is not in `CODES`."""
    if unknown := wanted.keys() - set(CODES):
        raise KeyError(f"no such fault: {', '.join(sorted(unknown))}")
    tables = dict(tables)
    for shift, (code, (file, column, value)) in enumerate(CELLS.items()):
        if code in wanted:
            tables[file] = _with_cells(tables[file], column, value, wanted[code], shift)
    for code, (file, other) in ROWS.items():
        if code in wanted:
            tables[file] = _with_rows(tables[file], other, wanted[code])
    for code, (mode, kinds) in SETS.items():
        if code in wanted:
            return _of_oneroster(mode, kinds)
    for code, rows in PEOPLE.items():
        if code in wanted:
            return _of_sds(rows)
    _misplace(tables, wanted.get("student-not-in-school", 0))
    _leave_untaught(tables, wanted.get("class-without-teacher", 0))
    return _with_bytes(as_files(tables), wanted)


def _with_bytes(files: dict[str, bytes], wanted: Mapping[str, int]) -> dict[str, bytes]:
    for code, (file, change) in BYTES.items():
        if code in wanted:
            files[file] = change(files[file], wanted[code])
    for code, (file, data) in FILES.items():
        if code in wanted:
            files.pop(file, None)
            files.update({} if data is None else {file: data})
    if "format-unknown" in wanted:
        parts = enumerate(files.values(), start=1)
        files = {f"part-{number}.csv": b"field of " + data.replace(b",", b",field of ") for number, data in parts}
    return files


def _of_oneroster(mode: str, kinds: tuple[str, ...]) -> dict[str, bytes]:
    """Return a OneRoster 1.1 set with an organisation of each type and otherwise only headers."""
    files = {file.name: ",".join(column.name for column in file.columns) + "\n" for file in oneroster_1_1.FORMAT.files}
    files["manifest.csv"] += f"manifest.version,1.0\noneroster.version,1.1\nfile.orgs,{mode}\n"
    columns = oneroster_1_1.FORMAT.file("orgs.csv").columns
    for number, kind in enumerate(kinds, start=1):
        values = {"sourcedId": f"o{number}", "name": f"Northfield {number}", "type": kind}
        files["orgs.csv"] += ",".join(values.get(column.name, "") for column in columns) + "\n"
    return {name: text.encode() for name, text in files.items()}


def _of_sds(rows: Mapping[str, str]) -> dict[str, bytes]:
    """Return a School Data Sync 2.1 set with one school, one person and the rows of some files."""
    files = {file.name: ",".join(column.name for column in file.columns) + "\n" for file in sds_2_1.FORMAT.files}
    rows = {"orgs.csv": "o1,Northfield,school,\n", "users.csv": "u1,,Ada,Moss,,,,,\n", **rows}
    return {name: (header + rows.get(name, "")).encode() for name, header in files.items()}


def _misplace(tables: Tables, count: int) -> None:
    """Enroll students of the first school in classes of the last one."""
    seats = tables["enrollments.csv"]
    elsewhere = seats.head(count).with_columns(class_id=seats["class_id"].tail(count))
    tables["enrollments.csv"] = pl.concat([seats, elsewhere])


def _leave_untaught(tables: Tables, count: int) -> None:
    """Add classes whose only teacher has no e-mail address, and so no account."""
    number = pl.int_range(pl.len()).cast(pl.String)
    for file, changed in (("teachers.csv", {"email": None, "phone": None}), ("classes.csv", {"class_id": "untaught"})):
        if count:
            rows = tables[file][_places(tables[file].height, count)]
            cells = [pl.lit(value, pl.String).add(number).alias(column) for column, value in changed.items()]
            teacher = pl.concat_str(pl.lit("absent"), number).alias("teacher_id")
            tables[file] = pl.concat([tables[file], rows.with_columns(teacher, *cells)])


def _places(rows: int, count: int, shift: int = 0) -> list[int]:
    """Spread faults over the rows; `shift` keeps those of several codes apart."""
    return sorted({(place * rows // count + shift) % rows for place in range(min(count, rows))})


def _with_cells(frame: pl.DataFrame, column: str, value: str | None, count: int, shift: int) -> pl.DataFrame:
    places = _places(frame.height, count, shift)
    there = pl.int_range(pl.len()).is_in(places)
    return frame.with_columns(pl.when(there).then(pl.lit(value, pl.String)).otherwise(pl.col(column)).alias(column))


def _with_rows(frame: pl.DataFrame, other: Mapping[str, str | None], count: int) -> pl.DataFrame:
    """Add copies of rows, with other cells; an id that is new is numbered, so that each copy is another one."""
    copies = frame[_places(frame.height, count)]
    key = frame.columns[0]
    for column, value in other.items():
        cell = pl.lit(value, pl.String)
        if value is not None and column == key != "school_id" and value != "none":
            cell = pl.concat_str(cell, pl.int_range(pl.len()))
        elif value is not None and column == "email":
            cell = pl.concat_str(pl.int_range(pl.len()), cell)
        copies = copies.with_columns(cell.alias(column))
    return pl.concat([frame, copies])
