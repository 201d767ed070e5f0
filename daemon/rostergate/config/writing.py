"""Writing a district's file: a new one from the template, and its `enabled` in place.

Rule: comments stay, and a file is written whole or not at all.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager, suppress
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import tomlkit
from pydantic import ValidationError

from rostergate.config.complaints import complaint
from rostergate.config.district import District
from rostergate.config.districts import SUFFIX
from rostergate.config.loading import district_of, load_district, parse_toml
from rostergate.config.values import SLUG_RULE, is_slug
from rostergate.config.wording import shown
from rostergate.errors import ConfigError, NotFound, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FILE_MODE: Final = 0o644  # the daemon's own user must be able to read what an operator wrote; there is no secret in it
_OPTIONS: Final[Mapping[str | int, str]] = {
    "name": "--name",
    "time_zone": "--time-zone",
    "recipients": "--recipient",
}
"""The options of `rostergate district add`, by key."""


def write_district(folder: Path, slug: str, *, name: str, time_zone: str, recipients: Sequence[str] = ()) -> Path:
    """Write the file of a new district, with every other key as a comment, and return its path.

    Raises `Refused` where there is such a district already, `ConfigError` for a value that cannot be used, which names
    the option of `rostergate district add` that gave it, or for a folder that cannot be written.
    """
    path = _path(folder, slug)
    _assert_usable({"slug": slug, "name": name, "time_zone": time_zone, "recipients": recipients})
    text = template(name=name, time_zone=time_zone, recipients=recipients)
    district_of(path, *parse_toml(path, text.encode()))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _written_aside(path, text.encode(), FILE_MODE) as aside:
            try:
                os.link(aside, path)  # unlike a rename, this never takes another's place
            except FileExistsError:
                raise Refused(f"There is a district {slug} already: {path}") from None
        _settle(folder)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror or error}") from None
    return path


def set_enabled(folder: Path, slug: str, enabled: bool) -> Path:  # noqa: FBT001 - the new value of the key of that name
    """Set `enabled` in a district's file, leave the rest of it as it stands, and return its path.

    Raises `NotFound`, and `ConfigError` for a file that cannot be used or written.
    """
    path = _path(folder, slug)
    if not path.exists():
        raise NotFound(f"There is no district {slug}: {path} is missing.")
    if load_district(path).enabled is enabled:
        return path
    try:
        document = tomlkit.parse(path.read_bytes().decode("utf-8-sig"))
        document["enabled"] = enabled
        data = document.as_string().encode()
        district_of(path, *parse_toml(path, data))
        facts = path.stat()
        with _written_aside(path, data, facts.st_mode & 0o777) as aside:
            with suppress(PermissionError):  # only root can give a file away; whoever else writes it owns it then
                os.chown(aside, facts.st_uid, facts.st_gid)
            aside.replace(path)
        _settle(folder)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror or error}") from None
    return path


def template(*, name: str, time_zone: str, recipients: Sequence[str] = ()) -> str:
    """Return the text of a new district's file."""
    text = resources.files("rostergate.config").joinpath("district.toml.template").read_text(encoding="utf-8")
    if recipients:
        text = text.replace("@RECIPIENTS@", f"recipients = [{', '.join(map(_quoted, recipients))}]")
    else:
        text = text.replace("@RECIPIENTS@", '# recipients = ["it@example.org"]')
    return text.replace("@TIME_ZONE@", _quoted(time_zone)).replace("@NAME@", _quoted(name))


def _assert_usable(given: Mapping[str, Any]) -> None:
    try:
        District.model_validate(given)
    except ValidationError as error:
        found = (complaint(details, District) for details in error.errors(include_url=False))
        raise ConfigError("\n".join(f"{_OPTIONS[loc[0]]}: {text}" for loc, text in found)) from None


def _quoted(text: str) -> str:
    return tomlkit.string(text).as_string()


def _path(folder: Path, slug: str) -> Path:
    if not is_slug(slug):
        raise ConfigError(f"A district's slug: expected {SLUG_RULE}, found {shown(slug)}")
    return folder / f"{slug}{SUFFIX}"


@contextmanager
def _written_aside(path: Path, data: bytes, mode: int) -> Iterator[Path]:
    """Give a finished, synced file beside the path, under a name that is no district's."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    aside = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        yield aside
    finally:
        aside.unlink(missing_ok=True)


def _settle(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
