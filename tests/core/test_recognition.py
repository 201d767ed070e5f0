from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from core.sets import CLEVER, DIRECT, ONEROSTER_1_1, ONEROSTER_1_2, REMIND_1_0, SETS
from rostergate.core import catalogue
from rostergate.core.formats import clever, direct, remind_1_0
from rostergate.core.recognition import HEAD_BYTES_MAX, Recognition, recognise

if TYPE_CHECKING:
    from collections.abc import Callable

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
        "direct comes nearest: 1 of 5 rostergate's own format files; schools.csv lacks school_id, school_name; "
        "teachers.csv is missing; students.csv is missing; classes.csv is missing; enrollments.csv is missing."
    )
    assert "students.csv" in found.missing
    assert "schools.csv: school_id" in found.missing


def test_what_is_missing_is_told_in_short() -> None:
    """A sentence names the first few files and columns; all of them are listed beside it."""
    found = recognised({"enrollments.csv": "class_id,x\n", "students.csv": "a,b\n"})
    assert found.why.endswith("; 6 more are missing.")
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
    assert strict.why == "direct comes nearest: 6 of 6 rostergate's own format files."


def among_all(files: dict[str, str]) -> Recognition:
    """Recognise a set of these texts among every format there is."""
    return recognise({name: text.encode() for name, text in files.items()}, tuple(catalogue.formats().values()))


def named(found: Recognition) -> str | None:
    """Return the name of the format that was taken."""
    return found.format.name if found.format else None


def test_every_format_is_tried() -> None:
    """No format is left out of the tests below."""
    assert set(SETS) == set(catalogue.formats())


@pytest.mark.parametrize("name", SETS)
def test_each_format_is_told_from_all_others(name: str) -> None:
    """A sound set is taken for what it is, with the reason, and also with its header rows alone."""
    assert named(among_all(SETS[name])) == name
    assert f"columns are those of {name}; with " in among_all(SETS[name]).why
    headers = {file: text.split("\n", 1)[0] for file, text in SETS[name].items()}
    assert named(among_all(headers)) == name


@pytest.mark.parametrize("name", SETS)
def test_a_set_without_one_of_its_files_is_still_the_same(name: str) -> None:
    """Whichever required file is missing, no other format is taken, and the file is named."""
    fmt = catalogue.formats()[name]
    for file in fmt.files:
        if not file.optional:
            found = among_all({one: text for one, text in SETS[name].items() if one != file.name})
            assert found.nearest is fmt, file.name
            assert found.missing == (file.name,)


@pytest.mark.parametrize("name", SETS)
def test_a_set_that_arrives_is_never_taken_for_a_complete_one_of_another_format(name: str) -> None:
    """Whichever files have come, the format that is nearest waits for at least one more, until the set is whole."""
    whole, formats = SETS[name], catalogue.formats()
    required = {file.name for file in formats[name].files if not file.optional}
    came: dict[str, str] = {}
    for order in (sorted(whole), sorted(whole, reverse=True)):
        came = {}
        for file in order:
            came[file] = whole[file]
            nearest = among_all(came).nearest
            assert nearest
            waits = {one.name for one in nearest.files if not one.optional} - set(came)
            assert waits or required <= set(came), (order, file, nearest.name)
    assert named(among_all(came)) == name


def test_versions_are_told_by_the_manifest() -> None:
    """Of two versions with the same columns the manifest's is taken; a version of its own is none that is known."""
    both = {"manifest.csv": ONEROSTER_1_2["manifest.csv"], "orgs.csv": ONEROSTER_1_2["orgs.csv"]}
    nearest = among_all(both).nearest
    assert nearest
    assert nearest.name == "oneroster-1.2"
    unmarked = {**both, "manifest.csv": "propertyName,value\nmanifest.version,1.0\n"}
    assert named(among_all({**ONEROSTER_1_1, **unmarked})) == "oneroster-1.1"
    later = {**ONEROSTER_1_1, "manifest.csv": "propertyName,value\noneroster.version,1.3\n"}
    found = among_all(later)
    assert found.format is None
    assert found.why.startswith("oneroster-1.1 comes nearest: 7 of 7 OneRoster 1.1 files; manifest.csv does not say ")
    assert "1.3" not in found.why


