"""Where switches are obeyed: shards refuse writes, workers let jobs wait, and what the doors ask."""

from django.conf import settings

from instagram.errors import SwitchedOff
from jobs import current_job, worker
from jobs.outbox import Job
from jobs.tasks import Task
from sharding import Server, ShardReadOnly, shard_of, writing

from . import state
from .services import held_because
from .state import Switched


def install() -> None:
    """Have the rooms below ask; harmless to repeat."""
    writing.guard = check_shard
    worker.hold = reason_to_wait


def refuse_writes(viewer_id: int | None = None) -> None:
    """Raise SwitchedOff while nothing may be written, or nothing of this person's: for doors, before any work."""
    found = state.active("read_only")
    if found is None and viewer_id is not None and state.all_active():
        shard = shard_of(viewer_id)
        found = state.read_only_of(shard.server, shard.number)
    if found is not None:
        raise SwitchedOff(_sentence(found), retry_after_s=_retry_after(found))


def refuse_sign_up() -> None:
    """Raise SwitchedOff while nobody can sign up."""
    found = state.active("sign_up_closed")
    if found is not None:
        sentence = f"signing up is closed for the moment: {found.reason}"
        raise SwitchedOff(sentence, retry_after_s=_retry_after(found))


def page_size(count: int) -> int:
    """Return how many entries a page holds: as many as asked for, or SHORT_PAGE while pages are short."""
    return min(count, settings.SHORT_PAGE) if state.active("short_feeds") else count


def check_shard(server: Server, number: int | None, is_write: bool) -> None:
    """Raise ShardReadOnly for a write to what is read-only; in a job for any use: the job comes again later."""
    if not is_write and current_job.get() is None:
        return
    found = state.read_only_of(server, number)
    if found is not None:
        raise ShardReadOnly(server.name, _sentence(found), retry_after_s=_retry_after(found))


def reason_to_wait(job: Job, task: Task) -> str | None:
    """Return why a job must not run now, None if it may."""
    if task.held_by and state.active(task.held_by):
        return held_because(task.held_by)
    if task.writes and state.read_only_of(job.server):
        return held_because("read_only")
    return None


def _sentence(found: Switched) -> str:
    what = "this part of the service is" if found.target else "the service is"
    return f"{what} read-only for the moment: {found.reason}"


def _retry_after(found: Switched) -> int:
    return min(found.seconds_left(settings.SWITCH_RETRY_AFTER_S), 3_600)
