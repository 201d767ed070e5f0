"""What `rostergate check` looks at beside the configuration itself: what it names, and what nobody would be told.

Rule 1: an error keeps the daemon from working as it is configured; a warning says what somebody will miss one day.
Rule 2: nothing is changed or made, and no secret is repeated.
"""

from __future__ import annotations

import os
import shutil
import socket
import stat
from typing import TYPE_CHECKING

from rostergate.config.loading import stands_at
from rostergate.desk import specimens
from rostergate.desk.words import size
from rostergate.errors import ConfigError, RostergateError
from rostergate.gate import hostkeys
from rostergate.service.post import TEMPLATES
from rostergate.spool import cipher
from rostergate.spool.folders import Area

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from rostergate.cli.place import Place
    from rostergate.config import District, Districts, Settings


def errors(place: Place, settings: Settings) -> Iterator[str]:
    """Give what is wrong with what the settings name."""
    yield from _secrets(place, settings)
    yield from specimens.faults(place.config / TEMPLATES)
    unusable = list(_folders(place))
    yield from unusable
    if not unusable:
        try:
            hostkeys.look(place.spool.keys)
        except RostergateError as error:
            yield str(error)
    if place.state.is_dir() and (free := shutil.disk_usage(place.state).free) < settings.disk.free_bytes_min:
        where = _where(place, "disk", "free_bytes_min")
        yield f"{where}: only {size(free)} are free on the disk of {place.state}, so no upload is taken; make room"


def warnings(place: Place, settings: Settings, districts: Districts, known: Collection[str]) -> Iterator[str]:
    """Give what nobody will be told, or nobody can do. `known`: the districts that have a password."""
    if not settings.server.public_host:
        where = _where(place, "server", "public_host")
        yield f"{where}: empty, so districts are told to connect to {socket.gethostname()}"
    if settings.mail.on and not settings.mail.operators:
        where = _where(place, "mail", "operators")
        yield f"{where}: empty, so nobody is told of failed deliveries, a full disk and schools to be matched"
    for slug in sorted(districts):
        path = districts.folder / f"{slug}.toml"
        for wrong in _of_district(settings, districts[slug], known):
            yield f"{path}: {wrong}"


def _of_district(settings: Settings, district: District, known: Collection[str]) -> Iterator[str]:
    if district.enabled and not (district.slug in known or district.authorized_keys):
        yield (
            "it cannot log in: there is neither a password nor a key in authorized_keys; "
            f"`rostergate district password {district.slug}` issues one"
        )
    if settings.mail.on and not district.recipients:
        yield "recipients is empty, so nobody there gets mail"
    if district.legacy and not settings.server.legacy_port:
        yield "legacy is true, but there is no port for it: server.legacy_port in rostergate.toml is 0"


def _secrets(place: Place, settings: Settings) -> Iterator[str]:
    """Give what is wrong with the files of secrets; that of the database is read when the database is looked at."""
    try:
        settings.mail.password(os.environ)
    except ConfigError as error:
        yield f"{_file_of(place, 'mail', 'password_file')}{error}"
    key_file = settings.encryption.path(os.environ)
    if key_file is not None:
        try:
            cipher.keys_in(key_file)
        except RostergateError as error:
            yield f"{_file_of(place, 'encryption', 'key_file')}{error}"
    for section, key, path in (
        ("mail", "password_file", settings.mail.path(os.environ)),
        ("encryption", "key_file", key_file),
    ):
        if path is not None and _open_to_all(path):
            where = _where(place, section, key)
            yield f"{where}: {path} is open to every user of this machine; run chmod o= {path}"


def _open_to_all(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:  # told where it is read
        return False
    return stat.S_ISREG(mode) and bool(mode & stat.S_IRWXO)


def _where(place: Place, section: str, key: str) -> str:
    return stands_at(place.config, section, key, os.environ)


def _file_of(place: Place, section: str, key: str) -> str:
    """Return the beginning of a complaint whose text names the key itself."""
    where = _where(place, section, key)
    return where.removesuffix(f"{section}.{key}") if where.endswith(key) else f"{where}: "


def _folders(place: Place) -> Iterator[str]:
    """Give the folders of the state that are there and cannot be written to."""
    if why := _unusable(place.state):  # nothing below it can be looked at then
        yield f"{place.state}: {why}; run this as the service's user, whose folder it must be"
        return
    spool = place.spool
    every = [spool.keys, spool.deliveries, place.state / "reports", place.state / "kept"]
    for area in [place.state / area.value for area in Area]:
        every += [area, *(sorted(area.iterdir()) if area.is_dir() and not _unusable(area) else ())]
    for folder in every:
        if why := _unusable(folder):
            yield f"{folder}: {why}; it must be a folder that the service's user can read and write"
    around = place.state.parent
    if not place.state.exists() and not (around.is_dir() and os.access(around, os.W_OK | os.X_OK)):
        yield f"{place.state}: there is no such folder, and it cannot be made; make it, owned by the service's user"


def _unusable(folder: Path) -> str | None:
    if not folder.exists():
        return None
    if not folder.is_dir():
        return "this is no folder"
    return None if os.access(folder, os.R_OK | os.W_OK | os.X_OK) else "permission denied"
