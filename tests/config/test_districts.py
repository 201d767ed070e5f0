"""Districts follow their files: for real, with files being written while they are watched."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rostergate.config import District, Districts, Reloaded
from rostergate.config.districts import RESCAN_MS
from rostergate.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

DEADLINE = 20  # seconds; a test that waits this long has failed


def text(name: str) -> str:
    """Return a district's file."""
    return f'name = "{name}"\ntime_zone = "America/Chicago"\n'


def write(folder: Path, slug: str, content: str) -> Path:
    """Write a district's file in place."""
    path = folder / f"{slug}.toml"
    path.write_text(content, encoding="utf-8")
    return path


def fresh(folder: Path) -> Path:
    """Make a folder beside another."""
    made = folder.with_name("fresh")
    made.mkdir()
    return made


def swap(folder: Path, by: Path | None) -> None:
    """Take a folder away where there is one, and put another in its place."""
    if folder.exists():
        folder.rename(folder.with_name("old"))
    if by:
        by.rename(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with one district."""
    folder = tmp_path / "districts"
    folder.mkdir()
    write(folder, "lincoln", text("Lincoln"))
    return folder


class Watched:
    """Districts that are being watched, and what was told about them, one by one."""

    def __init__(self, districts: Districts) -> None:
        self.districts = districts
        self.told: asyncio.Queue[Reloaded] = asyncio.Queue()

    async def until(self, slug: str, *, name: str | None, broken: bool = False) -> Reloaded:
        """Wait until a district is told with this name (None = removed), passing over what comes before."""
        async with asyncio.timeout(DEADLINE):
            while True:
                told = await self.told.get()
                found = told.district.name if told.district else None
                if (told.slug, found, told.error is not None) == (slug, name, broken):
                    return told


@asynccontextmanager
async def watching(folder: Path) -> AsyncIterator[Watched]:
    """Watch a folder until the block ends, and see that watching ends then."""
    watched = Watched(Districts(folder))
    watched.districts.load()
    stop = asyncio.Event()

    async def watch() -> None:
        async for told in watched.districts.watch(stop):
            for one in told:
                watched.told.put_nowait(one)

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(watch())
        try:
            yield watched
        finally:
            stop.set()


def test_districts_are_a_mapping_by_slug(folder: Path) -> None:
    """Loaded districts are found by their slug, in order."""
    write(folder, "adams", text("Adams"))
    districts = Districts(folder)
    assert [one.slug for one in districts.load()] == ["adams", "lincoln"]
    assert list(districts) == ["adams", "lincoln"]
    assert len(districts) == 2
    assert districts["lincoln"] == District(slug="lincoln", name="Lincoln", time_zone="America/Chicago")
    assert districts.get("other") is None


def test_a_second_look_tells_only_what_changed(folder: Path) -> None:
    """Reloading without a change tells nothing."""
    districts = Districts(folder)
    districts.load()
    assert districts.reload() == []
    write(folder, "adams", text("Adams"))
    assert [one.slug for one in districts.reload()] == ["adams"]


def test_a_file_written_again_with_the_same_content_is_no_change(folder: Path) -> None:
    """What counts is what a file says."""
    districts = Districts(folder)
    districts.load()
    (folder / "lincoln.toml").unlink()
    write(folder, "lincoln", text("Lincoln") + "# a comment\n")
    assert districts.reload() == []


def test_a_broken_file_keeps_the_last_good_version_and_says_so(folder: Path) -> None:
    """The district goes on as it was; the error stands until the file is mended."""
    districts = Districts(folder)
    districts.load()
    write(folder, "lincoln", text("Lincoln").replace("Chicago", "Chigago"))
    (told,) = districts.reload()
    assert told.district is not None
    assert told.district.name == "Lincoln"
    assert told.error is not None
    assert "lincoln.toml:2: time_zone" in told.error
    assert districts["lincoln"].name == "Lincoln"
    assert districts.errors == {"lincoln": told.error}
    write(folder, "lincoln", text("Lincoln High"))
    (told,) = districts.reload()
    assert told.error is None
    assert districts["lincoln"].name == "Lincoln High"
    assert districts.errors == {}


def test_a_new_file_that_is_broken_is_told_and_stops_nobody_else(folder: Path) -> None:
    """There is no district without a version that was ever good."""
    write(folder, "adams", "name = 1\n")
    write(folder, "Bad Name", text("Bad"))
    districts = Districts(folder)
    told = {one.slug: one for one in districts.load()}
    assert list(districts) == ["lincoln"]
    assert told["adams"].district is None
    assert set(districts.errors) == {"adams", "Bad Name"}
    assert "named after its slug" in districts.errors["Bad Name"]


def test_a_removed_file_removes_the_district(folder: Path) -> None:
    """Without its file a district is gone, whether it was good or broken."""
    write(folder, "adams", "name = 1\n")
    districts = Districts(folder)
    districts.load()
    (folder / "lincoln.toml").unlink()
    (folder / "adams.toml").unlink()
    assert districts.reload() == [Reloaded("adams", None), Reloaded("lincoln", None)]
    assert list(districts) == []
    assert districts.errors == {}


def test_editors_own_files_are_not_districts(folder: Path) -> None:
    """Swap files, backups and dangling lock links beside a district are passed over."""
    for name in (".lincoln.toml.swp", "lincoln.toml~", "#lincoln.toml#", "4913", "lincoln.toml.sample", "README"):
        (folder / name).write_text("no toml", encoding="utf-8")
    (folder / ".#lincoln.toml").symlink_to("someone@somewhere.1234")
    districts = Districts(folder)
    districts.load()
    assert list(districts) == ["lincoln"]
    assert districts.errors == {}


def a_socket(path: Path) -> None:
    """Leave a socket's file, as a program does that was killed."""
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(os.mkfifo, "it is no file, but a pipe or a device", id="a pipe that nobody writes to"),
        pytest.param(lambda path: path.symlink_to("/dev/zero"), "it is no file, but a pipe or a device", id="a device"),
        pytest.param(Path.mkdir, "Is a directory", id="a folder"),
        pytest.param(
            lambda path: path.symlink_to("nowhere"),
            "it is a link to nowhere, which is not there",
            id="a link that leads nowhere",
        ),
        pytest.param(
            lambda path: path.symlink_to(path.name), "Too many levels of symbolic links", id="a link to itself"
        ),
        pytest.param(a_socket, "No such device or address", id="a socket"),
    ],
)
def test_what_is_no_file_is_told_and_stops_nobody(folder: Path, make: Callable[[Path], object], said: str) -> None:
    """Whatever stands in the place of a district's file: its last good version stays, and the others change."""
    write(folder, "adams", text("Adams"))
    districts = Districts(folder)
    districts.load()
    (folder / "adams.toml").unlink()
    make(folder / "adams.toml")
    write(folder, "lincoln", text("Lincoln High"))
    assert [one.slug for one in districts.reload()] == ["adams", "lincoln"]
    assert districts["lincoln"].name == "Lincoln High"
    assert districts["adams"].name == "Adams"
    assert districts.errors == {"adams": f"{folder}/adams.toml: cannot be read: {said}"}
    fresh = Districts(folder)
    fresh.load()
    assert list(fresh) == ["lincoln"]
    assert fresh.errors == districts.errors


