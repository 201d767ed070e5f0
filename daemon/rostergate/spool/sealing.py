"""Sealing: a complete set of files is taken out of the inbox and frozen as a delivery.

Rule 1: one folder is one delivery. While it is being made it is called `<delivery>.sealing`. A dry run's folder is
called `<district>.preview`, and a delivery's name begins with its district's: a folder's name says where its files
came from.
Rule 2: the manifest is written last. A folder with a manifest is whole; one without goes back to the inbox.
Rule 3: after the folder has its final name, nobody writes to it again. Of which no database knows, it is called
`<delivery>.unknown`: a restored backup gives its name away again.
Rule 4: where the spool has a key file, a delivery's files are encrypted while they are hashed, each into a hidden
neighbour (`.name.sealed`) that takes its place after the manifest is written: until then the plain ones can go back.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Final

from rostergate.errors import Refused
from rostergate.spool import cipher
from rostergate.spool.disk import fsync_file, fsync_folder, write_atomically
from rostergate.spool.entries import time_of
from rostergate.spool.folders import Area, Spool

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

MANIFEST: Final = "manifest.json"
UNFINISHED: Final = ".sealing"
_DRY_RUN: Final = ".preview"
_ENCRYPTED: Final = ".sealed"
_ASIDE: Final = ".unknown"
_CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class SealedFile:
    """One file of a sealed delivery."""

    name: str
    bytes: int
    sha256: str
    began_at: str
    """When its upload began, ISO 8601 in UTC."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a sealed delivery consists of."""

    delivery: str
    district: str
    area: str
    sealed_at: str
    """ISO 8601 in UTC."""
    files: tuple[SealedFile, ...]
    erased_at: str | None = None
    """When its files were removed because they named a person who was erased; ISO 8601 in UTC."""
    encrypted: bool = False
    """Whether its files lie encrypted (`cipher`); sizes and hashes are those of what came."""

    @property
    def began_at(self) -> datetime:
        """When the first of its uploads began (aware, UTC)."""
        return min(datetime.fromisoformat(one.began_at) for one in self.files)

    @property
    def content_hash(self) -> str:
        """sha256 (hex) over the names and hashes of its files: equal for equal content."""
        whole = hashlib.sha256()
        for one in sorted(self.files, key=lambda one: one.name):
            whole.update(f"{one.name}\0{one.sha256}\n".encode())
        return whole.hexdigest()


def dry_run(district: str) -> str:
    """Return the name under which a district's dry run is sealed; there is one at a time."""
    return f"{district}{_DRY_RUN}"


def gather(spool: Spool, district: str, area: Area, delivery: str, names: Iterable[str]) -> Path:
    """Move the named files out of the inbox into the delivery's unfinished folder, and return that folder.

    Takes no time to speak of: it only renames, so that nothing can come between its steps on the event loop.
    Raises `OSError`; `end` undoes whatever was done until then.
    """
    folder = spool.deliveries / f"{delivery}{UNFINISHED}"
    folder.mkdir(mode=0o700)
    for name in sorted(names):
        (spool.inbox(district, area) / name).rename(folder / name)
    return folder


def freeze(spool: Spool, folder: Path, *, now: datetime) -> Manifest:
    """Make a gathered folder durable: files read-only and hashed, manifest written, folder given its final name.

    Reads every byte once; call it off the event loop. Raises `OSError`, `KeyUnusableError`; then `end` follows.
    """
    district, area = origin(folder)
    # A dry run's files are gone as soon as it is decided.
    keys = cipher.keys_in(spool.key_file) if spool.key_file and area is Area.UPLOAD else ()
    delivery = folder.name.removesuffix(UNFINISHED)
    manifest = Manifest(
        delivery=delivery,
        district=district,
        area=area.value,
        sealed_at=now.astimezone(UTC).isoformat(),
        files=tuple(_freeze_file(path, delivery, keys) for path in _files(folder)),
        encrypted=bool(keys),
    )
    fsync_folder(spool.inbox(district, area))
    write_atomically(folder / MANIFEST, _as_json(manifest))
    return _finish(spool, folder)


def end(spool: Spool, delivery: str) -> Manifest | None:
    """Bring to an end what `gather` and `freeze` have begun and not finished, by rule 2.

    Return the manifest where the delivery is sealed now, None where its files are back in the inbox. Raises `OSError`;
    calling it again goes on.
    """
    folder, final = spool.deliveries / f"{delivery}{UNFINISHED}", spool.delivery(delivery)
    if (folder / MANIFEST).exists():
        return _finish(spool, folder)
    if folder.exists():
        _send_back(spool, folder)
    elif (final / MANIFEST).exists():
        fsync_folder(spool.deliveries)
        return manifest_of(final)
    return None


