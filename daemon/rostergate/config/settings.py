"""The daemon's settings, section by section as in `config/rostergate.toml`. The defaults stand here and only here.

Rule 1: each limit has its unit and its bound in its name, and is bounded itself: an impossible value is an error.
Rule 2: values are taken as they are written; "22" is not 22.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from rostergate.config.credential import located
from rostergate.config.database import DatabaseSettings
from rostergate.config.mail import MailSettings
from rostergate.config.section import Section
from rostergate.config.values import AllowedNetwork
from rostergate.core.policy import HoldLimits, ReadingLimits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TIB: Final = 1 << 40

Port = Annotated[int, Field(ge=0, le=65_535)]
Seconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
Hours = Annotated[float, Field(gt=0, le=168, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Bytes = Annotated[int, Field(ge=1, le=TIB)]
Rows = Annotated[int, Field(ge=0, le=1_000_000)]
Guardians = Annotated[int, Field(ge=1, le=1_000)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
# Strictness would refuse TOML's lists for tuples; what is in them stays strict.
Networks = Annotated[tuple[AllowedNetwork, ...], Field(strict=False, max_length=1_000)]


class ServerSettings(Section):
    """Where the daemon listens, and how much one client may take of it."""

    address: Annotated[str, Field(min_length=1, max_length=255)] = "0.0.0.0"  # noqa: S104 - districts come from outside
    port: Port = 2222
    public_host: Annotated[str, Field(max_length=255)] = ""
    """The name districts connect to, as shown to operators and districts; empty = the machine's own name."""
    legacy_port: Port = 0
    """A second port, with old algorithms, for the districts whose file says `legacy = true`; 0 = none."""
    allowed_addresses: Networks = ()
    """Networks that may connect at all; empty = everywhere."""
    proxy_protocol_from: Networks = ()
    """Balancers: their connections must begin with a PROXY header, and nobody else's may."""
    proxy_header_bytes_max: Annotated[int, Field(ge=107, le=65_551)] = 1_024
    proxy_header_seconds_max: Annotated[int, Field(ge=1, le=60)] = 5
    connections_max: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    connections_per_address_max: Annotated[int, Field(ge=1, le=100_000)] = 300
    unauthenticated_max: Annotated[int, Field(ge=1, le=100_000)] = 400
    unauthenticated_per_address_max: Annotated[int, Field(ge=1, le=100_000)] = 200
    login_seconds_max: Annotated[int, Field(ge=5, le=600)] = 30
    login_tries_max: Annotated[int, Field(ge=1, le=20)] = 4
    keys_offered_max: Annotated[int, Field(ge=1, le=100)] = 20
    login_requests_max: Annotated[int, Field(ge=60, le=10_000)] = 100
    rekeys_per_minute_max: Annotated[int, Field(ge=1, le=10_000)] = 60
    connections_per_district_max: Annotated[int, Field(ge=1, le=100_000)] = 32
    sessions_per_district_max: Annotated[int, Field(ge=1, le=1_000)] = 8
    idle_seconds_max: Annotated[int, Field(ge=30, le=86_400)] = 900
    packet_bytes_max: Annotated[int, Field(ge=65_536, le=16_777_216)] = 300_000
    requests_per_second_max: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    handles_per_session_max: Annotated[int, Field(ge=1, le=10_000)] = 64
    drain_seconds_max: Annotated[int, Field(ge=0, le=3_600)] = 30


class ThrottleSettings(Section):
    """What becomes of addresses and accounts whose logins fail: points that fade, bans that grow."""

    half_life_seconds: Annotated[float, Field(ge=1, le=86_400, allow_inf_nan=False)] = 600.0
    address_points_max: Annotated[float, Field(ge=1, le=100_000, allow_inf_nan=False)] = 12.0
    account_points_max: Annotated[float, Field(ge=1, le=100_000, allow_inf_nan=False)] = 30.0
    unfinished_points: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.05
    """Points for a connection that ends without even trying to log in."""
    ban_seconds_min: Annotated[float, Field(ge=1, le=86_400, allow_inf_nan=False)] = 60.0
    ban_seconds_max: Annotated[float, Field(ge=1, le=604_800, allow_inf_nan=False)] = 3_600.0
    scores_max: Annotated[int, Field(ge=100, le=10_000_000)] = 20_000
    known_addresses_max: Annotated[int, Field(ge=1, le=1_000)] = 16

    @model_validator(mode="after")
    def _bans_grow(self) -> Self:
        if self.ban_seconds_max < self.ban_seconds_min:
            raise ValueError(
                f"expected ban_seconds_max of at least ban_seconds_min ({self.ban_seconds_min}), "
                f"found {self.ban_seconds_max}"
            )
        return self


class UploadSettings(Section):
    """What a district may put down. A district's own file can say otherwise for that district."""

    file_bytes_max: Bytes = 2_147_483_648
    district_bytes_max: Bytes = 4_294_967_296
    scratch_files_max: Annotated[int, Field(ge=1, le=1_000)] = 24
    inbox_files_max: Annotated[int, Field(ge=1, le=10_000)] = 100
    gaps_max: Annotated[int, Field(ge=64, le=10_000)] = 256

    @model_validator(mode="after")
    def _a_file_fits(self) -> Self:
        if self.district_bytes_max < self.file_bytes_max:
            raise ValueError(
                f"expected district_bytes_max of at least file_bytes_max ({self.file_bytes_max}), "
                f"found {self.district_bytes_max}"
            )
        return self


