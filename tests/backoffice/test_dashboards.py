"""Dashboards: what they say is what is, what is away is named, and no picture is broken or says too much."""

import io
import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from backoffice.acts import Role
from backoffice.dashboards import advice, measuring, svg
from backoffice.dashboards.measuring import LogicalShard, ServerFacts
from instagram import counting
from jobs.testing import run_until_idle
from monitoring import history
from monitoring.canary.results import Flight, kept
from monitoring.figures.readings import Reading
from recovery.models import Archived, Backup, Deployment, Drill
from sharding import ShardUnavailable, redis_servers, server_named, shard_of, shards_on
from tests.support.people import a_person
from tests.support.staff import a_staff

PAGES = ("traffic", "shards", "queues", "photo_map", "cache", "leaving", "proofs", "deploys")
TODAY = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.fixture(scope="module")
def desk(test_databases, django_db_blocker):
    with django_db_blocker.unblock():
        yield a_staff(Role.READ_ONLY)


@pytest.fixture
def own_counts(settings):
    counting.flush()
    settings.METRICS_PREFIX = f"t-{uuid.uuid4().hex}:"
    yield
    counting.forget()


def shown(desk, name):
    answer = desk.get(f"dashboards/{name}/")
    assert answer.status_code == 200
    return answer.content.decode()


def pictures_of(page):
    parts = page.split("<svg viewBox")[1:]
    texts = [f"<svg viewBox{part.partition('</svg>')[0]}</svg>" for part in parts]
    return [ElementTree.fromstring(text) for text in texts]  # noqa: S314  # our own, not a stranger's


@pytest.mark.parametrize("name", PAGES)
def test_every_picture_is_whole_and_says_in_words_what_it_shows_without_style_attributes(name, desk):
    page = shown(desk, name)

    assert "style=" not in page.partition('id="content"')[2]
    for picture in pictures_of(page):
        assert picture.get("role") == "img"
        assert picture.get("aria-label")


@pytest.mark.parametrize("name", PAGES)
def test_without_redis_a_page_is_whole(name, desk, monkeypatch, settings):
    monkeypatch.setattr(redis_servers, "ask", lambda commands: {})
    settings.METRICS_REDIS = "127.0.0.1:1"
    settings.PHOTO_MAP_SERVERS = ["127.0.0.1:1"]

    shown(desk, name)


def test_a_shard_that_is_away_is_named_and_the_others_are_shown(desk, monkeypatch):
    asked = measuring._asked

    def away(server):
        if server.name == "shard_a":
            raise ShardUnavailable("shard_a")
        return asked(server)

    monkeypatch.setattr(measuring, "_asked", away)
    page = shown(desk, "shards")

    assert "are missing: shard_a" in page
    assert "shard_a does not answer: its people are without the service" in page
    for server, is_drawn in (("shard_b", True), ("shard_a", False)):
        for shard in shards_on(server_named(server)):
            assert (f"s{shard.number:04d} on {server}" in page) is is_drawn, shard


def test_a_memcached_that_is_away_is_named(desk, settings):
    settings.MEMCACHED_SERVERS = [*settings.MEMCACHED_SERVERS, "127.0.0.1:1"]

    assert "are missing: memcached 127.0.0.1:1" in shown(desk, "cache")


def test_who_was_active_and_what_was_liked_lately_is_on_the_page_of_shards(desk):
    anna, ben = a_person(), a_person()
    media = anna.upload()
    photo = int(media["id"].split("_")[0])
    ben.post(f"/v1/media/{media['id']}/likes")
    run_until_idle()

    found, away = measuring.measured()
    assert away == []
    assert {server.name for server in found} == set(django_settings.SHARD_SERVERS)
    assert sum(len(server.shards) for server in found) == django_settings.LOGICAL_SHARDS
    (bens,) = [server for server in found if server.name == shard_of(ben.id).server.name]
    assert bens.touched[photo] == 1


def test_the_rate_of_a_logical_shard_is_what_was_written_between_two_looks(own_counts, monkeypatch):
    anna = a_person()
    shard = shard_of(anna.id)
    clock = [time.time() - 100]
    monkeypatch.setattr(measuring.time, "time", lambda: clock[0])

    assert measuring._rates(shard.server, {shard.number: 50}) == {}
    clock[0] += 40
    assert measuring._rates(shard.server, {shard.number: 90}) == {shard.number: 1.0}
    clock[0] += 40
    assert measuring._rates(shard.server, {shard.number: 10})[shard.number] == pytest.approx(0.0)


