"""The events of gate and road: when each is logged, how it is said, and its fields.

See `desk.events` for what the parts of a row are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rostergate import journal
from rostergate.desk.event_fields import FAILURE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rostergate.desk.event_fields import Row

_DELIVERY: Final = ("delivery", "district")
_FILE: Final = ("district", "address", "area", "file")
_SET: Final = ("district", "area")

ROAD: Final[Mapping[str, Sequence[Row]]] = {
    "The gate": (
        (
            journal.LOGIN_ACCEPTED,
            "A district logged in.",
            "{district} logged in by {how}[ from {address}]{legacy:old}",
            ("district", "address", "how", "legacy"),
        ),
        (
            journal.LOGIN_REFUSED,
            "A login failed.",
            "a login[ as {district}] by {how} was refused[ from {address}]: {why:code}[, try {tries}]",
            ("district", "address", "how", "why", "tries"),
        ),
        (
            journal.LOGIN_FAILED,
            "Whether a password is right could not be found out; the client was told to try again later.",
            "a login could not be checked[ from {address}][, {times:times}]",
            ("address", "times", *FAILURE),
        ),
        (
            journal.LOGIN_REVOKED,
            "A connection was ended, because its district may no longer log in as it did.",
            "{district} was logged out: {why:code}[ from {address}]",
            ("district", "address", "why"),
        ),
        (
            journal.CONNECTION_REFUSED,
            "A connection was turned away before the login.",
            (
                "a connection[ from {address}] was turned away: {why:code}[, because {reason}][ ({limit})]"
                "[, {times:times}]"
            ),
            ("address", "why", "times", "limit", "reason", *FAILURE),
        ),
        (
            journal.LIMIT_REACHED,
            "A limit was reached that has no event of its own.",
            "[{district}: ]the limit {limit} was reached[ from {address}][, {times:times}]",
            ("limit", "district", "address", "times"),
        ),
        (
            journal.SESSION_OPENED,
            "An SFTP session began.",
            "{district} began an SFTP session[ from {address}]",
            ("district", "address"),
        ),
        (
            journal.SESSION_CLOSED,
            "An SFTP session ended.",
            "{district} ended its SFTP session[ from {address}]",
            ("district", "address"),
        ),
        (
            journal.SESSION_FAILED,
            "An error of this program, or of the disk, in one session; the others go on.",
            "{district}: a session failed on our side[: {error:failure}]",
            ("district", "address", *FAILURE),
        ),
        (
            journal.UPLOAD_COMMITTED,
            "A file arrived whole.",
            "{district}: {file} arrived whole[, {bytes:size}]{area:dry}",
            (*_FILE, "bytes"),
        ),
        (
            journal.UPLOAD_REFUSED,
            "A request of a session was refused; the client was told why.",
            "{district}: refused[ {file}]: {why:code}[ ({limit})][ ({error:failure})]{area:dry}",
            (*_FILE, "chars", "why", "limit", *FAILURE),
        ),
        (
            journal.UPLOAD_LEFT,
            "The connection ended within a file; what came of it waits to be resumed.",
            "{district}: {file} was cut off[ after {bytes:size}]; the rest may follow{area:dry}",
            (*_FILE, "bytes"),
        ),
        (
            journal.FILE_REMOVED,
            "The district took back a file that was not sealed yet.",
            "{district} took back a file of its inbox[: {file}]{area:dry}",
            _FILE,
        ),
        (
            journal.FILE_NOTICED,
            "Files reached the inbox by another road than SFTP.",
            "{district}: {files:file} came into its inbox by another road than SFTP",
            ("district", "files"),
        ),
        (
            journal.FILE_STRAYED,
            "Files that belong to no set lie in an inbox; they are left aside.",
            "{district}: {files:file} in its inbox that belong to no set, left aside{area:dry}",
            (*_SET, "files"),
        ),
    ),
    "The road": (
        (
            journal.WATCH_FAILED,
            "The system gives no hints about inboxes; they are looked at every minute, and it is tried again.",
            "the inboxes cannot be watched and are looked at every minute[: {error:failure}]",
            FAILURE,
        ),
        (
            journal.WATCH_RESUMED,
            "The system gives hints about inboxes again.",
            "the inboxes are watched again",
            (),
        ),
        (
            journal.SET_WAITED,
            "A set is not complete yet.",
            "{district}: the set is not complete yet[; missing: {missing:listed}]{area:dry}",
            (*_SET, "missing"),
        ),
        (
            journal.SET_OVERDUE,
            "A set was begun and should long be complete.",
            "{district}: the set is overdue[; missing: {missing:listed}]{area:dry}",
            (*_SET, "missing"),
        ),
        (
            journal.SET_MIXED,
            "A set has files of two exports.",
            "{district}: the set has files of two exports[; older: {old:listed}]{area:dry}",
            (*_SET, "old"),
        ),
        (
            journal.SET_REFUSED,
            "A set came by another road than SFTP, and the day's upload was used already.",
            "{district}: the set was refused[: {reason}]{area:dry}",
            (*_SET, "reason"),
        ),
        (
            journal.SET_FAILED,
            "An inbox could not be looked at, or its set not be sealed; it is tried again.",
            "{district}: it does not go on with what came, and is tried again[: {error:failure}]",
            (*_SET, *FAILURE),
        ),
        (
            journal.DELIVERY_SEALED,
            "A set is complete and frozen.",
            "{delivery} is complete: {files:file}, {bytes:size}",
            (*_DELIVERY, "files", "bytes"),
        ),
        (
            journal.DELIVERY_DECIDED,
            "The canonical line: one per delivery, with everything that counts.",
            (
                "{delivery} was {outcome}[ as {format}]: {rows:row}, {changes:changes}[; "
                "{schools:among}][, {held:number} on hold][; found: {findings:faults}][ ({seconds:spent})]"
            ),
            (
                *(*_DELIVERY, "attempt", "state", "outcome", "format", "recognised", "files", "bytes", "rows"),
                *("findings", "codes", "changes", "schools", "held", "seconds"),
            ),
        ),
        (
            journal.DELIVERY_FAILED,
            "A delivery could not be decided.",
            "{delivery} could not be decided[: {reason}][: {error:failure}]",
            (*_DELIVERY, "reason", *FAILURE),
        ),
        (
            journal.DELIVERY_INTERRUPTED,
            "A delivery could not even be attempted, or given up; it is taken again.",
            "{district}: its next delivery could not be attempted and is taken again[: {error:failure}]",
            ("district", *FAILURE),
        ),
        (
            journal.DELIVERY_RETRIED,
            "A try to decide a delivery failed; there will be another.",
            "{delivery} could not be decided yet and is tried again[: {error:failure}]",
            (*_DELIVERY, *FAILURE),
        ),
        (
            journal.PREVIEW_DECIDED,
            "A dry run was looked at.",
            "{district}: the dry run would be {verdict}[ as {format}]: {files:file}[, {findings:finding}]",
            ("district", "verdict", "format", "files", "findings"),
        ),
        (
            journal.PREVIEW_FAILED,
            "A dry run could not be looked at.",
            "{district}: the dry run could not be looked at[: {error:failure}]",
            ("district", *FAILURE),
        ),
        (
            journal.PLAN_RELEASED,
            "A person released a plan that was on hold.",
            "{delivery}: plan {plan} was released",
            (*_DELIVERY, "plan"),
        ),
        (
            journal.PLAN_DISCARDED,
            "A person discarded a plan that was on hold.",
            "{delivery}: plan {plan} was discarded",
            (*_DELIVERY, "plan"),
        ),
        (
            journal.UNDO_SEALED,
            "An operator took back what a delivery had changed, with a delivery that has no files.",
            "{delivery} takes back what {undoes} changed",
            (*_DELIVERY, "undoes"),
        ),
        (
            journal.REPORT_WRITTEN,
            "A delivery's report can be read.",
            "{delivery}: its report is written",
            _DELIVERY,
        ),
        (
            journal.REPORT_FAILED,
            "A report could not be written; it is tried again every minute.",
            "{delivery}: its report could not be written[: {error:failure}]",
            (*_DELIVERY, *FAILURE),
        ),
        (
            journal.PAGE_FAILED,
            "A district's first `LATEST.txt` could not be written; it comes with the first that is told there.",
            "{district}: its LATEST.txt could not be written[: {error:failure}]",
            ("district", *FAILURE),
        ),
        (journal.DISTRICT_ADDED, "An operator added a district.", "{district} was added", ("district",)),
        (
            journal.DISTRICT_REMOVED,
            "An operator removed a district: its account, its files, its rows of the roster.",
            "{district} was removed[, with {changes:row} of the roster]",
            ("district", "changes"),
        ),
        (
            journal.DISTRICT_FORGOTTEN,
            "An operator removed what was left of a district: its history.",
            "{district} is forgotten[: {versions:row} of history removed]",
            ("district", "versions"),
        ),
        (
            journal.PASSWORD_ISSUED,
            "An operator issued a district's password.",
            "{district} has a new password",
            ("district",),
        ),
        (
            journal.SLOT_GRANTED,
            "An operator allowed a district one more upload that day.",
            "{district} may upload once more today",
            ("district",),
        ),
    ),
}