class DiskSettings(Section):
    """How much room the disk of the state folder must have."""

    free_bytes_min: Annotated[int, Field(ge=0, le=TIB)] = 1_073_741_824
    """With less, no upload is taken and nothing is decided."""
    free_bytes_low: Annotated[int, Field(ge=0, le=TIB)] = 4_294_967_296
    """With less, the operators are told."""

    @model_validator(mode="after")
    def _told_before(self) -> Self:
        if self.free_bytes_low < self.free_bytes_min:
            raise ValueError(
                f"expected free_bytes_low of at least free_bytes_min ({self.free_bytes_min}), "
                f"found {self.free_bytes_low}"
            )
        return self


class DeliverySettings(Section):
    """When a set of files is complete, and how it is decided."""

    settle_seconds: Annotated[float, Field(ge=0, le=3_600, allow_inf_nan=False)] = 20.0
    overdue_hours: Hours = 6.0
    generation_hours_max: Hours = 12.0
    attempts_max: Annotated[int, Field(ge=1, le=20)] = 3
    retry_seconds: Annotated[float, Field(ge=0, le=3_600, allow_inf_nan=False)] = 30.0
    decide_seconds_max: Annotated[int, Field(ge=1, le=86_400)] = 1800
    workers: Annotated[int, Field(ge=1, le=64)] = 1


_READING: Final = ReadingLimits()
_HOLDS: Final = HoldLimits()


class ReadingSettings(Section):
    """How much of a file is read."""

    rows_max: Annotated[int, Field(ge=1, le=1_000_000_000)] = _READING.rows_max
    row_bytes_max: Annotated[int, Field(ge=1_024, le=16_777_216)] = _READING.row_bytes_max
    columns_max: Annotated[int, Field(ge=1, le=10_000)] = _READING.columns_max

    @property
    def limits(self) -> ReadingLimits:
        """The same as the core takes it."""
        return ReadingLimits(rows_max=self.rows_max, row_bytes_max=self.row_bytes_max, columns_max=self.columns_max)


class HoldSettings(Section):
    """When a school waits for a person. A district's own file can say otherwise for that district."""

    removals_percent_max: Percent = _HOLDS.removals_percent_max
    removals_rows_min: Rows = _HOLDS.removals_rows_min
    classes_may_turn_over: bool = _HOLDS.classes_may_turn_over
    district_removals_percent_max: Percent = _HOLDS.district_removals_percent_max
    vanished_students_max: Rows = _HOLDS.vanished_students_max
    updates_percent_max: Percent = _HOLDS.updates_percent_max
    updates_rows_min: Rows = _HOLDS.updates_rows_min
    guardians_per_student_max: Guardians = _HOLDS.guardians_per_student_max
    reissued_percent_max: Percent = _HOLDS.reissued_percent_max
    reissued_rows_min: Rows = _HOLDS.reissued_rows_min

    @property
    def limits(self) -> HoldLimits:
        """The same as the core takes it."""
        return HoldLimits(**self.model_dump())


class PasswordSettings(Section):
    """What it costs to check one password (argon2id), and how many may wait for it."""

    memory_kib: Annotated[int, Field(ge=8_192, le=4_194_304)] = 65_536
    passes: Annotated[int, Field(ge=1, le=100)] = 3
    lanes: Annotated[int, Field(ge=1, le=64)] = 1
    threads: Annotated[int, Field(ge=1, le=64)] = 2
    waiting_max: Annotated[int, Field(ge=1, le=10_000)] = 400
    waiting_per_address_max: Annotated[int, Field(ge=1, le=10_000)] = 200


Days = Annotated[int, Field(ge=1, le=36_500)]


class EncryptionSettings(Section):
    """Whether deliveries lie encrypted on the disk."""

    key_file: Annotated[str, Field(max_length=4_096)] = ""
    """An absolute path, or the name of a credential that systemd loaded; empty: they do not."""

    def path(self, environ: Mapping[str, str]) -> Path | None:
        """Return where the key file is; None where there is none. `environ` has systemd's `CREDENTIALS_DIRECTORY`."""
        return located(self.key_file, environ) if self.key_file else None


class RetentionSettings(Section):
    """For how many days what is not needed any more is kept; then the daemon removes it."""

    files_days: Days = 90
    """The files of a delivery, from when it was sealed; of an upload that nothing came of, from its last change."""
    reports_days: Days = 365
    history_days: Days = 730
    """How far back the roster "as of" a delivery can be told, and for how long archived people are kept."""
    mail_days: Days = 90
    """Mail that was sent or given up."""


class LogSettings(Section):
    """How the journal is written."""

    format: Literal["auto", "json", "console"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"


class MetricsSettings(Section):
    """Where the daemon tells how it is: /metrics, /healthz and /readyz over HTTP."""

    address: Annotated[str, Field(min_length=1, max_length=255)] = "127.0.0.1"
    port: Port = 0


class Settings(Section):
    """All settings of the daemon."""

    server: ServerSettings = ServerSettings()
    throttle: ThrottleSettings = ThrottleSettings()
    database: DatabaseSettings = DatabaseSettings()
    upload: UploadSettings = UploadSettings()
    disk: DiskSettings = DiskSettings()
    delivery: DeliverySettings = DeliverySettings()
    reading: ReadingSettings = ReadingSettings()
    holds: HoldSettings = HoldSettings()
    passwords: PasswordSettings = PasswordSettings()
    mail: MailSettings = MailSettings()
    encryption: EncryptionSettings = EncryptionSettings()
    retention: RetentionSettings = RetentionSettings()
    log: LogSettings = LogSettings()
    metrics: MetricsSettings = MetricsSettings()
