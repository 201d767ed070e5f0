from collections.abc import Callable

import polars as pl
import pytest

from core.rosters import same
from rostergate.core.decide import decide
from rostergate.core.diff import apply
from rostergate.core.findings import Severity
from rostergate.core.plan import digest
from rostergate.core.plan_state import State
from rostergate.core.policy import HoldLimits, PlatformSchool, Policy
from rostergate.core.roster import TABLES, Frames, empty
from rostergate.core.verdict import Outcome, Totals, Verdict

SCHOOLS = ("10", "20", "30")
PER_SCHOOL = 60

Files = dict[str, bytes]


def deliver(students: Callable[[str, int], bool] = lambda _school, _number: True) -> Files:
    """Return a good direct set of three schools of sixty students each, less those that `students` leaves out."""
    came = [(school, number) for school in SCHOOLS for number in range(PER_SCHOOL) if students(school, number)]
    return {
        "schools.csv": _csv("school_id,school_name", [f"{one},Elementary {one}" for one in SCHOOLS]),
        "teachers.csv": _csv(
            "teacher_id,school_id,first_name,last_name,email,phone",
            [f"t{one},{one},Tea,Cher,t{one}@example.org," for one in SCHOOLS],
        ),
        "students.csv": _csv(
            "student_id,school_id,first_name,last_name,grade,birth_date,email,phone",
            [f"s{one}-{number},{one},First{number},Last,5,2015-03-04,s{one}-{number}@x.org," for one, number in came],
        ),
        "guardians.csv": _csv(
            "guardian_id,student_id,first_name,last_name,relationship,contact_type,email,phone",
            [f"g{one}-{number},s{one}-{number},Pat,Last,mother,primary,g{one}-{number}@x.org," for one, number in came],
        ),
        "classes.csv": _csv(
            "class_id,school_id,class_name,teacher_id", [f"c{one},{one},Maths,t{one}" for one in SCHOOLS]
        ),
        "enrollments.csv": _csv("class_id,student_id", [f"c{one},s{one}-{number}" for one, number in came]),
    }


def _csv(header: str, rows: list[str]) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def rostered(files: Files | None = None) -> Frames:
    """Return the roster after a first delivery, every plan applied."""
    verdict = decide(files or deliver(), empty(), Policy())
    return apply(empty(), [plan.changes for plan in verdict.plans])


def changed(files: Files, name: str, old: str, new: str) -> Files:
    """Return the files with one text in one file replaced."""
    text = files[name].decode()
    assert old in text
    return files | {name: text.replace(old, new, 1).encode()}


def codes(verdict: Verdict) -> set[str]:
    """Return the codes found."""
    return {one.code for one in verdict.findings}


def states(verdict: Verdict) -> dict[str, str]:
    """Return each school's state."""
    return {plan.school_id: plan.state.value for plan in verdict.plans}


def test_a_good_set_is_accepted() -> None:
    """A first delivery adds every row, school by school, without a finding."""
    files = deliver()
    verdict = decide(files, empty(), Policy())
    assert verdict.format == "direct"
    assert verdict.outcome is Outcome.ACCEPTED
    assert verdict.findings == ()
    assert states(verdict) == dict.fromkeys(SCHOOLS, "clear")
    assert [plan.name for plan in verdict.plans] == [f"Elementary {one}" for one in SCHOOLS]
    assert verdict.plans[0].counts["students"].added == PER_SCHOOL
    assert verdict.totals is not None
    assert verdict.totals["students"] == Totals(added=3 * PER_SCHOOL)
    assert verdict.totals.keys() == TABLES.keys()
    facts = {one.name: one for one in verdict.files}
    assert facts.keys() == files.keys()
    assert (facts["students.csv"].rows, facts["students.csv"].bytes) == (180, len(files["students.csv"]))


def test_the_same_set_again_changes_nothing() -> None:
    """A second, identical delivery has a plan for every school, and none has changes."""
    verdict = decide(deliver(), rostered(), Policy())
    assert verdict.outcome is Outcome.ACCEPTED
    assert [plan.changes for plan in verdict.plans] == [{}, {}, {}]
    assert states(verdict) == dict.fromkeys(SCHOOLS, "clear")
    assert verdict.totals is not None
    assert verdict.totals["enrollments"] == Totals(unchanged=3 * PER_SCHOOL)


