"""explain_feed names the cause, whatever it is: a table of all of them, each made for real."""

import json
from collections.abc import Callable, Iterator
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from psycopg2 import sql

from accounts.models import User
from accounts.queries import STANDING_KIND, standing_id
from accounts.services.follows import copy_edge
from accounts.services.presence import changed, deactivate
from accounts.visibility import visible_authors
from caching.cache import _key
from caching.servers import client
from feeds.explain import Cause, explain, person_named, photo_named
from feeds.queries import home_feed
from feeds.tasks import fan_out
from jobs import outbox
from jobs.testing import run_until_idle
from photos.services.holding import hold_photo
from sharding import Server, Shard, breaker, by_server, physical_servers, shard_of, shard_of_object
from sharding.ids import shortcode_of
from tests.feeds.test_inboxes import feed_of, photo_by, stay_away
from tests.support.people import Person, a_person

#: What each set-up says besides: (photo, viewer), and a word of the verdict or the facts.
Case = tuple[int, int, str]
CASES: dict[Cause, Callable[..., Case]] = {}


def case(cause: Cause) -> Callable[[Callable[..., Case]], Callable[..., Case]]:
    def register(make: Callable[..., Case]) -> Callable[..., Case]:
        CASES[cause] = make
        return make

    return register


def friends(**facts: bool) -> tuple[Person, Person]:
    """Return an author and a follower of theirs."""
    author, viewer = a_person(), a_person()
    if facts:
        User.objects.filter(pk=author.id).update(**facts)
    viewer.follow(author)
    run_until_idle()
    return author, viewer


def delivered() -> tuple[Person, Person, int]:
    author, viewer = friends()
    photo = photo_by(author)
    run_until_idle()
    return author, viewer, photo


def stored_job(photo: int) -> outbox.Job:
    (job,) = outbox.jobs_with(shard_of_object(photo).server, tasks=["feeds.fan_out"], argument="photo_id", value=photo)
    return job


def set_edge(shard: Shard, table: str, viewer: int, author: int, status: str) -> None:
    """Write an edge past the services and their cache."""
    with shard.cursor() as cursor:
        query = "UPDATE {} SET status = %s WHERE follower_id = %s AND followee_id = %s"
        cursor.execute(sql.SQL(query).format(shard.table(table)), [status, viewer, author])


@case(Cause.OWN)
def _own(_) -> Case:
    author = a_person()
    return photo_by(author), author.id, "own photo"


@case(Cause.DELIVERED)
def _delivered(_) -> Case:
    _, viewer, photo = delivered()
    return photo, viewer.id, "batch 1"


@case(Cause.BACKFILLED)
def _backfilled(_) -> Case:
    author, viewer = a_person(), a_person()
    photo = photo_by(author)
    run_until_idle()
    viewer.follow(author)
    run_until_idle()
    return photo, viewer.id, "backfill"


@case(Cause.TRIMMED)
def _trimmed(settings) -> Case:
    settings.BACKFILL_PHOTOS = 1
    author, viewer = a_person(), a_person()
    photo = photo_by(author)
    photo_by(author)
    run_until_idle()
    viewer.follow(author)
    run_until_idle()
    return photo, viewer.id, "older than what the inbox keeps"


@case(Cause.ASLEEP)
def _asleep(_) -> Case:
    author, viewer = friends()
    stay_away(viewer)
    photo = photo_by(author)
    run_until_idle()
    return photo, viewer.id, "away for long"


@case(Cause.NO_PHOTO)
def _no_photo(_) -> Case:
    return 10_000, a_person().id, "no such photo"


@case(Cause.DELETED)
def _deleted(_) -> Case:
    author, viewer, photo = delivered()
    author.delete(f"/v1/media/{photo}")
    return photo, viewer.id, "deleted"


@case(Cause.HELD)
def _held(_) -> Case:
    _, viewer, photo = delivered()
    hold_photo(photo)
    return photo, viewer.id, "taken the photo down"


@case(Cause.NO_VIEWER)
def _no_viewer(_) -> Case:
    return photo_by(a_person()), 2**40, "no such viewer"


@case(Cause.AUTHOR_DEACTIVATED)
def _deactivated(_) -> Case:
    author, viewer, photo = delivered()
    deactivate(author.id)
    return photo, viewer.id, "deactivated"


@case(Cause.AUTHOR_SUSPENDED)
def _suspended(_) -> Case:
    author, viewer, photo = delivered()
    User.objects.filter(pk=author.id).update(is_active=False)
    changed(author.id)
    run_until_idle()
    return photo, viewer.id, "suspended"


@case(Cause.AUTHOR_BLOCKED_VIEWER)
def _blocked(_) -> Case:
    author, viewer, photo = delivered()
    author.post(f"/v1/users/{viewer.id}/relationship", action="block")
    return photo, viewer.id, "by the author"


