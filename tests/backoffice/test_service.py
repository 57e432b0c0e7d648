"""Switches, silences, dead letters, slow requests, rules against spam: their pages, each change with a reason."""

import uuid
from contextlib import contextmanager

import pytest

from backoffice.acts import Role
from jobs import dead_letters, outbox
from jobs.testing import run_until_idle
from moderation.models import Case, SpamRule
from moderation.spam import judging
from monitoring import slow
from monitoring.models import Silence
from sharding import ShardUnavailable, main_server, redis_servers, server_named
from switches import state
from switches.models import Change
from tests.support.people import a_person
from tests.support.staff import a_staff
from tests.support.store import photo_id
from tests.support.switched import all_off


@pytest.fixture(scope="module")
def desk(test_databases, django_db_blocker):
    with django_db_blocker.unblock():
        yield a_staff(Role.ADMIN)


@pytest.fixture
def switches_off():
    yield
    all_off()


def last_act(desk):
    entry = desk.acts()[-1]
    return entry.act, f"{entry.target_kind} {entry.target_id}", entry.reason


@pytest.mark.usefixtures("switches_off")
def test_a_switch_is_turned_from_the_board_with_a_reason_an_end_and_a_line_in_the_log(desk):
    assert desk.post("switches/short_feeds/on/", why="load", minutes="15").status_code == 302

    found = state.active("short_feeds")
    assert (found.reason, found.by) == ("load", desk.username)
    assert 890 < found.until - found.at < 910
    board = desk.get("switches/").content.decode()
    assert "load" in board
    assert ">ON<" in board
    assert last_act(desk) == ("switches.turn", "switch short_feeds", "load")
    assert desk.acts()[-1].before == {}
    assert list(desk.acts()[-1].after) == ["everybody"]

    assert desk.post("switches/short_feeds/off/", why="calm").status_code == 302
    assert state.active("short_feeds") is None
    assert b">ON<" not in desk.get("switches/").content


@pytest.mark.usefixtures("switches_off")
def test_the_admin_ends_what_made_a_shard_read_only_and_its_jobs_run(desk):
    desk.post("switches/read_only/on/", why="moving", target="shard_a")
    shard = server_named("shard_a")
    job = _waiting(shard)

    assert desk.post("switches/read_only/off/", why="moved", target="shard_a").status_code == 302

    assert state.active("read_only", "shard_a") is None
    (row,) = [row for row in outbox.rows_of(shard) if row["id"] == job]
    assert row["postponed"] == 0
    outbox.finish(shard, [(job, row["step"])])


def _waiting(shard):
    """Return the id of a job that waits since its shard is read-only."""
    with shard.cursor() as cursor:
        cursor.execute(
            "INSERT INTO local.outbox (task, args, run_after, postponed, last_error)"
            " VALUES ('tests.nothing', '{}', now() + interval '1 hour', 3, 'ShardReadOnly: moving') RETURNING id"
        )
        return cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("path", "answers", "says"),
    [
        ("switches/short_feeds/on/", {}, "This field is required"),
        ("switches/short_feeds/on/", {"why": "x", "target": "shard_a"}, "it takes no target"),
        ("switches/read_only/on/", {"why": "x", "target": "shard_z"}, "no shard is called"),
        ("switches/short_feeds/off/", {"why": "x"}, "is not on for everybody"),
        ("switches/short_feeds/on/", {"why": "x", "minutes": "7"}, "Select a valid choice"),
        ("switches/short_feeds/on/", {"why": "x" * 201}, "at most 200"),
    ],
)
@pytest.mark.usefixtures("switches_off")
def test_nothing_is_switched_that_is_asked_wrongly(path, answers, says, desk):
    before, acts = Change.objects.count(), len(desk.acts())

    answer = desk.post(path, **answers)

    assert answer.status_code == 400
    assert says in answer.content.decode()
    assert (Change.objects.count(), len(desk.acts())) == (before, acts)