def discard(folder: Path) -> None:
    """Remove a folder of the deliveries and everything in it. Raises `OSError`."""
    shutil.rmtree(folder)


def erase(folder: Path, now: datetime) -> None:
    """Remove the files of a sealed delivery and say so in its manifest. Raises `OSError`; calling it again finishes."""
    manifest = replace(manifest_of(folder), erased_at=now.astimezone(UTC).isoformat())
    write_atomically(folder / MANIFEST, _as_json(manifest))
    for path in _files(folder):
        path.unlink()
    fsync_folder(folder)


def in_pieces(folder: Path, key_file: Path | None = None) -> Iterator[Iterator[bytes]]:
    """Give each file of a folder piece by piece."""
    for _, pieces in _in_pieces(folder, key_file):
        yield pieces


def set_aside(folder: Path) -> Path:
    """Give a sealed folder another name, so that its own is free for another delivery; return it. Raises `OSError`."""
    aside = folder.with_name(f"{folder.name}{_ASIDE}")
    number = 2
    while aside.exists():
        aside = folder.with_name(f"{folder.name}{_ASIDE}{number}")
        number += 1
    folder.rename(aside)
    fsync_folder(folder.parent)
    return aside


def manifest_of(folder: Path) -> Manifest:
    """Read the manifest of a delivery's folder. Raises `OSError` where there is none."""
    stated = json.loads((folder / MANIFEST).read_bytes())
    return Manifest(**{**stated, "files": tuple(SealedFile(**one) for one in stated["files"])})


def kept(spool: Spool, delivery: str) -> bool:
    """Say whether the files of a sealed delivery are still there."""
    folder = spool.delivery(delivery)
    return folder.is_dir() and bool(_files(folder))


def contents(folder: Path, key_file: Path | None = None) -> dict[str, bytes]:
    """Read the files of a folder, by name, leaving out what belongs to the spool itself.

    `key_file`: of the spool, where the folder may be an encrypted delivery. Raises `OSError`, and as `cipher.decrypted`
    does, and so do the others that read.
    """
    if not _is_encrypted(folder):
        return {path.name: path.read_bytes() for path in _files(folder)}
    found = {}
    for path in _files(folder):
        whole = BytesIO()
        whole.writelines(_decrypted(path, key_file))
        found[path.name] = whole.getvalue()
    return found


def heads(folder: Path, bytes_max: int, key_file: Path | None = None) -> dict[str, bytes]:
    """Return the first bytes of every file of a sealed folder, by name."""
    found = {}
    for path, pieces in _in_pieces(folder, key_file):
        head = b""
        for piece in pieces:
            head += piece
            if len(head) >= bytes_max:
                break
        found[path.name] = head[:bytes_max]
    return found


def restore(folder: Path, target: Path, key_file: Path | None = None) -> tuple[SealedFile, ...]:
    """Write the files of a sealed delivery into a new folder as they came, all or none; return what they are.

    Raises `Refused` when the folder is there already, `CipherDamagedError` when a file is not the one that was sealed.
    """
    manifest = manifest_of(folder)
    try:
        target.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise Refused(f"{target} is there already; name a new folder") from None
    try:
        found = {path.name: _written(target / path.name, pieces) for path, pieces in _in_pieces(folder, key_file)}
        _assert_sealed(manifest, found)
    except BaseException:
        shutil.rmtree(target)
        raise
    return manifest.files


def _assert_sealed(manifest: Manifest, found: Mapping[str, str]) -> None:
    """Raise `CipherDamagedError` unless the files found, name -> SHA-256, are those that were sealed."""
    stated = {one.name: one.sha256 for one in manifest.files}
    for name in sorted(stated.keys() | found.keys()):
        if stated.get(name) != found.get(name):
            raise cipher.CipherDamagedError(f"{name} of {manifest.delivery} is not the file that was sealed")


def _written(path: Path, pieces: Iterable[bytes]) -> str:
    """Write a new file for its owner alone; return its SHA-256."""
    digest = hashlib.sha256()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.writelines(_hashed(pieces, digest))
    return digest.hexdigest()


