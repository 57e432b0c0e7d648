"""The operator's verbs, for any kind of server and any site."""

from recovery.failover import redis
from recovery.failover.promotion import Promotion, Wish
from recovery.failover.sites import Site


def promote(site: Site, server: str, wish: Wish) -> None:
    """Make a server's replica its primary. Raises Refused (nothing was begun), FailoverError (run it again)."""
    if server.startswith("redis_"):
        redis.promote(site, server, wish)
    else:
        Promotion(site, server, wish).run()
