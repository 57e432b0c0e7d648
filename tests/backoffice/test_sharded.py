"""Photos, comments, likes and follows of all shards in one list each, newest first, found and paged; a photo's page."""

import pytest
from django.conf import settings
from django.db.backends.utils import CursorWrapper

from accounts.models import User
from backoffice.acts import Role
from backoffice.sharded import reading
from jobs.testing import run_until_idle
from moderation import decisions, queue
from moderation.models import Case, Kind, Verdict
from photos.models import Photo, State
from sharding import physical_servers, shard_of, shard_of_object
from sharding.ids import shortcode_of
from tests.support.people import a_person
from tests.support.staff import a_staff
from tests.support.store import photo_id, row_of, status


@pytest.fixture(scope="module")
def desk():
    return a_staff(Role.MODERATOR)


def on_both_servers():
    """Return a new person of each physical server."""
    people = {}
    while len(people) < len(physical_servers()):
        person = a_person()
        people.setdefault(shard_of(person.id).server.name, person)
    return list(people.values())


def ids_in(answer):
    assert answer.status_code == 200, answer.content[:300]
    return [row["id"] for row in answer.context["rows"]]


def test_the_newest_photos_of_all_servers_are_merged_and_paged_there_and_back(desk, monkeypatch):
    monkeypatch.setattr(reading.Span, "__init__", _small_pages(reading.Span.__init__))
    ann, ben = on_both_servers()
    made = [photo_id(person.upload()) for person in (ann, ben, ben, ann, ben, ann)][::-1]

    first = desk.get("photos/")
    second = desk.browser.get(first.context["older"])
    back = desk.browser.get(second.context["newer"])

    assert ids_in(first) + ids_in(second) == made[:4]
    assert ids_in(back) == ids_in(first)


def _small_pages(make):
    def small(self, *args, **facts):
        make(self, *args, **{"count": 2, **facts})

    return small


@pytest.mark.parametrize("by", ["id", "code", "link"])
def test_a_photo_is_found_by_id_code_and_link(desk, by):
    media = a_person().upload()
    number = photo_id(media)
    asked = {"id": str(number), "code": shortcode_of(number), "link": media["link"]}[by]

    assert ids_in(desk.get("photos/", photo=asked)) == [number]


def test_photos_are_found_by_person_server_shard_day_and_state(desk):
    anna = a_person()
    media = anna.upload()
    number, shard = photo_id(media), shard_of(anna.id)
    day = "2020-01-01"

    assert ids_in(desk.get("photos/", person=anna.username)) == [number]
    assert number in ids_in(desk.get("photos/", server=shard.server.name))
    other = next(server.name for server in physical_servers() if server != shard.server)
    assert number not in ids_in(desk.get("photos/", server=other))
    assert number in ids_in(desk.get("photos/", shard=shard.number))
    assert ids_in(desk.get("photos/", person=anna.username, until=day)) == []
    assert number not in ids_in(desk.get("photos/", state="held"))


def test_photos_of_a_person_or_a_shard_are_found_by_state(desk):
    anna = a_person()
    shown, gone = photo_id(anna.upload()), anna.upload()
    anna.delete(f"/v1/media/{gone['id']}")

    assert ids_in(desk.get("photos/", person=anna.username)) == [photo_id(gone), shown]
    assert ids_in(desk.get("photos/", person=anna.username, state="shown")) == [shown]
    assert photo_id(gone) in ids_in(desk.get("photos/", shard=shard_of(anna.id).number, state="deleted"))


@pytest.mark.parametrize(
    "asked",
    [
        {"state": "deleted"},
        {"state": "held", "server": "shard_a"},
        {"shard": 1, "server": "shard_a"},
        {"person": "PERSON", "server": "shard_a"},
        {"person": "PERSON", "shard": 1},
        {"shard": settings.LOGICAL_SHARDS},
        {"person": "nobody.like.that"},
        {"photo": "!"},
        {"since": "then"},
    ],
)
def test_a_question_that_makes_no_sense_is_answered_with_400(desk, asked):
    assert desk.get("photos/", **_asked(desk, asked)).status_code == 400


