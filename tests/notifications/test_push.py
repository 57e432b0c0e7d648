"""Ringing phones: what rings, for whom, in which words, and how often, over real HTTP/2."""

import json
import time
from collections.abc import Iterator
from unittest.mock import patch

import pytest
import regex
from django.test import override_settings

from accounts import visibility
from jobs import outbox
from jobs.tasks import registry
from jobs.testing import run_until_idle
from notifications.push import marks
from notifications.push.models import Device
from notifications.push.tasks import push
from sharding import ShardUnavailable, all_servers, shard_of
from stack.apns.rules import Verdict
from tests.support.apns import PushService, a_device, a_push_service
from tests.support.people import Person, a_person
from tests.support.round_trips import counted


@pytest.fixture
def service() -> Iterator[PushService]:
    with a_push_service(PUSH_COALESCE_S=0.0) as service:
        yield service


@pytest.fixture
def owner() -> Person:
    return a_person()


@pytest.fixture
def phone(owner: Person) -> str:
    return a_device(owner)


@pytest.fixture
def media_id(owner: Person) -> str:
    media = owner.upload()["id"]
    run_until_idle()
    return media


def like(media_id: str, person: Person | None = None) -> Person:
    person = person or a_person()
    person.post(f"/v1/media/{media_id}/likes")
    return person


def set_settings(person: Person, **settings: str) -> None:
    person.post("/v1/users/self/settings/push", **settings)


def newest_entry(person: Person) -> int:
    return int(person.get("/v1/users/self/activity")["data"][0]["id"])


def test_a_like_rings_its_owners_phone_as_the_contract_says(service, owner, phone, media_id):
    liker = like(media_id)
    run_until_idle()

    (record,) = service.taken(phone)
    assert record["payload"] == {
        "aps": {"alert": f"{liker.username} liked your photo", "badge": 1, "sound": "default"},
        "ig": {"type": "like", "media_id": media_id},
    }
    assert (record["priority"], record["collapse_id"]) == ("10", f"like:{media_id.split('_')[0]}")


def test_every_kind_of_news_has_its_words(service, owner, phone, media_id):
    other = a_person()
    other.follow(owner)
    run_until_idle()
    commented = other.post(f"/v1/media/{media_id}/comments", text="so  lovely\n🦊")["data"]
    run_until_idle()
    mine = other.upload(caption=f"with @{owner.username}")["id"]
    run_until_idle()
    owner.post("/v1/accounts/self", is_private="1")
    asking = a_person()
    asking.follow(owner)
    run_until_idle()

    shown = [(each["payload"]["aps"]["alert"], each["payload"]["ig"]) for each in service.taken(phone)]
    assert shown == [
        (f"{other.username} started following you", {"type": "follow", "user_id": str(other.id)}),
        (
            f"{other.username} commented: so lovely 🦊",
            {"type": "comment", "media_id": media_id, "comment_id": commented["id"]},
        ),
        (f"{other.username} mentioned you: with @{owner.username}", {"type": "mention", "media_id": mine}),
        (f"{asking.username} wants to follow you", {"type": "follow_request", "user_id": str(asking.id)}),
    ]
    assert [each["payload"]["aps"]["badge"] for each in service.taken(phone)] == [1, 2, 3, 4]


def test_an_accepted_request_rings_the_one_who_asked(service, owner):
    owner.post("/v1/accounts/self", is_private="1")
    asking = a_person()
    phone = a_device(asking)
    asking.follow(owner)
    owner.post(f"/v1/users/{asking.id}/relationship", action="approve")
    run_until_idle()

    assert service.alerts(phone) == [f"{owner.username} accepted your follow request"]


def test_a_task_that_repeats_rings_once(service, owner, phone, media_id):
    like(media_id)
    run_until_idle()

    for _ in range(3):
        assert push(user_id=owner.id, activity_id=newest_entry(owner)) is None
    assert len(service.taken(phone)) == 1


def test_like_unlike_like_rings_once(service, owner, phone, media_id):
    liker = like(media_id)
    run_until_idle()
    for _ in range(2):
        liker.delete(f"/v1/media/{media_id}/likes")
        run_until_idle()
        like(media_id, liker)
        run_until_idle()

    assert len(service.taken(phone)) == 1


def test_a_like_undone_before_it_rang_rings_once_when_it_comes_back(service, owner, phone, media_id):
    liker = like(media_id)
    note_likes()
    liker.delete(f"/v1/media/{media_id}/likes")
    note_likes()
    run_until_idle()
    assert service.taken(phone) == []

    for _ in range(2):
        like(media_id, liker)
        run_until_idle()
        liker.delete(f"/v1/media/{media_id}/likes")
        run_until_idle()

    assert service.alerts(phone) == [f"{liker.username} liked your photo"]


