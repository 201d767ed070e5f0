"""The policy: what a decision depends on besides the files and the roster."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """Bounds on what is read."""

    rows_max: int = 20_000_000  # rows per file
    row_bytes_max: int = 65_536  # bytes per row, line ends included
    columns_max: int = 200  # columns per file


@dataclass(frozen=True, slots=True)
class HoldLimits:
    """When a school waits for a person. The larger any of them is, the less is held."""

    removals_percent_max: float = 20.0  # percent of one table of one school
    removals_rows_min: int = 25  # fewer removed rows than this are no incident
    classes_may_turn_over: bool = False  # a new term: classes, and who is in them, may all go
    district_removals_percent_max: float = 50.0  # percent of the people of the district
    vanished_students_max: int = 25  # students of a school that is not in the files any more
    updates_percent_max: float = 75.0  # percent of one table of one school
    updates_rows_min: int = 25  # fewer updated rows than this are no incident
    guardians_per_student_max: int = 5  # guardians of one student
    reissued_percent_max: float = 50.0  # percent of the removed people who come back under another id
    reissued_rows_min: int = 25  # fewer such people than this are no incident

    def widened(self, by: HoldLimits) -> HoldLimits:
        """Return limits of which each is the wider one of the two."""
        return HoldLimits(**{one.name: max(getattr(self, one.name), getattr(by, one.name)) for one in fields(self)})


@dataclass(frozen=True, slots=True)
class PlatformSchool:
    """A school as the platform knows it."""

    id: str
    name: str
    school_id: str | None = None  # the SIS's id, once a person has matched the two


@dataclass(frozen=True, slots=True)
class Policy:
    """One district's settings, as far as they change a decision."""

    format: str = "auto"  # a format's name, or "auto"
    encoding: str | None = None  # a Python codec name; None = UTF-8, or UTF-16 with a byte-order mark
    phone_region: str = "US"  # ISO 3166-1 alpha-2, for phone numbers without a country code
    reading: ReadingLimits = field(default_factory=ReadingLimits)
    holds: HoldLimits = field(default_factory=HoldLimits)
    school_holds: Mapping[str, HoldLimits] = field(default_factory=dict)  # by school id (the SIS's), where they differ
    matching: str = "auto"  # "auto" | "review"
    platform_schools: tuple[PlatformSchool, ...] = ()
    made: frozenset[str] = frozenset()  # school ids that a person let the platform make, whatever their names
    deselected: frozenset[str] = frozenset()  # school ids (the SIS's) that are not rostered
    forgotten: frozenset[str] = frozenset()  # school ids whose place a person has had forgotten: matched as new ones

    def limits_of(self, school_id: str) -> HoldLimits:
        """Return the limits of one school."""
        return self.school_holds.get(school_id, self.holds)
