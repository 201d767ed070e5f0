"""Reservations: one taker of a district at a time, and one daemon, where a database can be reached by several."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rostergate import store
from rostergate.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from servers import PostgreSQL

on_postgresql = pytest.mark.parametrize("location", ["postgresql"], indirect=True)


async def test_what_is_free_is_reserved(location: store.Location) -> None:
    """Whoever asks first gets it, and gets it again after the end of the block."""
    for _ in range(2):
        async with store.district_reserved(location, "lincoln") as mine, store.daemon_reserved(location, 0.0) as alone:
            assert mine
            assert alone
            await mine.assert_kept()
            await alone.assert_kept()


@on_postgresql
async def test_what_is_reserved_is_given_to_nobody_else(location: store.Location) -> None:
    """A second taker is told no, at once; other districts are free, and so is what a daemon reserves."""
    async with store.district_reserved(location, "lincoln"):
        async with store.district_reserved(location, "lincoln") as mine:
            assert mine is None
        async with store.district_reserved(location, "jefferson") as other, store.daemon_reserved(location, 0.0) as one:
            assert other
            assert one
            async with store.daemon_reserved(location, 0.1) as another:
                assert another is None
    async with store.district_reserved(location, "lincoln") as mine:
        assert mine


@on_postgresql
async def test_a_taker_that_ends_gives_it_back(
    location: store.Location, postgresql: PostgreSQL, server_database: str
) -> None:
    """A reservation ends with the session of whoever had it, without a word from there, who can find that out."""
    async with store.daemon_reserved(location, 0.0) as first:
        postgresql.stop_sessions(server_database)
        async with store.daemon_reserved(location, 10.0) as second:
            assert second
            await second.assert_kept()
        assert first
        with pytest.raises(StoreError) as lost:
            await first.assert_kept()
    assert not lost.value.permanent


async def test_a_server_that_is_away_is_the_databases_failure(tmp_path: Path) -> None:
    """A reservation that cannot be asked for raises with the next step."""
    with pytest.raises(StoreError, match="Check that the server runs"):
        async with store.district_reserved(store.Server(f"postgresql:///rostergate?host={tmp_path}"), "lincoln"):
            pass
