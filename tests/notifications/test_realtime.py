"""From a photo to a callback: who is told, of what, how often, and what a callback that fails costs."""

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from accounts.models import User
from accounts.tokens import issue, revoke_all
from jobs import Again, outbox, request_id
from jobs.testing import run_until_idle
from notifications import tasks
from notifications.models import Callback, Delivery, Geography, Kind, Outcome, Subscription, Update
from notifications.services import Circle, Wish, deliveries, subscribe, unsubscribe
from notifications.services.deliveries import body_of_updates, signature
from photos.services.publish import Place, publish
from sharding import main_server
from tests.support.callbacks import a_client, an_application
from tests.support.people import a_person, a_photo
from tests.support.waiting import wait_until


@pytest.fixture
def application():
    with an_application() as application:
        yield application


@pytest.fixture
def client():
    with a_client() as client:
        yield client


@pytest.fixture
def tag(client, application):
    """A tag of this test's own, subscribed to."""
    name = f"t{client.pk}x"
    subscribe(client_pk=client.pk, wish=Wish(Kind.TAG, name), callback_url=application.url)
    application.requests.clear()
    return name


def photo_id(media):
    return int(media["id"].split("_")[0])


def publish_and_match(person, **params):
    """Upload, and match by hand: nothing is delivered, so a test can drive the deliveries itself."""
    media = person.upload(**params)
    tasks.match_photo(photo_id=photo_id(media))
    return media


def callback_of(client):
    return Callback.objects.get(client=client)


def jobs_for(callback):
    rows = outbox.rows_of(main_server(), task="notifications.deliver")
    return [row for row in rows if row["args"]["callback_id"] == callback.pk]


def test_the_body_and_its_signature_are_those_of_the_contract():
    update = Update(
        subscription=Subscription(pk=7, object="tag", target="harbour"), object_id="harbour", time=1330000000
    )
    body = body_of_updates([update])

    assert body == (
        b'[{"subscription_id":"7","object":"tag","object_id":"harbour","changed_aspect":"media","time":1330000000}]'
    )
    assert signature("s3cr3ts3cr3ts3cr3ts3cr3ts3cr3t00", body) == "d3bdfaf82c167b6c12551e9be37eb5061543fe44"


def test_an_update_carries_the_id_of_the_request_that_began_it(client, application, tag):
    named = request_id.set("0123456789abcdef")
    try:
        assert deliveries.attempt(deliveries.Turn(0, application.url, "secret", b"[]"))[0] == 200
    finally:
        request_id.reset(named)

    assert application.posts[-1].headers["X-Request-Id"] == "0123456789abcdef"


def test_a_tagged_photo_reaches_the_subscriber_signed(client, application, tag):
    media = a_person().upload(caption=f"#{tag.upper()} and #other")
    run_until_idle()
    (post,) = application.posts

    assert post.updates == [
        {
            "subscription_id": str(Subscription.objects.get(client=client).pk),
            "object": "tag",
            "object_id": tag,
            "changed_aspect": "media",
            "time": int(media["created_time"]),
        }
    ]
    assert post.headers["Content-Type"] == "application/json"
    assert post.headers["X-Hub-Signature"] == signature(client.client_secret, post.body)
    assert (post.path, post.headers["Host"]) == ("/hook", f"127.0.0.1:{application.port}")


def test_a_photo_without_the_tag_tells_nobody(application, tag):
    a_person().upload(caption=f"#{tag}s")
    run_until_idle()

    assert application.posts == []


def test_a_user_subscription_tells_of_those_who_authorised_the_client(client, application):
    anna, ben, carl = a_person(), a_person(), a_person()
    subscription = subscribe(client_pk=client.pk, wish=Wish(Kind.USER), callback_url=application.url)
    issue(User.objects.get(pk=anna.id), client)
    issue(User.objects.get(pk=carl.id), client)
    revoke_all(carl.id)
    media = anna.upload()
    publish_and_match(ben)
    tasks.match_photo(photo_id=photo_id(media))
    run_until_idle()

    assert application.updates == [
        {
            "subscription_id": str(subscription.pk),
            "object": "user",
            "object_id": str(anna.id),
            "changed_aspect": "media",
            "time": int(media["created_time"]),
        }
    ]


