"""The post: sends what is in the outbox, and writes to the operators what could not be delivered.

Rule 1: the outbox is the truth; a hint only says that looking is worth it now.
Rule 2: a mail is closed after the server took it. A crash in between repeats it, with the same Message-ID.
Rule 3: what the server refuses for good, what is too old and what was tried too often is given up, and told once a day.
Rule 4: a mail that cannot be made is told in the log and tried again like one that was not taken; the others go out.
Rule 5: a database that cannot be used is looked for again.
Rule 6: a mail that was not taken at first is sent only as long as what it tells is so.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

import structlog

from rostergate import journal, metrics, store
from rostergate.core.notices import Kind
from rostergate.desk import letters, sheets
from rostergate.desk.smtp import Envelope, NotTaken, Postman, message
from rostergate.errors import ConfigError, NotFound, StoreError
from rostergate.service import notices, reporting
from rostergate.service.address import address
from rostergate.service.release_codes import ReleaseCodes
from rostergate.store import deliveries, outbox

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from datetime import datetime
    from email.message import EmailMessage
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from rostergate.config import Districts, Settings
    from rostergate.spool.folders import Spool
    from rostergate.store.outbox import Mail

LOOK_SECONDS: Final = 2.0
"""How often to look without a hint: worker processes and commands write mail, and cannot hint."""
OUTAGE_SECONDS: Final = 15.0
"""How long to wait before a database that could not be used is asked again."""
STOP_SECONDS: Final = 3.0
"""How long the mail that is being sent may still take when the post is stopped: a mail server may never answer."""
MAILS_AT_ONCE: Final = 100
RETRY_SECONDS_MAX: Final = 6 * 3_600.0
TEMPLATES: Final = "templates"
"""The folder beside rostergate.toml that has the operator's own templates."""

log = structlog.get_logger()


class NotMade(NotTaken):
    """The mail could not be put together; it is tried again later."""