def test_the_day_a_disk_is_full_follows_from_growth_over_the_kept_history(own_counts, settings):
    now = 2_000_000_000.0
    recorder = history.Recorder()
    for hour in range(4):
        sizes = [({"server": "shard_a"}, 1e9 + hour * 1e8)]
        recorder.look(Reading(now + hour * 3_600, {"postgres_size_bytes": sizes}))

    grown = measuring.growth(now + 3 * 3_600)
    assert grown == {"shard_a": pytest.approx(2.4e9)}

    settings.SHARD_DISK_GB = {"shard_a": 25}
    server = facts("shard_a", size=10**9, growth=grown["shard_a"], free=measuring.free_of("shard_a", 10**9, None))
    assert server.full_on(TODAY) == TODAY + timedelta(days=10)
    assert measuring.free_of("shard_of_elsewhere", 1, 5) is None


def test_servers_that_share_a_disk_fill_it_together(own_counts):
    now = time.time()
    for hour in (3, 0):
        sizes = [({"server": name}, 1e9 - hour * 1e8) for name in ("main", "shard_a", "shard_b")]
        history.Recorder().look(Reading(now - hour * 3_600, {"postgres_size_bytes": sizes}))

    found, _ = measuring.measured()
    assert [server.growth for server in found] == [pytest.approx(2.4e9, rel=0.01)] * 2
    assert [server.filling for server in found] == [pytest.approx(7.2e9, rel=0.01)] * 2
    assert found[0].full_on(TODAY) == found[1].full_on(TODAY)


