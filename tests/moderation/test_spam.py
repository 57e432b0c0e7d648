"""Rules against spam catch what they say, nothing else; a preview says the same of what was written before."""

import time
from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from accounts.services.deletion import STEPS
from instagram.errors import InvalidParameters
from jobs.testing import run_until_idle
from moderation.models import Case, SpamRule, Verdict
from moderation.spam import judging, rules, texts
from sharding import shard_of
from sharding.ids import first_id_at
from tests.moderation.test_decisions import decide
from tests.support.people import a_person, refusal
from tests.support.store import photo_id


def flags_of(kind, target_id):
    run_until_idle()
    case = Case.objects.filter(kind=kind, target_id=target_id, closed_at=None).first()
    return [flag["rule"] for flag in case.flags if flag["source"] == "spam"] if case else []


def comment(person, media, text):
    return int(person.post(f"/v1/media/{media['id']}/comments", text=text)["data"]["id"])


def aged(person, *, days):
    """Let somebody have signed up days ago."""
    User.objects.filter(pk=person.id).update(date_joined=F("date_joined") - timedelta(days=days))


def test_a_link_from_a_new_account_is_caught_and_stays_up():
    anna, ben = a_person(), a_person()
    media = anna.upload()

    number = comment(ben, media, "look at www.example.com")

    assert flags_of("comment", number) == ["Links from a new account"]
    assert len(anna.get(f"/v1/media/{media['id']}/comments")["data"]) == 1


def test_a_link_from_an_old_account_is_no_spam():
    anna, ben = a_person(), a_person()
    aged(ben, days=400)

    assert flags_of("comment", comment(ben, anna.upload(), "see www.example.com")) == []


def test_the_same_text_under_many_photos_brings_its_author_once_whatever_it_is_dressed_in():
    anna, ben = a_person(), a_person()
    media = anna.upload()
    for text in ("Follow me please", "follow  me, PLEASE!!", "@someone fóllow me please 7", "Follow me please 🙂"):
        assert flags_of("user", ben.id) == []
        comment(ben, media, text)

    assert flags_of("user", ben.id) == ["The same again and again"]
    comment(ben, media, "follow me please...")
    assert flags_of("user", ben.id) == ["The same again and again"]


def test_short_words_may_be_said_again_and_again():
    anna, ben = a_person(), a_person()
    media = anna.upload()
    for _ in range(5):
        comment(ben, media, "wow!")

    assert flags_of("user", ben.id) == []


def test_a_caption_full_of_hashtags_is_caught():
    anna = a_person()

    media = anna.upload(caption=" ".join(f"#tag{number}" for number in range(26)))

    assert flags_of("media", int(media["id"].split("_")[0])) == ["Hashtags without end"]


def test_a_rule_that_is_off_catches_nothing():
    anna, ben = a_person(), a_person()
    rule = SpamRule.objects.create(
        name=f"all of {anna.id}", kind="hashtag_stuffing", numbers={"hashtags": 2}, is_on=False
    )
    try:
        assert flags_of("comment", comment(ben, anna.upload(), "#one #two #three")) == []
    finally:
        rule.delete()


def test_rules_of_another_release_stop_nobody_from_being_judged():
    SpamRule.objects.create(name="Of a newer one", kind="mind_reading", numbers={"depth": 3})
    older = SpamRule.objects.create(name="Of an older one", kind="hashtag_stuffing", numbers={})
    try:
        anna = a_person()
        media = anna.upload(caption=" ".join(f"#t{number}" for number in range(26)))
        assert judging.judge(photo_id=int(media["id"].split("_")[0])) == ["Hashtags without end", older.name]
    finally:
        SpamRule.objects.filter(name__startswith="Of a").delete()


def test_a_preview_says_what_a_rule_would_have_caught_and_changes_nothing():
    anna, ben = a_person(), a_person()
    media = anna.upload()
    numbers = [comment(ben, media, f"#a{anna.id} #b #c {number}") for number in range(3)]
    comment(ben, media, "#only")
    run_until_idle()
    before = Case.objects.count()

    found = judging.preview("hashtag_stuffing", {"hashtags": 3})

    mine = [each.said.object_id for each in found.catches if each.said.author_id == ben.id]
    assert mine == numbers[::-1]
    assert found.looked_at >= 4
    assert Case.objects.count() == before


