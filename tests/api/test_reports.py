"""Reports: kept once per person and target, and what many people's reports hide."""

import pytest
from django.test import Client

from accounts.models import Report
from accounts.reports import hidden_by_reports
from feeds import popular
from jobs.testing import run_until_idle
from moderation.decisions import decide
from moderation.models import Case, Verdict
from tests.support.people import a_person, refusal


def number(media):
    return int(media["id"].split("_")[0])


def reports_on(target_id):
    return list(Report.objects.filter(target_id=target_id).values_list("reporter_id", "kind", "reason", "text"))


def test_a_photo_a_comment_and_a_person_can_be_reported_once_each():
    anna, ben = a_person(), a_person()
    media = anna.upload()
    comment = anna.post(f"/v1/media/{media['id']}/comments", text="rude")["data"]
    for _ in range(2):
        for path in (
            f"/v1/media/{media['id']}/report",
            f"/v1/media/{media['id']}/comments/{comment['id']}/report",
            f"/v1/users/{anna.id}/report",
        ):
            assert ben.post(path, reason="Harassment", text="look")["data"] is None

    assert reports_on(number(media)) == [(ben.id, "media", "harassment", "look")]
    assert reports_on(int(comment["id"])) == [(ben.id, "comment", "harassment", "look")]
    assert (ben.id, "user", "harassment", "look") in reports_on(anna.id)


@pytest.mark.parametrize(
    ("path", "params", "error"),
    [
        ("/v1/media/{media}/report", {}, "APIInvalidParametersError"),
        ("/v1/media/{media}/report", {"reason": "boredom"}, "APIInvalidParametersError"),
        ("/v1/media/{media}/report", {"reason": "spam", "text": "x" * 1001}, "APIInvalidParametersError"),
        ("/v1/media/12345/report", {"reason": "spam"}, "APINotFoundError"),
        ("/v1/media/{media}/comments/1/report", {"reason": "spam"}, "APINotFoundError"),
        ("/v1/media/{media}/comments/x/report", {"reason": "spam"}, "APINotFoundError"),
        ("/v1/users/99999999999/report", {"reason": "spam"}, "APINotFoundError"),
        ("/v1/users/self/report", {"reason": "spam"}, "APIInvalidParametersError"),
    ],
)
def test_a_bad_report_is_refused(path, params, error):
    anna, media = a_person(), a_person().upload()["id"]
    response = Client().post(path.format(media=media), {"access_token": anna.token, **params})

    assert refusal(response)[0] == error


def test_what_the_reporter_may_not_see_cannot_be_reported():
    anna, ben = a_person(), a_person()
    media = anna.upload()["id"]
    anna.post("/v1/accounts/self", is_private="1")

    response = Client().post(f"/v1/media/{media}/report", {"access_token": ben.token, "reason": "spam"})
    assert refusal(response)[0] == "APINotAllowedError"


def test_many_peoples_reports_hide_a_photo_until_staff_dismisses_them(settings):
    settings.REPORTS_HIDE_AT = 1.5  # of new people each weighs a half
    media, other = a_person().upload(), a_person().upload()
    photo_id = number(media)
    reporters = [a_person() for _ in range(3)]
    for person in [*reporters[:2], *reporters[:2]]:
        person.post(f"/v1/media/{media['id']}/report", reason="spam")
        assert hidden_by_reports([photo_id, number(other)]) == set()
    reporters[2].post(f"/v1/media/{media['id']}/report", reason="nudity")
    assert hidden_by_reports([photo_id, number(other)]) == {photo_id}

    run_until_idle()
    case = Case.objects.get(target_id=photo_id, closed_at=None)
    decide(case.pk, moderator_id=a_person().id, verdict=Verdict.DISMISS, reason="a sunset")
    assert hidden_by_reports([photo_id]) == set()
    a_person().post(f"/v1/media/{media['id']}/report", reason="spam")
    assert hidden_by_reports([photo_id]) == set()


def test_a_photo_that_many_reported_is_out_of_tags_and_popular_until_reviewed(settings):
    settings.REPORTS_HIDE_AT = 1
    author, reader = a_person(), a_person()
    tag = f"odd{author.id}"
    media = author.upload(caption=f"#{tag}")["id"]
    reader.post(f"/v1/media/{media}/likes")
    run_until_idle()

    def tagged():
        return [each["id"] for each in reader.get(f"/v1/tags/{tag}/media/recent")["data"]]

    assert tagged() == [media]
    for _ in range(2):
        a_person().post(f"/v1/media/{media}/report", reason="spam")

    popular.make()
    assert tagged() == []
    assert media not in [each["id"] for each in reader.get("/v1/media/popular", count=100)["data"]]
    assert reader.get(f"/v1/media/{media}")["data"]["id"] == media
