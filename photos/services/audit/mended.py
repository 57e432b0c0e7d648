"""Repairs of what an audit found. Each may run twice; what cannot be repaired stays a finding."""

from accounts.models import Export, User
from accounts.services.profiles import set_picture
from instagram.errors import InvalidParameters
from photos.images import DecodingUnavailable
from photos.models import Photo, Receipt, State
from photos.services import originals, purging
from photos.services.rerender import NoSourceError, UnsettledError, rerender
from photos.storage import keys, store
from sharding import Shard, shard_of_object

from .compared import is_named
from .ledger import ARCHIVE, ORIGINAL, PHOTO, PICTURE, Finding, Ledger


def mend(ledger: Ledger, findings: list[Finding]) -> None:
    """Repair what can be repaired, and note it. Raises StorageUnavailable, EdgeUnavailable, ShardUnavailable.

    Orphaned objects are deleted. A photo with a missing or altered rendition gets all of them anew, of its original or
    the largest rendition that is well. A lost original is said to be lost. A lost profile picture is none.
    """
    orphans = [each.key for each in findings if each.what == "orphaned"]
    for start in range(0, len(orphans), store.KEYS_AT_ONCE):
        some = orphans[start : start + store.KEYS_AT_ONCE]
        purging.purge_files(some)
        ledger.mended(some)
    photos: dict[int, list[Finding]] = {}
    for each in findings:
        if each.kind in (PHOTO, ORIGINAL):
            photos.setdefault(each.ref, []).append(each)
    for photo_id, bad in photos.items():
        if _mend_photo(photo_id, bad):
            ledger.mended(each.key for each in bad if each.kind == PHOTO)
    for each in findings:
        if each.what == "missing" and each.kind in _LOST and (not is_named(each) or _LOST[each.kind](each)):
            ledger.mended([each.key])


def _mend_photo(photo_id: int, bad: list[Finding]) -> bool:
    renditions = [each for each in bad if each.kind == PHOTO]
    if not renditions:
        return True
    shard = shard_of_object(photo_id)
    photo = shard.model(Photo).objects.filter(id=photo_id).exclude(state=State.DELETED).first()
    if photo is None or not any(is_named(each) for each in renditions):
        return True  # deleted or made anew meanwhile
    if any(each.kind == ORIGINAL and each.what == "altered" for each in bad):
        return False  # it would be made of that
    if not _original_is_there(shard, photo_id):
        there = {found.key for page in store.found_below(keys.folder(photo.image_stem)) for found in page}
        if not there - {each.key for each in renditions}:
            return False
        # Made of the largest that is there: that must not be one that was altered.
        store.delete_keys([each.key for each in renditions if each.what == "altered"])
    try:
        return rerender(shard, photo_id) is not None
    except (DecodingUnavailable, InvalidParameters, NoSourceError, UnsettledError):
        return False


def _original_is_there(shard: Shard, photo_id: int) -> bool:
    receipt = shard.model(Receipt).objects.filter(photo_id=photo_id).exclude(original_stem="").first()
    return receipt is not None and any(store.found_below(keys.original_key(receipt.original_stem)))


def _lose_original(finding: Finding) -> bool:
    originals.lose(shard_of_object(finding.ref), finding.ref)
    return True


def _lose_picture(finding: Finding) -> bool:
    person = User.objects.filter(pk=finding.ref).first()
    if person is not None and keys.stem_of(finding.key) == person.picture:
        set_picture(finding.ref, "")
    return True


def _lose_archive(finding: Finding) -> bool:
    return bool(Export.objects.filter(pk=finding.ref, key=finding.key).update(state=Export.State.EXPIRED))


_LOST = {ORIGINAL: _lose_original, PICTURE: _lose_picture, ARCHIVE: _lose_archive}
