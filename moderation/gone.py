"""Cases whose target was deleted meanwhile: closed as gone, without a verdict, since nobody can say who was right."""

from collections.abc import Iterable

from django.utils import timezone

from accounts.models import User
from accounts.services.suspension import is_going
from photos.models import Comment, Photo, State
from sharding import ShardUnavailable, shard_of_object

from .errors import TooLateError
from .models import Case, Kind


class GoneError(TooLateError):
    """There is nothing left to decide about."""

    def __init__(self) -> None:
        super().__init__("it was deleted meanwhile: the case is closed without a decision")


def is_gone(kind: str, target_id: int) -> bool:
    """Return whether a target was deleted; False where its server does not answer. What staff holds is not gone.

    Cost: one query, of an account two on main.
    """
    if kind == Kind.USER:
        return not User.objects.filter(pk=target_id).exists() or is_going(target_id)
    model = Photo if kind == Kind.MEDIA else Comment
    try:
        rows = shard_of_object(target_id).model(model).objects.filter(id=target_id)
        return rows.values_list("state", flat=True).first() in {None, State.DELETED}
    except ShardUnavailable:
        return False
    except ValueError:
        return True


def close_those_gone(kind: str, target_ids: Iterable[int]) -> int:
    """Close the open cases of targets of one kind that were deleted; return how many. Their reports stay unanswered.

    Safe to repeat. Cost: one query on main, one for each open case, one that writes.
    """
    waiting = Case.objects.filter(kind=kind, target_id__in=list(target_ids), closed_at=None)
    return _close([case.pk for case in waiting if is_gone(case.kind, case.target_id)])


def close_owned_by(user_id: int) -> int:
    """Close all open cases about what belongs to somebody whose account is being deleted. Safe to repeat."""
    return _close(Case.objects.filter(about_user_id=user_id, closed_at=None).values_list("pk", flat=True))


def _close(case_ids: Iterable[int]) -> int:
    cases = Case.objects.filter(pk__in=list(case_ids), closed_at=None)
    return cases.update(closed_at=timezone.now(), is_gone=True, claimed_by=None, claimed_until=None)
