"""The gate: SFTP. Who may come in, and what may be put down."""

from rostergate.gate.listening import Gate
from rostergate.gate.services import Services

__all__ = ["Gate", "Services"]
