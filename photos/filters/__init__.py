"""Filters: their names, and what an upload asks the server to do to its picture."""

from .look import PLAIN, Look
from .names import CODES, NAMES, RETIRED, spelled

__all__ = ["CODES", "NAMES", "PLAIN", "RETIRED", "Look", "spelled"]
