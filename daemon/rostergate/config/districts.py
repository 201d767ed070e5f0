"""All districts of a folder, always in their last good version, and told anew when a file changes.

Rule 1: a broken file changes nothing but the complaint: the last good version stays.
Rule 2: a removed file removes its district; a folder that cannot be read removes none, nor does an empty one that
stands in the place of another, as it does where a disk is not mounted, or another one on top.
Rule 3: what the file system tells is a hint; what counts is what is read, so a missed hint only delays.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from watchfiles import awatch

from rostergate.config.district import District
from rostergate.config.loading import load_district
from rostergate.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

SUFFIX: Final = ".toml"
RESCAN_MS: Final = 2_000  # milliseconds after which the folder is looked at without a hint
QUIET_MS: Final = 50  # milliseconds without an event that end a burst of them

_Mark = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What became of one district's file."""

    slug: str
    """The file's stem, which is no slug where that is the error; empty for the folder itself."""
    district: District | None
    """The version in force: the new one, the last good one beside an error, or None: there is none (any more)."""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    mark: _Mark
    outcome: Reloaded


class Districts(Mapping[str, District]):
    """The districts of one folder by slug, each in its last good version."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[str, _Known] = {}
        self._good: dict[str, District] = {}
        self._folder_error: str | None = None
        self._read_from: tuple[int, int] | None = None
        self._reloading = threading.Lock()

    def __getitem__(self, slug: str) -> District:
        """Return the district. Raises `KeyError`."""
        return self._good[slug]

    def __iter__(self) -> Iterator[str]:
        """Go through the slugs in order."""
        return iter(self._good)

    def __len__(self) -> int:
        """Count the districts that have a version in force."""
        return len(self._good)

    @property
    def errors(self) -> dict[str, str]:
        """What is wrong now, by file stem."""
        return {slug: known.outcome.error for slug, known in self._known.items() if known.outcome.error}

    def load(self) -> list[Reloaded]:
        """Make the folder where it is missing and read it; a broken file is told and left out. Raises `ConfigError`."""
        self._make_folder()
        return self.reload()

    def reload(self) -> list[Reloaded]:
        """Read what is new or changed and return what became of it, by slug.

        May be called from any thread; whoever reads the mapping meanwhile sees the versions before or after, nothing
        between. Raises `ConfigError` when the folder cannot be read; nothing changes then.
        """
        with self._reloading:
            identity, marks = _identity(self.folder), self._marks()
            if self._good and not marks and identity != self._read_from:
                raise ConfigError(
                    f"{self.folder}: another folder has taken its place, with no district in it, so all go on as they "
                    "were; if they are to be removed, restart the daemon"
                )
            self._read_from = identity
            known: dict[str, _Known] = {}
            told = []
            for path, mark in marks.items():
                before = self._known.get(path.stem)
                if before and before.mark == mark:
                    known[path.stem] = before
                    continue
                outcome = self._read(path)
                known[path.stem] = _Known(mark, outcome)
                if not before or before.outcome != outcome:
                    told.append(outcome)
            told += [Reloaded(slug, None) for slug in self._known.keys() - known.keys()]
            self._known = known
            self._good = {slug: one.outcome.district for slug, one in known.items() if one.outcome.district}
            return sorted(told, key=lambda one: one.slug)

    async def watch(self, stop: asyncio.Event) -> AsyncGenerator[list[Reloaded], None]:
        """Yield what changed, whenever something did, until `stop` is set; what happens in one moment comes together.

        A folder that is taken away leaves the last good versions in force and is watched again when it is back.
        Raises `ConfigError` when the folder is missing, nothing was loaded before, and it cannot be made.
        """
        if not self._known:  # an empty folder in the place of one that was taken away would remove everybody
            self._make_folder()
        while not stop.is_set():
            watched = _identity(self.folder)
            async with aclosing(self._hints(stop)) as hints:
                async for _ in hints:
                    if told := await asyncio.to_thread(self._reload_if_there):
                        yield told
                    if _identity(self.folder) != watched:
                        break  # another folder stands there now, which these hints know nothing of

    async def _hints(self, stop: asyncio.Event) -> AsyncGenerator[None, None]:
        """Yield whenever it is time to look at the folder again."""
        try:
            async for _ in awatch(
                self.folder,
                watch_filter=None,
                stop_event=stop,
                step=QUIET_MS,
                rust_timeout=RESCAN_MS,
                yield_on_timeout=True,
                recursive=False,
            ):
                yield
        except (OSError, RuntimeError):  # no folder, or the system has no watch left to give
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), RESCAN_MS / 1000)
            yield

    def _reload_if_there(self) -> list[Reloaded]:
        """Return what changed; of a folder that cannot be read, and changes nothing, once what is wrong with it."""
        try:
            told, error = self.reload(), None
        except ConfigError as unreadable:
            error = str(unreadable)
            told = [] if error == self._folder_error else [Reloaded("", None, error)]
        self._folder_error = error
        return told

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"{self.folder}: the folder of districts is missing and cannot be made: {error.strerror or error}"
            ) from None

    def _marks(self) -> dict[Path, _Mark]:
        """Return the districts' files with what shows that one has changed. Raises `ConfigError`."""
        marks = {}
        try:
            for path in sorted(self.folder.iterdir()):
                # An editor's own files (.lincoln.toml.swp, .#lincoln.toml, lincoln.toml~) are none of them.
                if path.suffix == SUFFIX and not path.name.startswith("."):
                    with suppress(FileNotFoundError):  # taken away since it was listed
                        try:
                            facts = path.stat()
                        except OSError:  # a link that leads nowhere, or in a circle, is told when it is read
                            facts = path.lstat()
                        marks[path] = (facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
        except OSError as error:
            raise ConfigError(
                f"{self.folder}: the folder of districts cannot be read: {error.strerror or error}"
            ) from None
        return marks

    def _read(self, path: Path) -> Reloaded:
        try:
            return Reloaded(path.stem, load_district(path))
        except ConfigError as error:
            return Reloaded(path.stem, self._good.get(path.stem), str(error))


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return what tells this folder from another under the same name; None where there is none."""
    try:
        facts = folder.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino
