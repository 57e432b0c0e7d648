"""What leaves for Sentry: each error once, with what helps, and nothing of anybody's."""

import json
import os
import secrets
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest
import requests
import sentry_sdk
from django.conf import settings as django_settings
from django.test import Client, override_settings

from accounts.models import User
from instagram import tracing
from jobs import enqueue, outbox, task
from jobs.tasks import registry
from jobs.worker import Worker
from monitoring import sentry
from sharding import shard_of
from tests.support.people import a_person
from tests.support.sentry import a_tracker, a_tracker_that_hangs


@pytest.fixture
def tracker(settings):
    with a_tracker() as tracker:
        settings.SENTRY_DSN, settings.RELEASE = tracker.dsn, "20261126-130652-a449d73535"
        sentry.start()
        yield tracker
        _stop()


def _stop():
    sentry_sdk.get_client().close(timeout=0)
    sentry_sdk.init(dsn=None)


def planted(*more):
    """Return random words that occur in no line of source; numbers and letters, as a token has them."""
    return [secrets.token_hex(12) for _ in range(8)] + list(more)


@pytest.fixture
def failing_task():
    @task("test.fails", queue="network")
    def fails(*, user_id, text):
        held = f"{text} in a local variable"
        raise ValueError(f"no room for {text}: {len(held)}")

    yield "test.fails"
    del registry["test.fails"]


def break_a_page(person, words):
    """Have a page break whose caller sent secrets in every way there is; return the answer."""
    password, caption, query, cookie, bearer, agent, forwarded, referrer = words[:8]
    browser = Client(raise_request_exception=False)
    browser.force_login(User.objects.get(pk=person.id))
    browser.cookies["other"] = cookie
    with override_settings(ROOT_URLCONF="tests.support.pages"):
        return browser.post(
            f"/people/{person.username}/break?access_token={query}",
            {"password": password, "caption": caption},
            HTTP_X_REQUEST_ID="0123456789abcdef",
            HTTP_AUTHORIZATION=f"Bearer {bearer}",
            HTTP_USER_AGENT=agent,
            HTTP_X_FORWARDED_FOR=f"203.0.113.77, {forwarded}",
            HTTP_REFERER=f"http://127.0.0.1/?q={referrer}",
            REMOTE_ADDR="198.51.100.23",
        )


def test_a_page_that_breaks_is_reported_once_with_what_helps(tracker):
    person = a_person()

    answer = break_a_page(person, planted())
    sentry_sdk.flush(5)

    assert answer.status_code == 500
    event = tracker.one()
    shard = shard_of(person.id)
    assert event["tags"] == {
        "request_id": "0123456789abcdef",
        "shard": shard.schema,
        "server": shard.server.name,
    }
    assert event["release"] == "20261126-130652-a449d73535"
    assert event["transaction"] == "POST /people/<name>/break"
    assert event["user"] == {"id": str(person.id)}
    assert event["contexts"]["time spent"]["words"].startswith("sql ")
    (exception,) = event["exception"]["values"]
    assert exception["type"] == "RuntimeError"
    assert exception["value"].startswith("cannot keep … of … from … as ")
    last = exception["stacktrace"]["frames"][-1]
    assert (last["function"], last["module"]) == ("breaks", "tests.support.pages")
    assert "raise RuntimeError" in last["context_line"]


def test_no_secret_that_a_caller_sent_is_in_the_report(tracker):
    person = a_person()
    email = User.objects.get(pk=person.id).email
    words = planted()

    break_a_page(person, words)
    sentry_sdk.flush(5)

    event = tracker.one()
    assert "query" not in {each["category"] for each in event["breadcrumbs"]["values"]}
    told = tracker.told().decode()
    # A page that breaks without one of them in hand would prove nothing: breaks() uses the first two and the address.
    for word in [*words, person.username, email, "203.0.113.77", "198.51.100.23", "sessionid"]:
        assert word not in told, f"{word} is in the report"


def test_what_postgresql_quotes_of_a_row_is_not_in_the_report(tracker):
    person = a_person()
    email = User.objects.get(pk=person.id).email

    with override_settings(ROOT_URLCONF="tests.support.pages"):
        Client(raise_request_exception=False).post("/repeat", {"username": person.username, "email": email})
        sentry_sdk.flush(5)

    event = tracker.one()
    assert event["exception"]["values"][-1]["type"] == "IntegrityError"
    told = tracker.told().decode()
    assert "violates unique constraint" in told
    assert person.username not in told
    assert email not in told


