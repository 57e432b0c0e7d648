"""What is lost when a standby takes over: what the old primary has and the standby has not."""

import re
from dataclasses import dataclass
from shlex import quote

from recovery.failover.postgres import Status
from recovery.failover.sites import FailoverError, Machine

#: Bytes of a file of the write-ahead log, as initdb makes them.
SEGMENT = 16 * 2**20


@dataclass(frozen=True)
class Loss:
    """transactions, bytes: beyond the standby's, None where nobody can know: the old primary's disk is out of reach.

    synchronous: the old primary acknowledged nothing that the standby had not; None where nobody can know.
    """

    transactions: int | None
    bytes: int | None
    synchronous: bool | None

    @property
    def none_acknowledged(self) -> bool:
        """Return True when no write that somebody was told of is lost."""
        return self.transactions == 0 or bool(self.synchronous)

    def __str__(self) -> str:
        if self.transactions is None:
            known = "the old primary's disk cannot be read, so nobody knows what is lost"
        elif self.transactions == 0:
            return "nothing is lost"
        else:
            known = f"{self.transactions} transactions ({self.bytes} bytes) are on the old primary alone"
        if self.synchronous:
            return f"{known}; none of them was acknowledged: replication was synchronous"
        return f"{known}; acknowledged ones may be among them: replication was not known to be synchronous"


def ahead(primary: Status, standby: Status) -> Loss:
    """Return what would be lost if a primary that answers ended now."""
    difference = max(0, primary.received - standby.received)
    return Loss(0 if not difference else None, difference, bool(primary.waits_for))


def on_disk(old: Machine, standby: Status) -> Loss:
    """Return what the disk of a primary that has ended holds beyond the standby's; harmless where it cannot be read."""
    # From a record's beginning: what was received may end in the midst of one. What follows the last record is nothing
    # or rubbish, where pg_waldump ends with an error, as it should. The newest file's name tells the newest timeline.
    script = f"""
set -e
cd {quote(old.data)}
newest=$(ls pg_wal | grep -E '^[0-9A-F]{{24}}$' | sort | tail -1)
grep -h ^synchronous_standby_names postgresql.auto.conf || true
echo --
cd pg_wal
first=${{newest:0:8}}{_segment(standby.replayed)}
{old.binaries}/pg_waldump --start={_lsn(standby.replayed)} $first $newest 2>&1 || true
"""
    try:
        settings, _, said = old.shell(script).partition("--\n")
    except FailoverError:
        return Loss(None, None, None)
    synchronous = bool(re.search(r"synchronous_standby_names = '[^']+'", settings))
    records = [
        (int(high, 16) << 32 | int(low, 16), int(length), "desc: COMMIT" in rest)
        for length, high, low, rest in re.findall(r"len \(rec/tot\): *\d+/ *(\d+),.* lsn: (\w+)/(\w+), (.*)", said)
    ]
    if not records and not re.search("could not find|invalid|No such file", said):
        return Loss(None, None, synchronous)
    ends = [*(start for start, _, _ in records[1:]), *(start + length for start, length, _ in records[-1:])]
    beyond = [(end, commits) for end, (_, _, commits) in zip(ends, records, strict=True) if end > standby.received]
    if not beyond:
        return Loss(0, 0, synchronous)
    return Loss(sum(commits for _, commits in beyond), beyond[-1][0] - standby.received, synchronous)


def _lsn(position: int) -> str:
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


def _segment(position: int) -> str:
    """Return the name, without its timeline, of the file of 16 MB that holds a position."""
    number = position // SEGMENT
    return f"{number // (2**32 // SEGMENT):08X}{number % (2**32 // SEGMENT):08X}"
