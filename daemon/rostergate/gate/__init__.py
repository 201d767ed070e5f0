"""The gate: SFTP. Who may come in, and what may be put down."""

from rostergate.gate.listening import CLOSING_SECONDS_MAX, Gate
from rostergate.gate.services import Footing, LegacyLogin, Services

__all__ = ["CLOSING_SECONDS_MAX", "Footing", "Gate", "LegacyLogin", "Services"]
