"""What is kept of the canary's flights, what health makes of it, and that its bots are in nobody's way."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from accounts.reserved import is_bot
from accounts.services.sign_up import username_faults
from feeds import popular
from monitoring import checks
from monitoring.canary import alert_text, last_results
from monitoring.canary.bots import pairs
from monitoring.canary.results import Flight, kept
from sharding import physical_servers, shard_of
from tests.support.own_servers import own_redis
from tests.support.people import a_person
from tests.support.switched import switched


@pytest.fixture
def forgotten(settings, tmp_path):
    """No canary has flown yet, as far as this test's Redis and disk know."""
    with own_redis() as redis:
        settings.PHOTO_MAP_SERVERS = [redis.address]
        settings.STATE_DIR = tmp_path
        yield redis


def well(server: str = "shard_a") -> Flight:
    return Flight(server, ok=True, seconds={"upload": 0.2, "job": 0.1, "feed": 0.2, "image": 0.1}, post_to_feed_s=0.4)


def stalled(stage: str, server: str = "shard_b") -> Flight:
    return Flight(server, stage=stage, error="the fan-out has not run", seconds={"upload": 0.2})


def deep() -> dict | None:
    """What the canary's item of the health page says; None if it is not there."""
    found = [checks.run_all([check])[0] for check in checks.all_checks() if check.name == "canary"]
    return {"ok": found[0].ok, "error": found[0].error} | found[0].facts if found else None


def test_a_canary_that_never_flew_is_absent_from_health(forgotten):
    assert last_results() is None
    assert deep() is None


def test_a_flight_that_went_well_is_shown_with_its_seconds(forgotten):
    kept([well("shard_a"), well("shard_b")], is_loop=True)

    said = deep()

    assert said["ok"]
    assert said["post_to_feed_s"] == {"shard_a": 0.4, "shard_b": 0.4}
    assert said["age_s"] < 5


@pytest.mark.parametrize("stage", ["upload", "job", "feed", "image"])
def test_a_stall_is_unwell_and_the_alert_names_its_stage(forgotten, stage):
    kept([well("shard_a"), stalled(stage)], is_loop=False)

    assert alert_text(last_results()) == f"the canary photo stalls at {stage} (shard_b): the fan-out has not run"
    assert not deep()["ok"]
    assert stage in deep()["error"]


def test_a_loop_that_has_not_flown_for_three_minutes_is_unwell_a_single_flight_is_not(forgotten, settings):
    kept([well()], is_loop=True)
    settings.CANARY_STALE_S = -1.0
    assert "the canary has not flown for" in deep()["error"]

    kept([well()], is_loop=False)
    assert deep()["ok"]
    kept([], is_loop=True, ended=True)
    assert deep()["ok"], "told to stop: nobody misses it"


def test_a_result_outlives_redis_in_a_file_and_is_forgotten_after_its_time(forgotten, settings):
    kept([well()], is_loop=True)
    forgotten.kill()
    assert last_results()["flights"][0]["server"] == "shard_a"
    settings.CANARY_FORGET_S = 0.0
    assert last_results() is None


def test_every_server_has_an_author_who_is_read_there_and_from_another_server():
    flying, grounded = pairs()

    assert grounded == []
    assert [pair.server for pair in flying] == physical_servers()
    for pair in flying:
        assert shard_of(pair.author.id).server == pair.server
        assert pair.server.name in pair.readers
        assert len(pair.readers) == 2
        for server, reader in pair.readers.items():
            assert shard_of(reader.id).server.name == server
    assert pairs()[0] == flying, "made once"


def test_the_bots_are_private_and_in_no_list_and_nobody_gets_their_names():
    anna = a_person()
    flying, _ = pairs()
    author = flying[0].author

    assert anna.get("/v1/users/search", q="canary.")["data"] == []
    assert not [each for each in anna.get("/v1/users/suggested")["data"] if is_bot(each["username"])]
    assert author.id not in popular.ranked().values()
    refused = Client().get(f"/v1/users/{author.id}/media/recent", {"access_token": anna.token})
    assert refused.json()["meta"]["error_type"] == "APINotAllowedError"
    assert username_faults("canary.mine") == ["this name is reserved"]


class _Host(BaseHTTPRequestHandler):
    """An app host that takes nothing and remembers under which name it was asked."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.add((self.headers["Host"], self.path.partition("?")[0]))
        self.send_error(503)

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


def test_a_photo_sent_through_one_host_asks_it_under_the_name_of_the_site(forgotten, settings):
    settings.WEB_BASE_URL = "https://www.example.com"
    with ThreadingHTTPServer(("127.0.0.1", 0), _Host) as host:
        host.asked = set()
        threading.Thread(target=host.serve_forever, daemon=True).start()
        with pytest.raises(CommandError, match=r"stalls at upload .*: the API answers 503"):
            call_command("canary", "--once", "--at", f"http://127.0.0.1:{host.server_port}/")
        host.shutdown()

    assert host.asked == {("www.example.com", "/v1/media")}


@pytest.mark.parametrize(
    "words", [["--once", "--at", "app-1"], ["--once", "--at", "http://app-1/v1"], ["--at", "http://a:1"]]
)
def test_what_is_no_origin_or_flies_for_ever_through_one_host_is_refused(words):
    with pytest.raises(CommandError) as refused:
        call_command("canary", *words)
    assert refused.value.returncode == 2


def test_while_the_service_is_read_only_the_canary_is_paused_not_stalled(forgotten, capsys):
    with switched("read_only", reason="new disks"):
        call_command("canary", "--once")
    assert capsys.readouterr().out.splitlines() == [f"{name}: read-only: new disks" for name in settings.SHARD_SERVERS]
    assert alert_text(last_results()) is None


def test_a_front_that_is_not_there_stalls_the_upload_with_exit_code_1(forgotten, settings, capsys):
    settings.WEB_BASE_URL = "http://127.0.0.1:9"
    began = time.monotonic()
    with pytest.raises(CommandError) as refused:
        call_command("canary", "--once", "--json")
    assert refused.value.returncode == 1
    said = str(refused.value)
    assert said.startswith("the canary photo stalls at upload (shard_a): no connection")
    assert "\n" not in said
    assert capsys.readouterr().out.startswith('{"at":')
    assert time.monotonic() - began < 10
