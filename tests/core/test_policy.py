from dataclasses import fields

from rostergate.core.policy import HoldLimits


def test_widened_limits_are_the_wider_of_two_each() -> None:
    """A rollover's day takes no limit back that the district has wider already."""
    own = HoldLimits(removals_percent_max=60.0, guardians_per_student_max=3)
    rollover = HoldLimits(removals_percent_max=40.0, updates_percent_max=100.0, classes_may_turn_over=True)
    wide = own.widened(rollover)
    assert (wide.removals_percent_max, wide.updates_percent_max) == (60.0, 100.0)
    assert (wide.guardians_per_student_max, wide.classes_may_turn_over) == (
        HoldLimits().guardians_per_student_max,
        True,
    )
    assert all(getattr(wide, one.name) >= getattr(own, one.name) for one in fields(own))