@case(Cause.VIEWER_BLOCKED_AUTHOR)
def _blocks(_) -> Case:
    author, viewer, photo = delivered()
    viewer.post(f"/v1/users/{author.id}/relationship", action="block")
    return photo, viewer.id, "by the viewer"


@case(Cause.REQUESTED)
def _requested(_) -> Case:
    author, viewer = friends(is_private=True)
    return photo_by(author), viewer.id, "request"


@case(Cause.NOT_FOLLOWED)
def _not_followed(_) -> Case:
    return photo_by(a_person()), a_person().id, "does not follow"


@case(Cause.COPY_LATE)
def _copy_late(_) -> Case:
    author, viewer, photo = delivered()
    set_edge(shard_of(viewer.id), "accounts_following", viewer.id, author.id, "none")
    return photo, viewer.id, "copy"


def followed_later() -> tuple[Person, Person, int, outbox.Job]:
    """Return an author, a new follower, a photo from before, and the backfill's job, which did not run."""
    author, viewer = a_person(), a_person()
    photo = photo_by(author)
    run_until_idle()
    viewer.follow(author)
    jobs = {"tasks": ["feeds.backfill"], "argument": "follower_id", "value": viewer.id}
    if not outbox.jobs_with(shard_of(viewer.id).server, **jobs):
        copy_edge(follower_id=viewer.id, followee_id=author.id)
    (job,) = outbox.jobs_with(shard_of(viewer.id).server, **jobs)
    return author, viewer, photo, job


@case(Cause.BACKFILL_WAITING)
def _backfill_waiting(_) -> Case:
    _, viewer, photo, job = followed_later()
    outbox.postpone(job, "ShardUnavailable: shard_b")
    return photo, viewer.id, "ShardUnavailable: shard_b"


@case(Cause.BACKFILL_DEAD)
def _backfill_dead(_) -> Case:
    _, viewer, photo, job = followed_later()
    outbox.bury(job, "ZeroDivisionError: division by zero", attempts=0)
    return photo, viewer.id, "dead letter"


@case(Cause.NOT_BEGUN)
def _not_begun(_) -> Case:
    author, viewer = friends()
    photo = photo_by(author)
    job = stored_job(photo)
    outbox.finish(job.server, [(job.row_id, job.step)])
    return photo, viewer.id, "no job"


@case(Cause.WAITING)
def _waiting(_) -> Case:
    author, viewer = friends()
    photo = photo_by(author)
    outbox.postpone(stored_job(photo), "ShardUnavailable: shard_b")
    return photo, viewer.id, "ShardUnavailable: shard_b"


@case(Cause.RUNNING)
def _running(settings) -> Case:
    settings.FAN_OUT_BATCH = 1
    author, followers = a_person(), [a_person() for _ in range(4)]
    for person in followers:
        person.follow(author)
    run_until_idle()
    photo = photo_by(author)
    fan_out(photo_id=photo, author_id=author.id)
    job = stored_job(photo)
    outbox.finish(job.server, [(job.row_id, job.step)])
    chains = outbox.jobs_with(job.server, tasks=["feeds.fan_out_large"], argument="photo_id", value=photo)
    for chain in chains:
        if again := fan_out(**chain.args):
            outbox.go_on(chain, again)
    # Of the server where most of them are: its chain has served one, and this one comes last.
    fullest = max(by_server(person.id for person in followers).values(), key=len)
    last = max(fullest, key=lambda user_id: (user_id % 64, user_id))
    return photo, last, "of 4 followers"


@case(Cause.FAILING)
def _failing(_) -> Case:
    author, viewer = friends()
    photo = photo_by(author)
    outbox.fail(stored_job(photo), "ZeroDivisionError: division by zero")
    return photo, viewer.id, "ZeroDivisionError"


@case(Cause.DEAD)
def _dead(_) -> Case:
    author, viewer = friends()
    photo = photo_by(author)
    outbox.bury(stored_job(photo), "ZeroDivisionError: division by zero", attempts=0)
    return photo, viewer.id, "dead letter"


@case(Cause.CACHE_STALE)
def _stale(_) -> Case:
    author, viewer, photo = delivered()
    User.objects.filter(pk=author.id).update(is_private=True)
    set_edge(shard_of(author.id), "accounts_follower", viewer.id, author.id, "none")
    # What was just written is cached a moment later; then this is.
    stranger_to_the_cache(viewer, author)
    set_edge(shard_of(author.id), "accounts_follower", viewer.id, author.id, "follows")
    return photo, viewer.id, "how the viewer stands with the author"


def stranger_to_the_cache(viewer: Person, author: Person) -> None:
    for kind, each in (("user:1", author.id), (STANDING_KIND, standing_id(viewer.id, author.id))):
        client().delete(_key(kind, each), noreply=False)
    assert author.id not in visible_authors(viewer.id, [author.id])