def test_a_ragged_row_refuses_the_set() -> None:
    """A row with a cell too many is a format error that names file and line; nothing is planned."""
    files = changed(deliver(), "students.csv", "s20-0,20,First0", "s20-0,20,,First0")
    verdict = decide(files, rostered(), Policy())
    assert verdict.outcome is Outcome.REJECTED
    assert verdict.plans == ()
    assert verdict.totals is None
    (fault,) = [one for one in verdict.findings if one.severity is Severity.FORMAT_ERROR]
    assert (fault.file, fault.lines) == ("students.csv", (62,))


def test_a_teacher_without_email_stays_as_the_roster_has_them() -> None:
    """A row with an error makes nothing and removes nothing: teacher, class and enrollments stay."""
    before = rostered()
    files = changed(deliver(), "teachers.csv", "t20@example.org", "")
    verdict = decide(files, before, Policy())
    assert verdict.outcome is Outcome.ACCEPTED
    (fault,) = [one for one in verdict.findings if one.code == "teacher-email-missing"]
    assert (fault.severity, fault.file, fault.column, fault.lines) == (Severity.ERROR, "teachers.csv", "email", (3,))
    assert all(plan.changes == {} for plan in verdict.plans)
    assert same(apply(before, [plan.changes for plan in verdict.plans]), before)


