from __future__ import annotations

from dataclasses import replace

from core.sets import DIRECT, REMIND_1_0
from rostergate.core.formats import direct, remind_1_0
from rostergate.core.recognition import HEAD_BYTES_MAX, Recognition, recognise

FORMATS = (direct.FORMAT, remind_1_0.FORMAT)


def recognised(files: dict[str, str], codec: str = "utf-8") -> Recognition:
    """Recognise a set of these texts among both formats."""
    return recognise({name: text.encode(codec) for name, text in files.items()}, FORMATS)


def test_sound_sets_are_recognised() -> None:
    """Each format is told from the other, with the reason."""
    assert recognised(DIRECT).format is direct.FORMAT
    assert recognised(REMIND_1_0).format is remind_1_0.FORMAT
    assert recognised(DIRECT).why == (
        "6 of 6 files and 30 columns are those of direct; with remind-1.0 it shares 12 columns."
    )
    assert recognised(DIRECT).missing == ()


def test_encodings_and_blank_lines_do_not_matter() -> None:
    """Headers are read in UTF-8 and UTF-16, past bytes that are neither, and below blank rows."""
    assert recognised(DIRECT, "utf-8-sig").format is direct.FORMAT
    assert recognised(REMIND_1_0, "utf-16").format is remind_1_0.FORMAT
    assert recognised({name: f"\n,,\n{text}" for name, text in DIRECT.items()}).format is direct.FORMAT
    heads = {name: text.encode() + b"\xe9" for name, text in DIRECT.items()}
    assert recognise(heads, FORMATS).format is direct.FORMAT


def test_only_the_head_is_looked_at() -> None:
    """A file that is cut within a row, or given whole, is recognised by its header."""
    heads = {name: text.encode() + b'"' * (2 * HEAD_BYTES_MAX) for name, text in DIRECT.items()}
    assert recognise(heads, FORMATS).format is direct.FORMAT


def test_flaws_do_not_hide_the_format() -> None:
    """A missing file or a misspelt column is for the format's checks to tell, and listed as missing."""
    flawed = {name: text for name, text in DIRECT.items() if name not in ("classes.csv", "guardians.csv")}
    flawed["teachers.csv"] = flawed["teachers.csv"].replace("teacher_id", "Teacher_ID")
    found = recognised(flawed)
    assert found.format is direct.FORMAT
    assert found.missing == ("teachers.csv: teacher_id", "classes.csv")


def test_other_sets_are_not_recognised() -> None:
    """A set of another format says which one comes nearest and what it lacks."""
    found = recognised({"schools.csv": "School_id,School_name,Principal\n", "sections.csv": "Section_id,School_id\n"})
    assert (found.format, found.nearest) == (None, direct.FORMAT)
    assert found.why == (
        "Only 1 of 6 files and 2 columns are those of direct, which comes nearest. Missing there: "
        "schools.csv: school_id, schools.csv: school_name, teachers.csv, students.csv, classes.csv, enrollments.csv."
    )
    assert "students.csv" in found.missing
    assert "schools.csv: school_id" in found.missing


def test_what_is_missing_is_told_in_short() -> None:
    """A sentence names the first few files and columns; all of them are listed beside it."""
    found = recognised({"enrollments.csv": "class_id,x\n", "students.csv": "a,b\n"})
    assert found.why.endswith("students.csv: last_name and 6 more.")
    assert len(found.missing) == 12


def test_sets_with_nothing_alike_have_no_nearest_format() -> None:
    """Where nothing is known, nothing is near."""
    for files in ({}, {"a.csv": ""}, {"schools.csv": '"broken'}):
        assert recognised(files) == Recognition(None, "No file and no column name is that of a known format.", None, ())
    assert recognise({}, ()).nearest is None


def test_sets_that_fit_two_formats_are_not_guessed() -> None:
    """Where two formats fit alike, none is taken."""
    twin = replace(direct.FORMAT, name="twin")
    found = recognise({name: text.encode() for name, text in DIRECT.items()}, (direct.FORMAT, twin))
    assert (found.format, found.why) == (None, "It fits direct as well as twin.")


def test_one_format_alone_is_still_judged() -> None:
    """A single known format is taken when it fits."""
    heads = {name: text.encode() for name, text in DIRECT.items()}
    assert recognise(heads, FORMATS[:1]).why == "6 of 6 files and 30 columns are those of direct."


def test_extra_columns_do_not_count_where_they_are_allowed() -> None:
    """A format that allows extra columns is as near with them as without."""
    loose = replace(direct.FORMAT, extra_columns=True)
    text = DIRECT["schools.csv"].replace("school_name", "school_name," + ",".join(f"x{n}" for n in range(100)))
    heads = {name: text.encode() for name, text in {**DIRECT, "schools.csv": text}.items()}
    assert recognise(heads, (loose,)).format is loose
    strict = recognise(heads, (direct.FORMAT,))
    assert (strict.format, strict.missing) == (None, ())
    assert strict.why == "Only 6 of 6 files and 30 columns are those of direct, which comes nearest."
