"""Deploying to real hosts: sshd, Gunicorn and HAProxy, under constant requests."""

import shutil
from pathlib import Path

import pytest
import requests

from deploy import artifact
from tests.support.hosts import HAPROXY, SSHD, Load, commit_of, hosts
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(
        not (Path(HAPROXY).exists() and Path(SSHD).exists()), reason="haproxy and openssh-server are not installed"
    ),
]

BROKEN = commit_of({"instagram/wsgi.py": "raise RuntimeError('this release cannot start')\n"})
UNWELL = commit_of({"monitoring/urls.py": "urlpatterns = []\n"})
STALLED = commit_of(
    {
        "monitoring/management/commands/canary.py": (
            "from django.core.management.base import BaseCommand, CommandError\n\n\n"
            "class Command(BaseCommand):\n"
            "    def add_arguments(self, parser):\n"
            "        parser.add_argument('--once', action='store_true')\n"
            "        parser.add_argument('--json', action='store_true')\n\n"
            "    def handle(self, *args, **options):\n"
            "        raise CommandError('canary of shard_a stalls at feed', returncode=1)\n"
        )
    }
)
#: No canary photo: whom it would have to reach serves the service's own databases, not those of tests.
RULES = "batch = 2\nhealthy_s = 40\ncanary_s = 1\ncanary_photo = false"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Three app hosts and one of workers, with a first release."""
    folder = tmp_path_factory.mktemp("site")
    folder.chmod(0o755)
    with hosts(folder, 3, workers=1, rollout=RULES) as found:
        result = found.fab("deploy")
        assert result.returncode == 0, result.stdout + result.stderr
        yield found
    shutil.rmtree(folder, ignore_errors=True)


def running(site):
    return {name: site.current(name) for name in site.inventory.hosts if name != "lb-1"}


def serves(site):
    return requests.get(f"{site.url}/health/ready", timeout=5).json()["release"]


def test_a_release_runs_on_every_host_and_says_its_name(site):
    releases = set(running(site).values())

    assert len(releases) == 1
    assert serves(site) in releases
    assert artifact.NAME.fullmatch(serves(site))


def test_deploying_and_going_back_fail_no_request(site):
    before = serves(site)
    with Load(f"{site.url}/health/ready") as load:
        deployed = site.fab("deploy")
        after = serves(site)
        back = site.fab("rollback")

    assert (deployed.returncode, back.returncode) == (0, 0), deployed.stdout + back.stdout + back.stderr
    assert after > before == serves(site)
    assert load.failed == {}
    assert load.answers["200"] > 20


@pytest.mark.parametrize("commit", [BROKEN, UNWELL], ids=["cannot start", "has no health"])
def test_a_bad_release_is_off_again_by_itself_while_the_site_stays_up(site, commit):
    before = running(site)
    with Load(f"{site.url}/health/ready") as load:
        result = site.fab("deploy", "--revision", commit)

    assert result.returncode == 1
    assert "rolled back after" in result.stderr, result.stderr
    assert "app-01" in result.stdout
    assert running(site) == before
    assert load.failed == {}
    wait_until(lambda: serves(site) in before.values(), what="the site runs what it ran")


def test_a_release_whose_canary_photo_stalls_goes_back_and_names_the_stage(site):
    before, rules = running(site), site.inventory.path.read_text()
    site.inventory.path.write_text(rules.replace("canary_photo = false", "canary_photo = true"))
    try:
        result = site.fab("deploy", "--revision", STALLED)
    finally:
        site.inventory.path.write_text(rules)

    assert result.returncode == 1
    assert "the canary photo from app-01 did not arrive" in result.stderr
    assert "stalls at feed" in result.stderr
    assert running(site) == before


def test_a_deploy_says_what_became_of_the_alerts(site):
    said = site.fab("rollback", "--to", site.current("app-01")).stdout

    assert "alerts: silence" in said or "alerts: not silenced, the release that runs knows no silences" in said


def test_a_site_closed_for_work_says_so_to_people_and_clients_until_it_is_open_again(site):
    refused = site.fab("maintenance", "--on")
    closed = site.fab("maintenance", "--on", "--why", "a new disk", "--minutes", "7")
    try:
        page = requests.get(f"{site.url}/", timeout=5)
        call = requests.get(f"{site.url}/v1/users/self/feed", timeout=5, headers={"X-Request-Id": "of-a-stranger"})
        token = requests.post(f"{site.url}/oauth/access_token", timeout=5)
        health = requests.get(f"{site.url}/health/ready", timeout=5)
        said = site.fab("maintenance").stdout
    finally:
        opened = site.fab("maintenance", "--off")

    assert refused.returncode == 2
    assert "--why" in refused.stderr
    assert closed.returncode == 0, closed.stdout + closed.stderr
    assert (page.status_code, page.headers["Retry-After"]) == (503, "420")
    assert "Back in a moment" in page.text
    assert (call.status_code, call.headers["Retry-After"]) == (503, "420")
    # Nobody but a proxy of ours names a request.
    assert call.headers["X-Request-Id"] != "of-a-stranger"
    assert call.json()["meta"]["code"] == token.json()["meta"]["code"] == 503
    assert health.status_code == 200
    assert "closed" in said
    assert opened.returncode == 0, opened.stdout + opened.stderr
    assert requests.get(f"{site.url}/v1/users/self/feed", timeout=5).status_code != 503


def test_moving_shards_is_refused_as_not_in_this_release(site):
    for verb in ("shard.plan", "shard.move"):
        result = site.fab(verb)
        assert result.returncode == 2
        assert "not in this release" in result.stderr


def test_the_list_of_verbs_is_a_manual_in_groups(site):
    listed = site.fab("--list").stdout

    assert listed.index("Hosts") < listed.index("provision") < listed.index("Releases") < listed.index("rollback")
    lines = [line for line in listed.splitlines() if line.startswith("  ")]
    assert len(lines) >= 15
    assert all(len(line.split(None, 1)) == 2 for line in lines)


def test_a_host_that_is_dead_stops_a_deploy_before_anything_is_changed(site):
    with site.dead("app-03"):
        result = site.fab("deploy")
        listed = site.fab("status")

    assert result.returncode == 1
    assert "nothing was changed; app-03: does not answer" in result.stderr
    assert "app-02" in listed.stdout


def test_two_do_not_deploy_at_once(site):
    lock = Path(site.inventory.hosts["app-01"].base) / "shared" / "deploy.lock"
    lock.mkdir()
    (lock / "who").write_text("carla@desk deploy since noon\n")
    try:
        refused = site.fab("deploy")
    finally:
        freed = site.fab("unlock")

    assert refused.returncode == 2
    assert "carla@desk deploy since noon" in refused.stderr
    assert "carla@desk" in freed.stdout
    assert not lock.exists()


def test_a_dry_run_says_what_would_be_done_and_does_nothing(site):
    before = running(site)

    result = site.fab("deploy", "--dry-run")

    assert result.returncode == 0, result.stderr
    assert "would run" in result.stdout
    assert running(site) == before


def test_a_host_out_of_the_load_balancer_gets_no_requests(site):
    out = site.fab("lb.out", "--hosts", "app-02")
    try:
        seen = {serves(site) for _ in range(6)}
        listed = site.fab("status", "--hosts", "app")
    finally:
        back = site.fab("lb.in", "--hosts", "app-02")

    assert (out.returncode, back.returncode) == (0, 0), out.stderr + back.stderr
    assert seen
    assert "DRAIN" in out.stdout
    assert "DRAIN" in listed.stdout
    assert "DRAIN" not in back.stdout


def test_without_any_app_host_the_load_balancer_answers_clients_in_the_envelope(site):
    names = ",".join(host.name for host in site.inventory.with_role("app"))
    site.fab("lb.out", "--hosts", names)
    try:
        call = requests.get(f"{site.url}/v1/users/self/feed", timeout=20)
        page = requests.get(f"{site.url}/", timeout=20)
    finally:
        site.fab("lb.in", "--hosts", names)

    assert call.status_code == page.status_code == 503
    assert call.json()["meta"]["code"] == 503
    assert "X-Ratelimit-Limit" in list(call.headers)  # as the contract spells it
    assert call.headers["Retry-After"] == page.headers["Retry-After"] == "2"
    assert page.headers["Content-Type"].startswith("text/plain")


def test_the_log_says_who_deployed_what_and_how_it_ended(site):
    said = site.fab("history").stdout

    assert "rolled back" in said
    assert "done" in said
    assert running(site)["app-01"] in said