def test_half_of_one_school_removed_holds_that_school_only() -> None:
    """A school that loses half of its students waits; a change at another school goes on."""
    files = deliver(lambda school, number: school != "20" or number >= PER_SCHOOL // 2)
    files = changed(files, "students.csv", "s10-7,10,First7", "s10-7,10,Renamed")
    verdict = decide(files, rostered(), Policy())
    assert states(verdict) == {"10": "clear", "20": "held", "30": "clear"}
    first, held, _ = verdict.plans
    assert first.counts["students"].updated == 1
    assert [(hold.code, hold.numbers["table"], hold.numbers["removed"]) for hold in held.holds] == [
        ("too-many-removals", "students", 30)
    ]
    assert held.hash == digest("20", held.changes)


def test_a_school_that_vanished_is_held() -> None:
    """A school of the roster that is not in the files loses everything, and waits under its old name."""
    gone = (b"20,", b"t20,", b"c20,", b"s20-", b"g20-")
    files = {
        name: b"".join(line for line in data.splitlines(keepends=True) if not line.startswith(gone))
        for name, data in deliver().items()
    }
    verdict = decide(files, rostered(), Policy())
    assert states(verdict) == {"10": "clear", "20": "held", "30": "clear"}
    assert verdict.plans[1].name == "Elementary 20"
    assert verdict.plans[1].counts["schools"].removed == 1


def test_a_missing_required_file_leaves_the_set_incomplete() -> None:
    """Without a required file nothing is decided, and the file is named."""
    files = deliver()
    del files["classes.csv"]
    verdict = decide(files, rostered(), Policy())
    assert verdict.outcome is Outcome.INCOMPLETE
    assert verdict.plans == ()
    assert [(one.code, one.file) for one in verdict.findings] == [("missing-file", "classes.csv")]


def test_a_missing_optional_file_leaves_its_part_untouched() -> None:
    """Without guardians.csv the guardians of the roster stay, and the report says so."""
    before = rostered()
    files = deliver()
    del files["guardians.csv"]
    verdict = decide(files, before, Policy())
    assert verdict.outcome is Outcome.ACCEPTED
    assert codes(verdict) == {"optional-file-missing"}
    assert all(plan.changes == {} for plan in verdict.plans)


def test_ids_damaged_by_a_spreadsheet_refuse_the_set() -> None:
    """Damage that shows only in the values refuses the delivery as well."""
    files = changed(deliver(), "students.csv", "s10-0,10,First0,Last,5", "1.23E+11,10,First0,Last,5")
    verdict = decide(files, empty(), Policy())
    assert verdict.outcome is Outcome.REJECTED
    assert "spreadsheet-damage" in codes(verdict)


def test_an_unknown_format_is_refused_with_the_reason() -> None:
    """Files in no known format are refused, with what recognition has to say."""
    verdict = decide({"cafeteria.csv": b"dish,price\nsoup,2\n"}, empty(), Policy())
    assert verdict.outcome is Outcome.REJECTED
    assert verdict.format is None
    assert codes(verdict) == {"format-unknown"}
    assert [one.rows for one in verdict.files] == [1]


def test_no_files_are_an_incomplete_set() -> None:
    """An empty folder is no rejected delivery: nothing has come yet."""
    verdict = decide({}, rostered(), Policy())
    assert verdict.outcome is Outcome.INCOMPLETE
    assert verdict.plans == ()


@pytest.mark.parametrize("broken", [b"", b"1\n"], ids=["accepted", "refused"])
def test_a_verdict_says_why_the_set_was_taken_for_its_format(broken: bytes) -> None:
    """Accepted or refused, it is told by how much the set was recognised."""
    files = deliver()
    verdict = decide({**files, "classes.csv": files["classes.csv"] + broken}, empty(), Policy())
    assert verdict.recognised is not None
    assert verdict.recognised.startswith("6 of 6 files and 30 columns are those of direct")


def test_a_pinned_format_is_not_guessed() -> None:
    """With a format in the policy, files of another are judged by that one."""
    pinned = decide(deliver(), empty(), Policy(format="direct"))
    assert (pinned.outcome, pinned.recognised) == (Outcome.ACCEPTED, None)
    other = decide(deliver(), empty(), Policy(format="remind-1.0"))
    assert (other.format, other.outcome) == ("remind-1.0", Outcome.REJECTED)
    assert decide({}, empty(), Policy(format="direct")).outcome is Outcome.INCOMPLETE
    with pytest.raises(ValueError, match="no format of-my-own"):
        decide(deliver(), empty(), Policy(format="of-my-own"))


def test_too_many_guardians_hold_also_a_first_delivery() -> None:
    """A student with more guardians than allowed holds the school from the first day on."""
    verdict = decide(deliver(), empty(), Policy(holds=HoldLimits(guardians_per_student_max=0)))
    assert states(verdict) == dict.fromkeys(SCHOOLS, "held")


def test_review_lets_new_schools_wait() -> None:
    """With review a new school waits unless it is mapped; once rostered it goes on."""
    policy = Policy(matching="review", platform_schools=(PlatformSchool("p1", "Somewhere", "10"),))
    verdict = decide(deliver(), empty(), policy)
    assert states(verdict) == {"10": "clear", "20": "unmatched", "30": "unmatched"}
    assert [plan.platform_school for plan in verdict.plans] == ["p1", None, None]
    assert states(decide(deliver(), rostered(), policy)) == dict.fromkeys(SCHOOLS, "clear")


def test_a_deselected_school_stays_as_it_is() -> None:
    """A deselected school has a plan that says so and writes nothing, whatever the files say of it."""
    before = rostered()
    files = deliver(lambda school, _number: school != "20")
    verdict = decide(files, before, Policy(deselected=frozenset({"20"})))
    assert states(verdict) == {"10": "clear", "20": "deselected", "30": "clear"}
    assert verdict.plans[1].changes == {}
    assert verdict.totals is not None
    assert verdict.totals["students"] == Totals(unchanged=2 * PER_SCHOOL)
    new = decide(deliver(), empty(), Policy(deselected=frozenset({"20"})))
    assert new.plans[1].state is State.DESELECTED
    assert new.totals is not None
    assert new.totals["schools"] == Totals(added=2)


def test_held_and_clear_plans_make_the_whole_in_any_order() -> None:
    """Applying the clear schools first and the held one after its release makes what the delivery says."""
    files = deliver(lambda school, number: school != "20" or number >= PER_SCHOOL // 2)
    before = rostered()
    verdict = decide(files, before, Policy())
    between = apply(before, [plan.changes for plan in verdict.plans if plan.state is State.CLEAR])
    assert between["students"].height == 3 * PER_SCHOOL
    after = apply(between, [plan.changes for plan in verdict.plans if plan.state is State.HELD])
    assert same(after, rostered(files))
    assert after["students"].filter(pl.col("student_id").str.starts_with("s20")).height == PER_SCHOOL // 2


def test_deciding_twice_gives_the_same_hashes() -> None:
    """A plan's hash depends on the data alone: not on the order of rows in the files, nor on chance."""
    files = deliver()
    lines = files["students.csv"].split(b"\n")[:-1]
    turned = files | {"students.csv": b"\n".join([lines[0], *reversed(lines[1:]), b""])}
    one, other = decide(files, empty(), Policy()), decide(turned, empty(), Policy())
    assert [plan.hash for plan in one.plans] == [plan.hash for plan in other.plans]
    assert len({plan.hash for plan in one.plans}) == len(SCHOOLS)
