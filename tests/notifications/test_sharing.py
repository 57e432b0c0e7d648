"""A share from the tap to the post: through the API, jobs and real HTTP to the services' stand-in."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from jobs.testing import run_until_idle
from notifications.sharing.models import LinkedService, Share, Status
from notifications.sharing.services import sending, unlink
from notifications.sharing.tasks import send_share
from sharding import shard_of
from tests.support.apns import a_device, a_push_service
from tests.support.people import a_person, a_photo, refusal
from tests.support.social import SERVICES, elsewhere, shares
from tests.support.waiting import wait_until

__all__ = ["elsewhere"]

LINKS_ONLY = ("twitter", "facebook", "tumblr")


def photo_id_of(media):
    return int(media["id"].partition("_")[0])


def row(person, media, service):
    return shard_of(person.id).model(Share).objects.get(user_id=person.id, photo_id=photo_id_of(media), service=service)


def change(person, media, **facts):
    shard_of(person.id).model(Share).objects.filter(user_id=person.id, photo_id=photo_id_of(media)).update(**facts)


def send(person, media, service, *, asked=1):
    """Run the job once, as a worker does; return its answer."""
    return send_share(user_id=person.id, photo_id=photo_id_of(media), service=service, asked=asked)


def send_until_settled(person, media, service):
    """Run the job again and again, as the relay does, until it wants no more."""
    return wait_until(lambda: send(person, media, service) is None, what="the share is settled")


def a_place(person):
    facts = {"name": f"Pier {person.id}", "lat": 37.8, "lng": -122.39, "foursquare_v2_id": f"4b05{person.id}"}
    return person.post("/v1/locations", **facts)["data"]["id"]


def test_an_upload_goes_to_every_linked_service_with_picture_words_and_link(elsewhere):
    anna = elsewhere.somebody(*SERVICES)

    media = anna.upload(
        caption="#Fog over the harbour", share_to=",".join([*SERVICES, "posterous"]), location_id=a_place(anna)
    )

    assert media["shares"] == [{"service": each, "status": "queued"} for each in SERVICES] + [
        {"service": "posterous", "status": "not_linked"}
    ]
    run_until_idle()
    became = shares(anna, media["id"])
    assert {name: each["status"] for name, each in became.items()} == dict.fromkeys(SERVICES, "sent") | {
        "posterous": "not_linked"
    }
    for service in SERVICES:
        post = elsewhere.post(anna, service)
        assert media["link"] in post["links"]
        assert "#Fog over the harbour" in post["text"]
        assert post["image_bytes"] > 1_000
        assert str(post["id"]) in became[service]["url"] or service == "flickr"
    assert elsewhere.post(anna, "twitter")["alt"] == f"Photo by {anna.username}: #Fog over the harbour"
    assert elsewhere.post(anna, "tumblr")["tags"] == "fog"
    assert elsewhere.post(anna, "foursquare")["venue"] == f"4b05{anna.id}"
    assert len(elsewhere.captured) == len(SERVICES)


def test_a_retried_upload_shares_once(elsewhere):
    anna = elsewhere.somebody("twitter")

    first = anna.upload(upload_id="a tap", share_to="twitter")
    run_until_idle()
    second = anna.upload(upload_id="a tap", share_to="twitter")
    run_until_idle()

    assert second["shares"][0]["status"] == "sent"
    assert first["id"] == second["id"]
    assert len(elsewhere.posts(anna)) == 1


def test_a_picture_that_waited_for_its_caption_is_shared_once_it_is_published(elsewhere):
    anna = elsewhere.somebody("twitter")
    waiting = anna.post("/v1/media/uploads", photo=SimpleUploadedFile("photo.jpg", a_photo()))["data"]["upload_id"]

    first, again = (
        anna.post("/v1/media", upload_id=waiting, caption="fog", share_to="twitter,flickr")["data"] for _ in range(2)
    )
    run_until_idle()

    assert first["id"] == again["id"]
    assert {each["service"]: each["status"] for each in again["shares"]} == {
        "twitter": "queued",
        "flickr": "not_linked",
    }
    assert elsewhere.post(anna, "twitter")["image_bytes"] > 1_000


def test_a_photo_whose_request_died_after_the_commit_is_shared_by_its_job(elsewhere):
    anna = elsewhere.somebody("twitter")
    media = anna.upload(share_to="twitter")
    change(anna, media, status="gone")
    shard_of(anna.id).model(Share).objects.filter(user_id=anna.id).delete()

    run_until_idle()

    assert shares(anna, media["id"])["twitter"]["status"] == "sent"


def test_a_repeated_share_posts_once_and_a_failed_one_is_tried_again(elsewhere):
    anna = elsewhere.somebody("twitter")
    media = anna.upload(caption="fog")
    elsewhere.goes_wrong("twitter", status=400, path="/2/tweets")
    for expected in ("failed", "sent", "sent"):
        anna.post(f"/v1/media/{media['id']}/share", share_to="twitter")
        run_until_idle()
        assert shares(anna, media["id"])["twitter"]["status"] == expected

    assert len(elsewhere.posts(anna)) == 1


def test_words_of_the_sharer_take_the_place_of_the_caption(elsewhere):
    anna = elsewhere.somebody("twitter")
    media = anna.upload(caption="fog")

    anna.post(f"/v1/media/{media['id']}/share", share_to="twitter", text="look at this")
    run_until_idle()

    assert elsewhere.post(anna, "twitter")["text"] == f"look at this {media['link']}"


def test_of_others_photos_the_link_alone_is_posted(elsewhere):
    author, ben = elsewhere.somebody(), elsewhere.somebody(*SERVICES)
    media = author.upload(caption="their own words")

    ben.post(f"/v1/media/{media['id']}/share", share_to=",".join(SERVICES))
    run_until_idle()

    became = shares(ben, media["id"])
    for service in LINKS_ONLY:
        post = elsewhere.post(ben, service)
        assert (became[service]["status"], post["image_bytes"]) == ("sent", 0)
        assert media["link"] in post["links"]
        assert "their own words" not in post["text"]
    assert "pictures only" in became["flickr"]["reason"]
    assert "places" in became["foursquare"]["reason"]
    assert shares(author, media["id"]) == {}


def test_a_private_accounts_photo_goes_out_as_a_link_and_never_as_a_picture(elsewhere):
    anna = elsewhere.somebody("twitter", "flickr", "foursquare")
    anna.post("/v1/accounts/self", is_private="1")

    facts = {"caption": "for friends", "location_id": a_place(anna)}
    media = anna.upload(share_to="twitter,flickr,foursquare", **facts)
    run_until_idle()

    post = elsewhere.post(anna, "twitter")
    assert (post["image_bytes"], post["text"]) == (0, post["links"][0])
    assert Client().get(f"/p/{post['links'][0].split('/p/')[1]}").status_code == 404
    for service in ("flickr", "foursquare"):
        assert shares(anna, media["id"])[service]["status"] == "failed"
        assert elsewhere.posts(anna, service) == []


def test_a_follower_of_a_private_account_cannot_share_its_photos(elsewhere):
    author, ben = elsewhere.somebody(), elsewhere.somebody("twitter")
    media = author.upload()
    ben.follow(author)
    author.post("/v1/accounts/self", is_private="1")

    answer = Client().post(f"/v1/media/{media['id']}/share", {"access_token": ben.token, "share_to": "twitter"})

    assert refusal(answer)[0] == "APINotAllowedError"
    assert elsewhere.posts(ben) == []


@pytest.mark.parametrize("what", ["private", "deleted", "blocked"])
def test_what_a_photo_became_until_it_is_posted_counts(elsewhere, what):
    author, ben = elsewhere.somebody(), elsewhere.somebody("twitter")
    media = author.upload()
    ben.post(f"/v1/media/{media['id']}/share", share_to="twitter")
    if what == "private":
        author.post("/v1/accounts/self", is_private="1")
    elif what == "deleted":
        author.delete(f"/v1/media/{media['id']}")
    else:
        author.post(f"/v1/users/{ben.id}/relationship", action="block")

    run_until_idle()

    assert row(ben, media, "twitter").status == Status.FAILED
    assert elsewhere.posts(ben) == []


def test_unlinked_before_it_is_posted_it_is_not_posted(elsewhere):
    anna = elsewhere.somebody("twitter")
    media = anna.upload(share_to="twitter")

    unlink(user_id=anna.id, service="twitter")
    run_until_idle()

    assert shares(anna, media["id"])["twitter"] == {"service": "twitter", "status": "not_linked"}
    assert elsewhere.asked("/2/") == 0


@pytest.mark.parametrize("service", SERVICES)
def test_withdrawn_permission_unlinks_and_says_so(elsewhere, service):
    anna = elsewhere.somebody(*SERVICES)
    elsewhere.revoke(anna, service)

    media = anna.upload(share_to=service, location_id=a_place(anna))
    run_until_idle()

    became = shares(anna, media["id"])[service]
    assert became["status"] == "failed"
    assert "permission was withdrawn" in became["reason"]
    linked = {each["service"]: each["linked"] for each in anna.get("/v1/users/self/services")["data"]}
    assert linked == dict.fromkeys(SERVICES, True) | {"posterous": False} | {service: False}
    (entry,) = anna.get("/v1/users/self/activity")["data"]
    assert (entry["type"], entry["media"]["id"]) == ("service_unlinked", media["id"])


def test_a_permission_withdrawn_again_is_told_of_with_the_photo_it_concerns_now(elsewhere):
    anna = elsewhere.somebody()
    for _ in range(2):
        elsewhere.link(anna, "twitter")
        elsewhere.revoke(anna, "twitter")
        media = anna.upload(share_to="twitter")
        run_until_idle()

    (entry,) = anna.get("/v1/users/self/activity")["data"]
    assert (entry["type"], entry["media"]["id"]) == ("service_unlinked", media["id"])


def test_withdrawn_permission_rings_no_phone(elsewhere):
    anna = elsewhere.somebody("twitter")
    phone = a_device(anna)
    elsewhere.revoke(anna, "twitter")

    with a_push_service() as push_service:
        media = anna.upload(share_to="twitter")
        a_person().post(f"/v1/media/{media['id']}/likes")
        run_until_idle()

    assert [alert.partition(" ")[2] for alert in push_service.alerts(phone)] == ["liked your photo"]
    kinds = {entry["type"] for entry in anna.get("/v1/users/self/activity")["data"]}
    assert kinds == {"like", "service_unlinked"}


def test_a_link_made_anew_outlives_the_end_of_the_old_one(elsewhere):
    anna = elsewhere.somebody("twitter")
    before = LinkedService.objects.get(user=anna.id).linked_at
    elsewhere.link(anna, "twitter")

    sending.end_revoked(user_id=anna.id, service="twitter", linked_at=before, photo_id=1)

    assert LinkedService.objects.filter(user=anna.id).exists()


@pytest.mark.parametrize("service", ["twitter", "tumblr"])
def test_a_wrong_key_of_ours_unlinks_nobody(elsewhere, service):
    anna = elsewhere.somebody(service)
    media = anna.upload(share_to=service)
    # As with a key that the service does not know: it is refused with a person's token, and without.
    elsewhere.goes_wrong(service, status=401, path="/oauth/request_token")
    elsewhere.goes_wrong(service, status=401, path="/2/" if service == "twitter" else "/v2/")

    again = send(anna, media, service)

    assert again is not None
    assert row(anna, media, service).status == Status.QUEUED
    assert LinkedService.objects.filter(user=anna.id).exists()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_asks_for_patience_gets_it(elsewhere, service):
    anna = elsewhere.somebody(service)
    media = anna.upload(share_to=service, location_id=a_place(anna))
    elsewhere.goes_wrong(service, status=429, headers={"Retry-After": "7"})

    again = send(anna, media, service)

    assert 7 <= again.delay_s <= 9
    share = row(anna, media, service)
    assert (share.status, share.begun) == (Status.QUEUED, False)
    # A job that comes before that finds the share resting.
    before = len(elsewhere.social.asked)
    assert 6 < send(anna, media, service).delay_s <= 9
    assert len(elsewhere.social.asked) == before
    change(anna, media, busy_until=timezone.now())
    assert send(anna, media, service) is None
    assert shares(anna, media["id"])[service]["status"] == "sent"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_stumbles_is_tried_again_and_gets_the_post_once(elsewhere, service):
    anna = elsewhere.somebody(service)
    media = anna.upload(share_to=service, location_id=a_place(anna))
    elsewhere.goes_wrong(service, status=503, times=2)

    send_until_settled(anna, media, service)

    assert shares(anna, media["id"])[service]["status"] == "sent"
    assert len(elsewhere.posts(anna, service)) == 1


@pytest.mark.parametrize("service", SERVICES)
def test_a_post_whose_answer_was_lost_is_found_and_not_made_again(elsewhere, settings, service):
    settings.SHARE_TIMEOUT_S = 0.3
    anna = elsewhere.somebody(service)
    media = anna.upload(caption="fog", share_to=service, location_id=a_place(anna))
    last = {"twitter": "/2/tweets", "facebook": "/me/photos", "flickr": "/upload", "foursquare": "/photos/add"}
    elsewhere.goes_wrong(service, path=last.get(service, "/posts"), hold_after_s=1.0)

    assert send(anna, media, service).delay_s > 0
    assert row(anna, media, service).begun
    wait_until(lambda: elsewhere.posts(anna, service), what="the service took it all the same")
    send_until_settled(anna, media, service)

    assert len(elsewhere.posts(anna, service)) == 1
    assert elsewhere.post(anna, service)["image_bytes"] > 1_000
    assert shares(anna, media["id"])[service]["status"] == "sent"


def lose_the_answer(elsewhere, settings, person, service):
    """Have a service take a person's photo and answer to nobody; return the media."""
    settings.SHARE_TIMEOUT_S = 0.3
    media = person.upload(caption="fog", share_to=service, location_id=a_place(person))
    elsewhere.goes_wrong(service, path="/checkins/add" if service == "foursquare" else "", hold_after_s=1.0)
    assert send(person, media, service).delay_s > 0
    wait_until(lambda: elsewhere.posts(person, service), what="the service took it all the same")
    settings.SHARE_TIMEOUT_S = 10.0
    change(person, media, busy_until=None)
    return media