def test_a_location_subscription_tells_of_photos_there(client, application):
    place = 10**12 + client.pk
    subscribe(client_pk=client.pk, wish=Wish(Kind.LOCATION, str(place)), callback_url=application.url)
    for location_id in (place, place + 1):
        publish(author_id=a_person().id, image=a_photo(), place=Place(37.8, -122.39, location_id, "Pier 9"))
    run_until_idle()

    assert [(each["object"], each["object_id"]) for each in application.updates] == [("location", str(place))]


@pytest.mark.parametrize(
    ("lat", "lng", "told"),
    [(0.0, 179.999, True), (0.0, -179.999, True), (0.003, -179.999, True), (0.01, 179.999, False), (0, 0, False)],
)
def test_a_geography_subscription_tells_of_photos_in_its_circle(client, application, lat, lng, told):
    subscription = subscribe(
        client_pk=client.pk, wish=Wish(Kind.GEOGRAPHY, circle=Circle(0.0, 179.999, 500.0)), callback_url=application.url
    )
    a_person().upload(lat=str(lat), lng=str(lng))
    run_until_idle()

    expected = [("geography", str(subscription.geography_id))] if told else []
    assert [(each["object"], each["object_id"]) for each in application.updates] == expected


def test_private_photos_trigger_user_subscriptions_alone(client, application, tag):
    anna = a_person()
    anna.post("/v1/accounts/self", is_private="1")
    issue(User.objects.get(pk=anna.id), client)
    subscribe(client_pk=client.pk, wish=Wish(Kind.USER), callback_url=application.url)
    subscribe(
        client_pk=client.pk, wish=Wish(Kind.GEOGRAPHY, circle=Circle(12.0, 34.0, 500.0)), callback_url=application.url
    )
    media = anna.upload(caption=f"#{tag}", lat="12", lng="34")
    anna.post(f"/v1/media/{media['id']}/comments", text=f"also #{tag}")
    run_until_idle()

    assert [each["object"] for each in application.updates] == ["user"]


def test_an_owners_comment_that_adds_the_tag_tells_once(application, tag):
    anna, ben = a_person(), a_person()
    media = anna.upload(caption="nothing yet")
    path = f"/v1/media/{media['id']}/comments"
    ben.post(path, text=f"#{tag} from somebody else")
    run_until_idle()
    assert application.updates == []

    comment = anna.post(path, text=f"#{tag}")["data"]
    run_until_idle()
    assert [each["time"] for each in application.updates] == [int(comment["created_time"])]

    anna.post(path, text=f"again #{tag}")
    run_until_idle()
    assert len(application.updates) == 1


def test_a_comment_repeating_a_tag_of_the_caption_tells_nothing_more(client, application):
    tag, anna = f"t{client.pk}y", a_person()
    media = anna.upload(caption=f"#{tag}")
    run_until_idle()
    subscribe(client_pk=client.pk, wish=Wish(Kind.TAG, tag), callback_url=application.url)
    anna.post(f"/v1/media/{media['id']}/comments", text=f"#{tag}")
    run_until_idle()

    assert application.posts == []


def test_matching_twice_and_delivering_twice_tells_once(client, application, tag):
    media = publish_and_match(a_person(), caption=f"#{tag}")
    tasks.match_photo(photo_id=photo_id(media))
    for _ in range(2):
        tasks.deliver(callback_id=callback_of(client).pk)
    tasks.match_photo(photo_id=photo_id(media))
    run_until_idle()

    assert len(application.updates) == 1


def test_what_comes_within_a_batch_goes_together_to_one_callback(client, application, tag):
    subscribe(client_pk=client.pk, wish=Wish(Kind.TAG, f"{tag}2"), callback_url=application.url)
    subscribe(client_pk=client.pk, wish=Wish(Kind.TAG, tag), callback_url=f"{application.url}/other")
    for _ in range(2):
        publish_and_match(a_person(), caption=f"#{tag} #{tag}2")
    run_until_idle()

    assert sorted((post.path, len(post.updates)) for post in application.posts) == [("/hook", 4), ("/hook/other", 2)]


def test_one_job_waits_for_a_callback_however_many_photos_come(client, tag):
    for _ in range(3):
        publish_and_match(a_person(), caption=f"#{tag}")
    mine = jobs_for(callback_of(client))
    assert len(mine) == 1
    assert 0.5 < (mine[0]["run_after"] - timezone.now()).total_seconds() <= 2


