"""Deleting an account: after its time, in batches that may run twice or be killed, with nothing left behind."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from psycopg2 import sql

from accounts.models import AccessToken, Deletion, Follower, Following, User
from accounts.queries import counts_of
from accounts.services import deletion
from accounts.services.deletion import STEPS, begin, begin_due, push_stalled
from jobs import outbox
from jobs.tasks import registry
from jobs.testing import run_until_idle
from photos import storage
from photos.queries import counts_of as photo_counts_of
from photos.queries import owners_of
from photos.services import erasing
from sharding import main_server, shard_of
from tests.api.test_accounts_endpoints import sign_in, works
from tests.support.people import a_person, refusal

TABLES = {
    "photos_photo": ("author_id",),
    "photos_upload": ("author_id",),
    "photos_like": ("user_id", "owner_id"),
    "photos_liked": ("user_id",),
    "photos_comment": ("author_id", "owner_id"),
    "accounts_follower": ("followee_id", "follower_id"),
    "accounts_following": ("followee_id", "follower_id"),
    "accounts_block": ("owner_id",),
    "feeds_inbox": ("user_id", "author_id"),
    "notifications_activity": ("user_id", "actor_id"),
    "notifications_seen": ("user_id",),
    "counter": (),
}


def number(media):
    return int(media["id"].split("_")[0])


def left_of(person, shards_of):
    """Return the tables of these people's shards in which somebody still stands."""
    found = []
    for shard in {shard_of(each.id) for each in shards_of}:
        for table, columns in TABLES.items():
            for column in columns:
                with shard.cursor() as cursor:
                    query = sql.SQL("SELECT count(*) FROM {} WHERE {} = %s")
                    cursor.execute(query.format(shard.table(table), sql.Identifier(column)), [person.id])
                    if cursor.fetchone()[0]:
                        found.append((table, column))
        with shard.cursor() as cursor:
            cursor.execute("SELECT FROM local.deed WHERE actor_id = %s LIMIT 1", [person.id])
            found += [("deed", "actor_id")] * cursor.rowcount
    return found


@pytest.fixture
def busy():
    """Anna did a bit of everything with Ben and Carl."""
    anna, ben, carl = a_person(), a_person(), a_person()
    anna.follow(ben)
    ben.follow(anna)
    carl.follow(anna)
    own, others = [anna.upload(caption="#bye", upload_id=f"u{n}") for n in range(3)], ben.upload()
    anna.post(f"/v1/media/{others['id']}/likes")
    anna.post(f"/v1/media/{others['id']}/comments", text="bye")
    ben.post(f"/v1/media/{own[0]['id']}/likes")
    ben.post(f"/v1/media/{own[0]['id']}/comments", text="stay")
    anna.post(f"/v1/users/{carl.id}/relationship", action="block")
    run_until_idle()
    return anna, ben, carl, own, others


def leave(person):
    person.post("/v1/accounts/self", _method="DELETE", password="secret word")


def time_has_come(person):
    Deletion.objects.filter(user_id=person.id).update(delete_after=timezone.now() - timedelta(seconds=1))


def progress(person):
    return Client().get("/v1/accounts/self/deletion", {"access_token": person.token})


def gone_completely(busy):
    anna, ben, carl, own, others = busy
    store = storage.client()
    assert left_of(anna, [anna, ben, carl]) == []
    assert photo_counts_of([number(others)]) == {number(others): (0, 0)}
    assert counts_of(ben.id) == {"media": 1, "follows": 0, "followed_by": 0}
    assert counts_of(carl.id)["follows"] == 0
    assert owners_of([number(media) for media in own]) == {}
    for media in own:
        prefix = "pub/" + media["images"]["thumbnail"]["url"].split("/pub/")[1][:35]
        assert store.list_objects_v2(Bucket="test", Prefix=prefix).get("KeyCount") == 0
    assert not User.objects.filter(pk=anna.id).exists()
    assert not AccessToken.objects.filter(user=anna.id).exists()
    assert Deletion.objects.get(user_id=anna.id).finished_at is not None