def test_an_empty_folder_in_the_place_of_another_removes_nobody(folder: Path) -> None:
    """As where a disk is mounted on top: it is told, and everybody goes on; removing files one by one still counts."""
    districts = Districts(folder)
    districts.load()
    swap(folder, fresh(folder))
    with pytest.raises(ConfigError, match="another folder has taken its place, with no district in it"):
        districts.reload()
    assert list(districts) == ["lincoln"]
    folder.rmdir()
    folder.with_name("old").rename(folder)
    assert districts.reload() == []
    (folder / "lincoln.toml").unlink()
    assert districts.reload() == [Reloaded("lincoln", None)]


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    """A daemon without districts can start."""
    districts = Districts(tmp_path / "etc" / "districts")
    assert districts.load() == []
    assert (tmp_path / "etc" / "districts").is_dir()


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(tmp_path: Path) -> None:
    """A file in the folder's place is told with its path."""
    (tmp_path / "districts").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match="districts: the folder of districts is missing and cannot be made"):
        Districts(tmp_path / "districts").load()


def test_a_folder_that_is_gone_removes_nobody(folder: Path) -> None:
    """A folder that cannot be read is an error and changes nothing."""
    districts = Districts(folder)
    districts.load()
    folder.rename(folder.with_name("away"))
    with pytest.raises(ConfigError, match="cannot be read"):
        districts.reload()
    assert list(districts) == ["lincoln"]


