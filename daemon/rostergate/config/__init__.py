"""The configuration: `rostergate.toml` and the environment as settings, `districts/<slug>.toml` as districts."""

from rostergate.config.district import District, UploadLimits
from rostergate.config.districts import Districts, Reloaded
from rostergate.config.loading import load_district, load_settings
from rostergate.config.settings import Settings
from rostergate.config.writing import set_enabled, write_district

__all__ = [
    "District",
    "Districts",
    "Reloaded",
    "Settings",
    "UploadLimits",
    "load_district",
    "load_settings",
    "set_enabled",
    "write_district",
]