def test_alerts_are_silenced_and_a_silence_is_ended(desk):
    key = f"test_{uuid.uuid4().hex}"
    assert desk.post("alerts/silence/", alert=key, minutes="5", why="new disk").status_code == 302

    silence = Silence.objects.get(alert=key)
    assert (silence.by, silence.why) == (desk.username, "new disk")
    assert last_act(desk) == ("alerts.silence", f"silence {silence.pk}", "new disk")
    assert key in desk.get("alerts/").content.decode()

    assert desk.post(f"alerts/silences/{silence.pk}/end/", why="disk is in").status_code == 302
    silence.refresh_from_db()
    assert silence.ended_at is not None
    assert desk.post(f"alerts/silences/{silence.pk}/end/", why="again").status_code == 409


@pytest.mark.parametrize(
    "answers", [{"minutes": "5"}, {"minutes": "0"}, {"minutes": "20000"}, {"alert": "x", "minutes": "a"}]
)
def test_a_silence_without_an_alert_or_an_end_is_refused(answers, desk):
    before = Silence.objects.count()

    assert desk.post("alerts/silence/", why="because", **answers).status_code == 400
    assert Silence.objects.count() == before


def a_letter(server, task, **args):
    """Return the id of a dead letter of a task of its own."""
    with server.cursor() as cursor:
        cursor.execute(
            "INSERT INTO local.outbox (task, args, run_after) VALUES (%s, '{}', now() + interval '1 hour')"
            " RETURNING id, (extract(epoch FROM created_at) * 1000)::bigint",
            [task],
        )
        row_id, made_ms = cursor.fetchone()
        cursor.execute(
            "UPDATE local.outbox SET args = %s::jsonb WHERE id = %s", [outbox.orjson.dumps(args).decode(), row_id]
        )
    outbox.bury(outbox.Job(server, row_id, task, args, enqueued_ms=made_ms), "ValueError: no", attempts=0)
    return row_id


@contextmanager
def letters_of(*servers):
    """Make a task with a dead letter on each server, with an address and a long text among its arguments."""
    task = f"tests.dies_{uuid.uuid4().hex[:12]}"
    ids = {server: a_letter(server, task, address="anna@example.com", text="long " * 200) for server in servers}
    yield task, ids
    for server in servers:
        rows = outbox.rows_of(server, task=task)
        outbox.finish(server, [(row["id"], row["step"]) for row in rows])
        dead_letters.discard(server, [row["id"] for row in dead_letters.latest(server, task=task)])


def test_dead_letters_are_listed_by_task_with_their_reason_and_no_address(desk):
    with letters_of(main_server(), server_named("shard_b")) as (task, _):
        page = desk.get("dead_letters/", task=task).content.decode()

        assert page.count("ValueError: no") == 2
        assert "anna@" not in page
        assert "long " * 100 not in page
        assert "ValueError: no" not in desk.get("dead_letters/", task=task, server="shard_a").content.decode()


def test_one_dead_letter_is_put_back_and_the_others_rest(desk):
    main, shard = main_server(), server_named("shard_b")
    with letters_of(main, shard) as (task, ids):
        assert desk.post(f"dead_letters/main/{ids[main]}/requeue/", why="mended").status_code == 302

        assert len(outbox.rows_of(main, task=task)) == 1
        assert len(dead_letters.latest(shard, task=task)) == 1
        assert last_act(desk) == ("jobs.requeue", f"dead_letter main:{ids[main]}", "mended")
        assert desk.post(f"dead_letters/main/{ids[main]}/requeue/", why="mended").status_code == 409


def test_all_dead_letters_of_a_task_are_put_back_on_every_server(desk):
    main, shard = main_server(), server_named("shard_b")
    with letters_of(main, shard) as (task, _), letters_of(main) as (other, _):
        assert desk.post(f"dead_letters/task/{task}/requeue/").status_code == 400
        assert desk.post(f"dead_letters/task/{task}/requeue/", why="mended").status_code == 302

        assert [len(outbox.rows_of(server, task=task)) for server in (main, shard)] == [1, 1]
        assert len(dead_letters.latest(main, task=other)) == 1
        entry = desk.acts()[-1]
        assert (entry.before["dead"], entry.after["dead"]) == (2, 0)
        assert desk.post(f"dead_letters/task/{task}/requeue/", why="again").status_code == 409


