"""Realtime subscriptions through the API, with a developer's application that really answers."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.test import Client

from accounts.models import User
from accounts.tokens import issue
from jobs.testing import run_until_idle
from notifications.models import Callback, Geography, Subscription
from tests.support.callbacks import a_client, an_application
from tests.support.people import a_person, body, our_client, refusal
from tests.support.round_trips import counted

WRONG_PAIR = ("APISubscriptionError", 'Invalid "client_id" and/or "client_secret".')


@pytest.fixture
def application():
    with an_application() as application:
        yield application


@pytest.fixture
def client():
    with a_client() as client:
        yield client


def pair(client):
    return {"client_id": client.client_id, "client_secret": client.client_secret}


def create(client, application, **params):
    asked = {"object": "tag", "object_id": "harbour", "aspect": "media", "callback_url": application.url}
    return Client().post("/v1/subscriptions/", pair(client) | asked | params)


def created(client, application, **params):
    return body(create(client, application, **params))["data"]


def listed(client):
    return body(Client().get("/v1/subscriptions.json", pair(client)))["data"]


def delete(client, **params):
    query = "&".join(f"{name}={value}" for name, value in (pair(client) | params).items())
    return Client().delete(f"/v1/subscriptions?{query}")


def test_creating_verifies_the_callback_while_the_call_is_open(application, client):
    data = created(client, application, object_id="#Harbour", verify_token="my token&")

    assert data == {
        "id": data["id"],
        "type": "subscription",
        "object": "tag",
        "object_id": "harbour",
        "aspect": "media",
        "callback_url": application.url,
    }
    (handshake,) = application.handshakes
    assert handshake.query["hub.mode"] == "subscribe"
    assert len(handshake.query["hub.challenge"]) == 32
    assert int(handshake.query["hub.challenge"], 16) >= 0
    assert handshake.query["hub.verify_token"] == "my token&"
    assert listed(client) == [data]


def test_without_a_verify_token_none_is_sent(application, client):
    created(client, application)

    assert set(application.handshakes[0].query) == {"hub.mode", "hub.challenge"}


def test_a_query_in_the_callback_is_kept(application, client):
    data = created(client, application, callback_url=f"{application.url}?room=7")

    assert data["callback_url"] == f"{application.url}?room=7"
    assert application.handshakes[0].path.startswith("/hook?room=7&hub.mode=subscribe&hub.challenge=")


def test_white_space_around_the_challenge_is_trimmed(application, client):
    application.challenge = lambda request: (200, {}, f"\n {request.query['hub.challenge']}\r\n".encode())

    assert created(client, application)["object_id"] == "harbour"


def test_credentials_may_be_in_the_query_of_the_post(application, client):
    path = f"/v1/subscriptions?client_id={client.client_id}&client_secret={client.client_secret}"
    asked = {"object": "user", "aspect": "media", "callback_url": application.url}
    data = body(Client().post(path, asked))["data"]

    assert (data["object"], data["object_id"]) == ("user", None)


def test_a_caller_and_its_callback_may_be_one_process(application, client):
    inside = threading.Event()

    def challenge(request):
        inside.set()
        return 200, {}, request.query["hub.challenge"].encode()

    application.challenge = challenge
    assert created(client, application)
    assert inside.is_set()


def test_location_and_geography_subscriptions_say_their_object(application, client):
    place = created(client, application, object="location", object_id="0774")
    circle = created(client, application, object="geography", object_id="", lat="37.8", lng="-122.39", radius="500")

    assert place["object_id"] == "774"
    assert circle["object_id"] == str(Geography.objects.get(client=client).pk)
    assert listed(client) == [place, circle]


@pytest.mark.parametrize(
    "params",
    [{}, {"object": "user", "object_id": ""}, {"object": "geography", "lat": "1", "lng": "2", "radius": "50"}],
)
def test_an_identical_repeat_returns_the_existing_record(application, client, params):
    first, second = (created(client, application, **params) for _ in range(2))

    assert first == second
    assert len(listed(client)) == 1
    assert Geography.objects.filter(client=client).count() == (params.get("object") == "geography")


def test_identical_creates_at_once_make_one_record(application, client):
    def one(_):
        try:
            return created(client, application)["id"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        ids = set(pool.map(one, range(3)))

    assert len(ids) == 1
    assert len(listed(client)) == 1


def test_another_callback_or_object_is_another_subscription(application, client):
    ids = {
        created(client, application)["id"],
        created(client, application, object_id="fog")["id"],
        created(client, application, callback_url=f"{application.url}/other")["id"],
    }

    assert len(ids) == 3


def test_a_client_sees_and_ends_its_own_subscriptions_alone(application, client):
    with a_client() as other:
        mine, theirs = created(client, application), created(other, application)
        body(delete(client, id=theirs["id"]))
        body(delete(other, object="all"))

        assert listed(client) == [mine]
        assert listed(other) == []


def names(subscriptions):
    return {(each["object"], each["object_id"]) for each in subscriptions}


def test_deleting_by_id_by_kind_by_object_and_all(application, client):
    fog = created(client, application, object_id="fog")
    for tag in ("harbour", "ferry", "night"):
        created(client, application, object_id=tag)
    created(client, application, object="location", object_id="5")
    created(client, application, object="user")
    circle = created(client, application, object="geography", lat="1", lng="2", radius="50")

    assert body(delete(client, id=fog["id"]))["data"] is None
    assert ("tag", "fog") not in names(listed(client))
    body(delete(client, object="tag", object_id="%23Harbour"))
    assert names(listed(client)) & {("tag", "harbour"), ("tag", "ferry")} == {("tag", "ferry")}
    body(delete(client, object="geography", object_id=circle["object_id"]))
    assert not Geography.objects.filter(client=client).exists()
    body(delete(client, object="tag"))
    assert names(listed(client)) == {("location", "5"), ("user", None)}
    body(delete(client, object="all"))
    assert listed(client) == []
    assert not Callback.objects.filter(client=client).exists()


@pytest.mark.parametrize(
    "params", [{"id": 10**17}, {"object": "all"}, {"object": "tag", "object_id": "none"}, {"object": "geography"},
               {"object": "geography", "object_id": "9" * 30}, {"object": "tag", "object_id": "!"}]
)  # fmt: skip
def test_deleting_what_is_not_there_is_well(client, params):
    assert body(delete(client, **params))["data"] is None


@pytest.mark.parametrize(
    ("params", "named"),
    [({}, "object"), ({"object": "photo"}, "object"), ({"id": "x"}, "id"), ({"object_id": "fog"}, "object")],
)
def test_a_delete_says_what(client, params, named):
    kind, message = refusal(delete(client, **params))

    assert kind == "APIInvalidParametersError"
    assert message.startswith(f"{named}: ")


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"object": ""}, "object"), ({"object": "photo"}, "object"), ({"aspect": ""}, "aspect"),
        ({"aspect": "comments"}, "aspect"), ({"object_id": ""}, "object_id"), ({"object_id": "not a tag"}, "object_id"),
        ({"object_id": "123"}, "object_id"), ({"object_id": "x" * 101}, "object_id"),
        ({"object": "location", "object_id": ""}, "object_id"), ({"callback_url": ""}, "callback_url"),
        ({"callback_url": "ftp://app.example/"}, "callback_url"),
        ({"callback_url": "http://me:word@app.example/"}, "callback_url"),
        ({"object": "geography"}, "lat"), ({"object": "geography", "lat": "1"}, "lng"),
        ({"object": "geography", "lat": "1", "lng": "2"}, "radius"),
        ({"object": "geography", "lat": "1", "lng": "2", "radius": "5001"}, "radius"),
        ({"object": "geography", "lat": "1", "lng": "2", "radius": "0"}, "radius"),
        ({"object": "geography", "lat": "91", "lng": "2", "radius": "5"}, "lat"),
        ({"object": "geography", "lat": "1", "lng": "nan", "radius": "5"}, "lng"),
    ],
)  # fmt: skip
def test_a_bad_parameter_is_named_and_the_callback_left_alone(application, client, params, named):
    kind, message = refusal(create(client, application, **params))

    assert kind == "APIInvalidParametersError"
    assert message.startswith(f"{named}: ")
    assert application.requests == []


def test_a_location_that_is_no_id_is_not_found(application, client):
    refused = refusal(create(client, application, object="location", object_id="pier9"))

    assert refused == ("APINotFoundError", "invalid location id")


@pytest.mark.parametrize("verb", ["get", "post", "delete"])
@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({}, ("OAuthParameterException", "Missing client_id or access_token URL parameter.")),
        ({"client_id": "ours"}, ("OAuthClientException", "Missing client_secret URL parameter.")),
        ({"client_id": "ours", "client_secret": "0" * 32}, WRONG_PAIR),
        ({"client_id": "0" * 32, "client_secret": "0" * 32}, WRONG_PAIR),
    ],
)
def test_the_credential_is_both_or_an_error(client, verb, params, error):
    if params.get("client_id") == "ours":
        params = params | {"client_id": client.client_id}
    query = "&".join(f"{name}={value}" for name, value in params.items())

    assert refusal(getattr(Client(), verb)(f"/v1/subscriptions?{query}")) == error


def test_other_calls_with_a_secret_keep_their_own_error(client):
    query = {"client_id": client.client_id, "client_secret": "0" * 32}

    assert refusal(Client().post("/v1/accounts", query))[0] == "OAuthClientException"


def test_a_client_that_is_switched_off_cannot_subscribe(application):
    with a_client(is_active=False) as off:
        assert refusal(create(off, application))[0] == "OAuthClientException"


def test_a_token_is_no_credential_here(client):
    response = Client().get("/v1/subscriptions", {"access_token": a_person().token})

    assert refusal(response)[0] == "OAuthParameterException"


def test_a_wrong_challenge_stores_nothing(application, client):
    application.challenge = lambda request: (200, {}, b"something else")

    assert refusal(create(client, application)) == ("APISubscriptionError", "Challenge verification failed.")
    assert listed(client) == []
    assert not Callback.objects.filter(client=client).exists()


@pytest.mark.parametrize("status", [201, 204, 301, 302, 404, 500])
def test_any_status_but_200_is_an_invalid_response(application, client, status):
    application.challenge = lambda request: (
        status,
        {"Location": application.url},
        request.query["hub.challenge"].encode() if status != 204 else b"",
    )

    assert refusal(create(client, application)) == ("APISubscriptionError", "Invalid response")
    assert len(application.requests) == 1
    assert listed(client) == []


def test_a_callback_that_does_not_answer_is_unreachable(client):
    with an_application() as application:
        pass

    refused = refusal(create(client, application))

    assert refused == ("APISubscriptionError", f'Unable to reach callback URL "{application.url}".')
    assert listed(client) == []


def test_a_callback_that_takes_too_long_is_unreachable(application, client, settings):
    settings.CALLBACK_TIMEOUT_S = 0.2
    application.drip_s = 0.1

    assert refusal(create(client, application))[1].startswith("Unable to reach callback URL")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_inner_addresses_are_unreachable_in_production(application, client, settings, host):
    settings.CALLBACKS_MAY_BE_INNER = False
    url = f"http://{host}:{application.port}/hook"

    refused = refusal(create(client, application, callback_url=url))

    assert refused == ("APISubscriptionError", f'Unable to reach callback URL "{url}".')
    assert application.requests == []


def test_a_client_has_so_many_subscriptions_and_no_more(application, client, settings):
    settings.SUBSCRIPTIONS_PER_CLIENT = 1
    first = created(client, application)

    assert refusal(create(client, application, object_id="fog"))[0] == "APISubscriptionError"
    assert created(client, application) == first


def upload_at(person, lat, lng, **params):
    return person.upload(lat=str(lat), lng=str(lng), **params)["id"]


def media_of(client, geography_id, **params):
    return body(Client().get(f"/v1/geographies/{geography_id}/media/recent", {"client_id": client.client_id} | params))


@pytest.fixture
def circle(application, client):
    data = created(client, application, object="geography", lat="-41.2", lng="171.9", radius="500")
    run_until_idle()
    return data["object_id"]


def test_a_geography_shows_photos_of_before_and_after_it_newest_first(application, client):
    anna = a_person()
    lat, lng = -30 - anna.id % 10_000 / 1000, 100 + anna.id % 9_000 / 1000  # a place of this test's own
    before = upload_at(anna, lat, lng)
    upload_at(anna, lat + 0.1, lng)
    anna.upload()
    data = created(client, application, object="geography", lat=str(lat), lng=str(lng), radius="300")
    run_until_idle()
    after = upload_at(anna, lat + 0.001, lng)
    run_until_idle()
    answer = media_of(client, data["object_id"])

    assert [each["id"] for each in answer["data"]] == [after, before]
    assert answer["pagination"] == {"next_min_id": after}


def test_pages_of_a_geography(client, circle):
    anna = a_person()
    ids = [upload_at(anna, -41.2, 171.9) for _ in range(3)][::-1]
    run_until_idle()
    first = media_of(client, circle, count=2)
    pagination = first["pagination"]
    second = body(Client().get(pagination["next_url"]))
    polled = media_of(client, circle, min_id=ids[1])
    nothing = media_of(client, circle, min_id=ids[0])

    assert [each["id"] for each in first["data"]] == ids[:2]
    assert (pagination["next_max_id"], pagination["next_min_id"]) == (ids[1], ids[0])
    assert pagination["next_url"].endswith(f"&count=2&max_id={ids[1]}")
    assert ids[2] in [each["id"] for each in second["data"]]
    assert [each["id"] for each in polled["data"]] == ids[:1]
    assert (nothing["data"], nothing["pagination"]) == ([], {"next_min_id": ids[0]})


def test_a_page_of_a_geography_costs_the_same_for_one_photo_and_for_many(client, circle):
    anna = a_person()

    def cost(count):
        media_of(client, circle, count=count)  # fills the cache
        with counted() as made:
            assert len(media_of(client, circle, count=count)["data"]) == count
        return made["sql"]

    for _ in range(4):
        upload_at(anna, -41.2, 171.9)
    run_until_idle()

    assert cost(4) == cost(1)


def test_a_geography_hides_private_accounts_even_from_their_followers(client, circle):
    anna, ben = a_person(), a_person()
    ben.follow(anna)
    media_id = upload_at(anna, -41.2, 171.9)
    run_until_idle()
    anna.post("/v1/accounts/self", is_private="1")
    token = issue(User.objects.get(pk=ben.id), client)
    for credential in ({"client_id": client.client_id}, {"client_id": "", "access_token": token}):
        assert media_id not in [each["id"] for each in media_of(client, circle, **credential)["data"]]
    anna.post("/v1/accounts/self", is_private="0")
    assert media_id in [each["id"] for each in media_of(client, circle)["data"]]


def test_deleted_photos_leave_a_geography(client, circle):
    anna = a_person()
    media_id = upload_at(anna, -41.2, 171.9)
    run_until_idle()
    anna.delete(f"/v1/media/{media_id}")
    run_until_idle()

    assert media_id not in [each["id"] for each in media_of(client, circle)["data"]]
    assert not Geography.objects.get(pk=circle).geographymedia_set.filter(photo_id=media_id.split("_")[0]).exists()


@pytest.mark.parametrize("geography_id", ["x", "0", "99999999999999999999"])
def test_an_unknown_geography_is_an_invalid_id(client, geography_id):
    response = Client().get(f"/v1/geographies/{geography_id}/media/recent", {"client_id": client.client_id})

    assert refusal(response) == ("APINotFoundError", "invalid geography id")


def test_another_clients_geography_is_an_invalid_id(circle):
    for credential in ({"client_id": our_client().client_id}, {"access_token": a_person().token}):
        response = Client().get(f"/v1/geographies/{circle}/media/recent", credential)
        assert refusal(response) == ("APINotFoundError", "invalid geography id")


def test_a_geography_ends_with_its_subscription(client, circle):
    body(delete(client, object="geography"))

    response = Client().get(f"/v1/geographies/{circle}/media/recent", {"client_id": client.client_id})
    assert refusal(response) == ("APINotFoundError", "invalid geography id")


def deliveries(client, subscription_id, **params):
    return body(Client().get(f"/v1/subscriptions/{subscription_id}/deliveries", pair(client) | params))


def test_a_developer_reads_what_was_delivered(application, client):
    subscription = created(client, application, object_id="readlog")
    for _ in range(2):
        media = a_person().upload(caption="#readlog")
        run_until_idle()
    answer = deliveries(client, subscription["id"], count=1)
    (latest,) = answer["data"]

    assert set(latest) == {
        "id", "status", "created_time", "attempts", "last_attempt_time", "http_status", "error", "payload",
    }  # fmt: skip
    assert (latest["status"], latest["attempts"], latest["http_status"]) == ("delivered", 1, 200)
    assert latest["payload"] == application.posts[-1].updates
    assert latest["payload"][0]["time"] == int(media["created_time"])
    second = body(Client().get(answer["pagination"]["next_url"] + f"&client_secret={client.client_secret}"))
    assert [each["payload"] for each in second["data"]] == [application.posts[0].updates]
    assert second["pagination"] == {}


def test_a_failed_delivery_can_be_replayed_and_a_delivered_one_not(application, client, settings):
    subscription = created(client, application, object_id="replayed")
    application.status, settings.CALLBACK_GIVE_UP_S, settings.CALLBACK_RETRY_BASE_S = 500, 60, 100
    a_person().upload(caption="#replayed")
    run_until_idle()
    (failed,) = deliveries(client, subscription["id"])["data"]
    assert (failed["status"], failed["http_status"], failed["error"]) == ("failed", 500, "HTTP status 500")
    path = f"/v1/subscriptions/{subscription['id']}/deliveries/{failed['id']}/replay"

    application.status = 200
    assert body(Client().post(path, pair(client)))["data"]["status"] == "pending"
    run_until_idle()

    (replayed,) = deliveries(client, subscription["id"])["data"]
    assert (replayed["id"], replayed["status"], replayed["attempts"]) == (failed["id"], "delivered", 1)
    assert application.posts[0].body == application.posts[1].body
    assert refusal(Client().post(path, pair(client)))[0] == "APISubscriptionError"


def test_deliveries_are_the_clients_own(application, client):
    subscription = created(client, application)
    with a_client() as other:
        response = Client().get(f"/v1/subscriptions/{subscription['id']}/deliveries", pair(other))
        assert refusal(response) == ("APINotFoundError", "invalid subscription id")
        response = Client().post(f"/v1/subscriptions/{subscription['id']}/deliveries/1/replay", pair(other))
        assert refusal(response) == ("APINotFoundError", "invalid subscription id")
    response = Client().post(f"/v1/subscriptions/{subscription['id']}/deliveries/0/replay", pair(client))
    assert refusal(response) == ("APINotFoundError", "invalid delivery id")
    assert Subscription.objects.filter(pk=subscription["id"]).exists()
