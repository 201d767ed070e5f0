"""The fields of the journal's events: what each one holds, whichever event it is in."""

from __future__ import annotations

from typing import Final, TypeAlias

Row: TypeAlias = tuple[str, str, str, tuple[str, ...]]
"""An event: its name, when it is logged, how it is said, every field it can have."""

ALWAYS: Final = {
    "timestamp": "when it happened: UTC, ISO 8601",
    "level": "debug, info, warning, error or critical",
    "event": "its name",
}
"""Fields of every line."""

FAILURE: Final = ("error", "causes")
"""Fields of an event that tells an exception."""

FIELDS: Final = {
    "address": "the client's IP address",
    "again_in_seconds": "seconds until it is tried again",
    "area": "`inbox`, or `preview` for a dry run",
    "attempt": "how many tries that makes",
    "bytes": "size in bytes",
    "causes": "what the error came from: each with type and lines as in `error`",
    "changes": "rows added, updated and removed, over all tables",
    "chars": "length of a file's name that is not known and therefore not logged",
    "codes": "codes of its findings, see RULES.md",
    "complete": "false: the time for it ended first",
    "connections": "how many were open",
    "delivery": "the delivery's id",
    "district": "the district's slug; null when it is not known who it is",
    "deliveries": "how many, whose files were removed",
    "districts": "how many are configured",
    "error": "type of the exception, the lines of this program that it passed, and the reason, ours or the kernel's",
    "file": "the file's name in the format; null when it is none of those",
    "files": "how many",
    "findings": "faults by severity, or how many in all for a dry run",
    "folder": "name of the folder in the state",
    "format": "the format it was taken for; null when it was not recognised",
    "free_bytes": "free on the disk of the state folder",
    "held": "schools on hold",
    "how": "`password` or `key`",
    "kind": "kind of mail: the name of its template",
    "legacy": "true: by the port with old algorithms",
    "library": "which one",
    "limit": "its key in the settings",
    "mail": "its number in `rostergate mail list`",
    "mails": "how many",
    "message": "the fixed part of what it said",
    "missing": "files that are not there yet",
    "old": "files of an older export",
    "outcome": "accepted or rejected",
    "part": "of the daemon, such as `queue` or `post`",
    "plan": "the plan's short name",
    "plans": "how many, whose rows were removed; counts and decisions stay",
    "port": "TCP port",
    "reason": "why, in a sentence",
    "recognised": "why it was taken for that format",
    "removed": "true: its file is gone",
    "reports": "how many",
    "rows": "rows of all files",
    "schools": "how many",
    "seconds": "wall seconds by stage: read (the roster), decide (and read the files), record",
    "state": "the delivery's state after it",
    "step": "what was done",
    "times": "how many equal ones this line stands for, at most one line a minute",
    "table": "a canonical table of people",
    "tries": "how many in this connection",
    "undoes": "the delivery that is taken back",
    "verdict": "accepted, rejected or incomplete",
    "uploads": "how many, that were never completed",
    "versions": "rows of the roster's history",
    "where": "module and line of the library",
    "why": "a code for the reason; the same as in the metrics",
}
"""Field -> what it holds."""
