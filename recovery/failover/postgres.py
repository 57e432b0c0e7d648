"""What one asks a PostgreSQL node, and the few things one tells it."""

from dataclasses import dataclass

from recovery.failover.sites import FailoverError, Machine, NotAnswering

#: LSNs as numbers, so that they can be compared.
_STATUS = """
SELECT pg_is_in_recovery()::text,
  (CASE WHEN pg_is_in_recovery() THEN coalesce(greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), '0/0')
   ELSE pg_current_wal_flush_lsn() END - '0/0'::pg_lsn)::text,
  (CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0')
   ELSE pg_current_wal_flush_lsn() END - '0/0'::pg_lsn)::text,
  coalesce(round(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::numeric, 1)::text, ''),
  CASE WHEN pg_is_in_recovery() THEN (SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming')::text
   ELSE (SELECT coalesce(string_agg(application_name || '/' || sync_state, ' '), '') FROM pg_stat_replication
         WHERE state = 'streaming') END,
  current_setting('synchronous_standby_names')
"""


@dataclass(frozen=True)
class Status:
    """How a node is. Positions are bytes of the write-ahead log."""

    up: bool
    standby: bool = False
    #: What it has safely: of a primary what is flushed, of a standby what was received; and what of that can be read.
    received: int = 0
    replayed: int = 0
    #: Seconds since the newest transaction that a standby replayed was committed.
    age_s: float | None = None
    #: Of a standby: it receives now.
    streaming: bool = False
    #: Of a primary: who follows it now, by slot name, with async, sync or potential.
    followers: tuple[str, ...] = ()
    #: Of a primary: whose word it waits for before it acknowledges a commit, "" for nobody's.
    waits_for: str = ""
    why: str = ""

    @property
    def role(self) -> str:
        """Return the role in a word."""
        return ("standby" if self.standby else "primary") if self.up else "does not answer"


def status(machine: Machine) -> Status:
    """Ask a node how it is; one that does not answer is not up."""
    try:
        ((recovering, received, replayed, age, links, waits_for),) = machine.sql(_STATUS)
    except NotAnswering as error:
        return Status(False, why=str(error))
    standby = recovering == "true"
    return Status(
        True,
        standby,
        int(received),
        int(replayed),
        float(age) if age and standby else None,
        standby and links == "1",
        () if standby else tuple(links.split()),
        "" if standby else waits_for,
    )


def wait_for(machine: Machine, names: str) -> None:
    """Let the primary acknowledge commits only when the node with this slot name has them on disk, too; "": at once."""
    value = f'"{names}"' if names else ""
    machine.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{value}'")
    machine.sql("SELECT pg_reload_conf()::text")


def promote(machine: Machine) -> None:
    """Make a standby the primary. It first replays all it has received. Raises FailoverError."""
    ((done,),) = machine.sql("SELECT pg_promote(true, 60)::text", seconds=70)
    if done != "true":
        raise FailoverError(f"{machine.node.name} is not promoted after 60 s; see its log")


def make_slot(machine: Machine, name: str) -> None:
    """Make the primary keep what the follower has not yet received, within max_slot_wal_keep_size."""
    machine.sql(
        f"SELECT pg_create_physical_replication_slot('{name}', true)::text"
        f" WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '{name}')"
    )


def drop_slots(machine: Machine, *, but: str = "") -> None:
    """Drop the slots that nobody uses: a standby's, of when it was primary, would keep its log for ever."""
    machine.sql(
        "SELECT pg_drop_replication_slot(slot_name)::text FROM pg_replication_slots"
        f" WHERE NOT active AND NOT temporary AND slot_name <> '{but}'"
    )


def push_clocks(machine: Machine, databases: list[str]) -> None:
    """Set the sequence of every logical shard past its largest id.

    Here and not through sharding.ids.push_clock: before anybody is sent to the new primary, and without main.
    Cost: one statement a database, a few index look-ups a logical shard.
    """
    for database in databases:
        machine.sql(_PUSH_CLOCKS, database=database, seconds=60)


#: As sharding.ids finds them: columns whose default draws an id of the schema's clock, and those whose comment says so.
_PUSH_CLOCKS = """
DO $$
DECLARE
    schema text; largest text; past bigint;
BEGIN
    IF to_regproc('local.push_clock') IS NULL THEN
        RETURN;
    END IF;
    FOR schema, largest IN
        SELECT n.nspname, string_agg(format('(SELECT max(%I) FROM %I.%I)', a.attname, n.nspname, c.relname), ', ')
        FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid JOIN pg_attribute a ON a.attrelid = c.oid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE n.nspname ~ '^s[0-9]{4}$' AND to_regclass(n.nspname || '.clock') IS NOT NULL
          AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
          AND (pg_get_expr(d.adbin, d.adrelid) LIKE '%next_id(%' OR col_description(a.attrelid, a.attnum) LIKE 'clock%')
        GROUP BY 1
    LOOP
        EXECUTE format('SELECT coalesce(greatest(%s), %s)', largest, substr(schema, 2)::bigint << 10) INTO past;
        PERFORM local.push_clock(substr(schema, 2)::int, (schema || '.clock')::regclass, past);
    END LOOP;
END $$
"""
