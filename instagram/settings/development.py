"""The local data centre, as `bin/up` starts it: the defaults of base, with development secrets."""

from . import base
from .base import *  # noqa: F403  # settings modules are layered by star import, as Django documents

# Read in the /outbox of the stack's page.
EMAIL_BACKEND = base.env.str("EMAIL_BACKEND", default="stack.mail.CaptureBackend")
