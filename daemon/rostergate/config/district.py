"""One district: its file `districts/<slug>.toml` as values. The slug is the file's name and the SFTP user's name."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from rostergate.config import zones
from rostergate.config.section import Section
from rostergate.config.settings import Bytes, Guardians, Networks, Percent, Rows, Settings
from rostergate.config.values import (
    SLUG_RULE,
    AuthorizedKey,
    Encoding,
    FormatName,
    OneLine,
    PhoneRegion,
    Recipient,
    TimeZone,
    is_slug,
)
from rostergate.config.wording import shown
from rostergate.core.policy import HoldLimits, PlatformSchool, Policy

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from rostergate.core.notices import Audience

ROLLOVER_DAYS_MAX: Final = 120
"""Days of one rollover window: wide limits that nobody remembers are none."""

ROLLOVER: Final[dict[str, Any]] = {
    "removals_percent_max": 60.0,
    "classes_may_turn_over": True,
    "district_removals_percent_max": 80.0,
    "updates_percent_max": 100.0,
}
"""What a rollover window widens without saying so: a class leaves each school, everybody gets a new grade and new
classes. Whole schools that vanish and ids that are given out anew are as unusual then as ever."""

_LIMITS: Final = frozenset(one.name for one in fields(HoldLimits))


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """What one district may put down."""

    file_bytes_max: int  # bytes of one file
    district_bytes_max: int  # bytes of all files of the district that are not sealed yet
    scratch_files_max: int  # uploads in progress at once
    inbox_files_max: int  # files in one inbox, committed or not
    gaps_max: int  # parts of one file that may be missing while later ones have arrived


def _slug(text: str) -> str:
    if not is_slug(text):
        raise ValueError(f"expected {SLUG_RULE}, found {shown(text)}")
    return text


def _twice(values: Iterable[str], what: str) -> None:
    again = [value for value, times in Counter(values).items() if times > 1]
    if again:
        raise ValueError(f"expected each {what} once, found {', '.join(map(shown, again))} more than once")


SchoolId = Annotated[OneLine, Field(max_length=255)]


class PlatformEntry(Section):
    """A school as the platform knows it: one `[[schools.platform]]`."""

    id: Annotated[OneLine, Field(max_length=255)]
    name: Annotated[OneLine, Field(max_length=255)]
    school_id: SchoolId | None = None
    """The SIS's id, once a person has matched the two."""


def _each_once(entries: tuple[PlatformEntry, ...]) -> tuple[PlatformEntry, ...]:
    _twice((entry.id for entry in entries), "id")
    _twice((entry.school_id for entry in entries if entry.school_id is not None), "school_id")
    return entries


# Strictness would refuse TOML's lists for tuples; what is in them stays strict.
Platform = Annotated[tuple[PlatformEntry, ...], Field(strict=False), AfterValidator(_each_once)]


class SchoolSettings(Section):
    """How the SIS's schools meet the platform's."""

    matching: Literal["auto", "review"] = "auto"
    deselected: Annotated[tuple[OneLine, ...], Field(strict=False)] = ()
    """School ids (the SIS's) that are not rostered."""
    platform: Platform = ()


class SchoolHoldOverrides(Section):
    """Hold limits that differ for one school, `[holds.schools."<id>"]`; None = as for the district."""

    removals_percent_max: Percent | None = None
    removals_rows_min: Rows | None = None
    classes_may_turn_over: bool | None = None
    updates_percent_max: Percent | None = None
    updates_rows_min: Rows | None = None
    guardians_per_student_max: Guardians | None = None
    reissued_percent_max: Percent | None = None
    reissued_rows_min: Rows | None = None

    def over(self, usual: HoldLimits) -> HoldLimits:
        """Return the usual limits with these in their place."""
        return replace(usual, **self.model_dump(exclude_none=True, include=set(_LIMITS)))


class HoldWindow(SchoolHoldOverrides):
    """The days of the new school year, `[holds.rollover]`, and what their limits are at least."""

    first_day: date
    last_day: date
    district_removals_percent_max: Percent | None = None
    vanished_students_max: Rows | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        days = (self.last_day - self.first_day).days + 1
        if not 1 <= days <= ROLLOVER_DAYS_MAX:
            raise ValueError(
                f"expected a last_day on or after first_day, at most {ROLLOVER_DAYS_MAX} days in all, found "
                f"{self.first_day} to {self.last_day}"
            )
        return self

    def widened(self, usual: HoldLimits, day: date) -> HoldLimits:
        """Return the limits of a day: within the window those that are wider than the usual ones take their place."""
        if not self.first_day <= day <= self.last_day:
            return usual
        return usual.widened(self.over(replace(usual, **ROLLOVER)))


