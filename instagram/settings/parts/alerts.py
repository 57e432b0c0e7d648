"""Alerts."""

from pathlib import Path

from .crossposting import SOCIAL_STAND_IN
from .data_centre import STATE_DIR
from .environment import env
from .framework import DEVELOPMENT_MARK

#: Seconds between two looks of `manage.py watch` at the figures.
WATCH_PERIOD_S = env.float("WATCH_PERIOD_S", default=15.0)
#: Where `manage.py watch` keeps what alerts and what PagerDuty was not told yet: a folder, not a database, since the
#: databases are what is watched.
WATCH_DIR = Path(env.str("WATCH_DIR", default=str(STATE_DIR / "data" / "watch")))
#: Name of this installation in alerts: PagerDuty shows it as source, and it is a part of the key of each alert there.
WATCH_SOURCE = env.str("WATCH_SOURCE", default="instagram")
#: Integration key of a PagerDuty service (Events API v2). Empty: alerts are logged and shown, nobody is called.
PAGERDUTY_ROUTING_KEY = env.str("PAGERDUTY_ROUTING_KEY", default=f"{DEVELOPMENT_MARK}-routing-key")
#: Where events go: the local stand-in, whose page at /alerts shows them; in production PagerDuty itself.
PAGERDUTY_URL = env.str("PAGERDUTY_URL", default=f"{SOCIAL_STAND_IN}/events.pagerduty.com")
#: Seconds PagerDuty may take to answer; an event it did not take is sent again, until it does.
PAGERDUTY_TIMEOUT_S = env.float("PAGERDUTY_TIMEOUT_S", default=5.0)
#: Address before the anchors in what an alert says is to be done.
RUNBOOK_URL = env.str("RUNBOOK_URL", default="docs/watching.md")