class Post:
    """Sends mail, one at a time, for as long as the daemon runs."""

    def __init__(
        self,
        *,
        settings: Settings,
        districts: Districts,
        engine: AsyncEngine,
        spool: Spool,
        now: Callable[[], datetime],
        templates: Path | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """`templates`: the operator's own. `trust`: whose certificates are believed; None: those of the system."""
        self._settings = settings
        self._districts = districts
        self._engine = engine
        self._spool = spool
        self._now = now
        self._templates = templates
        self._trust = trust
        self._hint = asyncio.Event()

    def look(self) -> None:
        """Hint that mail may have been written."""
        self._hint.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send what is due until `stop` is set. Without a mail server in the settings there is nothing to do."""
        if not self._settings.mail.on:
            return
        stopped, lost = asyncio.create_task(stop.wait()), False
        try:
            while not stop.is_set():
                self._hint.clear()
                seconds = LOOK_SECONDS
                try:
                    await self._send_until(stop, stopped)
                except StoreError as error:
                    if not lost:
                        log.error(journal.DATABASE_LOST, part="post", exc_info=error)
                    seconds, lost = OUTAGE_SECONDS, True
                else:
                    if lost:
                        log.info(journal.DATABASE_FOUND, part="post")
                    lost = False
                hinted = asyncio.create_task(self._hint.wait())
                await asyncio.wait({hinted, stopped}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
                hinted.cancel()
        finally:
            stopped.cancel()

    async def _send_until(self, stop: asyncio.Event, stopped: asyncio.Task[Literal[True]]) -> None:
        sending = asyncio.create_task(self.send_due(stop))
        try:
            await asyncio.wait({sending, stopped}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({sending}, timeout=STOP_SECONDS)
        finally:
            sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending

    async def send_due(self, stop: asyncio.Event | None = None) -> None:
        """Send, once each, the mails that are due now. Raises `StoreError`."""
        async with store.reading(self._engine) as tx:
            due = await outbox.due(tx, self._now(), MAILS_AT_ONCE)
        if not due:
            return
        try:
            password = self._settings.mail.password(os.environ)
        except ConfigError as error:
            for mail in due:
                await self._not_sent(mail, error)
            return
        async with Postman(self._settings.mail, password, trust=self._trust) as postman:
            for mail in due:
                if stop is not None and stop.is_set():
                    return
                await self._send(postman, mail)

    async def _send(self, postman: Postman, mail: Mail) -> None:
        try:
            if mail.tries and await self._dropped(mail):
                return
            await postman.send(await self._message(mail))
        except (NotTaken, NotFound) as error:
            await self._not_sent(mail, error)
        else:
            async with store.writing(self._engine, mail.district) as tx:
                await outbox.sent(tx, mail.id, self._now())
            metrics.MAILS.labels("sent").inc()
            log.info(journal.MAIL_SENT, **_fields(mail))

    async def _dropped(self, mail: Mail) -> bool:
        async with store.reading(self._engine) as tx:
            past = await notices.is_past(tx, mail)
        if past:
            async with store.writing(self._engine, mail.district) as tx:
                await outbox.remove(tx, [mail.id])
            log.info(journal.MAIL_DROPPED, **_fields(mail))
        return past

    async def _message(self, mail: Mail) -> EmailMessage:
        """Return what is handed over. Raises `NotFound` when its district is gone, `NotMade`."""
        try:
            return message(*await self._written(mail))
        except (NotFound, StoreError):
            raise
        except Exception as error:  # one mail that cannot be made must not stop the others, nor the daemon
            raise NotMade(f"the mail could not be made: {type(error).__name__}") from error

    async def _written(self, mail: Mail) -> tuple[letters.Letter, Envelope, str | None]:
        """Return a mail's letter, its envelope and what is attached. Raises `NotFound` when its district is gone."""
        occasion = await self._occasion(mail)
        letter = await asyncio.to_thread(letters.letter, occasion, self._templates)
        if letter.broken:
            log.error(journal.TEMPLATE_REFUSED, kind=mail.kind, reason=letter.broken)
        settings = self._settings.mail
        domain = settings.sender.rpartition("@")[2]
        envelope = Envelope(
            sender=settings.sender,
            recipient=mail.recipient,
            reply_to=settings.reply_to,
            message_id=f"rostergate.{mail.kind}.{mail.id}.{mail.written_at:%Y%m%d%H%M%S}@{domain}",
            at=self._now(),
        )
        story = occasion.story
        attached = settings.attach_findings and story is not None and bool(story.findings)
        return letter, envelope, sheets.findings_csv(story.findings) if attached and story else None

    async def _occasion(self, mail: Mail) -> letters.Occasion:
        settings = self._settings.mail
        reached = await asyncio.to_thread(address, self._spool, self._settings)
        about = letters.Occasion(
            kind=mail.kind,
            host=reached.host,
            port=reached.port,
            contact=settings.reply_to or settings.sender,
            facts=mail.facts,
            to_operator=mail.recipient in settings.operators,
        )
        if mail.kind is Kind.DEAD:
            async with store.reading(self._engine) as tx:
                dead = (await outbox.counts(tx))[outbox.State.DEAD]
            return replace(about, facts={"count": dead})
        if mail.district is None:
            return about
        district = self._districts.get(mail.district)
        if district is None:
            raise NotFound(f"district {mail.district} has no configuration any more")
        about = replace(about, name=district.name, username=district.slug, zone=district.zone)
        if mail.delivery is None:
            return about
        now = self._now()
        story = await reporting.story(self._engine, self._spool, self._settings, district, mail.delivery, now)
        codes = ReleaseCodes(self._spool, settings.release_code_hours_max)
        async with store.reading(self._engine) as tx:
            made = await codes.of(tx, mail.delivery, now) if mail.kind is Kind.HELD else {}
            error = (await deliveries.get(tx, mail.delivery)).error or ""
        return replace(about, story=story, error=error, codes=made, codes_expire_at=codes.expire_at(now))

    async def _not_sent(self, mail: Mail, error: NotTaken | NotFound | ConfigError) -> None:
        now, bounds = self._now(), self._settings.mail
        over = (
            (error.permanent and not isinstance(error, ConfigError))
            or mail.tries + 1 >= bounds.tries_max
            or now - mail.written_at >= timedelta(hours=bounds.age_hours_max)
        )
        seconds = min(bounds.retry_seconds * 2.0**mail.tries, RETRY_SECONDS_MAX)
        async with store.writing(self._engine, mail.district) as tx:
            if not over:
                await outbox.failed(tx, mail.id, str(error), now + timedelta(seconds=seconds))
            else:
                await outbox.gave_up(tx, mail.id, str(error), now)
                await self._tell_operators(tx, mail, now)
        ours = error if isinstance(error, NotMade) else None  # only then is it worth a traceback
        if over:
            metrics.MAILS.labels("abandoned").inc()
            log.error(journal.MAIL_ABANDONED, **_fields(mail), reason=str(error), exc_info=ours)
        else:
            metrics.MAILS.labels("failed").inc()
            log.warning(
                journal.MAIL_FAILED, **_fields(mail), reason=str(error), again_in_seconds=seconds, exc_info=ours
            )

    async def _tell_operators(self, tx: AsyncConnection, mail: Mail, now: datetime) -> None:
        if mail.kind is Kind.DEAD:
            return  # else a mail about mail would follow itself
        told = self._settings.mail.audience().of(Kind.DEAD)
        await outbox.write(tx, Kind.DEAD, f"{now:%Y-%m-%d}", told, now)


def _fields(mail: Mail) -> dict[str, object]:
    """Return what the log says of a mail: not who gets it."""
    return {"mail": mail.id, "kind": mail.kind.value, "district": mail.district, "delivery": mail.delivery}
