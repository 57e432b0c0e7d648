"""The facts of an explanation in words."""

from datetime import datetime

from sharding import shard_of
from sharding.ids import MAX_ID, created_at_of

from ..progress import FIRST
from .reading import Found


def facts_of(found: Found) -> list[tuple[str, str]]:
    """Return what was read, in words, as far as it was to be had."""
    facts = [("shown now", "yes" if found.shown else "no")]
    if found.author_id is not None:
        name = found.author.username if found.author else "?"
        private = ", private" if found.author and found.author.is_private else ""
        facts.append(("author", f"{found.author_id} ({name}{private}), on {shard_of(found.author_id).server.name}"))
        facts.append(("posted", at(created_at_of(found.photo_id))))
    viewer = found.viewer.username if found.viewer else "?"
    facts.append(("viewer", f"{found.viewer_id} ({viewer}), on {shard_of(found.viewer_id).server.name}"))
    if found.author_id not in (None, found.viewer_id):
        since = f" since {at(found.since)}" if found.since else ""
        facts.append(("follow", f"{found.status}{since}; the viewer's copy says {found.copy}"))
        facts.append(("blocked", _blocked(found)))
        facts.append(("in the inbox", "yes" if found.in_inbox else "no"))
        facts.append(("inbox complete", _complete(found)))
        facts.append(("viewer asleep", "yes" if found.asleep else "no"))
        facts += _fan_out_facts(found)
        facts.append(("stale in the cache", ", ".join(found.stale) or "nothing"))
    if found.away:
        facts.append(("not reached", ", ".join(found.away)))
    return facts


def _blocked(found: Found) -> str:
    who = [("by the author", found.blocked_by_author), ("by the viewer", found.blocked_by_viewer)]
    return " and ".join(name for name, is_so in who if is_so) or "no"


def _complete(found: Found) -> str:
    if found.complete_above == MAX_ID:
        return "no: to be rebuilt"
    return f"above {found.complete_above}" if found.complete_above else "yes"


def _fan_out_facts(found: Found) -> list[tuple[str, str]]:
    facts = []
    progress = found.progress
    if progress is None:
        facts.append(("fan-out", "no account of it (not begun, or too long ago)"))
    else:
        end = f"finished {at(progress.finished_at)}" if progress.finished_at else "under way"
        so_far = f"{progress.done:,} of {progress.total or 0:,} followers, batches: {len(progress.batches)}"
        facts.append(("fan-out", f"{so_far}, begun {at(progress.begun_at)}, {end}, {progress.retries} retries"))
    if found.batch is not None:
        number, batch = found.batch
        chain = "the first job" if batch.chain == FIRST else f"the chain from shard {batch.chain}"
        when = f"{at(batch.done_at)}, worker {batch.worker}, {batch.retries} retries"
        facts.append(("viewer's batch", f"{number} of {chain}, {when}"))
    if found.job is not None:
        job = found.job
        reason = f", {found.job_reason}" if found.job_reason else ""
        facts.append(("job", f"{job.task}, row {job.row_id}, attempts {job.attempts}, step {job.step}{reason}"))
    if found.dead:
        facts.append(("dead letter", found.dead))
    if found.backfill is not None:
        facts.append(("backfill", f"row {found.backfill.row_id}, {found.backfill_reason or 'waits for a worker'}"))
    elif found.backfill_dead:
        facts.append(("backfill", found.backfill_dead))
    return facts


def at(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d} UTC" if moment else "?"
