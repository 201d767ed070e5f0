"""How generated cases are chosen: new ones at a desk, always the same ones in CI.

A landing must not fail for a case that has nothing to do with it; whoever works on the code finds the new cases.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("desk", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "desk")
