"""The local data centre, as `bin/up` starts it: the defaults of base, with development secrets."""

from .base import *  # noqa: F403  # settings modules are layered by star import, as Django documents
