"""The store walked once, page by page, against the ledger; then what the walk did not meet.

The service goes on meanwhile, so nothing counts as found before the database and the store were asked once more.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from accounts.models import Export, User
from photos.models import Photo, Receipt, State
from photos.services.pictures import SIDES
from photos.storage import keys, store
from photos.storage.store import Found
from sharding import shard_of_object

from .ledger import ARCHIVE, ORIGINAL, PHOTO, Expected, Finding, Ledger

AREAS = (keys.PUBLIC, keys.PRIVATE, keys.ORIGINALS)
#: An object younger than that may be of an upload whose row is not written yet.
ORPHAN_AGE = timedelta(hours=1)
#: Objects that were not met, judged at a time.
PAGE = 200


def compare_area(ledger: Ledger, area: str, *, deep: bool) -> Iterator[int]:
    """Walk the objects below an area; yield how many each page had.

    deep: read every object; else its size and MD5 are the store's word (ETag), and it is read only if that differs.
    Raises StorageUnavailable, ShardUnavailable.
    """
    part = f"store {area}"
    past = ledger.past(part)
    if past is None:
        return
    oldest = datetime.fromtimestamp(ledger.began_at, UTC) - ORPHAN_AGE
    for page in store.found_below(f"{area}/", after=past):
        with ledger.page(part, page[-1].key):
            known = ledger.see([found.key for found in page])
            strange = [found for found in page if found.key not in known]
            orphans = [found for found in strange if _is_ours(found.key)]
            suspects = [known[found.key] for found in page if found.key in known and _differs(known[found.key], found)]
            if deep:
                suspects = list(known.values())
            wrong = [finding for finding in store.each(_altered, suspects) if finding is not None]
            wrong += [
                Finding(found.key, "orphaned", "", 0, f"since {found.stored_at:%Y-%m-%d %H:%M}")
                for found in orphans
                if found.stored_at < oldest
            ]
            ledger.note(wrong)
            ledger.count("objects", len(page))
            ledger.count("objects of nobody", len(strange) - len(orphans))
        yield len(page)
    with ledger.page(part, "", finished=True):
        pass


def judge_missing(ledger: Ledger) -> None:
    """Look once more for what the walk did not meet. Raises StorageUnavailable, ShardUnavailable."""
    while (past := ledger.past("missing")) is not None:
        some = ledger.unseen(past=past, most=PAGE)
        with ledger.page("missing", some[-1].key if some else past, finished=len(some) < PAGE):
            ledger.note(
                Finding(each.key, "missing", each.kind, each.ref)
                for each in some
                if is_named(each) and not _there(each)
            )


def is_named(expected: Expected | Finding) -> bool:
    """Return whether the database still says that this object should be there. Cost: a read by key or two."""
    if expected.kind in (PHOTO, ORIGINAL):
        shard = shard_of_object(expected.ref)
        photo = shard.model(Photo).objects.filter(id=expected.ref).exclude(state=State.DELETED).first()
        if photo is None:
            return False
        if expected.kind == PHOTO:
            return expected.key in keys.keys_of(photo.image_stem)
        receipt = shard.model(Receipt).objects.filter(photo_id=expected.ref).first()
        return receipt is not None and expected.key == keys.original_key(receipt.original_stem or "-")
    if expected.kind == ARCHIVE:
        return Export.objects.filter(pk=expected.ref, key=expected.key, state=Export.State.READY).exists()
    person = User.objects.filter(pk=expected.ref).first()
    if person is None or not person.picture:
        return False
    return expected.key in [keys.key(person.picture, side) for side in SIDES]


def _differs(expected: Expected, found: Found) -> bool:
    return (expected.bytes is not None and expected.bytes != found.bytes) or (
        expected.md5 is not None and expected.md5 != found.etag
    )


def _altered(expected: Expected) -> Finding | None:
    """Read an object; return what is wrong with it. What is not there any more is judge_missing()'s."""
    content = store.read(expected.key)
    if content is None:
        return None
    wrong = [
        name
        for name, said, is_so in (
            ("size", expected.bytes, len(content)),
            ("MD5", expected.md5, hashlib.md5(content, usedforsecurity=False).hexdigest()),
            ("SHA-256", expected.sha256, hashlib.sha256(content).hexdigest()),
        )
        if said is not None and said != is_so
    ]
    if not wrong or not is_named(expected):
        return None
    return Finding(expected.key, "altered", expected.kind, expected.ref, f"another {', another '.join(wrong)}")


def _there(expected: Expected) -> bool:
    return any(found.key == expected.key for page in store.found_below(expected.key) for found in page)


def _is_ours(key: str) -> bool:
    """Return whether only photos, pictures and archives have such keys; others (assets, probes) are left alone."""
    return keys.stem_of(key) is not None or key.startswith(f"{keys.PRIVATE}/exports/")