def _asked(desk, asked):
    return asked | ({"person": desk.username} if "person" in asked and asked["person"] == "PERSON" else {})


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("comments/", {"state": "deleted"}),
        ("comments/", {"state": "shown"}),
        ("comments/", {"state": "held", "server": "shard_a"}),
        ("comments/", {"person": "PERSON", "shard": 1}),
        ("likes/", {"person": "PERSON", "server": "shard_a"}),
        ("follows/", {"way": "out"}),
        ("follows/", {"state": "requested"}),
    ],
)
def test_what_a_list_cannot_tell_is_refused_with_a_sentence_and_not_dropped(desk, path, asked):
    answer = desk.get(path, **_asked(desk, asked))

    assert answer.status_code == 400
    assert any(errors for errors in answer.context["form"].errors.values())


def test_a_photo_that_is_asked_for_by_what_it_is_not_is_not_shown(desk):
    anna, ben = a_person(), a_person()
    number = photo_id(anna.upload())

    assert ids_in(desk.get("photos/", photo=number, person=anna.username, state="shown")) == [number]
    for asked in ({"person": ben.username}, {"state": "held"}, {"until": "2020-01-01"}):
        assert ids_in(desk.get("photos/", photo=number, **asked)) == [], asked


def test_comments_and_likes_of_one_person_under_one_photo(desk):
    anna, ben = a_person(), a_person()
    media = anna.upload()
    said = {person.id: int(person.post(f"/v1/media/{media['id']}/comments", text="fine")["data"]["id"])
            for person in (anna, ben)}  # fmt: skip
    for person in (anna, ben):
        person.post(f"/v1/media/{media['id']}/likes")

    assert ids_in(desk.get("comments/", photo=media["id"], person=ben.username)) == [said[ben.id]]
    likes = desk.get("likes/", photo=media["id"], person=ben.username)
    assert [row["actor_id"] for row in likes.context["rows"]] == [ben.id]


def test_comments_that_were_taken_down_are_listed_all_of_a_person_of_a_photo_and_of_a_shard(desk):
    anna, ben = a_person(), a_person()
    media = anna.upload()
    said, gone, shown = (
        int(ben.post(f"/v1/media/{media['id']}/comments", text=text)["data"]["id"]) for text in ("rude", "oops", "fine")
    )
    ben.delete(f"/v1/media/{media['id']}/comments/{gone}")
    queue.flag(kind=Kind.COMMENT, target_id=said, about_user_id=ben.id, finding={"source": "staff", "by": "a test"})
    case = Case.objects.get(kind=Kind.COMMENT, target_id=said)
    decisions.decide(case.pk, moderator_id=desk.id, verdict=Verdict.REMOVE, reason="rude")
    shard = shard_of(anna.id).number

    assert ids_in(desk.get("comments/", state="held"))[0] == said
    assert ids_in(desk.get("comments/", state="held", person=ben.username)) == [said]
    assert ids_in(desk.get("comments/", state="held", person=anna.username)) == []
    assert ids_in(desk.get("comments/", state="held", photo=media["id"])) == [said]
    assert ids_in(desk.get("comments/", state="shown", photo=media["id"])) == [shown]
    assert ids_in(desk.get("comments/", state="deleted", shard=shard))[0] == gone
    assert desk.get("comments/", state="held").context["rows"][0]["object_id"] == photo_id(media)


def test_comments_likes_and_follows_of_a_logical_shard_are_those_it_keeps(desk):
    anna, ben = on_both_servers()
    media = anna.upload()
    ben.follow(anna)
    ben.post(f"/v1/media/{media['id']}/likes")
    comment = int(ben.post(f"/v1/media/{media['id']}/comments", text="here")["data"]["id"])
    run_until_idle()
    here, elsewhere = shard_of(anna.id).number, shard_of(ben.id).number

    assert ids_in(desk.get("comments/", shard=here))[0] == comment
    assert desk.get("likes/", shard=here).context["rows"][0]["object_id"] == photo_id(media)
    assert desk.get("follows/", shard=here).context["rows"][0]["object_id"] == anna.id
    for path, about in (("likes/", photo_id(media)), ("follows/", anna.id)):
        rows = desk.get(path, shard=elsewhere).context["rows"]
        assert about not in [row["object_id"] for row in rows if row["actor_id"] == ben.id], path
    assert comment not in ids_in(desk.get("comments/", shard=elsewhere))


