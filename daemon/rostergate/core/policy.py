"""The policy: what a decision depends on besides the files and the roster."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """Bounds on what is read."""

    rows_max: int = 20_000_000  # rows per file
    row_bytes_max: int = 65_536  # bytes per row, line ends included
    columns_max: int = 200  # columns per file


@dataclass(frozen=True, slots=True)
class HoldLimits:
    """When a school waits for a person."""

    removals_percent_max: float = 20.0  # percent of one table of one school
    removals_rows_min: int = 25  # fewer removed rows than this are no incident
    guardians_per_student_max: int = 5  # guardians of one student


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
    matching: str = "auto"  # "auto" | "review"
    platform_schools: tuple[PlatformSchool, ...] = ()
    deselected: frozenset[str] = frozenset()  # school ids (the SIS's) that are not rostered
