"""What people do about other services: link and unlink an account, share a photo."""

from .linking import begin_linking, finish_linking
from .links import link, unlink
from .shares import share

__all__ = ["begin_linking", "finish_linking", "link", "share", "unlink"]