def test_everything_is_deleted_on_every_shard_when_the_time_has_come(busy):
    anna, ben, *_ = busy
    leave(anna)
    begin_due()
    run_until_idle()
    assert User.objects.filter(pk=anna.id).exists()
    assert progress(anna).json()["data"]["status"] == "scheduled"

    time_has_come(anna)
    begin(anna.id)
    run_until_idle()

    gone_completely(busy)
    steps = deletion.progress(anna.id)["steps"]
    assert [step["name"] for step in steps] == list(STEPS)
    assert {step["name"]: step["erased"] for step in steps if step["name"] in ("photos", "likes", "comments")} == {
        "photos": 3,
        "likes": 1,
        "comments": 1,
    }
    assert refusal(progress(anna))[0] == "OAuthAccessTokenException"
    assert refusal(Client().get(f"/v1/users/{anna.id}", {"access_token": ben.token}))[0] == "APINotFoundError"


def test_every_batch_may_run_twice_and_a_killed_one_is_taken_up_again(busy, monkeypatch):
    monkeypatch.setattr(erasing, "PHOTOS", 1)
    anna, *_ = busy
    leave(anna)
    time_has_come(anna)
    begin(anna.id)
    begin(anna.id)

    for _ in range(200):
        row = Deletion.objects.get(user_id=anna.id)
        if row.finished_at:
            break
        # The job is lost after its batch, each time: all that is left is the row that says where the deletion is.
        registry[STEPS[row.step]].run(user_id=anna.id)
        registry[STEPS[row.step]].run(user_id=anna.id)
        mine = outbox.jobs_of(main_server(), tasks=list(STEPS.values()), most=500)
        outbox.finish(main_server(), [(job.row_id, job.step) for job in mine if job.args.get("user_id") == anna.id])
        if row.step == "comments":  # its place among the shards was in the job
            run_comments(anna)
    run_until_idle()

    gone_completely(busy)


def run_comments(person):
    again, shard_number = True, 0
    while again is not None:
        again = registry[STEPS["comments"]].run(user_id=person.id, shard_number=shard_number)
        shard_number = again.changes["shard_number"] if again is not None else 0


def test_a_deletion_that_rests_is_started_again():
    anna = a_person()
    leave(anna)
    time_has_come(anna)
    begin(anna.id)
    mine = outbox.jobs_of(main_server(), tasks=list(STEPS.values()), most=500)
    outbox.finish(main_server(), [(job.row_id, job.step) for job in mine if job.args.get("user_id") == anna.id])
    run_until_idle()
    assert User.objects.filter(pk=anna.id).exists()

    Deletion.objects.filter(user_id=anna.id).update(touched_at=timezone.now() - timedelta(hours=2))
    push_stalled()
    run_until_idle()
    assert not User.objects.filter(pk=anna.id).exists()


def test_signing_in_before_the_time_takes_the_deletion_back():
    anna = a_person()
    leave(anna)
    assert not works(anna.token)
    assert sign_in(anna).status_code == 200
    begin(anna.id)
    run_until_idle()

    assert works(anna.token)
    assert progress(anna).json()["data"] == {"status": "none", "delete_time": None, "steps": []}


def test_once_begun_nobody_signs_in_any_more_and_progress_is_shown():
    anna = a_person()
    leave(anna)
    time_has_come(anna)
    begin(anna.id)

    assert sign_in(anna).status_code == 400
    response = Client().post("/v1/accounts/self/reactivate", {"access_token": anna.token, "password": "secret word"})
    assert refusal(response)[0] == "APINotFoundError"
    assert progress(anna).json()["data"]["status"] == "deleting"
    run_until_idle()


def test_the_steps_do_nothing_to_somebody_who_is_not_being_deleted(busy):
    anna, ben, _, own, _ = busy
    for name in STEPS.values():
        registry[name].run(user_id=anna.id)

    assert len(anna.get("/v1/users/self/media/recent")["data"]) == len(own)
    assert counts_of(anna.id) == {"media": 3, "follows": 1, "followed_by": 1}
    follows = shard_of(anna.id).model(Following).objects.filter(follower_id=anna.id, followee_id=ben.id)
    followers = shard_of(anna.id).model(Follower).objects.filter(followee_id=anna.id, follower_id=ben.id)
    assert [row.status for row in (*follows, *followers)] == ["follows", "follows"]


def test_deleting_needs_the_password():
    anna = a_person()
    response = Client().delete(f"/v1/accounts/self?access_token={anna.token}&password=wrong")

    assert refusal(response) == ("APIInvalidParametersError", "password: wrong password")
    assert not Deletion.objects.filter(user_id=anna.id).exists()