def test_whom_a_person_follows_is_listed_beside_who_follows_them_and_linked_from_their_page(desk):
    anna, ben, carl = a_person(), a_person(), a_person()
    carl.post("/v1/accounts/self", is_private="1")
    ben.follow(anna)
    ben.post(f"/v1/users/{carl.id}/relationship", action="follow")
    run_until_idle()

    out = desk.get("follows/", person=ben.username, way="out")
    assert [row["object_id"] for row in out.context["rows"]] == [anna.id]
    asked_to = desk.get("follows/", person=ben.username, way="out", state="requested")
    assert [row["object_id"] for row in asked_to.context["rows"]] == [carl.id]
    page = desk.get(f"people/{ben.id}/").content.decode()
    assert f"/admin/follows/?person={ben.id}&amp;way=out" in page


@pytest.mark.parametrize(("path", "field"), [("photos/", "person"), ("follows/", "person"), ("decisions/", "about")])
def test_nobody_is_guessed_a_whole_name_is_needed_and_those_who_may_be_meant_are_named(desk, path, field):
    anna = a_person()
    name = f"zoe.{anna.id}.x"
    User.objects.filter(pk=anna.id).update(username=name)

    asked = desk.get(path, **{field: name[:-1]})
    assert asked.status_code == 400
    assert f'Did you mean <a href="/admin/{path}?{field}={anna.id}">{name}</a>?' in asked.content.decode()
    for whole in (f"@{name.upper()}", str(anna.id)):
        assert desk.get(path, **{field: whole}).status_code == 200
    assert desk.get(path, **{field: "nobody.like.that"}).status_code == 400


def test_a_list_of_one_person_says_whose_it_is(desk):
    anna = a_person()
    for path in ("photos/", "comments/", "likes/", "follows/"):
        assert f'Of <a href="/admin/people/{anna.id}/">{anna.username}</a>' in (
            desk.get(path, person=anna.username).content.decode()
        ), path


def test_comments_likes_and_follows_are_listed_newest_first_and_by_photo_and_person(desk):
    anna, ben = on_both_servers()
    media = anna.upload()
    ben.follow(anna)
    ben.post(f"/v1/media/{media['id']}/likes")
    comment = ben.post(f"/v1/media/{media['id']}/comments", text="a fine picture")["data"]
    run_until_idle()

    assert ids_in(desk.get("comments/"))[0] == int(comment["id"])
    assert "a fine picture" in desk.get("comments/", photo=media["id"]).content.decode()
    assert ids_in(desk.get("comments/", person=ben.username)) == [int(comment["id"])]
    assert desk.get("likes/").context["rows"][0]["object_id"] == photo_id(media)
    for asked in ({"photo": media["id"]}, {"person": ben.username}):
        assert [row["actor_id"] for row in desk.get("likes/", **asked).context["rows"]] == [ben.id]
    assert desk.get("follows/").context["rows"][0]["object_id"] == anna.id
    assert [row["actor_id"] for row in desk.get("follows/", person=anna.username).context["rows"]] == [ben.id]


def test_the_page_of_a_photo_tells_where_it_is_whose_and_what_hangs_on_it(desk):
    anna, ben = a_person(), a_person()
    media = anna.upload(caption="by the sea #sea")
    ben.post(f"/v1/media/{media['id']}/likes")
    run_until_idle()
    number, shard = photo_id(media), shard_of(anna.id)

    page = desk.get(f"photos/{number}/").content.decode()

    for told in (anna.username, ben.username, "#sea", shortcode_of(number), shard.schema, shard.server.name, "sha256"):
        assert told in page
    assert page.count("_7.jpg") >= 2


def test_a_photo_of_a_private_account_is_shown_after_it_was_asked_for_and_noted(desk):
    anna, moderator = a_person(), a_staff(Role.MODERATOR)
    number = photo_id(anna.upload(lat="51.5237", lng="-0.1585"))
    User.objects.filter(pk=anna.id).update(is_private=True)

    page = moderator.get(f"photos/{number}/").content.decode()
    assert "_7.jpg" not in page.split("Files")[0]
    assert "51.5237" not in page
    shown = moderator.post(f"photos/{number}/private/").content.decode()

    assert "_7.jpg" in shown.split("Files")[0]
    assert "51.5237" in shown
    assert [entry.act for entry in moderator.acts()] == ["people.private_photos"]


