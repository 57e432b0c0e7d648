"""Periodic work on what lies below the rooms: counters are rolled up on every server."""

from sharding import Server, counters

from .tasks import periodic


@periodic("sharding.roll_up_counters", seconds=5, each_server=True)
def roll_up_counters(server: Server) -> None:
    """Fold a server's counter deltas; one that is down catches up later. Main counts nothing."""
    if not server.is_main:
        counters.roll_up(server)
