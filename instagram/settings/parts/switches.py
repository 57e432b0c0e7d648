"""Switches."""

from .environment import env

#: Entries of a page while the switch short_feeds is on: half of PAGE_DEFAULT, so a feed costs half.
SHORT_PAGE = env.int("SHORT_PAGE", default=10)
#: Seconds a client is told to wait (Retry-After) when a switch has no end time: apps of that time try again at once.
SWITCH_RETRY_AFTER_S = env.int("SWITCH_RETRY_AFTER_S", default=60)
