"""Log lines: what each says of the work in hand, and what it never says."""

import json
import logging
import os
import subprocess
import sys

import pytest
from django.conf import settings as django_settings

from instagram import tracing
from monitoring.logs import JsonFormatter, LineFormatter
from monitoring.scrubbing import without_people, without_secrets


def a_record(message, *values, error=None, **facts):
    exc_info = (type(error), error, None) if error else None
    record = logging.LogRecord("photos.services", logging.WARNING, "x.py", 7, message, values, exc_info)
    record.facts = facts
    return record


def test_a_json_line_says_who_what_and_on_whose_behalf(settings):
    settings.RELEASE = "20261126-130652-a449d73535"
    token = tracing.request_id.set("0123456789abcdef")
    with tracing.follow("job", "feeds.fan_out", task="feeds.fan_out", job="shard_a:17") as trace:
        trace.user_id = 1_000_003
        line = json.loads(JsonFormatter().format(a_record("%d of %d", 2, 3, error=ValueError("odd"), ms=1.5)))
    tracing.request_id.reset(token)

    assert line.pop("time").endswith("+00:00")
    assert line.pop("process")
    assert line == {
        "level": "WARNING",
        "logger": "photos.services",
        "message": "2 of 3",
        "request_id": "0123456789abcdef",
        "user": 1_000_003,
        "shard": f"s{1_000_003 % settings.LOGICAL_SHARDS:04d}",
        "task": "feeds.fan_out",
        "job": "shard_a:17",
        "ms": 1.5,
        "exception": "ValueError: odd",
        "release": "20261126-130652-a449d73535",
    }


def test_a_json_line_is_one_line_whatever_the_message():
    line = JsonFormatter().format(a_record("a\nb \ud800 %s", "c\u2028"))

    assert "\n" not in line
    assert json.loads(line)["message"].startswith("a\nb ")


def test_outside_of_requests_and_jobs_a_line_says_less_and_is_a_line_all_the_same():
    line = json.loads(JsonFormatter().format(a_record("alone")))

    assert "request_id" not in line
    assert line["message"] == "alone"


def test_a_line_to_read_carries_the_request_id_too():
    formatter = LineFormatter("{levelname} {name} {asked_by}{message}", style="{")
    token = tracing.request_id.set("0123456789abcdef")
    line = formatter.format(a_record("so it is"))
    tracing.request_id.reset(token)

    assert line == "WARNING photos.services [0123456789abcdef] so it is"
    assert formatter.format(a_record("so it is")) == "WARNING photos.services so it is"


TOKEN = "42.1fb234f.0123456789abcdef0123456789abcdef"  # none of anybody's


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (f"GET /v1/users/7?access_token={TOKEN}&count=3 failed", "GET /v1/users/7?access_token=…&count=3 failed"),
        (f"the token {TOKEN} is odd", "the token … is odd"),
        ("https://api.example.com/v2/me?oauth_token=abc&x=1 timed out", "https://api.example.com/v2/me?… timed out"),
        ("redis://me:hunter2@127.0.0.1:6379/0 is away", "redis://…@127.0.0.1:6379/0 is away"),
        ('{"password": "open sesame", "a": 1}', '{"password": "… sesame", "a": 1}'),
        ("Authorization: Bearer abcdefgh12345678", "Authorization: …"),
        ("sent Bearer abcdefgh12345678 along", "sent Bearer … along"),
        ("/accounts/login/?code=AbC12&next=/", "/accounts/login/?code=…&next=/"),
        ("Cookie: sessionid=abc; other=1", "Cookie: …; other=1"),
        ("HTTP status code: 503, 3 of 7 pushes wait", "HTTP status code: 503, 3 of 7 pushes wait"),
        ("job feeds.fan_out done in 3.1 ms", "job feeds.fan_out done in 3.1 ms"),
    ],
)
def test_what_lets_somebody_in_is_in_no_line(text, plain):
    assert without_secrets(text) == plain
    assert json.loads(JsonFormatter().format(a_record(text)))["message"] == plain
    assert LineFormatter("{asked_by}{message}", style="{").format(a_record(text)) == plain


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("anna.smith+x@example.co.uk wrote from 203.0.113.7", "… wrote from …"),
        ("from 2001:db8::17 just now", "from … just now"),
        ("no person 'anna'", "no person '…'"),
        ("it isn't, and that's Anna's", "it isn't, and that's Anna's"),
    ],
)
def test_what_says_who_somebody_is_does_not_leave_the_house(text, plain):
    assert without_people(text) == plain


def test_secrets_are_not_in_the_traceback_of_a_line_either():
    line = JsonFormatter().format(a_record("broken", error=ValueError(f"no user for access_token={TOKEN}")))

    assert TOKEN not in line
    assert "ValueError: no user for access_token=…" in json.loads(line)["exception"]


def test_an_unknown_form_of_lines_ends_the_start_with_a_sentence():
    ended = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=django_settings.BASE_DIR,
        env=os.environ | {"LOG_FORMAT": "xml"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode != 0
    assert "LOG_FORMAT may be line or json, not xml" in ended.stderr
