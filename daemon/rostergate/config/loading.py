"""Reading settings and districts: the file, then the environment over it; every error with its place.

The environment: `ROSTERGATE_<SECTION>__<KEY>`, for example `ROSTERGATE_DELIVERY__SETTLE_SECONDS=5`. A value is read as
TOML, and as text where it is none. Names without `__` after the prefix are someone else's and not looked at.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pydantic import ValidationError

from rostergate.config.complaints import complaint, config_error, keys
from rostergate.config.district import District
from rostergate.config.places import Loc, line_of, places
from rostergate.config.settings import Settings
from rostergate.config.values import SLUG_RULE, is_slug
from rostergate.config.wording import did_you_mean, shown
from rostergate.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PREFIX: Final = "ROSTERGATE_"
FILE_NAME: Final = "rostergate.toml"
FILE_BYTES_MAX: Final = 4_194_304  # bytes of one configuration file; a district with 10,000 schools takes 1 MiB

Table: TypeAlias = dict[str, Any]
_POSITION: Final = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)\Z")


def load_settings(folder: Path, environ: Mapping[str, str]) -> Settings:
    """Return the settings: environment over `rostergate.toml` in the folder over defaults.

    A folder without that file leaves the defaults. Raises `ConfigError`.
    """
    path = folder / FILE_NAME
    table: Table = {}
    if path.exists() or path.is_symlink():  # a link that leads nowhere is no wish for the defaults
        table, lines = read_toml(path)
        try:
            Settings.model_validate(table)
        except ValidationError as error:
            raise config_error(path, error, Settings, lines) from None
    overrides = _from_environment(environ)
    for (section, key), value in overrides.items():
        table.setdefault(section, {})[key] = value
    try:
        return Settings.model_validate(table)
    except ValidationError as error:
        raise _environment_error(error, overrides) from None


def load_district(path: Path) -> District:
    """Return the district of one file; its slug is the file's stem. Raises `ConfigError`."""
    slug = path.stem
    if not is_slug(slug):
        raise ConfigError(
            f"{path}: a district's file is named after its slug: expected {SLUG_RULE}, found {shown(slug)}"
        )
    table, lines = read_toml(path)
    return district_of(path, table, lines)


def district_of(path: Path, table: Table, lines: Mapping[Loc, int]) -> District:
    """Return the district that a parsed file describes. Raises `ConfigError`."""
    if "slug" in table:
        line = lines.get(("slug",))
        raise ConfigError(f"{path}:{line}: slug: unknown key; the slug is the file's name, {path.stem}")
    try:
        return District.model_validate({**table, "slug": path.stem})
    except ValidationError as error:
        raise config_error(path, error, District, lines) from None


def read_toml(path: Path) -> tuple[Table, dict[Loc, int]]:
    """Return a file's tables, and the line of each key. Raises `ConfigError`."""
    try:
        with open(path, "rb", opener=_opened) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigError(f"{path}: cannot be read: it is no file, but a pipe or a device")
            data = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        if isinstance(error, FileNotFoundError) and path.is_symlink():
            reason = f"it is a link to {path.readlink()}, which is not there"
        raise ConfigError(f"{path}: cannot be read: {reason}") from None
    return parse_toml(path, data)


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)  # whoever opens a pipe would wait for a writer


def parse_toml(path: Path, data: bytes) -> tuple[Table, dict[Loc, int]]:
    """Return the tables in a file's bytes, and the line of each key; the path is for errors only.

    Raises `ConfigError`.
    """
    if len(data) > FILE_BYTES_MAX:
        raise ConfigError(f"{path}: expected at most {FILE_BYTES_MAX} bytes, found more")
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: expected UTF-8 text, found the byte 0x{data[error.start]:02x}") from None
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax(path, str(error), text)) from None
    return table, places(text)


def _syntax(path: Path, message: str, text: str) -> str:
    position = _POSITION.search(message)
    if not position:
        return f"{path}: not valid TOML: {message}"
    line = int(position["line"]) if position["line"] else len(text.splitlines()) or 1
    return f"{path}:{line}: not valid TOML: {message[: position.start()]}"


def _from_environment(environ: Mapping[str, str]) -> dict[tuple[str, str], Any]:
    """Return the overrides by section and key. Raises `ConfigError` for a name that is no key."""
    names = {
        variable(section, key): (section, key)
        for section, inner in keys(Settings).items()
        if inner
        for key in keys(inner)
    }
    overrides: dict[tuple[str, str], Any] = {}
    complaints = []
    for name in sorted(environ):
        if not name.startswith(PREFIX) or "__" not in name.removeprefix(PREFIX):
            continue
        if name in names:
            overrides[names[name]] = _value(environ[name])
        else:
            complaints.append(f"{name}: unknown environment variable{did_you_mean(name, names)}")
    if complaints:
        raise ConfigError("\n".join(complaints))
    return overrides


def stands_at(folder: Path, section: str, key: str, environ: Mapping[str, str]) -> str:
    """Return where a setting stands, for a complaint: `FILE:LINE: section.key`, or the variable that is set for it."""
    if (name := variable(section, key)) in environ:
        return name
    path = folder / FILE_NAME
    line = line_of((section, key), read_toml(path)[1]) if path.exists() else None
    return f"{path}:{line}: {section}.{key}" if line else f"{path}: {section}.{key}"


def variable(section: str, key: str) -> str:
    """Return the name of the environment variable for a key."""
    return f"{PREFIX}{section}__{key}".upper()


def _value(text: str) -> object:
    try:
        table = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return table["value"] if len(table) == 1 else text


def _environment_error(error: ValidationError, overrides: Mapping[tuple[str, str], Any]) -> ConfigError:
    """Return an error whose keys are named as variables: the file alone was found valid before."""
    complaints = []
    for details in error.errors(include_url=False):
        loc, text = complaint(details, Settings)
        section = str(loc[0])
        named = [variable(*one) for one in overrides if one == loc[:2] or (len(loc) == 1 and one[0] == section)]
        complaints.append(f"{', '.join(named)}: {text}")
    return ConfigError("\n".join(complaints))