def test_a_failing_callback_is_tried_again_later_with_the_same_body(client, application, tag, settings):
    application.status = 503
    publish_and_match(a_person(), caption=f"#{tag}")
    callback = callback_of(client)
    first = tasks.deliver(callback_id=callback.pk)
    assert isinstance(first, Again)
    assert 3 < first.delay_s < 7
    assert 0 < tasks.deliver(callback_id=callback.pk).delay_s < 7
    assert len(application.posts) == 1

    publish_and_match(a_person(), caption=f"#{tag}")  # waits behind it
    application.status = 200
    Delivery.objects.filter(callback=callback).update(next_attempt_at=timezone.now())
    assert tasks.deliver(callback_id=callback.pk) is None
    assert [len(post.updates) for post in application.posts] == [1, 1, 1]
    assert application.posts[0].body == application.posts[1].body
    assert list(Delivery.objects.filter(callback=callback).values_list("status", "attempts").order_by("pk")) == [
        ("delivered", 2),
        ("delivered", 1),
    ]


def test_pauses_between_attempts_grow(client, application, tag):
    application.status = 500
    publish_and_match(a_person(), caption=f"#{tag}")
    callback, pauses = callback_of(client), []
    for _ in range(9):
        pauses.append(tasks.deliver(callback_id=callback.pk).delay_s)
        Delivery.objects.filter(callback=callback).update(next_attempt_at=timezone.now())

    assert pauses[0] < pauses[2] < pauses[4]
    assert all(225 <= pause <= 375 for pause in pauses[7:])


def test_what_cannot_be_delivered_for_an_hour_is_dropped(client, application, tag):
    application.status = 500
    publish_and_match(a_person(), caption=f"#{tag}")
    callback = callback_of(client)
    tasks.deliver(callback_id=callback.pk)
    publish_and_match(a_person(), caption=f"#{tag}")
    an_hour_ago = timezone.now() - timedelta(hours=1)
    Delivery.objects.filter(callback=callback).update(give_up_at=timezone.now())
    Update.objects.filter(subscription__callback=callback).update(created_at=an_hour_ago)
    publish_and_match(a_person(), caption=f"#{tag}")
    application.status = 200

    assert tasks.deliver(callback_id=callback.pk) is None
    assert [len(post.updates) for post in application.posts] == [1, 1]  # the failed attempt, and the fresh one
    assert list(Delivery.objects.filter(callback=callback).values_list("status", "error").order_by("pk")) == [
        (Outcome.FAILED, "HTTP status 500"),
        (Outcome.FAILED, "too old before an attempt could be made"),
        (Outcome.DELIVERED, ""),
    ]


def test_a_photo_matched_an_hour_late_tells_nobody(application, tag, settings):
    settings.CALLBACK_GIVE_UP_S = -1
    publish_and_match(a_person(), caption=f"#{tag}")

    assert not Update.objects.filter(object_id=tag).exists()


def test_two_workers_at_one_callback_send_nothing_twice(client, application, tag):
    publish_and_match(a_person(), caption=f"#{tag}")
    callback, results, inside, go_on = callback_of(client), [], threading.Event(), threading.Event()

    class Slow(int):
        """A status that takes until it is told."""

        def __str__(self):
            inside.set()
            go_on.wait(5)
            return "200"

    application.status = Slow(200)

    def work():
        try:
            results.append(tasks.deliver(callback_id=callback.pk))
        finally:
            connections.close_all()

    first = threading.Thread(target=work)
    first.start()
    wait_until(lambda: application.posts, what="the first worker's request")
    second = tasks.deliver(callback_id=callback.pk)
    go_on.set()
    first.join()

    assert isinstance(second, Again)
    assert second.delay_s > 1
    assert results == [None]
    assert len(application.posts) == 1


def test_a_worker_that_died_with_the_callback_in_hand_is_followed_by_another(client, application, tag):
    publish_and_match(a_person(), caption=f"#{tag}")
    callback = callback_of(client)
    Callback.objects.filter(pk=callback.pk).update(busy_until=timezone.now() - timedelta(seconds=1))

    assert tasks.deliver(callback_id=callback.pk) is None
    assert len(application.posts) == 1


def test_a_full_backlog_goes_out_in_bodies_of_bounded_size(client, application, tag, monkeypatch):
    monkeypatch.setattr("notifications.services.deliveries.BATCH", 2)
    for _ in range(5):
        publish_and_match(a_person(), caption=f"#{tag}")
    run_until_idle()

    assert [len(post.updates) for post in application.posts] == [2, 2, 1]


