"""The clock: the one place where the program asks what time it is."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the time (aware, UTC)."""
    return datetime.now(UTC)