def test_dead_letters_are_discarded_one_or_all_of_a_task_with_a_reason(desk):
    main, shard = main_server(), server_named("shard_b")
    with letters_of(main, shard) as (task, ids), letters_of(main) as (other, _):
        asked = desk.get(f"dead_letters/main/{ids[main]}/discard/").content.decode()
        assert "cannot be taken back" in asked
        assert desk.post(f"dead_letters/main/{ids[main]}/discard/").status_code == 400
        assert desk.post(f"dead_letters/main/{ids[main]}/discard/", why="its photo is gone").status_code == 302
        assert [len(dead_letters.latest(server, task=task)) for server in (main, shard)] == [0, 1]
        assert last_act(desk) == ("jobs.discard", f"dead_letter main:{ids[main]}", "its photo is gone")
        assert desk.post(f"dead_letters/main/{ids[main]}/discard/", why="again").status_code == 409

        assert desk.post(f"dead_letters/task/{task}/discard/", why="all of them").status_code == 302
        assert dead_letters.latest(shard, task=task) == []
        assert [outbox.rows_of(server, task=task) for server in (main, shard)] == [[], []]
        assert len(dead_letters.latest(main, task=other)) == 1
        assert (desk.acts()[-1].before["dead"], desk.acts()[-1].after["dead"]) == (1, 0)


def test_discarding_asks_for_the_password_again(desk, settings):
    settings.OFFICE_PROOF_S = 0
    with letters_of(main_server()) as (task, _):
        answer = desk.post(f"dead_letters/task/{task}/discard/", why="tidy")

        assert answer["Location"].startswith("/admin/prove/")
        assert len(dead_letters.latest(main_server(), task=task)) == 1


def test_a_server_that_is_away_is_named_and_the_others_letters_are_there(desk, monkeypatch):
    asked = dead_letters.latest

    def away(server, **facts):
        if server.name == "shard_a":
            raise ShardUnavailable("shard_a")
        return asked(server, **facts)

    monkeypatch.setattr(dead_letters, "latest", away)
    with letters_of(main_server()) as (task, _):
        page = desk.get("dead_letters/", task=task).content.decode()

    assert "are missing: shard_a" in page
    assert "ValueError: no" in page


def test_what_was_slow_is_told_with_where_the_time_went(desk, settings):
    settings.SLOW_REQUEST_S = 0.001
    person = a_person()
    person.get("/v1/users/self/feed")
    slow._hand_over()
    settings.SLOW_REQUEST_S = 1.0

    page = desk.get("slow/", kind="request", text="feed").content.decode()

    assert f"/admin/people/{person.id}/" in page
    assert "SQL on" in page
    assert "Nothing found" in desk.get("slow/", least="999999999").content.decode()


def test_without_redis_the_page_of_slow_requests_is_empty_and_whole(desk, monkeypatch):
    monkeypatch.setattr(redis_servers, "ask", lambda commands: {})

    assert desk.get("slow/").status_code == 200


def test_a_preview_says_what_other_numbers_would_have_caught_and_leads_to_keeping_them(desk):
    rule = SpamRule.objects.get(kind="hashtag_stuffing")
    person = a_person()
    media = person.upload(caption="#a1 #b2 #c3")
    run_until_idle()
    photo = media["id"].split("_")[0]

    strict = desk.get(f"spam/{rule.pk}/preview/", hashtags="3").content.decode()
    assert f"/admin/photos/{photo}/" in strict
    assert person.username in strict
    assert f"/admin/spam/{rule.pk}/?hashtags=3" in strict
    assert f"/admin/photos/{photo}/" not in desk.get(f"spam/{rule.pk}/preview/", hashtags="100").content.decode()
    assert 'value="3"' in desk.get(f"spam/{rule.pk}/", hashtags="3").content.decode()
    assert desk.get(f"spam/{rule.pk}/preview/", hashtags="1").status_code == 400


