"""Copies of a removed picture come into the queue, other pictures do not, and an undo forgets it."""

import random

import pytest
import pyvips
from django.conf import settings as django_settings

from jobs import NotNow
from jobs.testing import run_until_idle
from moderation import decisions, look_alikes
from moderation.models import Case, RemovedPrint, Verdict
from tests.moderation.test_decisions import decide, reported, undo
from tests.support.people import a_person
from tests.support.store import photo_id


def a_picture(seed: int, side: int = 640) -> bytes:
    """Return a JPEG of large random blobs: as different from the next one as photographs are."""
    dice = random.Random(seed)
    cells = pyvips.Image.new_from_memory(bytes(dice.randrange(256) for _ in range(3 * 8 * 8)), 8, 8, 3, "uchar")
    picture = cells.copy(interpretation="srgb").resize(side / 8, kernel="cubic")
    return bytes(picture.cast("uchar").jpegsave_buffer(Q=90))


def recompressed(jpeg: bytes) -> bytes:
    return bytes(pyvips.Image.new_from_buffer(jpeg, "").jpegsave_buffer(Q=35))


def resized(jpeg: bytes) -> bytes:
    return bytes(pyvips.Image.thumbnail_buffer(jpeg, 300).jpegsave_buffer(Q=80))


def cropped(jpeg: bytes) -> bytes:
    picture = pyvips.Image.new_from_buffer(jpeg, "")
    return bytes(picture.crop(30, 12, picture.width - 40, picture.height - 40).jpegsave_buffer(Q=85))


@pytest.fixture
def removed():
    """Return the seed of a picture that was removed, and the decision."""
    seed = random.randrange(10**9)
    author, reporter = a_person(), a_person()
    media = author.upload(a_picture(seed))
    reporter.post(f"/v1/media/{media['id']}/report", reason="nudity")
    run_until_idle()
    decision = decide(Case.objects.get(target_id=photo_id(media), closed_at=None), Verdict.REMOVE)
    return seed, decision


def case_after_upload(jpeg: bytes) -> Case | None:
    media = a_person().upload(jpeg)
    run_until_idle()
    return Case.objects.filter(target_id=photo_id(media), closed_at=None).first()


@pytest.mark.parametrize("copy", [bytes, recompressed, resized, cropped])
def test_a_copy_of_a_removed_picture_waits_for_a_moderator_and_stays_up(removed, copy):
    seed, decision = removed

    case = case_after_upload(copy(a_picture(seed)))

    [flag] = case.flags
    assert (flag["source"], flag["decision"]) == ("look_alike", decision.pk)
    assert flag["bits"] <= django_settings.LOOK_ALIKE_BITS
    assert case.weight > 0
    assert case.reporters == 0


def test_another_picture_is_nobodys_look_alike(removed):
    seed, _ = removed

    assert case_after_upload(a_picture(seed + 1)) is None


def test_after_an_undo_the_picture_is_no_longer_looked_for(removed):
    seed, decision = removed

    undo(decision)

    assert not RemovedPrint.objects.filter(decision=decision).exists()
    assert case_after_upload(a_picture(seed)) is None


def test_remembering_twice_keeps_one_set(removed):
    _, decision = removed

    assert look_alikes.remember(decision.pk) == 21
    assert RemovedPrint.objects.filter(decision=decision).count() == 21


def test_a_job_that_is_faster_than_the_removal_waits_for_it():
    *_, case = reported()
    moderator = a_person()
    decision = decisions.decide(
        case.pk, moderator_id=moderator.id, verdict=Verdict.REMOVE, reason="a copy", effects_now=False
    )

    with pytest.raises(NotNow, match="not taken down yet"):
        look_alikes.remember(decision.pk)
    run_until_idle()

    assert RemovedPrint.objects.filter(decision=decision).count() == 21


def test_what_was_only_hidden_leaves_no_fingerprint():
    *_, case = reported()

    decision = decide(case, Verdict.HIDE)

    assert not RemovedPrint.objects.filter(decision=decision).exists()