async def test_a_change_takes_effect_while_it_is_watched(folder: Path) -> None:
    """New, changed, broken, mended and removed files follow each other without a restart."""
    async with watching(folder) as watched:
        write(folder, "adams", text("Adams"))
        await watched.until("adams", name="Adams")
        write(folder, "adams", text("Adams High"))
        await watched.until("adams", name="Adams High")
        write(folder, "adams", "name = \n")
        told = await watched.until("adams", name="Adams High", broken=True)
        assert "adams.toml:1: not valid TOML" in str(told.error)
        assert watched.districts["adams"].name == "Adams High"
        write(folder, "adams", text("Adams Middle"))
        await watched.until("adams", name="Adams Middle")
        (folder / "adams.toml").unlink()
        await watched.until("adams", name=None)
        assert list(watched.districts) == ["lincoln"]


async def test_a_save_by_rename_takes_effect(folder: Path) -> None:
    """Editors that write aside and rename over the file are followed, again and again."""
    async with watching(folder) as watched:
        for name in ("One", "Two", "Three"):
            aside = folder / ".lincoln.toml.new"
            aside.write_text(text(name), encoding="utf-8")
            aside.replace(folder / "lincoln.toml")
            await watched.until("lincoln", name=name)


async def test_many_files_at_once_are_all_told_and_none_twice(folder: Path) -> None:
    """A hundred districts copied in together all take effect."""
    async with watching(folder) as watched:
        names = {f"district-{number}" for number in range(100)}
        for name in names:
            aside = folder / f".{name}"
            aside.write_text(text(name), encoding="utf-8")
            aside.rename(folder / f"{name}.toml")
        told: list[str] = []
        async with asyncio.timeout(DEADLINE):
            while len(told) < 100:
                told.append((await watched.told.get()).slug)
        assert sorted(told) == sorted(names)
        assert watched.told.empty()


async def test_a_folder_put_in_the_place_of_another_is_followed(folder: Path) -> None:
    """Swapping the whole folder, as a deployment may, takes effect, and so do changes in the new one."""
    async with watching(folder) as watched:
        swap(folder, write(fresh(folder), "lincoln", text("Fresh")).parent)
        await watched.until("lincoln", name="Fresh")
        write(folder, "lincoln", text("Fresher"))
        await watched.until("lincoln", name="Fresher")


async def test_a_folder_that_was_away_is_followed_again(folder: Path) -> None:
    """While there is no folder nobody is removed, which is told once; when it is back changes take effect again."""
    districts = Districts(folder)
    districts.load()
    stop = asyncio.Event()
    async with asyncio.timeout(60), aclosing(districts.watch(stop)) as watch:
        swap(folder, None)
        (gone,) = await anext(watch)
        assert (gone.slug, gone.district) == ("", None)
        assert str(gone.error).endswith("the folder of districts cannot be read: No such file or directory")
        hint = asyncio.ensure_future(anext(watch))
        done, _ = await asyncio.wait([hint], timeout=RESCAN_MS / 1000 * 1.5)
        assert not done
        assert list(districts) == ["lincoln"]
        swap(folder, write(fresh(folder), "lincoln", text("Back")).parent)
        told = await hint
        assert [one.district and one.district.name for one in told] == ["Back"]


async def test_watching_ends_when_it_is_told_to(folder: Path) -> None:
    """Once stop is set the iteration ends, also where nothing ever changed."""
    stop = asyncio.Event()
    stop.set()
    async with asyncio.timeout(DEADLINE):
        assert [told async for told in Districts(folder).watch(stop)] == []