@pytest.mark.parametrize("service", ["facebook", "tumblr", "flickr", "foursquare"])
@pytest.mark.parametrize("status", [429, 400])
def test_a_look_that_is_refused_proves_nothing(elsewhere, settings, service, status):
    anna = elsewhere.somebody(service)
    media = lose_the_answer(elsewhere, settings, anna, service)

    elsewhere.goes_wrong(service, status=status)  # too many requests, or no right to read
    send(anna, media, service)
    assert row(anna, media, service).begun
    anna.post(f"/v1/media/{media['id']}/share", share_to=service)
    asked = row(anna, media, service).asked
    wait_until(lambda: send(anna, media, service, asked=asked) is None, what="the share is settled")

    assert len(elsewhere.posts(anna, service)) == 1
    assert shares(anna, media["id"])[service]["status"] == "sent"


def test_what_was_posted_before_the_account_was_unlinked_is_found_when_it_is_linked_again(elsewhere, settings):
    anna = elsewhere.somebody("facebook")
    media = lose_the_answer(elsewhere, settings, anna, "facebook")

    unlink(user_id=anna.id, service="facebook")
    assert send(anna, media, "facebook") is None
    assert shares(anna, media["id"])["facebook"]["status"] == "not_linked"
    elsewhere.link(anna, "facebook")
    anna.post(f"/v1/media/{media['id']}/share", share_to="facebook")
    assert send(anna, media, "facebook", asked=2) is None

    assert len(elsewhere.posts(anna, "facebook")) == 1
    assert shares(anna, media["id"])["facebook"]["status"] == "sent"


