"""What workers do for people."""

from jobs import task

from .services import follows


@task("accounts.copy_edge", queue="fast")
def copy_edge(*, follower_id: int, followee_id: int) -> None:
    """Bring a follower's copy of an edge up to the authority. Safe to repeat, in any order."""
    follows.copy_edge(follower_id=follower_id, followee_id=followee_id)
