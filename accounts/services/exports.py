"""Archives of everything a person owns: asked for here, made by a task of photos/, kept EXPORT_KEEP_DAYS."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Export, User
from jobs import enqueue

#: What the rooms above photos/ put into the archive: name of the file -> reads a person's rows of it, as JSON.
parts: dict[str, Callable[[int], list[Any]]] = {}


def register_part(name: str, read: Callable[[int], list[Any]]) -> None:
    """Have a room's rows put into every archive from now on, as <name>.json."""
    parts[name] = read


def request_export(user_id: int) -> None:
    """Have an archive made, unless one was asked for in the last EXPORT_EVERY_HOURS. Harmless to repeat."""
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        since = timezone.now() - timedelta(hours=settings.EXPORT_EVERY_HOURS)
        if Export.objects.filter(user=user, created_at__gt=since).exists():
            return
        export = Export.objects.create(user=user)
        enqueue("photos.make_export", export_id=export.pk)


def latest_export(user_id: int) -> Export | None:
    """Return the newest export of a person. Cost: one query on main."""
    return Export.objects.filter(user=user_id).order_by("-pk").first()


def expires_at(export: Export) -> int | None:
    """Return when a ready archive is deleted, epoch seconds; None for one that is not there."""
    if export.state != Export.State.READY or export.finished_at is None:
        return None
    ends = export.finished_at + timedelta(days=settings.EXPORT_KEEP_DAYS)
    return int(ends.timestamp()) if ends > timezone.now() else None


def finish_export(export_id: int, key: str) -> bool:
    """Note where the archive is; False if there is one already or nobody wants it any more."""
    return bool(
        Export.objects.filter(pk=export_id, state=Export.State.QUEUED).update(
            state=Export.State.READY, key=key, finished_at=timezone.now()
        )
    )


def expire_exports() -> None:
    """Have the files of old archives deleted. Safe to repeat."""
    old = Export.objects.filter(
        state=Export.State.READY, finished_at__lt=timezone.now() - timedelta(days=settings.EXPORT_KEEP_DAYS)
    )
    for export_id, key in old.values_list("pk", "key")[:100]:
        with transaction.atomic():
            if Export.objects.filter(pk=export_id, state=Export.State.READY).update(state=Export.State.EXPIRED):
                enqueue("photos.delete_private", key=key)