@case(Cause.SHARD_AWAY)
def _away(_) -> Case:
    author, viewer = (a_person_on(server) for server in physical_servers())
    viewer.follow(author)
    run_until_idle()
    photo = photo_by(author)
    run_until_idle()
    breaker._breakers[shard_of(author.id).alias]._open = True
    return photo, viewer.id, "does not answer"


def a_person_on(server: Server) -> Person:
    """Sign somebody up whose shard is on a server; ids go through the shards in order, so some are skipped."""
    while shard_of((person := a_person()).id).server != server:
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval(pg_get_serial_sequence('accounts_user', 'id')) FROM generate_series(1, 15)")
    return person


@pytest.fixture(autouse=True)
def whole_again() -> Iterator[None]:
    yield
    for each in breaker._breakers.values():
        each.reset()


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause != Cause.UNKNOWN], ids=lambda cause: cause.name)
def test_the_cause_is_named(cause, settings):
    photo, viewer, word = CASES[cause](settings)

    explanation = explain(photo, viewer)

    assert explanation.cause == cause, explanation
    assert explanation.shown == explanation.verdict.startswith("Shown")
    assert word in explanation.verdict + str(explanation.facts)
    assert explanation.verdict.endswith(".")


def test_what_the_cache_still_shows_is_said_so():
    author, viewer, photo = delivered()
    feed_of(viewer)
    stranger = explain(photo, viewer.id)
    assert stranger.shown
    User.objects.filter(pk=author.id).update(is_active=False)  # past the service, hence past the cache

    explanation = explain(photo, viewer.id)

    assert explanation.cause == Cause.AUTHOR_SUSPENDED
    assert explanation.verdict.endswith("It still shows: the cache has old facts, for 60 s at most.")


def test_what_nothing_explains_is_said_so():
    _, viewer, photo = delivered()
    shard = shard_of(viewer.id)
    with shard.cursor() as cursor:
        cursor.execute(sql.SQL("DELETE FROM {} WHERE user_id = %s").format(shard.table("feeds_inbox")), [viewer.id])

    assert explain(photo, viewer.id).cause == Cause.UNKNOWN


def test_a_page_past_the_inbox_leaves_out_only_authors_whose_server_is_away():
    here, there = physical_servers()
    near, far, viewer = a_person_on(here), a_person_on(there), a_person_on(here)
    for author in (near, far):
        viewer.follow(author)
    run_until_idle()
    stay_away(viewer)
    photos = [photo_by(author) for author in (near, far, near)]
    breaker._breakers[shard_of(far.id).alias]._open = True

    page = home_feed(viewer.id)

    assert [photo for photo, _ in page.photos] == [photos[2], photos[0]]
    assert page.next_max_id == photos[0]  # nobody knows whether there is more
    assert home_feed(viewer.id, max_id=page.next_max_id).next_max_id is None
    breaker._breakers[shard_of(far.id).alias].reset()
    assert feed_of(viewer) == photos[::-1]


def test_photos_and_people_may_be_named_as_people_do():
    anna = a_person()
    photo = photo_by(anna)

    code = shortcode_of(photo)
    names = (str(photo), f"{photo}_{anna.id}", code, f"http://instagr.am/p/{code}/", f"https://x.example/p/{code}?a=1")
    assert {photo_named(text) for text in names} == {photo}
    assert {person_named(text) for text in (str(anna.id), anna.username, f"@{anna.username.upper()}")} == {anna.id}
    with pytest.raises(ValueError, match="short code"):
        photo_named("not a photo")


def test_the_command_says_the_verdict_first_and_then_the_facts():
    _, viewer, photo = delivered()
    said, as_json = StringIO(), StringIO()

    call_command("explain_feed", shortcode_of(photo), viewer.username, stdout=said)
    call_command("explain_feed", str(photo), str(viewer.id), json=True, stdout=as_json)

    first, blank, *facts = said.getvalue().splitlines()
    assert first.startswith("Shown: it is in the inbox; batch 1 of its fan-out served the viewer at ")
    assert blank == ""
    assert facts[0].split() == ["cause", "delivered"]
    assert any(line.strip().startswith("follow ") and "follows since" in line for line in facts)
    assert json.loads(as_json.getvalue())["verdict"] == first
    with pytest.raises(CommandError, match="nobody is called"):
        call_command("explain_feed", str(photo), "nobody.at.all")


def test_the_command_ends_otherwise_when_there_is_no_such_photo_or_person():
    _, viewer, photo = delivered()

    for names in ((str(photo + 1), viewer.username), (str(photo), "999999999")):
        said = StringIO()
        with pytest.raises(SystemExit) as ended:
            call_command("explain_feed", *names, stdout=said)
        assert ended.value.code == 2
        assert said.getvalue().startswith("There is no such ")
