"""What a district's file says, and what of the settings it overrides."""

from __future__ import annotations

from datetime import date, timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING

import asyncssh
import pytest

from rostergate.config import District, Settings, UploadLimits, load_district
from rostergate.core import catalogue
from rostergate.core.policy import HoldLimits, PlatformSchool, Policy
from rostergate.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2026, 10, 1)
FULL = """
name = "Lincoln Unified"
time_zone = "America/Denver"
enabled = false
format = "direct"
encoding = "cp1252"
phone_region = "CA"
recipients = ["it@example.org", "first.last+roster@mail.example.co.uk"]
allowed_addresses = ["203.0.113.7", "198.51.100.0/24", "2001:db8::/32"]
authorized_keys = ["{key}"]

[schools]
matching = "review"
deselected = ["900", "901"]

[[schools.platform]]
id = "p-1"
name = "Lincoln Elementary School"
school_id = "101"

[[schools.platform]]
id = "p-2"
name = "Lincoln Middle School"

[holds]
removals_percent_max = 5

[limits]
file_bytes_max = 1_000
"""


def district(folder: Path, text: str) -> District:
    """Load a district from its text."""
    path = folder / "lincoln.toml"
    path.write_text(text, encoding="utf-8")
    return load_district(path)


@pytest.fixture(scope="module")
def key() -> str:
    """Give an OpenSSH public key."""
    return asyncssh.generate_private_key("ssh-ed25519", comment="sis@example.org").export_public_key().decode().strip()


def test_a_district_needs_a_name_and_a_time_zone_only(tmp_path: Path) -> None:
    """Everything else has a default, and the slug is the file's name."""
    assert district(tmp_path, 'name = "Lincoln"\ntime_zone = "America/Denver"\n') == District(
        slug="lincoln", name="Lincoln", time_zone="America/Denver"
    )


def test_every_key_of_a_district_is_read(tmp_path: Path, key: str) -> None:
    """All keys arrive as the values the other rooms use."""
    lincoln = district(tmp_path, FULL.replace("{key}", key))
    assert lincoln.zone.key == "America/Denver"
    assert not lincoln.enabled
    assert lincoln.recipients == ("it@example.org", "first.last+roster@mail.example.co.uk")
    assert lincoln.allowed_addresses == tuple(map(ip_network, ("203.0.113.7", "198.51.100.0/24", "2001:db8::/32")))
    assert lincoln.authorized_keys == (key,)
    assert lincoln.policy(Settings(), DAY) == Policy(
        format="direct",
        encoding="cp1252",
        phone_region="CA",
        reading=Settings().reading.limits,
        holds=HoldLimits(removals_percent_max=5.0),
        matching="review",
        platform_schools=(
            PlatformSchool(id="p-1", name="Lincoln Elementary School", school_id="101"),
            PlatformSchool(id="p-2", name="Lincoln Middle School"),
        ),
        deselected=frozenset({"900", "901"}),
    )


def test_authorized_keys_are_lines_that_asyncssh_takes(tmp_path: Path, key: str) -> None:
    """The gate can hand the keys to asyncssh as an authorized_keys text."""
    lincoln = district(tmp_path, FULL.replace("{key}", key))
    assert asyncssh.import_authorized_keys("\n".join(lincoln.authorized_keys)) is not None


