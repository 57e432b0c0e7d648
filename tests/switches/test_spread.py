"""A switch reaches other processes within seconds, and what is known holds when nobody can be asked."""

import os
import subprocess
import sys
import time
from io import StringIO

import pytest
import requests
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import User
from switches import services, state
from switches.models import Change
from tests.support.own_web import own_web
from tests.support.people import a_person
from tests.support.private import ROOT
from tests.support.switched import switched
from tests.support.waiting import wait_until

#: Nothing listens there.
NOBODY = "127.0.0.1:9"
ASK = (
    "import django, os; django.setup(); from switches import state;"
    " print('asked:', state.active('short_feeds') and state.active('short_feeds').reason)"
)


def manage(*words: str) -> str:
    said = StringIO()
    call_command(*words, stdout=said)
    return said.getvalue()


def asked_in_a_new_process(**env: str) -> str:
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "instagram.settings.test"} | env
    command = [sys.executable, "-c", ASK]
    answer = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True, timeout=60)
    return answer.stdout.strip()


def test_a_switch_acts_in_processes_that_run_within_three_seconds_and_so_does_its_end():
    anna = a_person()
    with own_web() as web:

        def status() -> int:
            form = {"access_token": anna.token, "bio": "hello"}
            return requests.post(f"http://{web.nginx.address}/v1/accounts/self", data=form, timeout=30).status_code

        # Twenty in a row: both processes of Gunicorn have answered.
        wait_until(lambda: all(status() == 200 for _ in range(20)), what="the web works")
        for verb, wanted in (("on", 503), ("off", 200)):
            began = time.monotonic()
            manage("switch", verb, "read_only", "--why", "rehearsal", "--by", "tests")
            wait_until(lambda wanted=wanted: all(status() == wanted for _ in range(20)), what=f"{verb} everywhere")
            assert time.monotonic() - began < 3.0 + 3.0, "three seconds, and as many for the requests of a busy machine"


def test_a_new_process_knows_the_last_state_when_main_and_memcached_are_away():
    with switched("short_feeds", reason="kept in Redis"):
        away = {"PGBOUNCER_PORT": "9", "MEMCACHED_SERVERS": NOBODY}
        assert asked_in_a_new_process() == "asked: kept in Redis"
        assert asked_in_a_new_process(**away) == "asked: kept in Redis"
        assert asked_in_a_new_process(**away, PHOTO_MAP_SERVERS=NOBODY) == "asked: None", "everything is on duty"


def test_the_history_keeps_who_did_what_and_why_and_the_list_says_what_is_on():
    manage("switch", "on", "read_only", "shard_b", "--why", "new disk", "--by", "tests", "--until", "+30m")
    try:
        listed = manage("switch", "list")
        assert "ON   read_only" in listed
        assert "shard_b: new disk (tests, " in listed
        assert '"target":"shard_b","reason":"new disk","by":"tests"' in manage("switch", "list", "--json")
    finally:
        manage("switch", "off", "read_only", "shard_b", "--why", "disk is in", "--by", "tests")
    off, on = manage("switch", "history", "read_only", "--most", "2").splitlines()
    assert "read_only shard_b off: disk is in (tests)" in off
    assert "read_only shard_b on: new disk (tests, until " in on
    assert manage("switch", "off", "read_only", "shard_b", "--why", "again") == "read_only was not on\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["on", "red_only", "--why", "x"], "no switch is called 'red_only': there are read_only, "),
        (["on", "push_paused", "shard_a", "--why", "x"], "push_paused concerns everybody: it takes no target."),
        (["on", "read_only", "9999", "--why", "x"], "no shard is called '9999': give a server (shard_a, shard_b)"),
        (["on", "push_paused"], "switch on needs a switch and --why."),
        (["on", "push_paused", "--why", "  "], "say a reason."),
        (["on", "push_paused", "--why", "x" * 201], "a reason: at most 200 characters."),
        (["on", "push_paused", "--why", "x", "--until", "tomorrow"], "--until cannot be read: write +30m"),
        (["on", "push_paused", "--why", "x", "--until", "+99999d"], "the end must be within a year."),
        (["on", "push_paused", "--why", "x", "--until", "2020-01-01T00:00"], "the end must be in the future."),
        (["off", "push_paused", "--why", "x", "--until", "+5m"], "--until belongs to switch on."),
    ],
)
def test_what_makes_no_sense_is_said_and_switches_nothing(words, said):
    before = Change.objects.count()
    with pytest.raises(CommandError) as refused:
        manage("switch", *words)
    assert str(refused.value).startswith(said)
    assert refused.value.returncode == 2
    assert Change.objects.count() == before


def test_asking_costs_no_query(django_assert_num_queries):
    with switched("push_paused"), django_assert_num_queries(0):
        assert state.active("push_paused")
        assert state.active("read_only") is None
    assert services.latest_of("push_paused", "").on is False
    assert User.objects.exists()
