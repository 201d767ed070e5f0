"""The shelf: what one visitor finds in a folder that takes uploads, and what size a name shows.

A name shows, first of all that apply: the visitor's own upload in progress; what was cut off and waits for a resume;
the committed file; in the root also the file of the latest delivery, so that yesterday's upload stays visible.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from asyncssh.constants import FX_FILE_ALREADY_EXISTS, FX_NO_SUCH_FILE

from rostergate.gate.incoming import Incoming, check_disk
from rostergate.gate.names import Name, recognise
from rostergate.gate.refusals import Refusal, from_upload, not_here
from rostergate.gate.services import Footing
from rostergate.spool.folders import Area

if TYPE_CHECKING:
    from datetime import datetime

    from rostergate.gate.services import Services, Visitor
    from rostergate.spool.entries import Survey
    from rostergate.spool.inbox import Inbox

REFUSED_MAX: Final = 64  # names that are remembered of one session: of files that were refused, or emptied


class Shelf:
    """One area as one visitor sees it."""

    def __init__(self, services: Services, visitor: Visitor, area: Area) -> None:
        """Open the inbox. Raises `DiskError` when its folders cannot be made."""
        self.area = area
        self.inbox: Inbox = services.inboxes.of(visitor.district.slug, area)
        self._inboxes = [services.inboxes.of(visitor.district.slug, one) for one in Area]
        self._services = services
        self._visitor = visitor
        self._mine: set[Incoming] = set()
        self._hidden: set[str] = set()
        self._emptied: set[str] = set()
        self._refused: dict[str, str] = {}

    async def shown(self) -> dict[str, tuple[int, datetime]]:
        """Return what is to be seen: name -> (bytes, when its upload began)."""
        return self._shown(await self._footing(), self.inbox.survey())

    async def find(self, name: str) -> tuple[int, datetime] | None:
        """Return what is to be seen of one name: (bytes, when its upload began), or None."""
        for mine in self._mine:
            if mine.name.name == name:
                return mine.size, mine.upload.began_at
        if entry := self.inbox.find(name):
            return entry.size, entry.at
        return None if name in self._hidden else (await self._footing()).delivered.get(name)

    async def check_slot(self) -> Footing:
        """Raise `Refusal` when the district may not upload here now."""
        footing = await self._footing()
        if footing.refusal is not None:
            raise Refusal("slot", footing.refusal)
        return footing

    async def open(self, text: str, *, create: bool, exclusive: bool, truncate: bool, append: bool) -> Incoming:
        """Open a name for writing. Raises `Refusal` or `OSError`.

        Without truncation, what was cut off under the name is taken up again; it is an error to append to anything
        else, because nobody has the bytes that would stand before.
        """
        name = recognise(text, self._visitor.wanted)
        footing, survey = await self.check_slot(), self.inbox.survey()
        check_disk(self._services.room)
        there = self._shown(footing, survey).get(text)
        if there and exclusive:
            raise Refusal("exists", f"{text}: there is such a file already", FX_FILE_ALREADY_EXISTS)
        if not there and not create:
            raise not_here(text)
        self._make_room(text, survey)
        truncate = truncate or text in self._emptied
        self._emptied.discard(text)
        upload = None if truncate else self.inbox.resume(text)
        found = upload.size if upload else there[0] if there and not truncate else 0
        whole = upload.was_finished if upload else text in survey.entries
        if upload is None and append and found:
            raise Refusal("nothing-to-resume", f"{text} is complete; to replace it, upload it whole")
        try:
            upload = upload or self.inbox.begin(text)
        except OSError as error:
            raise from_upload(error) from error
        incoming = Incoming(
            upload,
            name,
            self.area,
            limits=self._visitor.limits,
            held=self._held,
            room=self._services.room,
            append=append,
            found=found,
            whole=whole,
        )
        self._mine.add(incoming)
        return incoming

    def closed(self, incoming: Incoming) -> None:
        """Note that a file is no longer open."""
        self._mine.discard(incoming)
        if incoming.refusal is not None:
            self._refused[incoming.name.name] = incoming.refusal.reason
            if len(self._refused) > REFUSED_MAX:
                del self._refused[next(iter(self._refused))]

    def absent(self, text: str) -> Refusal:
        """Return what is said of a name that is not there: why, where this session's upload of it was refused.

        paramiko overhears the answer to CLOSE, asks for the size, and shows its user what it is told then.
        """
        return Refusal("no-such-file", self._refused.get(text, f"{text}: no such file"), FX_NO_SUCH_FILE)

    @property
    def mine(self) -> frozenset[Incoming]:
        """The visitor's own uploads in progress."""
        return frozenset(self._mine)

    def cut(self, text: str, size: int) -> None:
        """Cut the visitor's upload in progress of that name. Raises `OSError`.

        Without one, cutting it to nothing is how sshfs begins to replace a file: it then opens it without truncation.
        """
        for mine in self._mine:
            if mine.name.name == text:
                mine.truncate(size)
                return
        if size == 0 and len(self._emptied) < REFUSED_MAX:
            self._emptied.add(text)

    async def rename(self, old_text: str, new_text: str) -> Name:
        """Rename; onto a real name it is the commit. Return the new name. Raises `Refusal` or `OSError`."""
        new = recognise(new_text, self._visitor.wanted)
        old = recognise(old_text, self._visitor.wanted)
        await self.check_slot()
        entry = self.inbox.left().get(old_text)
        if entry is None or not old.is_scratch:
            if not await self.find(old_text):
                raise not_here(old_text)
            if old.is_scratch:
                raise Refusal("rename-open", f"{old_text} is still open; close it before it is renamed")
            raise Refusal("rename-real", f"{old_text} cannot be renamed; upload the file under the name it is to have")
        if new.is_scratch:
            self.inbox.move(old_text, new_text)
        elif entry.finished:
            await self.inbox.commit(old_text, new_text)
        else:
            text = f"{old_text} was cut off and is not complete; resume the upload or start it again"
            raise Refusal("rename-cut", text)
        return new

    async def remove(self, text: str) -> bool:
        """Remove a file; say whether it was a committed one. Raises `Refusal` or `OSError`.

        A file of the latest delivery is sealed and stays. As long as the slot is free it disappears from this
        session's view, because many clients remove what they are about to replace.
        """
        if not await self.find(text):
            raise not_here(text)
        committed = text in self.inbox.entries()
        if not self.inbox.remove(text):
            await self.check_slot()
            self._hidden.add(text)
        return committed

    async def _footing(self) -> Footing:
        """Return where the district stands, as far as this area goes: a dry run needs no slot and delivers nothing."""
        if self.area is not Area.UPLOAD:
            return Footing(None, {})
        return await self._services.footing(self._visitor.district.slug)

    def _shown(self, footing: Footing, survey: Survey) -> dict[str, tuple[int, datetime]]:
        found = {name: facts for name, facts in footing.delivered.items() if name not in self._hidden}
        for entry in (*survey.entries.values(), *survey.left.values()):
            found[entry.name] = (entry.size, entry.at)
        for mine in self._mine:
            found[mine.name.name] = (mine.size, mine.upload.began_at)
        return found

    def _make_room(self, text: str, survey: Survey) -> None:
        """Let the oldest files that were cut off give way when there are too many; refuse when all are in progress."""
        self._check_files(text, survey)
        files_max = self._visitor.limits.scratch_files_max
        left = sorted((one for one in survey.left.values() if one.name != text), key=lambda one: one.at)
        excess = len(left) + self.inbox.open_uploads + 1 - files_max
        if excess > len(left):
            text = f"more than {files_max} uploads are in progress; let one of them end first"
            raise Refusal("scratch-files", text, limit="upload.scratch_files_max")
        for one in left[: max(excess, 0)]:
            self.inbox.forget(one.name)

    def _check_files(self, text: str, survey: Survey) -> None:
        """Refuse one more file when the inbox has as many as it may."""
        there = {text, *survey.entries, *survey.left, *(mine.name.name for mine in self._mine)}
        files_max = self._visitor.limits.inbox_files_max
        if len(there) > files_max:
            raise Refusal(
                "inbox-files",
                f"more than {files_max} files are here; remove those that do not belong to the set",
                limit="upload.inbox_files_max",
            )

    def _held(self) -> int:
        return sum(inbox.bytes_held for inbox in self._inboxes)
