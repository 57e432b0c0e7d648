"""One id tells the story of a photo: nginx, Gunicorn, the worker and the push, each a process or server of its own."""

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from django.conf import settings as django_settings

from tests.support.apns import PushService, a_device, a_push_service
from tests.support.own_servers import OwnServer
from tests.support.own_web import OwnWeb, own_web
from tests.support.people import a_person, a_photo
from tests.support.waiting import wait_until


@pytest.fixture
def service() -> Iterator[PushService]:
    with a_push_service() as service:
        yield service


@pytest.fixture
def web(service: PushService, tmp_path: Path, settings) -> Iterator[OwnWeb]:
    """nginx, Gunicorn, a gearmand and a worker, with logs below tmp_path as in production."""
    gearmand = OwnServer(
        ["/usr/sbin/gearmand", "-L", "127.0.0.1", "-p", "{port}", "-l", "none", "-P", str(tmp_path / "gearmand.pid")]
    )
    apns = ("APNS_SERVER", "APNS_SANDBOX_SERVER", "APNS_CA_FILE", "APNS_KEY_FILE")
    env = {"LOG_FORMAT": "json", "RELEASE": "r-7", "GEARMAND_SERVERS": gearmand.address}
    env |= {name: getattr(settings, name) for name in apns}
    worker = OwnServer(
        [sys.executable, "manage.py", "worker"],
        port=gearmand.port,
        env={"DJANGO_SETTINGS_MODULE": "instagram.settings.test"} | env,
        log=tmp_path / "worker.log",
    )
    try:
        for server in (gearmand, worker):
            server.start()
        with own_web(logs=tmp_path, **env) as web:
            yield web
    finally:
        for server in (worker, gearmand):
            server.kill()


def lines_with(word: str, log: Path) -> list[dict[str, object]]:
    """Return the lines of a log that hold a word: each must be a JSON object."""
    return [json.loads(line) for line in log.read_text().splitlines() if word in line]


def test_one_id_tells_the_story_of_a_photo_and_no_log_holds_its_secrets(web, service, tmp_path):
    author, follower = a_person(), a_person()
    follower.follow(author)
    follower.post(f"/v1/users/{author.id}/bell")
    phone = a_device(follower)
    caption = f"fog {secrets.token_hex(8)}"

    answer = requests.post(
        f"http://{web.nginx.address}/v1/media?access_token={author.token}",
        data={"caption": caption},
        files={"photo": ("photo.jpg", a_photo())},
        timeout=60,
    )
    wait_until(lambda: service.taken(phone), seconds=60, what="the push arrives")

    assert answer.status_code == 200, answer.text
    named = answer.headers["X-Request-Id"]
    (push,) = service.taken(phone)

    def told(log: str) -> list[dict[str, object]]:
        return lines_with(named, tmp_path / log)

    (front,) = told("access.log")
    assert (front["verb"], front["path"], front["status"]) == ("POST", "/v1/media", 200)
    (request,) = [line for line in told("gunicorn.log") if line["logger"] == "request"]
    assert (request["verb"], request["path"], request["status"]) == ("POST", "/v1/media", 200)
    assert (request["user"], request["release"]) == (author.id, "r-7")
    assert request["s3"][0] >= 4

    def done() -> dict[str, dict[str, object]]:
        return {str(line["task"]): line for line in told("worker.log") if " done in " in str(line["message"])}

    jobs = wait_until(
        lambda: found if {"feeds.fan_out", "notifications.push_post"} <= set(found := done()) else None,
        what="both jobs are told of",
    )
    assert str(jobs["feeds.fan_out"]["job"]).startswith("shard_")
    (rang,) = [line for line in told("worker.log") if line["logger"] == "notifications.push.sending"]
    assert push["apns_id"] in rang["message"]
    assert rang["task"] == "notifications.push_post"

    # The one grep of docs/observing.md.
    grep = subprocess.run(["grep", "-lr", named, str(tmp_path)], capture_output=True, text=True, check=True)
    assert {Path(each).name for each in grep.stdout.split()} == {"access.log", "gunicorn.log", "worker.log"}

    everything = "".join(log.read_text() for log in tmp_path.glob("*.log"))
    for secret in (author.token, caption, phone, django_settings.SECRET_KEY, author.username):
        assert secret not in everything