def test_nothing_is_delivered_for_a_subscription_that_ended(client, application, tag):
    publish_and_match(a_person(), caption=f"#{tag}")
    unsubscribe(client_pk=client.pk)
    run_until_idle()

    assert application.posts == []


def test_nothing_is_delivered_to_a_client_that_is_switched_off(client, application, tag):
    publish_and_match(a_person(), caption=f"#{tag}")
    client.is_active = False
    client.save()
    publish_and_match(a_person(), caption=f"#{tag}")
    run_until_idle()

    assert application.posts == []
    assert [each.error for each in Delivery.objects.filter(callback__client=client)] == ["the client is switched off"]


def test_a_callback_that_moved_into_the_inner_network_gets_nothing(client, application, tag, settings):
    settings.CALLBACKS_MAY_BE_INNER = False
    publish_and_match(a_person(), caption=f"#{tag}")
    tasks.deliver(callback_id=callback_of(client).pk)

    assert application.requests == []
    (delivery,) = Delivery.objects.filter(callback__client=client)
    assert (delivery.attempts, delivery.http_status) == (1, None)


def test_filling_a_geography_goes_through_the_log_in_steps_and_may_be_repeated(client, application, monkeypatch):
    monkeypatch.setattr(tasks, "FILL_BATCH", 2)
    lat = 60 + client.pk % 10_000 / 1_000
    expected = {photo_id(a_person().upload(lat=str(lat), lng="150")) for _ in range(5)}
    a_person().upload(lat=str(lat), lng="151")
    run_until_idle()
    wish = Wish(Kind.GEOGRAPHY, circle=Circle(lat, 150.0, 40.0))
    subscribe(client_pk=client.pk, wish=wish, callback_url=application.url)
    geography = Geography.objects.get(client=client)
    for server in ("shard_a", "shard_b"):
        step, arguments = Again(), {"geography_id": geography.pk, "server": server}
        for _ in range(5):
            step = tasks.fill_geography(**arguments)
            if step is None:
                break
            assert tasks.fill_geography(**arguments).changes == step.changes
            arguments |= step.changes

    assert set(geography.geographymedia_set.values_list("photo_id", flat=True)) == expected


def test_filling_looks_at_so_many_photos_and_no_more(client, application, monkeypatch, settings):
    monkeypatch.setattr(tasks, "FILL_BATCH", 1)
    settings.GEOGRAPHY_FILL_PHOTOS = 2
    for _ in range(6):
        a_person().upload()
    wish = Wish(Kind.GEOGRAPHY, circle=Circle(0.0, 0.0, 40.0))
    geography = subscribe(client_pk=client.pk, wish=wish, callback_url=application.url).geography
    first = tasks.fill_geography(geography_id=geography.pk, server="shard_a")

    assert first.changes["looked_at"] == 1
    assert tasks.fill_geography(geography_id=geography.pk, server="shard_a", **first.changes) is None


def test_old_deliveries_are_purged_and_open_or_fresh_ones_kept(client, application, tag):
    for _ in range(3):
        publish_and_match(a_person(), caption=f"#{tag}")
        tasks.deliver(callback_id=callback_of(client).pk)
    old, still_open, fresh = Delivery.objects.filter(callback__client=client).order_by("pk")
    two_days_ago = timezone.now() - timedelta(days=2)
    Delivery.objects.filter(pk__in=[old.pk, still_open.pk]).update(created_at=two_days_ago)
    Delivery.objects.filter(pk=still_open.pk).update(status=Outcome.PENDING)
    tasks.purge()

    assert set(Delivery.objects.filter(callback__client=client)) == {still_open, fresh}
    assert Update.objects.filter(subscription__client=client).count() == 2


def test_a_callback_whose_job_was_lost_is_called_all_the_same(client, application, tag):
    publish_and_match(a_person(), caption=f"#{tag}")
    callback = callback_of(client)
    outbox.finish(main_server(), [(row["id"], row["step"]) for row in jobs_for(callback)])
    tasks.wake_forgotten()
    assert jobs_for(callback) == []

    Callback.objects.filter(pk=callback.pk).update(awake_until=timezone.now() - timedelta(seconds=1))
    tasks.wake_forgotten()
    run_until_idle()
    assert len(application.posts) == 1