def test_a_check_in_that_stayed_without_its_picture_is_completed(elsewhere, settings):
    anna = elsewhere.somebody("foursquare")
    media = anna.upload(share_to="foursquare", location_id=a_place(anna))
    elsewhere.goes_wrong("foursquare", status=503, path="/photos/add")

    send_until_settled(anna, media, "foursquare")

    assert elsewhere.post(anna, "foursquare")["image_bytes"] > 1_000
    assert elsewhere.asked("/checkins/add") == 1


def test_x_itself_refuses_a_text_twice_and_that_counts_as_sent(elsewhere):
    anna = elsewhere.somebody("twitter")
    media = anna.upload(share_to="twitter")
    assert send(anna, media, "twitter") is None
    change(anna, media, status=Status.QUEUED, begun=False)

    assert send(anna, media, "twitter") is None

    assert shares(anna, media["id"])["twitter"]["status"] == "sent"
    assert len(elsewhere.posts(anna)) == 1


def test_a_refusal_is_final_and_told_in_the_services_words(elsewhere):
    anna = elsewhere.somebody("facebook")
    media = anna.upload(share_to="facebook")
    elsewhere.goes_wrong("facebook", status=400)

    assert send(anna, media, "facebook") is None

    assert shares(anna, media["id"])["facebook"]["reason"] == "facebook: answered with HTTP status 400"


