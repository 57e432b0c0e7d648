"""Fan-outs of accounts with many followers: chains on a lane of their own, and the account of what was served."""

import time
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from feeds import fan_out as walks
from feeds.progress import FIRST, NOBODY, forget_old, progress_of
from feeds.tasks import fan_out, fan_out_large
from jobs import outbox
from jobs.testing import run_until_idle
from jobs.worker import Worker
from sharding import counters, physical_servers, shard_of, shard_of_object
from sharding.ids import first_id_at
from tests.feeds.test_inboxes import inbox_of, photo_by, stay_away
from tests.support.people import Person, a_person


@pytest.fixture
def anna_with_nine(settings) -> tuple[Person, list[Person]]:
    """Anna has nine followers, on both servers; a batch has two."""
    settings.FAN_OUT_BATCH = 2
    anna, followers = a_person(), [a_person() for _ in range(9)]
    for person in followers:
        person.follow(anna)
    run_until_idle()
    return anna, followers


def jobs_of(photo_id: int, task: str) -> list[outbox.Job]:
    return outbox.jobs_with(shard_of_object(photo_id).server, tasks=[task], argument="photo_id", value=photo_id)


def test_a_small_fan_out_tells_whom_it_served_and_when():
    anna, ben = a_person(), a_person()
    ben.follow(anna)
    run_until_idle()
    photo = photo_by(anna)
    assert progress_of(photo) is None

    run_until_idle()

    progress = progress_of(photo)
    assert (progress.done, progress.total, progress.asleep, progress.chains, progress.retries) == (1, 1, 0, 0, 0)
    assert progress.begun_at <= progress.finished_at
    assert progress.batch_of((ben.id % 64, ben.id))[0] == 1


def test_a_photo_without_followers_is_finished_at_once():
    photo = photo_by(a_person())
    run_until_idle()

    progress = progress_of(photo)
    assert (progress.done, progress.total, progress.batches[0].last) == (0, 0, NOBODY)
    assert progress.finished_at


def test_a_large_fan_out_leaves_the_queue_of_the_others_and_is_counted_batch_by_batch(anna_with_nine):
    anna, followers = anna_with_nine
    photo = photo_by(anna)

    fan_out(photo_id=photo, author_id=anna.id)

    chains = jobs_of(photo, "feeds.fan_out_large")
    assert len(chains) == len(list(physical_servers()))
    progress = progress_of(photo)
    assert (progress.done, progress.total, progress.finished_at) == (0, 9, None)
    run_until_idle()
    progress = progress_of(photo)
    assert (progress.done, progress.total, progress.chains) == (9, 9, len(chains))
    assert progress.finished_at
    for person in followers:
        assert inbox_of(person) == [photo]
        number, batch = progress.batch_of((person.id % 64, person.id))
        assert number >= 1
        assert batch.chain != FIRST


def test_a_batch_that_is_done_again_is_counted_once_and_said_so(anna_with_nine):
    anna, followers = anna_with_nine
    photo = photo_by(anna)
    fan_out(photo_id=photo, author_id=anna.id)
    chain, *_ = jobs_of(photo, "feeds.fan_out_large")

    fan_out_large(**chain.args)  # its worker was killed before this was stored
    run_until_idle()

    progress = progress_of(photo)
    assert progress.done == 9
    assert progress.retries >= 1
    assert [inbox_of(person) for person in followers] == [[photo]] * 9


def test_failed_attempts_of_a_batch_are_in_its_account(anna_with_nine):
    anna, _ = anna_with_nine
    photo = photo_by(anna)
    (job,) = jobs_of(photo, "feeds.fan_out")
    outbox.fail(job, "ZeroDivisionError")
    (job,) = jobs_of(photo, "feeds.fan_out")

    Worker(["feed"]).run_job(job)

    assert progress_of(photo).retries == 1
    run_until_idle()


def test_sleepers_are_counted_as_left_out():
    anna, ben, carl = a_person(), a_person(), a_person()
    for person in (ben, carl):
        person.follow(anna)
    run_until_idle()
    stay_away(ben)
    photo = photo_by(anna)
    run_until_idle()

    progress = progress_of(photo)
    assert (progress.done, progress.asleep) == (2, 1)
    assert (inbox_of(ben), inbox_of(carl)) == ([], [photo])


def test_very_large_accounts_go_in_short_batches_with_rests(anna_with_nine, settings):
    settings.FAN_OUT_LARGE_FROM = settings.FAN_OUT_LARGE_BATCH = 5
    settings.FAN_OUT_LARGE_REST = 3.0
    anna, _ = anna_with_nine
    counters.roll_up(shard_of(anna.id).server)
    photo = photo_by(anna)

    fan_out(photo_id=photo, author_id=anna.id)

    assert all(job.args["large"] for job in jobs_of(photo, "feeds.fan_out_large"))
    walks.earn_rest(0.1)
    began = time.monotonic()
    walks.rest()
    assert 0.2 < time.monotonic() - began < 1.0
    settings.FAN_OUT_LARGE_REST = 0.0
    run_until_idle()
    assert max(batch.followers for batch in progress_of(photo).batches) > 2


def test_the_command_shows_how_far_a_fan_out_is(anna_with_nine):
    anna, _ = anna_with_nine
    photo = photo_by(anna)
    with pytest.raises(CommandError, match="Not begun"):
        call_command("fan_out", str(photo))
    run_until_idle()

    said = StringIO()
    call_command("fan_out", str(photo), stdout=said)

    assert "9 of 9, 0 of them asleep" in said.getvalue()
    assert "not yet" not in said.getvalue()


def test_old_accounts_of_fan_outs_are_forgotten(settings):
    anna = a_person()
    photo = photo_by(anna)
    run_until_idle()
    server = shard_of(anna.id).server
    forget_old(server)
    assert progress_of(photo)

    settings.FAN_OUT_KEPT_DAYS = -1
    assert first_id_at(time.time() + 86_400) > photo
    while progress_of(photo):
        forget_old(server)
