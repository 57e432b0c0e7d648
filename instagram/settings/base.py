"""Every knob of the service, with its unit and its reason. docs/settings.md lists them all (a test holds it to that).

Values come from the environment, else from `.env` beside manage.py, else from the default in parts/, which
suits the local data centre that `bin/up` starts.
"""

# ruff: noqa: F403, I001  # layered by star import, as Django documents, in the order of the settings page
from .parts.data_centre import *
from .parts.framework import *
from .parts.databases import *
from .parts.replication import *
from .parts.photo_map import *
from .parts.cache import *
from .parts.jobs import *
from .parts.accounts import *
from .parts.photos import *
from .parts.feeds import *
from .parts.backup import *
from .parts.activity import *
from .parts.realtime import *
from .parts.push import *
from .parts.crossposting import *
from .parts.moderation import *
from .parts.api import *
from .parts.signing_in import *
from .parts.backoffice import *
from .parts.demo import *
from .parts.switches import *
from .parts.canary import *
from .parts.watching import *
from .parts.metrics import *
from .parts.alerts import *
