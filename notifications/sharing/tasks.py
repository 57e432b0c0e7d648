"""What workers do for cross-posting. Every task may run twice, and late."""

from accounts.services import deletion
from jobs import Again, task

from ..activity import Kind
from ..activity.services import Act, note
from . import exporting
from .erasing import erase_shares
from .models import Service
from .services import sending
from .services.shares import known, share

__all__ = ["exporting"]  # its parts of an archive are registered with the tasks


@task("notifications.share_upload", queue="fast")
def share_upload(*, user_id: int, photo_id: int, services: list[str]) -> None:
    """Begin the shares that an upload asked for, if the request that made the photo did not come to it."""
    share(user_id=user_id, photo_id=photo_id, services=known(services), anew=False)


@task("notifications.send_share", queue="network", lease_s=60, held_by="cross_posts_paused")
def send_share(*, user_id: int, photo_id: int, service: str, asked: int) -> Again | None:
    """Post one photo at one service; come again after a fault of the service. Safe to repeat: see sending.py."""
    wait_s = sending.send(sending.Key(user_id, photo_id, service, asked))
    return None if wait_s is None else Again(delay_s=max(wait_s, 0.1))


@task("notifications.note_unlinked", queue="fast")
def note_unlinked(*, user_id: int, service: str, photo_id: int, version: int) -> None:
    """Say in a person's News that a service is not linked any more. Safe to repeat: one entry per service."""
    act = Act(Kind.SERVICE_UNLINKED, user_id, list(Service).index(Service(service)) + 1)
    note(user_id, act, version=version, photo_id=photo_id)


@task("notifications.erase_shares", queue="feed_large")
def erase_shares_of(*, user_id: int) -> Again | None:
    """Delete a deleted person's links to other services and a batch of their shares. Safe to repeat."""
    return deletion.run_step("shares", user_id, lambda: erase_shares(user_id))