def test_a_rule_is_changed_and_turned_off_with_a_reason(desk):
    rule = SpamRule.objects.create(name=f"test {uuid.uuid4().hex}", kind="hashtag_stuffing", numbers={"hashtags": 99})
    try:
        answer = desk.post(f"spam/{rule.pk}/", hashtags="40", is_on="on", why="too many false ones")
        assert answer.status_code == 302
        rule.refresh_from_db()
        assert (rule.numbers, rule.is_on) == ({"hashtags": 40}, True)
        assert last_act(desk) == ("spam.change", f"spam_rule {rule.pk}", "too many false ones")
        assert (desk.acts()[-1].before["hashtags"], desk.acts()[-1].after["hashtags"]) == (99, 40)

        assert desk.post(f"spam/{rule.pk}/", hashtags="40", why="no use").status_code == 302
        rule.refresh_from_db()
        assert not rule.is_on

        for wrong in ({"hashtags": "40"}, {"hashtags": "1", "why": "x"}, {"why": "x"}):
            assert desk.post(f"spam/{rule.pk}/", **wrong).status_code == 400
        rule.refresh_from_db()
        assert rule.numbers == {"hashtags": 40}
    finally:
        rule.delete()


def test_a_rule_is_added_catches_and_is_deleted_with_reasons(desk):
    name = f"test {uuid.uuid4().hex}"
    assert "/admin/spam/add/hashtag_stuffing/" in desk.get("spam/").content.decode()
    facts = {"name": f"  {name} ", "hashtags": "6", "is_on": "on"}
    for wrong in ({"why": ""}, {"why": "x", "hashtags": "1"}, {"why": "x", "name": " "}):
        assert desk.post("spam/add/hashtag_stuffing/", **facts | wrong).status_code == 400
    assert not SpamRule.objects.filter(name=name).exists()
    assert desk.post("spam/add/hashtag_stuffing/", **facts, why="tags of late").status_code == 302

    rule = SpamRule.objects.get(name=name)
    try:
        assert (rule.kind, rule.numbers, rule.is_on) == ("hashtag_stuffing", {"hashtags": 6}, True)
        assert last_act(desk) == ("spam.change", f"spam_rule {rule.pk}", "tags of late")
        assert desk.acts()[-1].after["rule"] == name
        assert desk.post("spam/add/rate/", name=name, texts="5", minutes="5", why="x").status_code == 400
        media = a_person().upload(caption=" ".join(f"#tag{number}" for number in range(6)))
        run_until_idle()
        flags = Case.objects.get(target_id=photo_id(media)).flags
        assert [each["rule"] for each in flags] == [name]
    finally:
        answer = desk.post(f"spam/{rule.pk}/delete/", why="no use")
    assert answer.status_code == 302
    assert not SpamRule.objects.filter(pk=rule.pk).exists()
    assert (desk.acts()[-1].before["hashtags"], desk.acts()[-1].after) == (6, {})
    assert Case.objects.get(target_id=photo_id(media)).flags == flags
    assert desk.post(f"spam/{rule.pk}/delete/", why="again").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "spam/add/nothing/",
        f"spam/{'9' * 30}/delete/",
        "dead_letters/nowhere/1/discard/",
        "switches/nothing/on/",
        "switches/short_feeds/sideways/",
        "switches/read_only/on/?target=%00",
        f"alerts/silences/{'9' * 30}/end/",
        "alerts/silence/?alert=%00",
        f"dead_letters/main/{'9' * 30}/requeue/",
        "dead_letters/nowhere/1/requeue/",
        "dead_letters/main/0/requeue/",
        "dead_letters/?server=nowhere",
        "dead_letters/?task=%00",
        "slow/?least=x",
        f"spam/{'9' * 30}/",
        "spam/0/preview/",
        "switches/?before=x",
    ],
)
def test_nonsense_is_answered(path, desk):
    assert desk.browser.get(f"/admin/{path}").status_code < 500


def test_a_preview_names_servers_that_are_away(desk, monkeypatch):
    asked = judging.texts.everything

    def away(server, **facts):
        if server.name == "shard_a":
            raise ShardUnavailable("shard_a")
        return asked(server, **facts)

    monkeypatch.setattr(judging.texts, "everything", away)
    rule = SpamRule.objects.get(kind="rate")

    assert "are missing: shard_a" in desk.get(f"spam/{rule.pk}/preview/").content.decode()
