"""Periodic work on what lies below the rooms: counters are rolled up on every server."""

import logging

from sharding import ShardUnavailable, counters, physical_servers

from .tasks import periodic

log = logging.getLogger(__name__)


@periodic("sharding.roll_up_counters", seconds=5)
def roll_up_counters() -> None:
    """Fold counter deltas on every server; a server that is down catches up later."""
    for server in physical_servers():
        try:
            counters.roll_up(server)
        except ShardUnavailable:
            log.info("counters of %s wait: its server is away", server.name)
