"""What stands in for the worker processes' answer in the queue's tests."""

from __future__ import annotations

from typing import Any, ClassVar


class Walked:
    """What a walk down the road came to, as far as the queue looks at it."""

    outcome = "accepted"
    seconds: ClassVar[dict[str, float]] = {}

    def for_the_log(self) -> dict[str, Any]:
        """Tell nothing."""
        return {}