def test_a_preview_of_a_rate_catches_from_the_text_on_that_is_too_many():
    anna, ben = a_person(), a_person()
    media = anna.upload()
    numbers = [comment(ben, media, f"text {number}") for number in range(4)]
    run_until_idle()

    found = judging.preview("rate", {"texts": 3, "minutes": 60})

    assert [each.said.object_id for each in found.catches if each.said.author_id == ben.id] == numbers[:1:-1]


def test_a_preview_counts_what_was_written_before_the_hours_it_is_asked_about():
    ben = a_person()
    for hours in (30, 29, 28, 1):
        number = first_id_at(time.time() - hours * 3_600)
        texts.keep(texts.measured("buy my pills", author_id=ben.id, object_id=number, photo_id=1, account_hours=9))

    found = judging.preview("repeated_text", {"times": 2, "hours": 48})

    assert [each.said.object_id for each in found.catches if each.said.author_id == ben.id] == [number]


def test_what_a_moderator_dismissed_is_not_counted_again():
    anna, ben = a_person(), a_person()
    media = anna.upload()
    for _ in range(4):
        comment(ben, media, "our opening hours are")
    assert flags_of("user", ben.id) == ["The same again and again"]
    decide(Case.objects.get(target_id=ben.id, closed_at=None), Verdict.DISMISS)

    for _ in range(3):
        comment(ben, media, "our opening hours are")
        assert flags_of("user", ben.id) == []
    comment(ben, media, "our opening hours are")
    assert flags_of("user", ben.id) == ["The same again and again"]


def test_a_text_that_a_moderator_dismissed_is_not_caught_by_a_job_that_repeats():
    anna, ben = a_person(), a_person()
    media = anna.upload()
    number = comment(ben, media, "look at www.example.com")
    assert flags_of("comment", number) == ["Links from a new account"]
    decide(Case.objects.get(target_id=number, closed_at=None), Verdict.DISMISS)

    assert judging.judge(photo_id=photo_id(media), comment_id=number) == []


@pytest.mark.parametrize(
    ("kind", "numbers", "sentence"),
    [
        ("nonsense", {}, "kind: one of"),
        ("rate", {"texts": 0}, "texts: a whole number from 2"),
        ("rate", {"texts": "many"}, "texts: a whole number"),
        ("rate", {"minutes": True}, "minutes: a whole number"),
        ("rate", {"hours": 3}, "hours: not a number of rate"),
    ],
)
def test_numbers_that_make_no_sense_are_refused_with_a_sentence(kind, numbers, sentence):
    with pytest.raises(InvalidParameters, match=sentence):
        rules.checked(kind, numbers)


@given(st.text(max_size=300))
def test_any_text_can_be_measured_and_its_case_does_not_matter(text):
    said = [
        texts.measured(each, author_id=1, object_id=2, photo_id=2, account_hours=0)
        for each in (text, text + "!", f" {text}")
    ]

    assert len({each.text_hash for each in said}) == 1
    assert all(0 <= each.characters <= 32_767 for each in said)


def test_what_was_written_is_forgotten_with_its_author():
    anna, ben = a_person(), a_person()
    comment(ben, anna.upload(), "a text")
    run_until_idle()
    assert len(texts.recent(ben.id, up_to=2**62, since=0)) == 1

    assert texts.forget_author(ben.id) == 1

    assert texts.recent(ben.id, up_to=2**62, since=0) == []
    assert STEPS["texts"] == "moderation.erase_said"


def test_only_numbers_are_kept_never_the_words():
    ben = a_person()
    comment(ben, a_person().upload(), "a very secret word")
    run_until_idle()

    with shard_of(ben.id).cursor() as cursor:
        cursor.execute("SELECT said::text FROM local.said WHERE author_id = %s", [ben.id])
        assert "secret" not in cursor.fetchone()[0]


def test_a_new_account_is_slowed_down_sooner_than_an_old_one(settings):
    settings.PACE_FIRST_DAY, settings.PACE_LATER = {"likes": 2}, {"likes": 4}
    anna, young, old = a_person(), a_person(), a_person()
    aged(old, days=400)
    media = anna.upload()

    def likes(person) -> int:
        """Return how many likes go through."""
        for made in range(6):
            answer = Client().post(f"/v1/media/{media['id']}/likes", {"access_token": person.token})
            if answer.status_code != 200:
                assert refusal(answer, status=429)[0] == "OAuthRateLimitException"
                return made
        return 6

    assert (likes(young), likes(old)) == (2, 4)
    assert Client().delete(f"/v1/media/{media['id']}/likes?access_token={young.token}").status_code == 200