class HoldOverrides(SchoolHoldOverrides):
    """Hold limits that differ for this district; None = as in the settings."""

    district_removals_percent_max: Percent | None = None
    vanished_students_max: Rows | None = None
    rollover: HoldWindow | None = None
    schools: dict[SchoolId, SchoolHoldOverrides] = Field(default_factory=dict, max_length=10_000)
    """By school id (the SIS's)."""


class LimitOverrides(Section):
    """Upload limits that differ for this district; None = as in the settings."""

    file_bytes_max: Bytes | None = None
    district_bytes_max: Bytes | None = None

    @model_validator(mode="after")
    def _a_file_fits(self) -> Self:
        if self.file_bytes_max and self.district_bytes_max and self.district_bytes_max < self.file_bytes_max:
            raise ValueError(
                f"expected district_bytes_max of at least file_bytes_max ({self.file_bytes_max}), "
                f"found {self.district_bytes_max}"
            )
        return self


class District(Section):
    """The tenant: one SFTP account, one time zone, one format, its own limits and recipients."""

    slug: Annotated[str, AfterValidator(_slug)]
    name: Annotated[OneLine, Field(max_length=200)]
    time_zone: TimeZone
    enabled: bool = True
    legacy: bool = False
    """Whether it may log in on `server.legacy_port`, too."""
    format: FormatName = "auto"
    encoding: Encoding | None = None
    phone_region: PhoneRegion = "US"
    recipients: Annotated[tuple[Recipient, ...], Field(strict=False, max_length=50)] = ()
    allowed_addresses: Networks = ()
    """Networks that may log in; empty = everywhere."""
    authorized_keys: Annotated[tuple[AuthorizedKey, ...], Field(strict=False, max_length=100)] = ()
    """OpenSSH public keys, one line each, checked."""
    schools: SchoolSettings = SchoolSettings()
    holds: HoldOverrides = HoldOverrides()
    limit_overrides: Annotated[LimitOverrides, Field(alias="limits")] = LimitOverrides()

    @property
    def zone(self) -> ZoneInfo:
        """The time zone whose calendar the district's days follow, by the data that the machine has now."""
        return zones.zone(self.time_zone)

    def policy(self, settings: Settings, day: date) -> Policy:
        """Return what decisions about a delivery of that day depend on: the district's own values over the daemon's."""
        usual = self.holds.over(settings.holds.limits)
        of_schools = {one: own.over(usual) for one, own in self.holds.schools.items()}
        if window := self.holds.rollover:
            usual = window.widened(usual, day)
            of_schools = {one: window.widened(limits, day) for one, limits in of_schools.items()}
        return Policy(
            format=self.format,
            encoding=self.encoding,
            phone_region=self.phone_region,
            reading=settings.reading.limits,
            holds=usual,
            school_holds=of_schools,
            matching=self.schools.matching,
            platform_schools=tuple(
                PlatformSchool(id=one.id, name=one.name, school_id=one.school_id) for one in self.schools.platform
            ),
            deselected=frozenset(self.schools.deselected),
        )

    def audience(self, settings: Settings) -> Audience:
        """Return who gets mail about this district."""
        return settings.mail.audience(self.recipients)

    def limits(self, settings: Settings) -> UploadLimits:
        """Return what this district may put down: its own values over the daemon's."""
        own, usual = self.limit_overrides, settings.upload
        # Where only one of the two is the district's own, the other one makes way for it.
        district_bytes_max = own.district_bytes_max or max(usual.district_bytes_max, own.file_bytes_max or 0)
        return UploadLimits(
            file_bytes_max=own.file_bytes_max or min(usual.file_bytes_max, district_bytes_max),
            district_bytes_max=district_bytes_max,
            scratch_files_max=usual.scratch_files_max,
            gaps_max=usual.gaps_max,
            inbox_files_max=usual.inbox_files_max,
        )
