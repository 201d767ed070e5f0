import pytest

from core.holds.viewing import listed, seen
from core.rosters import frames
from rostergate.core.holds.too_many_updates import HOLD
from rostergate.core.plan import Hold
from rostergate.core.policy import HoldLimits
from rostergate.core.roster import Frames, empty


def school(*names: str, classes: tuple[str, ...] = ()) -> Frames:
    """Return a school with one student for each first name, and one class for each class name."""
    return frames(
        schools=[("A", "Lincoln")],
        students=[(f"s{one}", name) for one, name in enumerate(names)],
        student_schools=[("A", f"s{one}") for one in range(len(names))],
        classes=[("A", f"c{one}", name) for one, name in enumerate(classes)],
    )


def check(before: Frames, after: Frames, limits: HoldLimits | None = None) -> Hold | None:
    """Check the one school that changes."""
    (view,) = seen(before, after).values()
    return HOLD.check(view, limits or HoldLimits())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(school(*["secret"] * 40), school(*["shifted"] * 40), id="all students"),
        pytest.param(
            school(*["secret"] * 40), school(*["shifted"] * 31, *["secret"] * 9), id="just over the percentage"
        ),
        pytest.param(school("a", classes=("x",) * 25), school("a", classes=("y",) * 25), id="classes alone"),
    ],
)
def test_a_table_that_changes_as_a_whole_is_held(before: Frames, after: Frames) -> None:
    """More than the percentage of a table, and at least the smallest number of rows, is held."""
    hold = check(before, after)
    assert hold is not None
    assert hold.code == "too-many-updates"
    assert "secret" not in repr(hold)


@pytest.mark.parametrize("table", ["students", "teachers", "guardians", "classes", "guardianships"])
def test_every_table_with_values_counts_by_itself(table: str) -> None:
    """Other values in all rows of any one table are held, while all others stay as they are."""

    def district(changed: str | None) -> Frames:
        def value(name: str) -> str:
            return "shifted" if changed == name else "secret"

        many = [str(one) for one in range(30)]
        return frames(
            schools=[("A", "Lincoln")],
            **{name: [(one, value(name)) for one in many] for name in ("students", "teachers", "guardians")},
            student_schools=[("A", one) for one in many],
            teacher_schools=[("A", one) for one in many],
            guardianships=[("A", one, one, value("guardianships")) for one in many],
            classes=[("A", one, value("classes")) for one in many],
        )

    hold = check(district(None), district(table))
    assert hold is not None
    assert (hold.numbers["table"], hold.numbers["percent"]) == (table, 100.0)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(school(*["a"] * 24), school(*["b"] * 24), id="a small school"),
        pytest.param(school(*["a"] * 40), school(*["b"] * 30, *["a"] * 10), id="exactly the percentage"),
        pytest.param(empty(), school(*["a"] * 40), id="a first delivery"),
        pytest.param(school(*["a"] * 40), empty(), id="a school that vanished"),
        pytest.param(school("a"), school("a", *["b"] * 40), id="growth"),
    ],
)
def test_few_updates_go_on(before: Frames, after: Frames) -> None:
    """Few rows, a smaller part, and rows that come or go are not held for updates."""
    assert check(before, after) is None


def test_the_hold_tells_numbers_limit_cause_and_rows() -> None:
    """The worst table's numbers, each table that crossed the limit, and exactly the updated rows."""
    before = school(*["a"] * 30, classes=("x",) * 26)
    hold = check(before, school(*["b"] * 27, *["a"] * 3, classes=("y",) * 26))
    assert hold is not None
    assert hold.numbers == {
        "table": "classes",
        "updated": 26,
        "of": 26,
        "percent": 100.0,
        "percent_max": 75.0,
        "rows_min": 25,
    }
    assert "27 of 30 students (90.0 %), 26 of 26 classes (100.0 %)" in hold.message
    assert "75 % of a table, from 25 rows on" in hold.message
    assert HOLD.likely_cause in hold.message
    assert "when a school year begins, every grade changes" in hold.message
    assert listed(hold) == sorted(
        [("students", "updated", f"s{one}") for one in range(27)]
        + [("classes", "updated", f"c{one}") for one in range(26)]
    )


def test_every_table_is_told_in_words_of_the_school() -> None:
    """Whoever runs the export reads of guardians of students, not of our tables."""

    def kin(relationship: str) -> Frames:
        return frames(
            schools=[("A", "Lincoln")],
            students=[("s",)],
            student_schools=[("A", "s")],
            guardians=[(f"g{one}",) for one in range(30)],
            guardianships=[("A", "s", f"g{one}", relationship) for one in range(30)],
        )

    hold = check(kin("mother"), kin("father"))
    assert hold is not None
    assert "30 of 30 guardians of students (100.0 %)" in hold.message


def test_the_limits_are_the_districts() -> None:
    """Other limits, other answers."""
    assert check(school("a", "a"), school("b", "a"), HoldLimits(updates_percent_max=40, updates_rows_min=1)) is not None
    assert check(school(*["a"] * 40), school(*["b"] * 40), HoldLimits(updates_percent_max=100)) is None


def test_who_comes_with_new_values_is_not_more_than_everybody() -> None:
    """Who comes from another school with new values counts; no share is above 100 %, and that limit holds nobody."""
    both = [("A", "Lincoln"), ("B", "Adams")]
    before = frames(
        schools=both,
        students=[(f"s{one}", "a") for one in range(30)],
        student_schools=[("A" if one < 20 else "B", f"s{one}") for one in range(30)],
    )
    after = frames(
        schools=both,
        students=[(f"s{one}", "b") for one in range(30)],
        student_schools=[("A", f"s{one}") for one in range(30)],
    )
    hold = HOLD.check(seen(before, after)["A"], HoldLimits())
    assert hold is not None
    assert (hold.numbers["updated"], hold.numbers["of"], hold.numbers["percent"]) == (30, 30, 100.0)
    assert HOLD.check(seen(before, after)["A"], HoldLimits(updates_percent_max=100)) is None


def test_who_comes_with_new_values_holds_no_school_that_is_new() -> None:
    """A school that the roster does not have is not held, although those who come to it have other values."""
    people = range(30)
    before = frames(
        schools=[("A", "Lincoln")],
        students=[(f"s{one}", "a") for one in people],
        student_schools=[("A", f"s{one}") for one in people],
    )
    after = frames(
        schools=[("B", "Adams")],
        students=[(f"s{one}", "b") for one in people],
        student_schools=[("B", f"s{one}") for one in people],
    )
    assert HOLD.check(seen(before, after)["B"], HoldLimits()) is None
