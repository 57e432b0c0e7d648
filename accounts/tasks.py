"""What workers do for people."""

from jobs import Again, task

from .models import User
from .services import follows


@task("accounts.copy_edge", queue="fast")
def copy_edge(*, follower_id: int, followee_id: int) -> None:
    """Bring a follower's copy of an edge up to the authority. Safe to repeat, in any order."""
    follows.copy_edge(follower_id=follower_id, followee_id=followee_id)


@task("accounts.end_follow_of_blocked", queue="fast")
def end_follow_of_blocked(*, owner_id: int, other_id: int) -> None:
    """End the follow of somebody by the one who blocked them. Safe to repeat; late it does nothing."""
    follows.end_follow_of_blocked(owner_id=owner_id, other_id=other_id)


@task("accounts.approve_all_requests", queue="fast")
def approve_all_requests(*, owner_id: int) -> Again | None:
    """Approve the requests of somebody whose account became public. Safe to repeat; late it does nothing."""
    # Asked of the database: the cache may be a minute behind, and the account private again.
    if not User.objects.filter(pk=owner_id, is_private=False).exists():
        return None
    return follows.approve_all_requests(owner_id=owner_id)