def unfinished(spool: Spool) -> list[Path]:
    """List the folders whose sealing was interrupted."""
    return sorted(spool.deliveries.glob(f"*{UNFINISHED}"))


def origin(folder: Path) -> tuple[str, Area]:
    """Return whose files lie in an unfinished folder: district and area."""
    delivery = folder.name.removesuffix(UNFINISHED)
    if delivery.endswith(_DRY_RUN):
        return delivery.removesuffix(_DRY_RUN), Area.PREVIEW
    return delivery.rpartition("-")[0], Area.UPLOAD


def dry_runs(spool: Spool) -> list[Path]:
    """List the folders of dry runs that were sealed and not decided."""
    return sorted(spool.deliveries.glob(f"*{_DRY_RUN}"))


def sealed(spool: Spool) -> list[Path]:
    """List the folders of sealed deliveries."""
    return sorted(path.parent for path in spool.deliveries.glob(f"*/{MANIFEST}") if path.parent.suffix == "")


def aside(spool: Spool) -> list[Path]:
    """List the folders of sealed deliveries that no database knows."""
    return sorted(spool.deliveries.glob(f"*{_ASIDE}*"))


def _finish(spool: Spool, folder: Path) -> Manifest:
    """Give a folder that has its manifest its final name. Raises `OSError`."""
    for path in folder.glob(f".*{_ENCRYPTED}"):
        path.replace(folder / path.name.removeprefix(".").removesuffix(_ENCRYPTED))
    fsync_folder(folder)
    final = spool.delivery(folder.name.removesuffix(UNFINISHED))
    folder.rename(final)
    fsync_folder(spool.deliveries)
    return manifest_of(final)


def _send_back(spool: Spool, folder: Path) -> None:
    """Put the files of an unfinished folder back into the inbox they came from.

    A file that has come in again meanwhile stays as it is there: the newer one replaces the older. Raises `OSError`.
    """
    inbox = spool.inbox(*origin(folder))
    inbox.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in _files(folder):
        if not (inbox / path.name).exists():
            path.chmod(0o600)
            path.rename(inbox / path.name)
    fsync_folder(inbox)
    discard(folder)


def _as_json(manifest: Manifest) -> bytes:
    return json.dumps(asdict(manifest), indent=1).encode()


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_CHUNK_BYTES):
            yield piece


def _in_pieces(folder: Path, key_file: Path | None) -> Iterator[tuple[Path, Iterator[bytes]]]:
    is_encrypted = _is_encrypted(folder)
    for path in _files(folder):
        yield path, _decrypted(path, key_file) if is_encrypted else _pieces(path)


def _is_encrypted(folder: Path) -> bool:
    """Say whether the files of a folder lie encrypted; one that is no delivery's has no manifest of ours."""
    try:
        return manifest_of(folder).encrypted
    except (OSError, ValueError, TypeError, KeyError):
        return False


def _decrypted(path: Path, key_file: Path | None) -> Iterator[bytes]:
    if key_file is None:
        raise cipher.KeyUnusableError(
            f"{path.parent.name} lies encrypted; name the file with its key as encryption.key_file in rostergate.toml"
        )
    with path.open("rb") as file:
        yield from cipher.decrypted(file, _cipher_name(path.parent.name, path.name), cipher.keys_in(key_file))


def _cipher_name(folder: str, name: str) -> str:
    return f"{folder.partition(_ASIDE)[0]}/{name}"  # the delivery's, also of one that was set aside


def _files(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.iterdir() if path.is_file() and path.name != MANIFEST and not path.name.startswith(".")
    )


def _freeze_file(path: Path, delivery: str, keys: tuple[bytes, ...]) -> SealedFile:
    path.chmod(0o400)
    digest = hashlib.sha256()
    pieces = _hashed(_pieces(path), digest)
    if keys:
        _write_encrypted(path, cipher.encrypted(pieces, _cipher_name(delivery, path.name), keys))
    for _ in pieces:
        pass
    fsync_file(path)
    status = path.stat()
    began_at = time_of(status.st_mtime).isoformat()
    return SealedFile(path.name, status.st_size, digest.hexdigest(), began_at)


def _hashed(pieces: Iterable[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    for piece in pieces:
        digest.update(piece)
        yield piece


def _write_encrypted(path: Path, pieces: Iterator[bytes]) -> None:
    hidden = path.with_name(f".{path.name}{_ENCRYPTED}")
    with os.fdopen(os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())
