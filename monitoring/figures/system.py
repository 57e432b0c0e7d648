"""Figures of what the service stands on: jobs, caches, photo map, databases, the host."""

from .figure import Figure, Graph
from .sources import Level, Part, Rate, Share

GRAPHS = [
    Graph(
        "queue",
        "Jobs that wait",
        "jobs",
        [
            Figure(
                "jobs_waiting",
                "in gearmand, by queue",
                "jobs",
                Level("jobs_waiting", "sum"),
                by="queue",
                warning=1_000,
                critical=10_000,
                for_s=300,
                act="More comes in than workers do: start workers for the queue, or find the task that is slow "
                "(`manage.py queues`).",
            )
        ],
    ),
    Graph(
        "late",
        "How late the oldest due job is",
        "seconds",
        [
            Figure(
                "jobs_late",
                "latest job, by server",
                "s",
                Level("outbox_late_seconds"),
                by="server",
                warning=60.0,
                critical=300.0,
                act="The relay or gearmand is away, or all workers are: look at their units; they take up what is left "
                "when they are back. No job is lost.",
            )
        ],
    ),
    Graph(
        "workers",
        "Workers that gearmand knows",
        "workers",
        [
            Figure(
                "workers",
                "workers, by queue",
                "workers",
                Level("jobs_workers", "max"),
                by="queue",
                critical=0,
                low=True,
                for_s=120,
                act="No worker of this queue is connected: start its units; see their log for why they ended.",
            )
        ],
    ),
    Graph(
        "dead",
        "Jobs that failed for good",
        "jobs",
        [
            Figure(
                "dead_letters",
                "dead letters",
                "jobs",
                Level("jobs_dead", "sum"),
                warning=1,
                critical=100,
                for_s=0,
                act="`manage.py dead_letters` says why each failed; mend that, then `dead_letters requeue`.",
            )
        ],
    ),
    Graph(
        "jobs",
        "Runs of jobs",
        "a second",
        [
            Figure("jobs_done", "done", "1/s", Rate("jobs_total", {"result": "done"})),
            Figure(
                "jobs_failed",
                "failed",
                "1/s",
                Rate("jobs_total", {"result": "failed"}),
                warning=1.0,
                critical=10.0,
                for_s=300,
                act="Workers' logs and Sentry name the task and the error; it is tried again meanwhile.",
            ),
            Figure("jobs_postponed", "waiting for something", "1/s", Rate("jobs_total", {"result": "postponed"})),
        ],
    ),
    Graph(
        "cache",
        "Cache hits",
        "percent",
        [
            Figure(
                "cache_hits",
                "entries found in memcached",
                "%",
                Share([("cache_hits_total", {})], [("cache_hits_total", {}), ("cache_misses_total", {})]),
                warning=70.0,
                critical=30.0,
                low=True,
                for_s=600,
                act="A memcached is away or was restarted (it fills again in minutes), or evicts: give it memory.",
            ),
            Figure(
                "map_hits",
                "photos found in the photo map",
                "%",
                Share([("map_hits_total", {})], [("map_hits_total", {}), ("map_misses_total", {})]),
                warning=70.0,
                critical=30.0,
                low=True,
                for_s=600,
                act="A Redis is away or lost its map: misses heal one by one, `manage.py rebuild_photo_map` heals all.",
            ),
        ],
    ),
    Graph(
        "evictions",
        "Entries that memcached threw out",
        "a second",
        [
            Figure(
                "evictions",
                "evictions, by server",
                "1/s",
                Rate("memcached_evictions_total"),
                by="server",
                warning=50.0,
                for_s=600,
                act="More is asked than fits: give memcached more memory (-m) or add a server.",
            )
        ],
    ),
    Graph(
        "map_memory",
        "Memory of the photo map",
        "bytes",
        [
            Figure(
                "map_memory",
                "Redis memory, by server",
                "bytes",
                Level("map_memory_bytes"),
                by="server",
                warning=4 * 2.0**30,
                critical=6 * 2.0**30,
                for_s=600,
                act="Plan a larger host before it is full: the map grows with photos and is never evicted. After the "
                "move, `manage.py rebuild_photo_map`.",
            )
        ],
    ),
    Graph(
        "map_entry",
        "Memory of one photo in the map",
        "bytes",
        [
            Figure(
                "map_entry",
                "bytes a photo, by server",
                "bytes",
                Level("map_entry_bytes"),
                by="server",
            )
        ],
    ),
    Graph(
        "pool",
        "Clients that wait for a database connection",
        "clients",
        [
            Figure(
                "pool_waiting",
                "waiting in PgBouncer, by server",
                "clients",
                Level("pgbouncer_waiting", "sum"),
                by="server",
                warning=10,
                critical=50,
                for_s=30,
                act="The server is slow or frozen, or its pool too small: `SHOW POOLS`, then the server's own log of "
                "slow statements. Its people alone are affected.",
            )
        ],
    ),
    Graph(
        "pool_wait",
        "Longest wait for a database connection",
        "seconds",
        [
            Figure(
                "pool_wait",
                "longest wait, by server",
                "s",
                Level("pgbouncer_longest_wait_seconds"),
                by="server",
                warning=0.5,
                critical=1.5,
                for_s=30,
                act="After 2 s requests of this server's people fail. Is the server up (/health/deep)? If not, "
                "`fab promote` its replica.",
            )
        ],
    ),
    Graph(
        "connections",
        "Connections to PostgreSQL, of those it takes",
        "percent",
        [
            Figure(
                "connections",
                "connections in use, by server",
                "%",
                Part("postgres_connections", "postgres_connections_most"),
                by="server",
                warning=70.0,
                critical=90.0,
                for_s=120,
                act="Something connects past PgBouncer, or too many PgBouncers do: `SELECT usename, application_name, "
                "count(*) FROM pg_stat_activity GROUP BY 1, 2`.",
            )
        ],
    ),
    Graph(
        "transactions",
        "Transactions of PostgreSQL",
        "a second",
        [Figure("transactions", "transactions, by server", "1/s", Rate("postgres_transactions_total"), by="server")],
    ),
    Graph(
        "writes",
        "Rows written by PostgreSQL",
        "a second",
        [Figure("writes", "rows written, by server", "1/s", Rate("postgres_writes_total"), by="server")],
    ),
    Graph(
        "size",
        "Databases on disk",
        "bytes",
        [Figure("size", "database, by server", "bytes", Level("postgres_size_bytes"), by="server")],
    ),
    Graph(
        "disk",
        "Free disk of the host",
        "percent",
        [
            Figure(
                "disk_free",
                "free disk",
                "%",
                Part("disk_free_bytes", "disk_bytes"),
                warning=15.0,
                critical=5.0,
                low=True,
                for_s=120,
                act="PostgreSQL stops at zero. `du -xh --max-depth=2` below the data folder; old logs and releases "
                "(`fab` prunes) go first.",
            )
        ],
    ),
    Graph(
        "sources",
        "Parts that give no figures",
        "parts",
        [
            Figure(
                "away",
                "does not answer",
                "",
                Level("source_away"),
                by="source",
                critical=1,
                for_s=30,
                act="/health/deep says what is wrong with it. A database: `fab promote` its replica if it does not "
                "come back. Redis, memcached, gearmand: restart; nothing is lost.",
            )
        ],
    ),
    Graph(
        "replica_lag",
        "How far replicas are behind",
        "seconds",
        [
            Figure(
                "replica_lag",
                "lag, by server",
                "s",
                Level("replica_lag_seconds"),
                by="server",
                warning=5.0,
                critical=60.0,
                for_s=120,
                act="Reads go to the primary meanwhile. A replica that does not catch up has lost write-ahead log or "
                "disk: its log says so; build it anew (docs/failover.md).",
            )
        ],
    ),
    Graph(
        "canary",
        "The canary photo, from upload to feed",
        "seconds",
        [
            Figure(
                "canary_post_to_feed",
                "post to feed, by server",
                "s",
                Level("canary_post_to_feed_seconds"),
                by="server",
                warning=10.0,
                critical=30.0,
                for_s=120,
                act="As for fan_out_first: `manage.py queues` says whether feed jobs wait.",
            )
        ],
    ),
    Graph(
        "canary_stalls",
        "Stages where the canary photo stalls",
        "stages",
        [
            Figure(
                "canary_stall",
                "is where the canary photo stalls",
                "",
                Level("canary_stalled"),
                by="stall",
                critical=1,
                for_s=90,
                act="upload: /health/deep of the author's server and the object store. job: workers, relay. feed: the "
                "reader's server, fan_out. image: CDN edge, object store. docs/status.md.",
            )
        ],
    ),
    Graph(
        "canary_age",
        "Time since the canary photo last flew",
        "seconds",
        [
            Figure(
                "canary_age",
                "since the last flight",
                "s",
                Level("canary_age_seconds"),
                warning=180.0,
                critical=600.0,
                for_s=0,
                act="The canary does not run: start its unit (`manage.py canary`).",
            )
        ],
    ),
]
