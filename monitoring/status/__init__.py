"""What works for whom, for everybody to see: /status and /status.json. docs/status.md says how it is decided."""

from .making import board

__all__ = ["board"]