def test_a_crash_of_the_api_is_reported_once_without_the_callers_credential(tracker, monkeypatch):
    def broken(*_args, **_kwargs):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("api.v1.base.identify", broken)
    credential = secrets.token_hex(16)

    answer = Client(HTTP_X_REQUEST_ID="0123456789abcdef").get("/v1/users/7", {"access_token": credential})
    sentry_sdk.flush(5)

    assert answer.status_code == 500
    event = tracker.one()
    assert event["exception"]["values"][-1]["value"] == "a fault of ours"
    assert event["tags"]["request_id"] == "0123456789abcdef"
    assert event["transaction"] == "GET /v1/users/<user_id>"
    assert credential.encode() not in tracker.told()


def test_of_requests_to_other_services_the_host_alone_is_told(tracker):
    secret = secrets.token_hex(16)
    address = urlsplit(tracker.dsn)
    requests.get(f"http://127.0.0.1:{address.port}/v2/users/{secret}", {"oauth_token": secret}, timeout=5)

    sentry_sdk.capture_exception(RuntimeError("a fault of ours"))
    sentry_sdk.flush(5)

    crumbs = tracker.one()["breadcrumbs"]["values"]
    assert [each["data"]["host"] for each in crumbs if each["category"] == "httplib"] == [f"127.0.0.1:{address.port}"]
    assert secret.encode() not in tracker.told()


def test_a_job_that_fails_is_reported_once_with_task_job_server_and_the_request_behind_it(tracker, failing_task):
    person, text = a_person(), secrets.token_hex(12)
    shard = shard_of(person.id)
    token = tracing.request_id.set("request-behind-it")
    job = enqueue(failing_task, on=shard, delay_s=60, user_id=person.id, text=text)
    tracing.request_id.reset(token)

    Worker(["network"]).do(job.payload())
    sentry_sdk.flush(5)

    event = tracker.one()
    assert event["tags"] == {
        "request_id": "request-behind-it",
        "task": failing_task,
        "job": f"{shard.server.name}:{job.row_id}",
        "shard": shard.schema,
        "server": shard.server.name,
    }
    assert event["contexts"]["job"]["args"] == {"user_id": person.id, "text": f"<text of {len(text)}>"}
    assert event["exception"]["values"][-1]["value"].startswith("no room for …")
    assert text.encode() not in tracker.told()
    outbox.finish(shard.server, [(job.row_id, job.step)])


def test_a_management_command_that_breaks_is_reported_once_without_its_arguments():
    secret = secrets.token_hex(12)
    with a_tracker() as tracker:
        ended = subprocess.run(
            [sys.executable, "manage.py", "shell", "-c", f"held = '{secret}'; raise RuntimeError('anna@example.com')"],
            cwd=django_settings.BASE_DIR,
            env=os.environ
            | {"DJANGO_SETTINGS_MODULE": "instagram.settings.test", "SENTRY_DSN": tracker.dsn, "RELEASE": "r-1"},
            capture_output=True,
            text=True,
            check=False,
        )

        assert ended.returncode == 1
        event = tracker.one()
        assert event["tags"] == {"command": "shell"}
        assert (event["release"], event["exception"]["values"][-1]["value"]) == ("r-1", "…")
        assert secret.encode() not in tracker.told()
        assert b"anna@example.com" not in tracker.told()


@pytest.mark.parametrize("how", ["away", "hanging"])
def test_a_sentry_that_is_away_or_hangs_costs_requests_nothing(settings, monkeypatch, how):
    def broken(*_args, **_kwargs):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("api.v1.base.identify", broken)
    with a_tracker_that_hangs() as hanging:
        settings.SENTRY_DSN = hanging if how == "hanging" else "http://key@127.0.0.1:9/1"
        sentry.start()
        took = []
        for _ in range(30):
            began = time.monotonic()
            assert Client().get("/v1/users/7").status_code == 500
            took.append(time.monotonic() - began)
        _stop()

    assert sorted(took)[15] < 0.1
    assert max(took) < 1.0


def test_without_an_address_nothing_is_reported(settings):
    settings.SENTRY_DSN = ""
    sentry_sdk.init(dsn=None)

    sentry.start()

    assert sentry_sdk.get_client().dsn is None


def test_reports_can_be_read_as_json(tracker):
    sentry_sdk.capture_message("a fault of ours", level="error")
    sentry_sdk.flush(5)

    assert json.loads(tracker.bodies[0].split(b"\n")[0])["event_id"] == tracker.one()["event_id"]
