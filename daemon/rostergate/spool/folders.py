"""Where everything lies below the state folder.

state/
  rostergate.db            the database (the truth)
  rostergate.lock          held by the one daemon on this state
  keys/                    host keys
  inbox/<district>/        committed uploads; .scratch/ holds uploads in progress
  preview/<district>/      the same for dry runs
  deliveries/<delivery>/   sealed file sets, read-only, with manifest.json
  reports/<district>/      LATEST.txt and a folder per delivery
  kept/<district>          the roster as last applied, to be read faster than from the database; may be deleted
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Area(StrEnum):
    """The two places a district can put files."""

    UPLOAD = "inbox"
    PREVIEW = "preview"


@dataclass(frozen=True, slots=True)
class Spool:
    """The state folder's layout."""

    state: Path
    key_file: Path | None = None
    """Where the keys are that deliveries are encrypted with; None: they are not."""

    @property
    def database(self) -> Path:
        """The SQLite database."""
        return self.state / "rostergate.db"

    @property
    def lock(self) -> Path:
        """The file that the one daemon on this state holds locked."""
        return self.state / "rostergate.lock"

    @property
    def keys(self) -> Path:
        """The folder of host keys."""
        return self.state / "keys"

    @property
    def deliveries(self) -> Path:
        """The folder of sealed deliveries."""
        return self.state / "deliveries"

    def kept(self, district: str) -> Path:
        """Return the file that a district's roster is kept in."""
        return self.state / "kept" / district

    def inbox(self, district: str, area: Area = Area.UPLOAD) -> Path:
        """Return the folder of a district's committed files."""
        return self.state / area.value / district

    def scratch(self, district: str, area: Area = Area.UPLOAD) -> Path:
        """Return the folder of a district's uploads in progress."""
        return self.inbox(district, area) / ".scratch"

    def delivery(self, delivery: str) -> Path:
        """Return the folder of one sealed delivery."""
        return self.deliveries / delivery

    def reports(self, district: str) -> Path:
        """Return the folder of a district's reports, as the district sees it under /reports/."""
        return self.state / "reports" / district

    def report(self, district: str, delivery: str) -> Path:
        """Return the folder of one delivery's report."""
        return self.reports(district) / delivery

    def prepare(self) -> None:
        """Make the folders that are not there yet, readable by the service user alone. Raises `OSError`."""
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        for area in Area:
            (self.state / area.value).mkdir(mode=0o700, exist_ok=True)
        for folder in (self.keys, self.deliveries, self.state / "reports", self.state / "kept"):
            folder.mkdir(mode=0o700, exist_ok=True)