def test_after_a_day_in_vain_a_share_has_failed(elsewhere):
    anna = elsewhere.somebody("twitter")
    media = anna.upload(share_to="twitter")
    change(anna, media, asked_at=timezone.now() - timedelta(days=1))
    elsewhere.goes_wrong("twitter", status=503, times=100)

    assert send(anna, media, "twitter") is None

    assert row(anna, media, "twitter").status == Status.FAILED


def test_two_runs_at_once_post_once(elsewhere):
    anna = elsewhere.somebody("twitter")
    media = anna.upload(share_to="twitter")
    change(anna, media, busy_until=timezone.now() + timedelta(seconds=30), begun=True)

    assert 29 < send(anna, media, "twitter").delay_s < 31
    assert elsewhere.asked("api.twitter.com") == 0


def test_a_job_of_an_earlier_asking_does_nothing(elsewhere):
    anna = elsewhere.somebody("twitter")
    media = anna.upload(share_to="twitter")
    change(anna, media, asked=2)

    assert send(anna, media, "twitter", asked=1) is None
    assert elsewhere.asked("api.twitter.com") == 0


def test_a_service_without_keys_of_ours_is_not_offered(elsewhere, settings):
    anna = elsewhere.somebody("twitter")
    settings.SERVICE_KEYS = settings.SERVICE_KEYS | {"twitter": ("", "")}

    media = anna.upload(share_to="twitter")

    assert media["shares"] == [{"service": "twitter", "status": "not_linked"}]


def test_a_redirect_is_not_followed(elsewhere):
    anna = elsewhere.somebody("facebook")
    media = anna.upload(share_to="facebook")
    elsewhere.goes_wrong("facebook", status=302, headers={"Location": f"{elsewhere.url}/stolen.example/"})

    send(anna, media, "facebook")

    assert elsewhere.asked("stolen.example") == 0
    assert row(anna, media, "facebook").status == Status.FAILED


def test_nobody_sees_the_shares_of_others(elsewhere):
    anna, ben = elsewhere.somebody("twitter"), a_person()
    media = anna.upload(share_to="twitter")

    assert shares(ben, media["id"]) == {}
