"""The files a district sees, as asyncssh asks for them: one object per SFTP session.

`finish` is the client's CLOSE; `close` is what asyncssh calls for every file still open when a session ends, and never
commits. Nothing else here knows how a file came to be closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import asyncssh
import structlog
from asyncssh import FXF_APPEND, FXF_CREAT, FXF_EXCL, FXF_TRUNC, FXF_WRITE
from asyncssh.sftp import SFTPName

from rostergate import journal, metrics
from rostergate.gate import reports
from rostergate.gate.aside import Aside
from rostergate.gate.attributes import READABLE, READABLE_FOLDER, UPLOADED, WRITABLE_FOLDER, attributes, of_report
from rostergate.gate.incoming import Incoming
from rostergate.gate.outgoing import Outgoing, Text
from rostergate.gate.refusals import Refusal, not_here, there_already, unsupported
from rostergate.gate.shelf import Shelf
from rostergate.gate.telling import Teller, told
from rostergate.gate.view import (
    NO_FOLDER,
    PREVIEW,
    README,
    REPORTS,
    Folder,
    Place,
    Readme,
    Report,
    Seen,
    looks_like_folder,
    no_such_folder,
    parts_of,
    seen,
)
from rostergate.spool.folders import Area

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from rostergate.gate.services import Services, Visitor

_log = structlog.get_logger()
_WRITING: Final = FXF_WRITE | FXF_APPEND | FXF_CREAT | FXF_TRUNC


class Files(asyncssh.SFTPServer):
    """One session's view and what it does there."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], services: Services, visitor: Visitor) -> None:
        """Open the district's folders. Raises `DiskError` when they cannot be made."""
        super().__init__(channel)
        self.teller = Teller(services, visitor, Aside(channel))
        self._services = services
        self._visitor = visitor
        self._shelves = {area: Shelf(services, visitor, area) for area in Area}
        self._reading: set[Outgoing | Text] = set()

    @property
    def uploading(self) -> bool:
        """Whether a file is open for writing."""
        return any(shelf.mine for shelf in self._shelves.values())

    # Looking around

    @told
    async def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """Say how large a file is and when its upload began. Raises `Refusal`."""
        match seen(path):
            case Folder():
                return self._folder(WRITABLE_FOLDER)
            case Readme():
                return attributes(READABLE, len(self._visitor.readme), self._services.now())
            case Report(parts):
                return of_report(reports.look(self._reports, parts))
            case Place(area, name):
                found = await self._shelves[area].find(name)
                if found is None:
                    raise no_such_folder() if looks_like_folder(name) else self._shelves[area].absent(name)
                return attributes(UPLOADED, *found)

    async def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """As `stat`: there are no links. Raises `Refusal`."""
        return await self.stat(path)

    @told
    async def listed(self, path: bytes) -> list[SFTPName]:
        """Return what is in a folder, as it is when the client opens it. Raises `Refusal`."""
        place = seen(path)
        if isinstance(place, Place | Readme):
            raise no_such_folder()
        own = WRITABLE_FOLDER if isinstance(place, Folder) else READABLE_FOLDER
        found = [_named(name, self._folder(own)) for name in (".", "..")]
        if isinstance(place, Report):
            return [*found, *(_named(name, of_report(it)) for name, it in reports.listed(self._reports, place.parts))]
        shown = sorted((await self._shelves[place.area].shown()).items())
        found += [_named(name, attributes(UPLOADED, *facts)) for name, facts in shown]
        if place.area is Area.UPLOAD:
            found += [
                _named(PREVIEW, self._folder(WRITABLE_FOLDER)),
                _named(REPORTS, self._folder(READABLE_FOLDER)),
                _named(README, attributes(READABLE, len(self._visitor.readme), self._services.now())),
            ]
        return found

    async def scandir(self, path: bytes) -> AsyncIterator[SFTPName]:
        """List a folder, one by one. Raises `Refusal`."""
        for one in await self.listed(path):
            yield one

    def realpath(self, path: bytes) -> bytes:
        """Return a path from the root on, whether or not there is such a file. Raises `Refusal`."""
        return "/".join(("", *parts_of(path))).encode() or b"/"

    def format_user(self, uid: int | None) -> str:  # noqa: ARG002 - asyncssh's signature
        """Show the district as the owner of everything."""
        return self._visitor.district.slug

    def format_group(self, gid: int | None) -> str:  # noqa: ARG002 - asyncssh's signature
        """As `format_user`."""
        return self._visitor.district.slug

    # Opening, reading and writing

    @told
    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Incoming | Outgoing | Text:  # noqa: ARG002 - asyncssh's signature
        """Open a file. Raises `Refusal`."""
        if not pflags & _WRITING:
            return await self._open_for_reading(seen(path))
        place = _seen_for_writing(path)
        if not isinstance(place, Place):
            raise Refusal("read-only", "nothing can be written here; put the files into / itself")
        return await self._shelves[place.area].open(
            place.name,
            create=bool(pflags & FXF_CREAT),
            exclusive=bool(pflags & FXF_EXCL),
            truncate=bool(pflags & FXF_TRUNC),
            append=bool(pflags & FXF_APPEND),
        )

    @told
    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """Read from a report or the rules. Raises `Refusal`."""
        if isinstance(file_obj, Outgoing | Text):
            return file_obj.read(offset, size)
        raise _read_back()

    @told
    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Write all of the bytes. Raises `Refusal`."""
        if isinstance(file_obj, Incoming):
            return file_obj.write(offset, data)
        raise Refusal("read-only", "this file is open for reading")

    @told
    async def fsync(self, file_obj: object) -> None:
        """Sync what was written. Raises `Refusal`."""
        if isinstance(file_obj, Incoming):
            await file_obj.settle()

    @told
    async def finish(self, file_obj: object) -> None:
        """Close a file because the client said so; an upload is committed. Raises `Refusal`."""
        if not isinstance(file_obj, Incoming):
            self._close_read(file_obj)
            return
        try:
            changed = await file_obj.finish()
        finally:
            self._shelves[file_obj.area].closed(file_obj)
            metrics.UPLOADED_BYTES.inc(file_obj.received)
        if changed and not file_obj.name.is_scratch:
            metrics.UPLOADS_COMMITTED.inc()
            self._log(journal.UPLOAD_COMMITTED, file_obj.area, file_obj.name.real, size=file_obj.size)

    async def close(self, file_obj: object) -> None:
        """Close a file because the session ended; what arrived of an upload waits for a resume."""
        if not isinstance(file_obj, Incoming):
            self._close_read(file_obj)
            return
        self._shelves[file_obj.area].closed(file_obj)
        metrics.UPLOADED_BYTES.inc(file_obj.received)
        try:
            size = file_obj.leave()
        except OSError:
            _log.exception(journal.SESSION_FAILED, district=self._visitor.district.slug)
            return
        if size is not None:
            self._log(journal.UPLOAD_LEFT, file_obj.area, file_obj.name.real, size=size)

    async def abandon(self) -> None:
        """Leave whatever is still open; safe to call again."""
        for shelf in self._shelves.values():
            for incoming in shelf.mine:
                await self.close(incoming)
        for reading in tuple(self._reading):
            self._close_read(reading)

    # Attributes

    @told
    async def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        """Say how large an open file is. Raises `Refusal`."""
        match file_obj:
            case Incoming():
                return attributes(UPLOADED, file_obj.size, file_obj.upload.began_at)
            case Outgoing():
                return of_report(file_obj.state())
            case Text():
                return attributes(READABLE, len(file_obj.data), self._services.now())
        raise unsupported("this is not an open file")

    @told
    async def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        """Cut an upload that is in progress; accept everything else without doing it. Raises `Refusal`."""
        if isinstance(file_obj, Incoming) and attrs.size is not None:
            file_obj.truncate(attrs.size)

    @told
    async def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """As `fsetstat`, by name: clients set times and modes, and stop when told no. Raises `Refusal`."""
        await self.stat(path)
        place = seen(path)
        if isinstance(place, Place) and attrs.size is not None:
            self._shelves[place.area].cut(place.name, attrs.size)

    async def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """As `setstat`. Raises `Refusal`."""
        await self.setstat(path, attrs)

    # Changing names

    @told
    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename, replacing what is there; onto a real name it is the commit. Raises `Refusal`."""
        old, new = seen(oldpath), _seen_for_writing(newpath)
        if not (isinstance(old, Place) and isinstance(new, Place) and old.area is new.area):
            raise Refusal("rename-folder", "a file can only be renamed within its folder")
        if old == new:
            await self.stat(oldpath)
            return
        name = await self._shelves[new.area].rename(old.name, new.name)
        if not name.is_scratch:
            metrics.UPLOADS_COMMITTED.inc()
            entry = self._shelves[new.area].inbox.entries().get(name.name)
            self._log(journal.UPLOAD_COMMITTED, new.area, name.real, size=entry.size if entry else 0)

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """As `rename`. Raises `Refusal`."""
        await self.rename(oldpath, newpath)

    @told
    async def remove(self, path: bytes) -> None:
        """Remove an upload that is not sealed yet. Raises `Refusal`."""
        place = seen(path)
        if not isinstance(place, Place):
            raise Refusal("read-only", "this cannot be removed")
        committed = await self._shelves[place.area].remove(place.name)
        if committed:
            self._log(journal.FILE_REMOVED, place.area, self.teller.known(place.name))

    # Refused in any case

    @told
    async def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:  # noqa: ARG002 - asyncssh's signature
        """Refuse. Raises `Refusal`."""
        if isinstance(seen(path), Folder):
            # lftp's `mirror -R` makes sure of the folder in this way: nothing anybody has to hear of.
            raise there_already()
        raise Refusal("folder", "no folders can be made here; put the files into / itself")

    @told
    async def rmdir(self, path: bytes) -> None:
        """Refuse; of what is no folder, as `remove` did: programs in Go ask for this next, and show its answer.

        Raises `Refusal`.
        """
        match seen(path):
            case Folder():
                raise Refusal("folder", "folders cannot be removed here")
            case Place(area):
                await self._shelves[area].check_slot()
        raise Refusal("read-only", "this cannot be removed")

    @told
    async def readlink(self, path: bytes) -> bytes:  # noqa: ARG002 - asyncssh's signature
        """Refuse. Raises `Refusal`."""
        raise unsupported("there are no links here")

    @told
    async def symlink(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002 - asyncssh's signature
        """Refuse. Raises `Refusal`."""
        raise unsupported("links cannot be made here")

    async def link(self, oldpath: bytes, newpath: bytes) -> None:
        """Refuse. Raises `Refusal`."""
        await self.symlink(oldpath, newpath)

    async def statvfs(self, path: bytes) -> asyncssh.SFTPVFSAttrs:  # noqa: ARG002 - asyncssh's signature
        """Refuse: how full the server's disk is concerns nobody else. Raises `Refusal`."""
        raise unsupported("the size of the disk is not told")

    async def fstatvfs(self, file_obj: object) -> asyncssh.SFTPVFSAttrs:  # noqa: ARG002 - asyncssh's signature
        """Refuse. Raises `Refusal`."""
        raise unsupported("the size of the disk is not told")

    @property
    def _reports(self) -> Path:
        return self._services.spool.reports(self._visitor.district.slug)

    async def _open_for_reading(self, place: Folder | Place | Report | Readme) -> Outgoing | Text:
        opened: Outgoing | Text
        match place:
            case Readme():
                opened = Text(self._visitor.readme)
            case Report(parts):
                opened = Outgoing(reports.opened(self._reports, parts))
            case Folder():
                raise Refusal("is-folder", "this is a folder")
            case Place(area, name):
                if not await self._shelves[area].find(name):
                    raise not_here(name)
                raise _read_back()
        self._reading.add(opened)
        return opened

    def _close_read(self, file_obj: object) -> None:
        if isinstance(file_obj, Outgoing | Text) and file_obj in self._reading:
            self._reading.discard(file_obj)
            file_obj.close()

    def _folder(self, mode: int) -> asyncssh.SFTPAttrs:
        return attributes(mode, 0, self._services.now())

    def _log(self, event: str, area: Area, file: str | None, *, size: int | None = None) -> None:
        slug, address = self._visitor.district.slug, self._visitor.address
        sizes = {} if size is None else {"bytes": size}
        _log.info(event, district=slug, address=address, area=area.value, file=file, **sizes)


def _named(name: str, attrs: asyncssh.SFTPAttrs) -> SFTPName:
    return SFTPName(name.encode(), attrs=attrs)


def _seen_for_writing(path: bytes) -> Seen:
    """Say what a path means. A folder that is not there is told with each file, and with a status whose text is shown.

    Raises `Refusal`.
    """
    try:
        return seen(path)
    except Refusal as refusal:
        if refusal.why == NO_FOLDER:
            raise Refusal(NO_FOLDER, refusal.reason) from None
        raise


def _read_back() -> Refusal:
    return Refusal("read-back", "uploads cannot be read back; what became of them stands in /reports/")
