"""Logical shards: which schema on which server holds what a user owns, and how to reach it.

One verb says it all: `shard = shard_of(user_id)`, then `shard.model(Photo)`, `shard.cursor()`,
`shard.atomic()`, `shard.on_commit(fn)`. No query reaches a sharded table without a shard.
Source: "Sharding & IDs at Instagram", Instagram Engineering, 2011; docs/sharding.md says how ours differs.
"""

from .errors import ShardBusy, ShardKeyRequired, ShardMoved, ShardReadOnly, ShardUnavailable
from .gather import gather
from .placement import retry_if_moved
from .servers import Server, all_servers, main_server, physical_servers, server_named
from .shard import Shard, by_server, shard_numbered, shard_of, shard_of_object, shards_on

__all__ = [
    "Server",
    "Shard",
    "ShardBusy",
    "ShardKeyRequired",
    "ShardMoved",
    "ShardReadOnly",
    "ShardUnavailable",
    "all_servers",
    "by_server",
    "gather",
    "main_server",
    "physical_servers",
    "retry_if_moved",
    "server_named",
    "shard_numbered",
    "shard_of",
    "shard_of_object",
    "shards_on",
]
