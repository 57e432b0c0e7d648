"""How each server's backups stand, as main knows it: judged for health, and as it is for figures."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from psycopg2 import sql

from recovery.models import Archived, Backup, Drill

from .links import postgres, rows
from .running import Unwell

#: Of each server the newest of each kind: another's good drill says nothing of this one.
_STANDINGS = """
SELECT each.name, extract(epoch FROM now() - (SELECT min(began_at) FROM {backup}))::float,
  (SELECT max(coalesce(ended_at, began_at)) FROM {backup}
   WHERE state = {done} AND each.name = ANY (string_to_array(servers, ','))),
  (SELECT at FROM {archived} WHERE server = each.name),
  (SELECT max(ended_at) FROM {drill} WHERE ok AND each.name = ANY (string_to_array(servers, ','))),
  (SELECT ok FROM {drill} WHERE each.name = ANY (string_to_array(servers, ',')) ORDER BY ended_at DESC LIMIT 1),
  now()
FROM unnest({names}) WITH ORDINALITY AS each (name, number) ORDER BY number
"""


@dataclass(frozen=True)
class Standing:
    """One server. first_s: since anything was backed up at all. last_ok: how its last drill ended, None for none."""

    server: str
    now: datetime
    first_s: float
    backed_up_at: datetime | None
    restorable_to: datetime | None
    proven_at: datetime | None
    last_ok: bool | None

    def age(self, at: datetime | None) -> float:
        """Return the seconds since a moment; where it never came, since the first backup of any server."""
        return (self.now - at).total_seconds() if at else self.first_s

    def wrong(self) -> Iterator[str]:
        """Yield what is wrong, without the server's name: "its last drill failed"."""
        if self.last_ok is False:
            yield "its last drill failed: manage.py backups says why"
        days = self.age(self.proven_at) / 86_400
        if days > settings.BACKUP_PROOF_MAX_DAYS:
            yield f"for {days:.0f} days no backup was proven by a drill"
        hours, minutes = self.age(self.backed_up_at) / 3_600, self.age(self.restorable_to) / 60
        if settings.BACKUP_MAX_AGE_H and hours > settings.BACKUP_MAX_AGE_H:
            yield f"for {hours:.0f} hours there was no backup"
        if settings.BACKUP_MARK_MAX_MIN and minutes > settings.BACKUP_MARK_MAX_MIN:
            yield f"for {minutes:.0f} minutes nothing came into the archive"


def standings() -> list[Standing]:
    """Return how the backups of main and of each shard server stand; none where nothing was ever backed up.

    Raises like a check. Cost: one query on main, of tables with a few rows a day.
    """
    values = {model.__name__.lower(): sql.Identifier(model._meta.db_table) for model in (Archived, Backup, Drill)}
    query = sql.SQL(_STANDINGS).format(
        done=sql.Literal(Backup.State.DONE.value), names=sql.Literal(["main", *settings.SHARD_SERVERS]), **values
    )
    with postgres("default") as connection:
        found = rows(connection, query)
    return [Standing(name, now, first_s, *facts) for name, first_s, *facts, now in found if first_s is not None]


def check() -> dict[str, Any]:
    """See of each server how old its backup, its archive and their proof are. A fresh installation has none: well."""
    found = standings()
    if wrong := [f"{each.server}: {what}" for each in found for what in each.wrong()]:
        raise Unwell("; ".join(wrong))
    return {
        "restorable_to": _oldest([each.restorable_to for each in found]),
        "proven_at": _oldest([each.proven_at for each in found]),
    }


def _oldest(moments: list[datetime | None]) -> str | None:
    """Return what holds for all servers, None where one has nothing."""
    known = [each for each in moments if each is not None]
    return min(known).isoformat(timespec="seconds") if known and len(known) == len(moments) else None
