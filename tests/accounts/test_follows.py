"""Following: the authority, its copy, and whatever order messages arrive in."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Following, Status
from accounts.queries import counts_of, edge, follower_batch, followers_page, follows_page
from accounts.services import follow_user, unfollow_user
from accounts.services.follows import apply_copy
from instagram.errors import InvalidParameters, NotFound
from jobs.testing import run_until_idle
from sharding import shard_of
from tests.support.people import a_person


def copy_of(follower, followee):
    rows = shard_of(follower).model(Following).objects.filter(follower_id=follower, followee_id=followee)
    return rows.values_list("status", flat=True).first()


def test_a_follow_is_at_once_on_both_sides_and_counted_once():
    anna, ben = a_person(), a_person()
    for _ in range(3):
        assert follow_user(follower_id=ben.id, followee_id=anna.id) == Status.FOLLOWS

    assert edge(follower_id=ben.id, followee_id=anna.id) == Status.FOLLOWS
    assert copy_of(ben.id, anna.id) == "follows"
    assert counts_of(anna.id)["followed_by"] == 1
    assert counts_of(ben.id)["follows"] == 1


def test_an_unfollow_takes_back_edge_copy_and_numbers():
    anna, ben = a_person(), a_person()
    follow_user(follower_id=ben.id, followee_id=anna.id)
    for _ in range(2):
        unfollow_user(follower_id=ben.id, followee_id=anna.id)

    assert copy_of(ben.id, anna.id) == "none"
    assert (counts_of(anna.id)["followed_by"], counts_of(ben.id)["follows"]) == (0, 0)


def test_following_a_private_account_asks():
    anna, ben = a_person(), a_person()
    anna.post("/v1/accounts/self", is_private="1")

    assert follow_user(follower_id=ben.id, followee_id=anna.id) == Status.REQUESTED
    assert counts_of(anna.id)["followed_by"] == 0


def test_nobody_follows_themselves_or_somebody_who_does_not_exist():
    anna = a_person()
    with pytest.raises(InvalidParameters):
        follow_user(follower_id=anna.id, followee_id=anna.id)
    with pytest.raises(NotFound):
        follow_user(follower_id=anna.id, followee_id=2**60)


@settings(max_examples=20, deadline=None)
@given(st.permutations([1, 2, 3, 4]), st.lists(st.integers(1, 4), max_size=4))
def test_copies_that_arrive_late_or_twice_never_undo_a_later_change(order, repeats):
    anna, ben = a_person(), a_person()
    states = {1: Status.FOLLOWS, 2: Status.NONE, 3: Status.FOLLOWS, 4: Status.NONE}

    for version in [*order, *repeats]:
        apply_copy(ben.id, anna.id, states[version], version)

    assert copy_of(ben.id, anna.id) == "none"
    assert counts_of(ben.id)["follows"] == 0


def test_the_repairing_job_makes_a_copy_that_was_never_written():
    anna, ben = a_person(), a_person()
    follow_user(follower_id=ben.id, followee_id=anna.id)
    shard_of(ben.id).model(Following).objects.filter(follower_id=ben.id).delete()

    run_until_idle()

    assert copy_of(ben.id, anna.id) == "follows"


def test_follow_lists_are_latest_first_and_page_without_gaps():
    anna, followers = a_person(), [a_person() for _ in range(5)]
    for person in followers:
        follow_user(follower_id=person.id, followee_id=anna.id)

    cursor, seen = None, []
    while True:
        page = followers_page(anna.id, cursor=cursor, count=2)
        seen += page.user_ids
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == [person.id for person in reversed(followers)]
    assert follows_page(followers[0].id, cursor=None, count=2).user_ids == [anna.id]


def test_fan_out_batches_cover_every_follower_once_in_order_of_shards():
    anna, followers = a_person(), [a_person() for _ in range(7)]
    for person in followers:
        follow_user(follower_id=person.id, followee_id=anna.id)

    after, seen = None, []
    for _ in itertools.count():
        batch = follower_batch(anna.id, shard_numbers=list(range(64)), after=after, limit=3)
        if not batch:
            break
        seen += batch
        after = (batch[-1] % 64, batch[-1])

    assert seen == sorted((person.id for person in followers), key=lambda user: (user % 64, user))