@pytest.mark.parametrize(
    "manifest",
    [
        "propertyName,value,note\noneroster.version,1.3\n",
        "propertyName,value,note\noneroster.version,1.3,\n",
        "oneroster.version\n1.3\noneroster.version,1.3\n",
        "propertyName,value\noneroster.version,1.3,\noneroster.version\n\n",
        "",
    ],
    ids=["three columns, rows of two", "three columns", "one column", "two columns, rows of other lengths", "none"],
)
def test_a_manifest_of_other_than_two_columns_tells_no_version(manifest: str) -> None:
    """What a file of another shape says of the version is not believed, and the set is taken for what it looks like."""
    assert named(among_all({**ONEROSTER_1_1, "manifest.csv": manifest})) == "oneroster-1.1"


def test_the_nearest_format_is_named_with_what_is_missing() -> None:
    """Where nothing fits, it is said how much of the nearest is there, and which columns and files are not."""
    files = {"schools.csv": "School_id,School_name\n", "students.csv": "School_id,Last_name,First_name\n"}
    files |= {f"{name}.csv": "a,b,c,d\n" for name in ("teachers", "sections")}
    found = among_all(files)
    assert found.format is None
    assert found.why == (
        "clever comes nearest: 4 of 5 Clever files; students.csv lacks Student_id; "
        "teachers.csv lacks School_id, Teacher_id, Last_name, First_name, Teacher_email; 4 more are missing."
    )


def test_exact_names_weigh_more() -> None:
    """Formats that name the same things alike save for capitals are told by the capitals."""
    shared = {"schools.csv": "School_id,School_name\n", "enrollments.csv": "School_id,Section_id,Student_id\n"}
    nearest = among_all(shared).nearest
    assert nearest
    assert nearest.name == "clever"


def test_extensions_do_not_count() -> None:
    """Columns that a format allows by their prefix make it no less alike."""
    text = ONEROSTER_1_1["users.csv"].replace("metadata.house", ",".join(f"metadata.x{n}" for n in range(50)))
    assert named(among_all({**ONEROSTER_1_1, "users.csv": text})) == "oneroster-1.1"


def test_other_columns_of_a_format_are_no_near_misses() -> None:
    """A zip code counts no more for a missing id than no column at all, a misspelt id does."""

    def why(name: str) -> str:
        files = {**CLEVER, "students.csv": CLEVER["students.csv"].replace("Student_id", name)}
        return recognise({name: text.encode() for name, text in files.items()}, (clever.FORMAT,)).why

    assert why("Student_zip") == why("more")
    assert why("Student_ids") != why("more")


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize(
    "other",
    [str.upper, lambda file: file.replace("s.csv", ".csv"), lambda file: f"northfield_{file}"],
    ids=["in capitals", "in the singular", "with the district's name"],
)
def test_files_under_other_names_are_recognised(name: str, other: Callable[[str], str]) -> None:
    """A set whose files are all called otherwise is taken for what it is; what lacks is the right names."""
    found = among_all({other(file): text for file, text in SETS[name].items()})
    assert named(found) == name
    assert " under another name, and " in found.why
    fmt = catalogue.formats()[name]
    misnamed = {file for file in SETS[name] if other(file) != file}
    assert {file for file in found.missing if ": " not in file} == misnamed
    assert misnamed <= {file.name for file in fmt.files}


def test_misspelt_columns_are_recognised() -> None:
    """Letters that were exchanged do not hide what a column is, and a set with only such columns is still one."""
    files = {name: text.replace("_id", "_di").replace("_name", "_nmae") for name, text in DIRECT.items()}
    found = among_all(files)
    assert named(found) == "direct"
    assert "students.csv: student_id" in found.missing
    wide = ",".join(f"x{number}" for number in range(300))
    files = {name: text.replace("\n", f",{wide}\n", 1) for name, text in files.items()}
    assert among_all(files).format is None
