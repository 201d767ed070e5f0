"""The events of the service itself and of mail: when each is logged, how it is said, and its fields.

See `desk.events` for what the parts of a row are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rostergate import journal
from rostergate.desk.event_fields import FAILURE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rostergate.desk.event_fields import Row

_MAIL: Final = ("mail", "kind", "district", "delivery")

HOUSE: Final[Mapping[str, Sequence[Row]]] = {
    "The service": (
        (
            journal.SERVICE_STARTED,
            "The daemon listens.",
            "the daemon listens on port {port}, with {districts:district}",
            ("port", "districts"),
        ),
        (journal.SERVICE_STOPPED, "The daemon has ended.", "the daemon has stopped", ()),
        (
            journal.SERVICE_DRAINED,
            "Connections were closed before the daemon stops.",
            "the daemon let what was under way finish[ on {connections:connection}]{complete:unfinished}",
            ("connections", "complete"),
        ),
        (
            journal.SERVICE_FAILED,
            "A part of the daemon failed; it stops, and the service manager starts it again.",
            "the daemon failed and stops[: {error:failure}]",
            FAILURE,
        ),
        (
            journal.SIGNAL_IGNORED,
            "The daemon was sent SIGHUP. District files take effect by themselves, `rostergate.toml` with a restart.",
            "SIGHUP changes nothing: district files take effect by themselves, rostergate.toml with a restart",
            (),
        ),
        (
            journal.STATE_RECOVERED,
            "Something that had been interrupted was put in order at the start, or could not be.",
            "after an interruption: [{delivery}][{folder}]: {step}[: {error:failure}]",
            ("delivery", "folder", "step", *FAILURE),
        ),
        (
            journal.DATABASE_LOST,
            "The database cannot be used; a part of the daemon waits, and looks for it again.",
            "the database cannot be used; {part} waits for it[: {error:failure}]",
            ("part", *FAILURE),
        ),
        (
            journal.DATABASE_FOUND,
            "The database can be used again.",
            "the database can be used again, {part} goes on",
            ("part",),
        ),
        (
            journal.STATE_PURGED,
            "What was kept for as long as `[retention]` says was removed, by the daemon or `rostergate purge`.",
            (
                "what was too old was removed[; deliveries (their files): {deliveries:number}]"
                "[; unfinished uploads: {uploads:number}][; reports: {reports:number}]"
                "[; rows of history: {versions:number}][; plans (their rows): {plans:number}][; mails: {mails:number}]"
            ),
            ("deliveries", "uploads", "reports", "versions", "plans", "mails"),
        ),
        (
            journal.PERSON_ERASED,
            "Everything that was kept of a person is gone.",
            (
                "{district}: a person[ among the {table}] was erased[; rows of history: {versions:number}]"
                "[; plans (their rows): {plans:number}][; deliveries (their files): {deliveries:number}]"
                "[; reports: {reports:number}]"
            ),
            ("district", "table", "versions", "plans", "deliveries", "reports"),
        ),
        (
            journal.PURGE_FAILED,
            "What should be removed could not be; it is tried again on the next day.",
            "what should be removed could not be[: {error:failure}]",
            FAILURE,
        ),
        (
            journal.CONFIG_RELOADED,
            "A district's file has changed, and is in effect.",
            "{district}: its file {removed:gone}",
            ("district", "removed"),
        ),
        (
            journal.CONFIG_REFUSED,
            "A district's file, or the folder of them, cannot be used; the last good version stays in effect.",
            "[{district}: ]the last good version of its file stays in effect: {reason}",
            ("district", "reason"),
        ),
        (
            journal.DISK_FILLED,
            "The disk of the state folder is nearly full; the operators are told.",
            "the disk is nearly full: {free_bytes:size} of {bytes:size} are free ({limit})",
            ("free_bytes", "bytes", "limit"),
        ),
        (
            journal.DISK_EXHAUSTED,
            "Uploads are refused and nothing is decided, before the database is in danger.",
            "the disk is so full that uploads are refused: {free_bytes:size} of {bytes:size} are free ({limit})",
            ("free_bytes", "bytes", "limit"),
        ),
        (
            journal.DISK_FREED,
            "There is room again, and everything goes on.",
            "there is room on the disk again, {free_bytes:size} of {bytes:size}: uploads are taken",
            ("free_bytes", "bytes"),
        ),
    ),
    "Mail": (
        (
            journal.DISTRICT_MISSED,
            "Nothing came from a district when it should have; its recipients are told.",
            "nothing has come from {district} as it should have; its recipients are told ({kind})",
            ("district", "kind"),
        ),
        (
            journal.MAIL_SENT,
            "A server has taken a mail.",
            "mail {mail} ({kind})[ about {delivery}][ to the people of {district}] was sent",
            _MAIL,
        ),
        (
            journal.MAIL_FAILED,
            "A mail could not be sent, or what is to be told not be looked up; it is tried again.",
            (
                "mail[ {mail} ({kind})][ of {district}] could not be sent yet[: {reason}]"
                "[: {error:failure}][; again in {again_in_seconds:seconds}]"
            ),
            (*_MAIL, "reason", "again_in_seconds", *FAILURE),
        ),
        (
            journal.MAIL_ABANDONED,
            "A mail was given up.",
            "mail {mail} ({kind})[ to the people of {district}] was given up[: {reason}]",
            (*_MAIL, "reason", *FAILURE),
        ),
        (
            journal.MAIL_DROPPED,
            "A mail that could not be sent at first is not sent any more: what it was to tell is not so any more.",
            "mail {mail} ({kind})[ about {delivery}][ to the people of {district}] is not sent: it is not so any more",
            _MAIL,
        ),
        (
            journal.TEMPLATE_REFUSED,
            "A template of the operator's own could not be used; the house's was used instead.",
            "the template for {kind} cannot be used, the house's was: {reason}",
            ("kind", "reason"),
        ),
    ),
    "Everything else": (
        (
            journal.LIBRARY_WARNED,
            "What a library says, from WARNING up, without what it filled in.",
            "{library} says: {message}[ (at {where})][: {error:failure}]",
            ("library", "message", "where", *FAILURE),
        ),
    ),
}