def test_a_burst_of_likes_rings_at_once_and_then_once_for_all_the_others(service, owner, phone, media_id):
    with override_settings(PUSH_COALESCE_S=2.0):
        first = like(media_id)
        run_until_idle()
        assert service.alerts(phone) == [f"{first.username} liked your photo"]

        likers = [like(media_id) for _ in range(5)]
        run_until_idle()  # the summary waits for the end of the window, and this for the summary

    assert service.alerts(phone)[1:] == [f"{likers[-1].username} and 5 others liked your photo"]
    assert len({each["collapse_id"] for each in service.taken(phone)}) == 1


def test_two_photos_do_not_wait_for_each_other(service, owner, phone, media_id):
    other_media = owner.upload()["id"]
    with override_settings(PUSH_COALESCE_S=60.0):
        for media in (media_id, other_media):
            like(media)
            run_until_idle()

    assert len(service.taken(phone)) == 2


def test_what_was_undone_while_the_phone_was_quiet_is_not_told(service, owner, phone, media_id):
    with override_settings(PUSH_COALESCE_S=2.0):
        like(media_id)
        run_until_idle()
        liker = like(media_id)
        entry = wait_for_entry(owner, liker)
        push(user_id=owner.id, activity_id=entry)
        liker.delete(f"/v1/media/{media_id}/likes")
        run_until_idle()

    assert len(service.taken(phone)) == 1


def note_likes() -> None:
    """Run what notes a like or its end, not what rings for it."""
    for server in all_servers():
        for job in outbox.jobs_of(server, tasks=["notifications.note_like"], most=100):
            registry[job.task].run(**job.args)
            outbox.finish(job.server, [(job.row_id, job.step)])


def wait_for_entry(owner: Person, actor: Person) -> int:
    """Have a like noted; return its entry."""
    note_likes()
    news = owner.get("/v1/users/self/activity")["data"]
    return next(int(each["id"]) for each in news if each["from"]["id"] == str(actor.id))


@pytest.mark.parametrize("case", [
    ("everyone", "stranger", True), ("following", "stranger", False), ("off", "stranger", False),
    ("everyone", "followed", True), ("following", "followed", True), ("off", "followed", False),
])  # fmt: skip
@pytest.mark.parametrize("kind", ["likes", "comments", "mentions"])
def test_whose_acts_ring_is_a_setting(service, owner, phone, kind, case):
    setting, relation, rings = case
    media_id = owner.upload()["id"]
    other = a_person()
    if relation == "followed":
        owner.follow(other)
    set_settings(owner, **{"likes": "off", "comments": "off", "mentions": "off"} | {kind: setting})
    if kind == "likes":
        like(media_id, other)
    elif kind == "comments":
        other.post(f"/v1/media/{media_id}/comments", text="nice")
    else:
        other.upload(caption=f"@{owner.username}")
    run_until_idle()

    assert bool(service.taken(phone)) == rings


def test_new_followers_and_requests_ring_unless_switched_off(service, owner, phone):
    set_settings(owner, followers="off", requests="off")
    a_person().follow(owner)
    owner.post("/v1/accounts/self", is_private="1")
    a_person().follow(owner)
    run_until_idle()

    assert service.records == []


def test_somebody_blocked_meanwhile_does_not_ring(service, owner, phone, media_id):
    liker = like(media_id)
    owner.post(f"/v1/users/{liker.id}/relationship", action="block")
    run_until_idle()

    assert service.records == []


def test_nobody_rings_for_what_a_private_person_says_where_one_may_not_look(service, owner, phone):
    other = a_person()
    other.post("/v1/accounts/self", is_private="1")
    other.upload(caption=f"nobody sees this @{owner.username}")
    run_until_idle()

    assert service.records == []


def test_nobody_is_rung_for_their_own_acts(service, owner, phone, media_id):
    like(media_id, owner)
    owner.post(f"/v1/media/{media_id}/comments", text=f"@{owner.username}")
    run_until_idle()

    assert service.records == []


@pytest.mark.parametrize("text", [
    "x" * 2_200, "日本語" * 700, "👩‍👩‍👧‍👦" * 300, "\"\\" * 1_000, "e" + "\u0301" * 2_000, "नमस्ते " * 300,
    "\u2028 \u0085x" * 400, "🇩🇪" * 900,
])  # fmt: skip
def test_whatever_is_said_the_payload_keeps_its_limit_and_its_characters(service, owner, phone, media_id, text):
    other = a_person()
    other.post(f"/v1/media/{media_id}/comments", text=text)
    run_until_idle()

    (record,) = service.taken(phone)
    assert len(json.dumps(record["payload"], ensure_ascii=False).encode()) <= 4_096
    said = record["payload"]["aps"]["alert"].partition(": ")[2]
    clusters = regex.findall(r"\X", " ".join(text.split()))
    assert said == "" or said.endswith("…")
    shown = regex.findall(r"\X", said.removesuffix("…"))
    assert shown == clusters[: len(shown)]