@pytest.mark.parametrize("role", [Role.READ_ONLY, Role.SUPPORT, Role.MODERATOR])
def test_words_of_a_private_account_are_shown_like_its_pictures_to_who_may_and_asks(role):
    anna, ben, desk = a_person(), a_person(), a_staff(role)
    media = anna.upload(caption="our new house #secretstreet")
    number = photo_id(media)
    ben.post(f"/v1/media/{media['id']}/comments", text="what a garden")
    run_until_idle()
    words = ("our new house", "secretstreet", "what a garden")
    pages = (f"photos/{number}/", f"photos/?photo={number}", f"comments/?photo={number}")
    assert all(word in desk.browser.get(f"/admin/{pages[0]}").content.decode() for word in words)
    User.objects.filter(pk=anna.id).update(is_private=True)

    for path in pages:
        page = desk.browser.get(f"/admin/{path}").content.decode()
        assert not [word for word in words if word in page], path
    assert desk.acts() == []
    asked = desk.post(f"photos/{number}/private/")
    if role is not Role.MODERATOR:
        assert asked.status_code == 403
        assert [entry.act for entry in desk.acts()] == ["office.refused"]
        return
    assert all(word in asked.content.decode() for word in words)
    assert [(entry.act, entry.target_id) for entry in desk.acts()] == [("people.private_photos", str(number))]


def test_a_photo_is_taken_down_with_a_reason_and_listed_as_such(desk):
    anna = a_person()
    media = anna.upload()
    number = photo_id(media)
    moderator = a_staff(Role.MODERATOR)

    assert moderator.post(f"photos/{number}/take_down/", why="not ours").status_code == 302
    run_until_idle()

    assert row_of(media).state == State.HELD
    assert status(media["images"]["standard_resolution"]["url"]) == 404
    assert number in ids_in(desk.get("photos/", state="held"))
    assert [(entry.act, entry.target_id) for entry in moderator.acts()] == [("photos.take_down", str(number))]
    assert moderator.post(f"photos/{number}/take_down/", why="again").status_code == 409


def test_an_unknown_photo_is_a_page_that_says_so(desk):
    for number in (1, 10**17):
        assert desk.get(f"photos/{number}/").status_code == 404


PAGES = 50


@pytest.fixture
def a_hundred_photos():
    """Return ids of new photos of both servers, newest first: rows alone, without files."""
    people = list(on_both_servers())
    made = []
    for number in range(2 * PAGES):
        anna = people[number % len(people)]
        shard = shard_of(anna.id)
        photo = shard.model(Photo).objects.create(author_id=anna.id, image_stem="a-test", caption=str(number))
        with shard.cursor() as cursor:
            cursor.execute(
                "INSERT INTO local.newest_photo (photo_id, author_id, logical_shard) VALUES (%s, %s, %s)",
                [photo.id, anna.id, shard.number],
            )
        made.append(photo.id)
    yield sorted(made, reverse=True)
    for number in made:
        shard = shard_of_object(number)
        with shard.cursor() as cursor:
            cursor.execute("DELETE FROM local.newest_photo WHERE photo_id = %s", [number])
        shard.model(Photo).objects.filter(id=number).delete()


def statements_of(ask, monkeypatch):
    """Return how many statements all servers together were sent by ask()."""
    made, execute = [], CursorWrapper.execute
    with monkeypatch.context() as patched:
        patched.setattr(CursorWrapper, "execute", lambda self, *words: made.append(words) or execute(self, *words))
        ask()
    return len(made)


def test_page_fifty_costs_as_many_queries_as_page_one_and_shows_the_fiftieth_rows(desk, a_hundred_photos, monkeypatch):
    monkeypatch.setattr(reading.Span, "__init__", _small_pages(reading.Span.__init__))
    address = "/admin/photos/"
    first = statements_of(lambda: desk.browser.get("/admin/photos/"), monkeypatch)
    for _ in range(PAGES - 1):
        address = desk.browser.get(address).context["older"]

    assert ids_in(desk.browser.get(address)) == a_hundred_photos[2 * PAGES - 2 :]
    assert 0 < statements_of(lambda: desk.browser.get(address), monkeypatch) == first
