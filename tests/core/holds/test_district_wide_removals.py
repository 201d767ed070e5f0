from typing import Any

import polars as pl
import pytest

from core.holds.viewing import listed, seen
from core.rosters import frames
from rostergate.core.holds.district_wide_removals import HOLD
from rostergate.core.plan import Hold
from rostergate.core.policy import HoldLimits
from rostergate.core.roster import Frames, empty


def district(*students: int, name: str = "Lincoln") -> Frames:
    """Return a district with one school for each number, which has so many students; -1: there is no such school."""
    pairs = [(f"{place}", f"secret{place}-{one}") for place, count in enumerate(students) for one in range(count)]
    return frames(
        schools=[(f"{place}", name) for place, count in enumerate(students) if count >= 0],
        students=[(one,) for _, one in pairs],
        student_schools=pairs,
    )


def check(before: Frames, after: Frames, **limits: Any) -> dict[str, Hold | None]:
    """Check every school that changes."""
    return {one: HOLD.check(view, HoldLimits(**limits)) for one, view in seen(before, after).items()}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(district(30, 30, 40), district(9, 20, 20), id="more than half of the people"),
        pytest.param(district(26, 500), district(-1, 501), id="a school vanished"),
        pytest.param(district(26, 500), district(-1, 500, 26), id="a school came back as another"),
    ],
)
def test_every_school_that_changes_is_held(before: Frames, after: Frames) -> None:
    """A loss that is the whole district's stops each of its schools, also one that only grows."""
    held = check(before, after)
    assert {hold and hold.code for hold in held.values()} == {"district-wide-removals"}
    assert "secret" not in repr(held)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(district(30, 30, 40), district(10, 20, 20), id="exactly half"),
        pytest.param(district(12, 12), district(0, 0), id="a handful of people"),
        pytest.param(district(25, 500), district(-1, 501), id="a small school vanished"),
        pytest.param(empty(), district(30, 30), id="a first delivery"),
        pytest.param(district(30), district(30, 60), id="a first appearance"),
    ],
)
def test_a_smaller_loss_stops_nobody(before: Frames, after: Frames) -> None:
    """Half of the people or fewer, few rows, and no loss at all are not held."""
    assert set(check(before, after).values()) == {None}


def test_people_who_change_schools_have_not_left() -> None:
    """Only who leaves the roster counts, not who leaves a school."""
    before, after = district(60, 0), district(0, 0)
    after["students"] = before["students"]
    after["student_schools"] = before["student_schools"].with_columns(
        school_id=before["student_schools"]["school_id"].replace("0", "1")
    )
    assert set(check(before, after).values()) == {None}


def test_the_hold_tells_numbers_limits_and_cause() -> None:
    """Both limits are told where both are crossed, and the numbers behind them."""
    hold = check(district(60, 30, 11), district(-1, -1, 12))["2"]
    assert hold is not None
    assert hold.numbers == {
        "table": "people",
        "removed": 90,
        "of": 101,
        "percent": 89.1,
        "percent_max": 50.0,
        "rows_min": 25,
        "schools_vanished": 2,
        "students_of_vanished": 90,
        "students_elsewhere": 0,
        "vanished_students_max": 25,
    }
    assert "would lose 90 of 101 people (89.1 %); the limit is 50 %" in hold.message
    assert "2 schools of the roster with 90 students are not in the files" in hold.message
    assert HOLD.likely_cause in hold.message


def test_what_to_decide_is_told_of_a_school_that_is_gone() -> None:
    """Where people are gone and every school is there, nothing waits to be decided about."""
    hold = check(district(60, 40), district(10, 10))["0"]
    assert hold is not None
    assert hold.message == (
        "The district would lose 80 of 100 people (80.0 %); the limit is 50 %, from 25 people on."
        f" Every school that would change waits. {HOLD.likely_cause}"
    )


def closing(moved: int, stay: int) -> Hold | None:
    """Check a school of 26 students that goes: so many move to a school of 500, of whom so many stay."""
    before, after = district(26, 500), district(-1, stay)
    there = before["student_schools"].filter(school_id="0").head(moved)
    after["students"] = before["students"].join(
        pl.concat([after["student_schools"], there]), on="student_id", how="semi"
    )
    after["student_schools"] = pl.concat([after["student_schools"], there.with_columns(school_id=pl.lit("1"))])
    return check(before, after)["0"]


@pytest.mark.parametrize(
    ("moved", "told", "cause"),
    [
        pytest.param(
            26,
            "26 of these students are in the files at other schools. ",
            "Most often a school was closed",
            id="closed",
        ),
        pytest.param(
            13, "13 of these students are in the files at other schools. ", HOLD.likely_cause, id="half of it"
        ),
        pytest.param(0, "", HOLD.likely_cause, id="left out"),
    ],
)
def test_a_school_whose_students_are_at_others_may_be_closed(moved: int, told: str, cause: str) -> None:
    """Nothing was left out of the export when most students of a school that is gone are still there."""
    hold = closing(moved, 500)
    assert hold is not None
    assert hold.numbers["table"] == "schools"
    assert hold.message.startswith("1 school of the roster with 26 students is not in the files; ")
    assert f"does not vanish unseen. {told}Every school" in hold.message
    assert f"waits. {cause}" in hold.message
    assert "the plan of such a school is released if it has closed" in hold.message


def test_a_school_that_may_be_closed_does_not_explain_the_loss_of_half_the_district() -> None:
    """Where most of all people go as well, a file was cut off, wherever the students of that school are."""
    hold = closing(26, 100)
    assert hold is not None
    assert hold.message.startswith("The district would lose 400 of 526 people")
    assert f"waits. {HOLD.likely_cause}" in hold.message


def test_students_of_a_school_with_new_ids_are_there() -> None:
    """Where school and students have other ids, the students are there under the new ones."""

    def school(mark: str) -> Frames:
        ids = [f"{mark}{one}" for one in range(30)]
        return frames(
            schools=[(mark, "Lincoln")],
            students=[(one, "Ann", f"Ash{place}", "3", "2014-05-06") for place, one in enumerate(ids)],
            student_schools=[(mark, one) for one in ids],
        )

    held = check(school("old"), school("new"))
    assert {hold.numbers["students_elsewhere"] for hold in held.values() if hold} == {30}


def test_each_school_names_its_own_rows() -> None:
    """A school that vanishes names itself, its people and their ties; another one its people, if any go."""
    held = check(district(26, 100), district(-1, 101))
    assert listed(held["1"]) == []
    assert listed(held["0"]) == sorted(
        [("schools", "removed")]
        + [("students", "removed", f"secret0-{one}") for one in range(26)]
        + [("student_schools", "removed", f"secret0-{one}") for one in range(26)]
    )
    shrinks = check(district(30, 30), district(10, 10))["1"]
    assert listed(shrinks) == sorted(("students", "removed", f"secret1-{one}") for one in range(10, 30))


def test_the_limits_are_the_districts() -> None:
    """Other limits, other answers."""
    before, after = district(60, 40), district(-1, 41)
    assert set(check(before, after, vanished_students_max=60, district_removals_percent_max=60).values()) == {None}
    small = check(district(4, 4), district(4, 1), removals_rows_min=3, district_removals_percent_max=30)
    assert small["1"] is not None
