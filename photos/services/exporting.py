"""The archive of everything a person owns: JSON, photos in the largest size there is, originals that were kept."""

import json
import secrets
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts import discovery
from accounts.models import EmailChange, Export, LookedUp, SeenLogin, User
from accounts.queries import Page, followers_page, follows_page, profiles
from accounts.services.exports import finish_export, parts
from photos import storage
from photos.models import Photo
from photos.queries.authored import comments_by
from photos.queries.engagement import liked_page
from photos.queries.receipts import receipts_of
from sharding import shard_of
from sharding.ids import created_time_of

#: Rows read at a time.
PAGE = 500
#: What the archive says of how a photo was received and made.
RECEIPT = ("received", "done", "renditions", "milliseconds", "original", "rerendered")


def make_export(export_id: int) -> None:
    """Write a person's archive into the object store. Safe to repeat; a run that was cut short begins anew.

    Cost: every page of what they own, one or two object reads per photo; disk for the archive, memory for one photo.
    Raises ShardUnavailable, StorageUnavailable: an archive is whole or not there.
    """
    export = Export.objects.filter(pk=export_id, state=Export.State.QUEUED).select_related("user").first()
    if export is None:
        return
    with tempfile.NamedTemporaryFile(suffix=".zip") as file:
        # Stored, not deflated: nearly all of it is JPEG.
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            _write(archive, export.user)
        file.flush()
        key = f"prv/exports/{secrets.token_hex(16)}.zip"
        storage.store_private(key, Path(file.name))
    if not finish_export(export_id, key):  # another run was faster
        storage.delete_private(key)


def _write(archive: zipfile.ZipFile, user: User) -> None:
    def add(name: str, content: object) -> None:
        archive.writestr(f"{name}.json", json.dumps(content, ensure_ascii=False, indent=1))

    add("profile", _profile(user))
    photos = [entry for page in _pages(user.pk) for entry in _add_photos(archive, user.pk, page)]
    add("photos", photos)
    comments = comments_by(user.pk, range(settings.LOGICAL_SHARDS), limit=100_000)
    add("comments", [{"id": str(c.id), "photo_id": str(c.photo_id), "text": c.text, **_time(c.id)} for c in comments])
    add("likes", [{"photo_id": str(photo_id)} for photo_id in _likes(user.pk)])
    add("follows", _people(user.pk, follows_page))
    add("followers", _people(user.pk, followers_page))
    add("blocked", _people(user.pk, discovery.blocked_page))
    logins = SeenLogin.objects.filter(user=user.pk).order_by("last_at")
    add("logins", [{"last_time": str(int(login.last_at.timestamp()))} for login in logins])
    earlier = EmailChange.objects.filter(user=user.pk).order_by("pk")
    add("earlier_emails", [{"email": e.email, "until_time": str(int(e.changed_at.timestamp()))} for e in earlier])
    add("contacts", {"remembered": LookedUp.objects.filter(user=user.pk).count()})
    for name, read in parts.items():
        add(name, read(user.pk))


def _profile(user: User) -> dict[str, Any]:
    names = ("username", "email", "full_name", "bio", "website", "phone", "is_private")
    facts = {name: getattr(user, name) for name in names}
    times = {"joined_time": user.date_joined, "email_confirmed_time": user.email_confirmed_at}
    told = {name: str(int(moment.timestamp())) if moment else None for name, moment in times.items()}
    return {"id": str(user.pk)} | facts | told


def _add_photos(archive: zipfile.ZipFile, user_id: int, photos: list[Photo]) -> Iterator[dict[str, Any]]:
    """Write a page of photos into the archive, as served and as uploaded; yield what photos.json says of each."""
    receipts = receipts_of(shard_of(user_id), [photo.id for photo in photos])
    for photo in photos:
        names = ("caption", "filter", "latitude", "longitude", "location_name")
        facts = {"id": str(photo.id)} | {name: getattr(photo, name) for name in names} | _time(photo.id)
        facts["file"] = _add_file(archive, f"photos/{photo.id}.jpg", storage.read_largest(photo.image_stem))
        receipt = receipts.get(photo.id)
        if receipt:
            facts["receipt"] = {name: getattr(receipt, name) for name in RECEIPT}
            if receipt.original_stem:
                name = f"originals/{photo.id}.{receipt.received['format'].lower()}"
                facts["original"] = _add_file(archive, name, storage.read_original(receipt.original_stem))
        yield facts


def _add_file(archive: zipfile.ZipFile, name: str, content: bytes | None) -> str | None:
    if content is not None:
        archive.writestr(name, content)
    return name if content is not None else None


def _time(object_id: int) -> dict[str, str]:
    return {"created_time": str(created_time_of(object_id))}


def _pages(user_id: int) -> Iterator[list[Photo]]:
    photos = shard_of(user_id).model(Photo).objects.filter(author_id=user_id, state=0).order_by("id")
    last = 0
    while page := list(photos.filter(id__gt=last)[:PAGE]):
        yield page
        last = page[-1].id


def _likes(user_id: int) -> Iterator[int]:
    page = liked_page(user_id, below=None, count=PAGE)
    yield from page.photo_ids
    while page.next_cursor is not None:
        page = liked_page(user_id, below=page.next_cursor, count=PAGE)
        yield from page.photo_ids


def _people(user_id: int, read: Callable[..., Page]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    cursor = None
    while True:
        page = read(user_id, cursor=cursor, count=PAGE)
        people = profiles(page.user_ids)
        found += [{"id": str(i), "username": people[i].username} for i in page.user_ids if i in people]
        cursor = page.next_cursor
        if cursor is None:
            return found