@pytest.mark.parametrize(
    ("algorithm", "accepted"),
    [("ssh-ed25519", True), ("ecdsa-sha2-nistp256", True), ("ssh-dss", False)],
)
def test_weak_kinds_of_key_are_refused(algorithm: str, accepted: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a case's outcome
    """ed25519 and ECDSA keys are taken, DSA keys are not."""
    public = asyncssh.generate_private_key(algorithm).export_public_key().decode().strip()
    text = f'name = "Lincoln"\ntime_zone = "UTC"\nauthorized_keys = ["{public}"]\n'
    if accepted:
        assert district(tmp_path, text).authorized_keys == (public,)
    else:
        with pytest.raises(Exception, match="DSA"):
            district(tmp_path, text)


@pytest.mark.parametrize("name", ["auto", *sorted(catalogue.formats())])
def test_every_format_of_the_catalogue_can_be_chosen(name: str, tmp_path: Path) -> None:
    """The catalogue says which formats there are."""
    text = f'name = "Lincoln"\ntime_zone = "UTC"\nformat = "{name}"\n'
    assert district(tmp_path, text).policy(Settings(), DAY).format == name


def test_a_districts_own_hold_limits_win_over_the_settings(tmp_path: Path) -> None:
    """What the district does not say comes from the settings."""
    settings = Settings.model_validate({"holds": {"removals_rows_min": 7, "removals_percent_max": 50}})
    text = 'name = "Lincoln"\ntime_zone = "UTC"\n[holds]\nguardians_per_student_max = 9\nremovals_percent_max = 0\n'
    assert district(tmp_path, text).policy(settings, DAY).holds == HoldLimits(
        removals_percent_max=0.0, removals_rows_min=7, guardians_per_student_max=9
    )


def test_one_school_can_have_limits_of_its_own(tmp_path: Path) -> None:
    """What a school does not say comes from its district, and what that does not say from the settings."""
    text = (
        'name = "Lincoln"\ntime_zone = "UTC"\n[holds]\nremovals_rows_min = 3\n'
        '[holds.schools."101"]\nremovals_percent_max = 40\nclasses_may_turn_over = true\n'
    )
    policy = district(tmp_path, text).policy(Settings(), DAY)
    assert policy.limits_of("101") == HoldLimits(
        removals_percent_max=40.0, removals_rows_min=3, classes_may_turn_over=True
    )
    assert policy.limits_of("102") == policy.holds == HoldLimits(removals_rows_min=3)


ROLLOVER = """
name = "Lincoln"
time_zone = "UTC"

[holds]
removals_percent_max = 70

[holds.rollover]
first_day = 2026-07-15
last_day = 2026-09-15
removals_rows_min = 100

[holds.schools."101"]
removals_percent_max = 5
"""


@pytest.mark.parametrize(
    ("day", "wide"),
    [
        (date(2026, 7, 14), False),
        (date(2026, 7, 15), True),
        (date(2026, 9, 15), True),
        (date(2026, 9, 16), False),
    ],
)
def test_a_rollover_window_widens_the_limits(day: date, wide: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a case's outcome
    """From the first to the last day each limit is the wider one, of the district and of each school."""
    policy = district(tmp_path, ROLLOVER).policy(Settings(), day)
    usual = HoldLimits(removals_percent_max=70.0)
    widened = HoldLimits(
        removals_percent_max=70.0,
        removals_rows_min=100,
        classes_may_turn_over=True,
        district_removals_percent_max=80.0,
        updates_percent_max=100.0,
    )
    assert policy.holds == (widened if wide else usual)
    assert policy.limits_of("101").removals_percent_max == (60.0 if wide else 5.0)


@pytest.mark.parametrize("days", [-1, 120])
def test_a_rollover_window_is_bounded(days: int, tmp_path: Path) -> None:
    """A window that ends before it begins, or lasts for months, is an error that says so."""
    last = date(2026, 7, 15) + timedelta(days=days)
    with pytest.raises(ConfigError, match="at most 120 days in all"):
        district(tmp_path, ROLLOVER.replace("2026-09-15", last.isoformat()))


@pytest.mark.parametrize("key", ["district_removals_percent_max = 9", "vanished_students_max = 9"])
def test_a_school_has_no_district_wide_limit(key: str, tmp_path: Path) -> None:
    """What counts the whole district cannot be set for one school."""
    with pytest.raises(ConfigError, match="unknown key"):
        district(tmp_path, f"{ROLLOVER}{key}\n")


@pytest.mark.parametrize(
    ("own", "file_bytes_max", "district_bytes_max"),
    [
        ("", 2_000, 6_000),
        ("file_bytes_max = 500", 500, 6_000),
        ("file_bytes_max = 9_000", 9_000, 9_000),
        ("district_bytes_max = 8_000", 2_000, 8_000),
        ("district_bytes_max = 1_000", 1_000, 1_000),
        ("file_bytes_max = 30\ndistrict_bytes_max = 40", 30, 40),
    ],
)
def test_a_districts_own_limits_win_over_the_settings(
    own: str, file_bytes_max: int, district_bytes_max: int, tmp_path: Path
) -> None:
    """Where only one of the two limits is the district's own, the other makes way for it."""
    upload = {"file_bytes_max": 2_000, "district_bytes_max": 6_000, "scratch_files_max": 3, "inbox_files_max": 9}
    text = f'name = "Lincoln"\ntime_zone = "UTC"\n[limits]\n{own}\n'
    assert district(tmp_path, text).limits(Settings.model_validate({"upload": upload})) == UploadLimits(
        file_bytes_max=file_bytes_max,
        district_bytes_max=district_bytes_max,
        scratch_files_max=3,
        gaps_max=256,
        inbox_files_max=9,
    )
