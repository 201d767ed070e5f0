import pytest

from core.holds.viewing import listed, seen
from core.rosters import frames
from rostergate.core.holds.too_many_guardians import HOLD
from rostergate.core.plan import Hold
from rostergate.core.policy import HoldLimits
from rostergate.core.roster import Frames, empty


def school(*guardians: int, relationship: str | None = None, name: str = "Lincoln") -> Frames:
    """Return a school with one student for each number, who has so many guardians."""
    pairs = [(f"secret{one}", f"secret{one}-{other}") for one, count in enumerate(guardians) for other in range(count)]
    people = [f"secret{one}" for one in range(len(guardians))]
    return frames(
        schools=[("A", name)],
        students=[(one,) for one in people],
        guardians=[(one,) for _, one in pairs],
        student_schools=[("A", one) for one in people],
        guardianships=[("A", *pair, relationship) for pair in pairs],
    )


def check(before: Frames, after: Frames, limits: HoldLimits | None = None) -> Hold | None:
    """Check the one school that changes."""
    (view,) = seen(before, after).values()
    return HOLD.check(view, limits or HoldLimits())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(empty(), school(6), id="a first delivery"),
        pytest.param(school(5), school(6), id="one more than allowed"),
        pytest.param(school(6), school(7), id="even more for one who was released"),
    ],
)
def test_too_many_new_guardians_are_held(before: Frames, after: Frames) -> None:
    """A student who gains a guardian and then has more than the limit holds the school."""
    hold = check(before, after)
    assert hold is not None
    assert hold.code == "too-many-guardians"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(empty(), school(5, 5), id="as many as allowed"),
        pytest.param(school(7), school(6), id="fewer than before, though still too many"),
        pytest.param(school(6, 1), school(6, 2), id="another student's first"),
        pytest.param(school(6), school(6, relationship="aunt"), id="a changed relationship"),
        pytest.param(school(6), school(6, name="Abraham Lincoln"), id="another change at the school"),
    ],
)
def test_what_was_released_is_not_held_again(before: Frames, after: Frames) -> None:
    """Only new guardians count, and only for the student who gains them."""
    assert check(before, after) is None


def test_the_message_counts_the_students() -> None:
    """Message and numbers tell how many students, the most guardians and the limit, and no value of the roster."""
    hold = check(school(1, 1, 1), school(8, 6, 5))
    assert hold is not None
    assert hold.message.startswith("2 students would have too many guardians, up to 8 each; the limit is 5.")
    assert HOLD.likely_cause in hold.message
    assert hold.numbers == {
        "table": "guardianships",
        "students": 2,
        "guardians_most": 8,
        "guardians_per_student_max": 5,
    }
    assert "secret" not in repr(hold)
    one = check(school(1), school(6))
    assert one is not None
    assert one.message.startswith("1 student would have 6 guardians; the limit is 5.")


def test_the_limit_is_the_districts() -> None:
    """Another limit, another answer."""
    assert check(empty(), school(6), HoldLimits(guardians_per_student_max=6)) is None
    one = check(empty(), school(3), HoldLimits(guardians_per_student_max=2))
    assert one is not None
    assert one.message.startswith("1 student ")


def test_the_rows_are_all_guardians_of_those_students() -> None:
    """Each guardian whom such a student would have is named, the ones that are there already as kept; nobody else's."""
    hold = check(school(2, 1), school(6, 2))
    assert listed(hold) == sorted(
        ("guardianships", "kept" if one < 2 else "added", "secret0", f"secret0-{one}") for one in range(6)
    )
