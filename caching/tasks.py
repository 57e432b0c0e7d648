"""The room's tasks, where the workers look for them."""

from .invalidation import delete

__all__ = ["delete"]