def test_a_device_that_is_no_more_is_removed_and_the_others_ring(service, owner, media_id):
    unregistered, bad, well = a_device(owner), a_device(owner), a_device(owner)
    service.steering.answer(Verdict(410, "Unregistered", timestamp=int(time.time() * 1000)), token=unregistered)
    service.steering.answer(Verdict(400, "BadDeviceToken"), token=bad)
    like(media_id)
    run_until_idle()

    assert len(service.taken(well)) == 1
    assert list(Device.objects.filter(user=owner.id).values_list("token", flat=True)) == [well]


def test_a_device_registered_after_apple_lost_it_stays(service, owner, phone, media_id):
    an_hour_ago = int((time.time() - 3_600) * 1000)
    service.steering.answer(Verdict(410, "Unregistered", timestamp=an_hour_ago), token=phone)
    like(media_id)
    run_until_idle()

    assert Device.objects.filter(token=phone).exists()


def test_a_phone_that_missed_it_rings_later_and_the_one_that_did_not_rings_once(service, owner, media_id):
    one, two = a_device(owner), a_device(owner)
    service.steering.answer(Verdict(503, "ServiceUnavailable"), token=two)
    like(media_id)
    run_until_idle()

    assert [len(service.taken(each)) for each in (one, two)] == [1, 1]
    assert [each["status"] for each in service.records if each["token"] == two] == [503, 200]
    assert len({each["apns_id"] for each in service.records if each["token"] == two}) == 1


@pytest.mark.parametrize(("verdict", "least_s"), [
    (Verdict(429, "TooManyRequests", retry_after=90), 90), (Verdict(503, "ServiceUnavailable"), 1),
    (Verdict(403, "ExpiredProviderToken"), 30),
])  # fmt: skip
def test_what_cannot_go_now_waits_and_is_not_lost(service, owner, phone, verdict, least_s):
    media_id = owner.upload()["id"]
    service.steering.answer(verdict, token=phone)
    liker = like(media_id)

    again = push(user_id=owner.id, activity_id=wait_for_entry(owner, liker))

    assert again is not None
    assert again.delay_s >= least_s
    run_until_idle()
    assert len(service.taken(phone)) == 1


def test_what_is_a_day_old_rings_nobody(service, owner, phone, media_id):
    with override_settings(PUSH_GIVE_UP_S=-1.0):
        like(media_id)
        run_until_idle()

    assert service.records == []


def test_a_worker_that_died_while_ringing_leaves_it_to_the_next(service, owner, phone, media_id):
    liker = like(media_id)
    entry = wait_for_entry(owner, liker)
    subject = f"like:{media_id.split('_')[0]}"
    assert isinstance(marks.begin(user_id=owner.id, subject=subject, activity_id=entry, coalesces=True), marks.Turn)

    again = push(user_id=owner.id, activity_id=entry)
    assert again is not None
    assert 0 < again.delay_s <= marks.CLAIM_S
    with shard_of(owner.id).cursor() as cursor:  # as if CLAIM_S had passed
        cursor.execute("UPDATE local.push_subject SET claimed_until = now() WHERE user_id = %s", [owner.id])
    run_until_idle()

    assert len(service.taken(phone)) == 1


def test_without_a_key_nothing_is_pushed_and_nothing_waits(service, owner, phone, media_id):
    with override_settings(APNS_KEY_FILE=""):
        like(media_id)
        run_until_idle()

    assert service.records == []


def test_notes_of_what_rang_are_cleared_away(service, owner, phone, media_id):
    like(media_id)
    run_until_idle()
    server = shard_of(owner.id).server

    def notes() -> int:
        with server.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM local.push_entry WHERE user_id = %s", [owner.id])
            return int(cursor.fetchone()[0])

    marks.purge(server)
    assert notes() == 1
    with override_settings(PUSH_GIVE_UP_S=-marks.KEPT_LONGER_S):
        marks.purge(server)
    assert notes() == 0


def test_a_person_who_is_away_is_not_rung(service, owner, phone, media_id):
    liker = like(media_id)
    entry = wait_for_entry(owner, liker)
    owner.post("/v1/accounts/self/deactivate", password="secret word")

    assert push(user_id=owner.id, activity_id=entry) is None
    assert service.records == []


def test_a_push_waits_for_the_server_of_who_did_it(service, owner, phone, media_id):
    liker = a_person()
    entry = wait_for_entry(owner, like(media_id, liker))

    with patch.object(visibility, "standings", lambda *_: {}), pytest.raises(ShardUnavailable):
        push(user_id=owner.id, activity_id=entry)
    assert service.taken(phone) == []
    run_until_idle()
    assert len(service.taken(phone)) == 1


def test_ringing_for_one_entry_reads_it_once(service, owner, phone, media_id):
    costs = []
    for _ in range(3):  # the first fills the caches
        liker = a_person()
        entry = wait_for_entry(owner, like(media_id, liker))
        with counted() as requests:
            assert push(user_id=owner.id, activity_id=entry) is None
        costs.append(requests["sql"])

    # The phones, the entry, five to claim, the badge, one to mark.
    assert min(costs) <= 9
    assert len(service.taken(phone)) == 3
