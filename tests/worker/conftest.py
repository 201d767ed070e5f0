from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from worker.delivering import District

if TYPE_CHECKING:
    from pathlib import Path

    from rostergate import store


@pytest.fixture
def district(tmp_path: Path, location: store.Location) -> District:
    """Return a district without deliveries, on one engine and on the other."""
    return District(tmp_path / "state", location)
