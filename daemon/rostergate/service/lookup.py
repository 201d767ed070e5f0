"""Districts as the gate looks them up: one whose file has just been written may log in at once."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from rostergate.config.districts import SUFFIX
from rostergate.config.values import is_slug
from rostergate.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rostergate.config import District, Districts, Reloaded


class FreshDistricts:
    """The districts that are known, and those whose files are there although the watcher has not told yet."""

    def __init__(self, districts: Districts, tell: Callable[[list[Reloaded]], None]) -> None:
        self._districts = districts
        self._tell = tell

    def get(self, slug: str, /) -> District | None:
        """Return the district in its last good version, or None."""
        if slug not in self._districts and is_slug(slug):
            with suppress(ConfigError, OSError):  # a folder that cannot be read: its watcher tells of that
                if (self._districts.folder / f"{slug}{SUFFIX}").exists():
                    self._tell(self._districts.reload())
        return self._districts.get(slug)