def facts(name, *, writes=(1.0, 1.0), size=10**8, growth=None, free=None, first=0):
    shards = [LogicalShard(first + number, size // 2, 10, rate) for number, rate in enumerate(writes)]
    return ServerFacts(name, size, shards, [], {}, growth=growth, free=free, writes=sum(writes))


@pytest.mark.parametrize(
    ("servers", "away", "says"),
    [
        ([facts("a"), facts("b", first=2)], [], "Nothing is to be done"),
        ([facts("a")], ["b"], "b does not answer"),
        ([facts("a", growth=1e9, free=10**10), facts("b")], [], "The disk of a is full on 2026-12-06"),
        ([facts("a", growth=1e9, free=5 * 10**10), facts("b")], [], "on a new server, soon"),
        ([facts("a", growth=-1e9, free=10**10), facts("b")], [], "Nothing is to be done"),
        ([facts("a", writes=(40.0, 50.0)), facts("b", first=2)], [], "move logical shards from it to b, s0001 first"),
        ([facts("a", size=9 * 10**9), facts("b", size=10**9)], [], "a has 1.8 times the mean of bytes"),
        ([facts("a", writes=(100.0, *[1.0] * 30)), facts("b", writes=(1.0,) * 31)], [], "s0000 on a is hot"),
        ([facts("a", writes=(0.4, 0.0)), facts("b", writes=(0.0, 0.0))], [], "Nothing is to be done"),
        ([], [], "Nothing is to be done"),
    ],
)
def test_advice_says_what_to_do_and_where(servers, away, says):
    assert any(says in sentence for sentence in advice.advice(servers, away, TODAY))


def test_jobs_that_wait_and_their_numbers_are_on_the_page_of_queues(desk):
    page = shown(desk, "queues")

    assert "jobs are not done" in page
    for queue in ("fast", "feed", "feed_large", "network"):
        assert f"<td>{queue}</td>" in page


def test_counted_results_are_drawn(desk, own_counts):
    counting.count("pushes", 30, result="taken")
    counting.count("pushes", 10, result="gone")
    counting.count("shares", 3, service="twitter", result="sent")
    counting.count("shares", service="twitter", result="failed")
    counting.count("requests", 7, door="api", status="2xx")
    counting.flush()

    leaving = shown(desk, "leaving")
    assert "40 pushes since counting began, 75 % taken" in leaving
    assert "Pushes by result. taken by Apple: 30; device is gone: 10." in leaving
    assert "<td>25 %</td>" in leaving
    assert "<td>7</td>" in shown(desk, "traffic")


def test_the_last_day_is_drawn_as_the_watch_wrote_it(desk, own_counts):
    recorder = history.Recorder()
    began = time.time() - 1_300
    for look in range(10):
        photos = {"photos_total": [({}, float(look * 120))], "likes_total": [({}, 0.0)]}
        recorder.look(Reading(began + look * 120, photos))

    assert "photos: 1/s now, at least 1/s, at most 1/s" in shown(desk, "traffic")


def test_drills_backups_and_the_canary_are_told(desk):
    label = uuid.uuid4().hex[:16]
    now = timezone.now()
    Backup.objects.create(label=label, state="done", began_at=now, servers="main,shard_a", database_bytes=5_000_000)
    Archived.objects.update_or_create(server="shard_a", defaults={"at": now})
    Drill.objects.create(
        label=label, began_at=now, ended_at=now, ok=False, servers="main", seconds=12.5, why="a row is missing"
    )
    kept([Flight("shard_b", stage="feed", error="not there after 30 s", seconds={"upload": 0.2})], is_loop=False)
    try:
        page = shown(desk, "proofs")
        assert "a row is missing" in page
        assert "5 MB" in page
        assert "stalls at feed" in page
        assert "not there after 30 s" in page
    finally:
        kept([], is_loop=False, ended=True)
        Backup.objects.filter(label=label).delete()
        Drill.objects.filter(label=label).delete()


def test_deployments_are_in_main_newest_first_whatever_host_answers(desk):
    who = f"anna@{uuid.uuid4().hex[:12]}"
    facts = [
        {"release": f"r{n}", "before": "older", "who": who, "at": f"2036-11-26T10:{n:02}:00Z", "seconds": 9.0 + n,
         "outcome": "done" if n % 2 else "rolled back", "hosts": 3, "why": "", "phases": {"build": 1.0}}
        for n in range(12)
    ]  # fmt: skip
    try:
        for each in [*facts, facts[-1]]:  # the last one twice: its answer was lost
            call_command("deployments", "note", json.dumps(each), stdout=io.StringIO())
        page = shown(desk, "deploys")
        assert [f"<td>r{n}</td>" in page for n in range(12)] == [False] * 2 + [True] * 10
        assert page.index("<td>r11</td>") < page.index("<td>r10</td>")
        assert page.count("<td>r11</td>") == 1
        assert who in page
        assert "rolled back" in page
    finally:
        Deployment.objects.filter(who=who).delete()


@pytest.mark.parametrize(
    "facts",
    [
        "{",
        "[1]",
        "{}",
        '{"release": "r", "before": "", "who": "w", "at": "then", "seconds": 1, "outcome": "done", "hosts": 1}',
    ],
)
def test_a_deployment_that_cannot_be_read_is_refused_with_a_sentence(facts):
    with pytest.raises(CommandError, match="no deployment") as refused:
        call_command("deployments", "note", facts)
    assert refused.value.returncode == 2


def test_labels_cannot_break_out_of_a_picture():
    drawn = svg.bars([('"><script>alert(1)</script>', 1.0)], title='<b>"')

    assert "<script" not in drawn
    assert pictures_of(drawn)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "1/s", "0/s"), (1_234.0, "", "1,234"), (0.12345, "1/s", "0.123/s"), (97.06, "%", "97.1 %"),
        (1_720_000.0, "bytes", "1.72 MB"), (999.0, "bytes", "999 B"), (5e15, "bytes", "5,000 TB"),
        (None, "%", "–"), (float("nan"), "", "–"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_people_read_them(value, unit, text):
    assert svg.shown(value, unit) == text


def test_a_line_keeps_its_peak_and_its_gaps():
    points = [(float(at), 1.0) for at in range(0, 86_400, 60)]
    points[700] = (points[700][0], 50.0)
    del points[300:400]

    (picture,) = pictures_of(svg.lines({"x": points}, title="X", began=0, ended=86_400, gap_s=600))
    parts = [part.get("points").split() for part in picture.iter("polyline")]
    assert len(parts) == 2
    assert 100 < sum(map(len, parts)) <= 180
    assert min(float(place.partition(",")[2]) for part in parts for place in part) == 18.0


def test_nothing_known_is_said_and_nothing_drawn():
    for drawn in (svg.bars([], title="X"), svg.columns([], title="X"), svg.lines({}, title="X", began=0, ended=1)):
        assert "Nothing is known yet" in drawn
        assert "<svg" not in drawn
