"""Replication: primaries, replicas, and reads that may be a moment old."""

from .data_centre import POSTGRES_PORTS, STACK_KIND, STATE_DIR
from .environment import env

#: The file that says which node of each server is its primary, where that is not the first: `promote` writes it.
TOPOLOGY_FILE = env.str("TOPOLOGY_FILE", default=str(STATE_DIR / "topology.json"))
#: A commit is acknowledged once the replica has it on disk, too, so that no acknowledged write is lost with a primary.
#: It costs a commit the round trip and a second sync. Where there is no replica it means nothing.
REPLICATION_SYNCHRONOUS = env.bool("REPLICATION_SYNCHRONOUS", default=True)
#: Seconds without a replica after which commits wait for it no longer: `replicas guard` switches waiting off, and on
#: again when it is back. Together with wal_sender_timeout (2 s) below DB_STATEMENT_TIMEOUT_MS, which would end the wait
#: with an acknowledgement.
REPLICATION_GIVE_UP_S = env.float("REPLICATION_GIVE_UP_S", default=1.0)
#: Servers whose replica PgBouncer knows as NAME_replica, for reads that may be a moment old; empty: all from primaries.
REPLICA_READS = env.list("REPLICA_READS", default=list(POSTGRES_PORTS) if STACK_KIND == "full" else [])
#: Seconds a replica may be behind and still be read.
REPLICA_MAX_LAG_S = env.float("REPLICA_MAX_LAG_S", default=5.0)
#: Seconds behind that make a replica unwell in /health/deep: what a promotion would lose if replication is not
#: synchronous, and how long it would replay.
REPLICA_ALERT_LAG_S = env.float("REPLICA_ALERT_LAG_S", default=30.0)
