"""Making a replica of what was a primary: by pg_rewind, which copies what differs, else by a whole new copy."""

import time
from shlex import quote

from django.conf import settings

from recovery.failover import postgres
from recovery.failover.sites import FailoverError, Machine, Site
from stack.replicas import STANDBY_SETTINGS, standby_settings

#: Seconds for copying, and until the standby receives.
COPY_S, FOLLOW_S = 3_600.0, 60.0

#: What pg_rewind asks of the server it copies from (its documentation lists them).
_GRANTS = """
GRANT EXECUTE ON FUNCTION pg_ls_dir(text, boolean, boolean), pg_stat_file(text, boolean), pg_read_binary_file(text),
  pg_read_binary_file(text, bigint, bigint, boolean) TO "{role}"
"""


def rebuild(site: Site, old: Machine, primary: Machine) -> str:
    """Make `old` a replica of `primary`, streaming; return how. Safe to repeat. Raises FailoverError, Unreachable."""
    slot = old.node.slot
    postgres.make_slot(primary, slot)
    now = postgres.status(old)
    if now.up and now.standby and _follows(primary, slot):
        return "it follows already"
    old.fence(gently=True)
    how = _copy(site, old, primary)
    old.release()
    _wait_until_it_follows(old, primary)
    postgres.drop_slots(old)
    return how


def settle_synchrony(site: Site, server: str, primary: Machine, replica: Machine) -> bool:
    """Make the primary wait for its replica's word before it acknowledges, if that is wanted; return whether it is."""
    wanted = site.wants_synchrony(server)
    postgres.wait_for(primary, replica.node.slot if wanted else "")
    return wanted


def _copy(site: Site, old: Machine, primary: Machine) -> str:
    role = settings.DB_REPLICATION_USER
    primary.sql(_GRANTS.format(role=role))
    # pg_rewind reads the timeline from the control file, which says the new one after the next checkpoint only.
    primary.sql("CHECKPOINT", seconds=60)
    link = f"host={primary.node.host} port={primary.node.port} user={role}"
    # Two lines at standard input: a script's words are in ps and in sudo's log, for as long as a copy takes and longer.
    follow = standby_settings(old.node, primary.node)
    secret = f"{settings.DB_REPLICATION_PASSWORD}\n{follow['primary_conninfo']}\n"
    reads = "IFS= read -r PGPASSWORD\nIFS= read -r FOLLOW\nexport PGPASSWORD PGCONNECT_TIMEOUT=5\n"
    data = quote(old.data)
    config = f"--config-file={quote(old.config)}" if old.config else ""
    rewind = (
        f"set -e\n{reads}test -f {data}/PG_VERSION\n"
        f"{old.binaries}/pg_rewind -D {data} {config} --source-server={quote(link + ' dbname=postgres')} 2>&1\n"
        + _as_standby(old, follow)
    )
    try:
        old.shell(rewind, seconds=COPY_S, secret=secret)
    except FailoverError as error:
        site.say(f"  pg_rewind is not possible ({str(error)[-200:]}): copying everything")
    else:
        return "pg_rewind"
    draft = quote(f"{old.data}.new")
    old.shell(
        f"set -e\n{reads}rm -rf {draft}\n"
        f"{old.binaries}/pg_basebackup -D {draft} -d {quote(link)} -S {old.node.slot} -X stream -c fast --no-sync 2>&1"
        f"\nrm -rf {data}\nmv {draft} {data}\n" + _as_standby(old, follow),
        seconds=COPY_S,
        secret=secret,
    )
    return "pg_basebackup"


def _as_standby(old: Machine, follow: dict[str, str]) -> str:
    """Return the script that makes a stopped node start as a follower; its $FOLLOW says of whom, and the password."""
    lines = [quote(line) for name, line in follow.items() if name != "primary_conninfo"]
    kept = f"^({'|'.join(STANDBY_SETTINGS)}) "
    return (
        f"cd {quote(old.data)}\n{{ grep -vE '{kept}' postgresql.auto.conf || true\n"
        f"printf '%s\\n' \"$FOLLOW\" {' '.join(lines)}\n"
        "} > postgresql.auto.conf.new\nmv postgresql.auto.conf.new postgresql.auto.conf\ntouch standby.signal\n"
    )


def _follows(primary: Machine, slot: str) -> bool:
    return any(each.partition("/")[0] == slot for each in postgres.status(primary).followers)


def _wait_until_it_follows(old: Machine, primary: Machine) -> None:
    ends = time.monotonic() + FOLLOW_S
    while not (_follows(primary, old.node.slot) and postgres.status(old).up):
        if time.monotonic() > ends:
            raise FailoverError(f"{old.node.name} does not follow {primary.node.name} after {FOLLOW_S:.0f} s; its log")
        time.sleep(0.1)
