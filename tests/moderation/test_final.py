"""After UNDO_DAYS a decision is final, and what it removed is deleted; an undo that has begun comes first."""

import threading
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connections, transaction
from django.utils import timezone

from jobs.testing import run_until_idle
from moderation import decisions
from moderation.errors import TooLateError
from moderation.models import Decision, Verdict
from tests.moderation.test_decisions import decide, reported
from tests.support.people import a_person
from tests.support.store import objects_of, stem_of
from tests.support.waiting import wait_until


def test_what_was_removed_long_ago_is_deleted_for_good_and_cannot_be_undone():
    _, _, media, case = reported()
    decision = decide(case, Verdict.REMOVE)
    stem = stem_of(media)
    assert len(objects_of(stem)) == 4
    Decision.objects.filter(pk=decision.pk).update(made_at=timezone.now() - timedelta(days=31))

    assert decisions.make_final() >= 1
    run_until_idle()

    assert objects_of(stem) == set()
    with pytest.raises(TooLateError):
        decisions.undo(decision.pk, moderator_id=a_person().id, reason="too late")


def test_a_decision_that_is_being_undone_in_its_last_second_does_not_become_final():
    _, ben, media, case = reported()
    decision = decide(case, Verdict.REMOVE)
    about_to_end = timezone.now() - timedelta(days=settings.UNDO_DAYS) + timedelta(seconds=3)
    Decision.objects.filter(pk=decision.pk).update(made_at=about_to_end)
    moderator, begun, go_on = a_person(), threading.Event(), threading.Event()

    def undo():
        with transaction.atomic():
            decisions.undo(decision.pk, moderator_id=moderator.id, reason="it was none")
            begun.set()
            go_on.wait(20)
        connections.close_all()

    beside = threading.Thread(target=undo)
    beside.start()
    try:
        assert begun.wait(10)
        wait_until(lambda: timezone.now() > about_to_end + timedelta(days=settings.UNDO_DAYS))
        decisions.make_final()
    finally:
        go_on.set()
        beside.join()
    run_until_idle()

    decision.refresh_from_db()
    assert (decision.undone_at is None, decision.final_at) == (False, None)
    assert ben.get(f"/v1/media/{media['id']}")["data"]["id"] == media["id"]
