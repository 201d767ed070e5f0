from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rostergate.config import Districts
from rostergate.service.lookup import FreshDistricts

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = 65_534


def test_a_folder_that_cannot_be_read_has_no_new_district(tmp_path: Path) -> None:
    """Who is not known cannot log in then, as at any other time, rather than that the connection fails."""
    districts = Districts(tmp_path / "districts")
    districts.load()
    fresh = FreshDistricts(districts, lambda _reloaded: None)
    districts.folder.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        assert fresh.get("lincoln") is None
    finally:
        os.seteuid(user)
