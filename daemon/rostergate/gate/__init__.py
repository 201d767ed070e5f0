"""The gate: SFTP. Who may come in, and what may be put down."""

from rostergate.gate.listening import Gate
from rostergate.gate.services import Footing, LegacyLogin, Services

__all__ = ["Footing", "Gate", "LegacyLogin", "Services"]
