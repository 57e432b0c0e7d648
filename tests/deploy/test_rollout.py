"""Deploying to real hosts: sshd, Gunicorn and HAProxy, under constant requests."""

import re
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from deploy import artifact
from deploy.balancer import Balancers
from deploy.remote import Fleet
from recovery.models import Deployment
from tests.support.hosts import HAPROXY, ROOT, SSHD, Load, commit_of, hosts
from tests.support.people import a_person
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
            "        parser.add_argument('--json', action='store_true')\n"
            "        parser.add_argument('--at')\n\n"
            "    def handle(self, *args, **options):\n"
            "        raise CommandError(f'canary at {options[\"at\"]} stalls at feed', returncode=1)\n"
        )
    }
)
WORKERLESS = commit_of({"jobs/management/commands/worker.py": "raise RuntimeError('no worker of this release')\n"})
#: It is well, and dies of the first request that is none of a health page's.
CRASHING = commit_of(
    {
        "instagram/wsgi.py": (ROOT / "instagram" / "wsgi.py")
        .read_text()
        .replace(
            "    length = environ",
            '    if not environ["PATH_INFO"].startswith("/health"):\n        os._exit(1)\n    length = environ',
        )
    }
)
#: No canary photo: whom it would have to reach serves the service's own databases, not those of tests.
RULES = "batch = 2\nhealthy_s = 40\nsteady_s = 3\ncanary_s = 1\ncanary_photo = false"


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


def answers_of(site):
    """How many requests each host has answered so far, by the load balancer."""
    traffic = Balancers(Fleet(site.inventory)).traffic()
    return Counter({name: seen.answers for name, seen in traffic.items()})


def serves(site):
    return requests.get(f"{site.url}/health/ready", timeout=5).json()["release"]


def test_a_release_runs_on_every_host_and_says_its_name(site):
    releases = set(running(site).values())

    assert len(releases) == 1
    assert serves(site) in releases
    assert artifact.NAME.fullmatch(serves(site))


def test_deploying_and_going_back_fail_no_request(site):
    before = serves(site)
    anna = a_person()
    photo, token = anna.upload()["id"], f"access_token={anna.token}"
    others = [
        ("GET", f"{site.url}/v1/users/self/feed?{token}"),
        # Never sent twice, so never lost.
        ("POST", f"{site.url}/v1/media/{photo}/comments?text=so+good&{token}"),
    ]
    with Load(f"{site.url}/health/ready", *others, each_s=0.1) as load:
        deployed = site.fab("deploy")
        after = serves(site)
        back = site.fab("rollback")

    assert (deployed.returncode, back.returncode) == (0, 0), deployed.stdout + back.stdout + back.stderr
    assert after > before == serves(site)
    assert load.failed == {}
    assert load.answers["200"] > 60


@pytest.mark.parametrize("commit", [BROKEN, UNWELL], ids=["cannot start", "has no health"])
def test_a_bad_release_is_off_again_by_itself_while_the_site_stays_up(site, commit):
    before, previous = running(site), site.previous("app-01")
    with Load(f"{site.url}/health/ready") as load:
        result = site.fab("deploy", "--revision", commit)

    assert result.returncode == 1
    assert "rolled back after" in result.stderr, result.stderr
    assert "app-01" in result.stdout
    assert site.deployments()[-1]["release"].endswith(commit[:10]), "written down by its name"
    assert running(site) == before
    assert site.previous("app-01") == previous, "nobody goes back to a release that was found bad"
    assert load.failed == {}
    wait_until(lambda: serves(site) in before.values(), what="the site runs what it ran")


def test_a_release_whose_canary_photo_stalls_goes_back_and_names_the_stage(site):
    before, canary = running(site), site.inventory.hosts["app-01"]
    with site.told("canary_photo = false", "canary_photo = true"):
        result = site.fab("deploy", "--revision", STALLED)

    assert result.returncode == 1
    assert "the canary photo from app-01 did not arrive" in result.stderr
    assert f"canary at http://{canary.address}:{canary.serves} stalls at feed" in result.stderr
    assert running(site) == before


def test_a_bad_canary_is_off_again_while_the_release_is_still_on_its_way_to_another_host(site):
    before, ended = site.current("app-01"), []
    with site.told("canary_photo = false", "canary_photo = true"), ThreadPoolExecutor(1) as pool:
        deploying = pool.submit(site.fab, "deploy", "--revision", STALLED)
        wait_until(lambda: site.current("app-01") != before, seconds=60, what="the canary has the release")
        with site.frozen("app-03"):
            wait_until(lambda: site.current("app-01") == before, seconds=60, what="the canary is back")
            ended.append(deploying.done())
        result = deploying.result()

    assert ended == [False], "somebody still waits for the host that answers nothing"
    assert result.returncode == 1
    assert "all 1 hosts that had it run what they ran before" in result.stderr


def test_a_canary_that_crashes_is_found_out_though_another_host_answers_instead(site):
    before = running(site)
    with site.told("canary_s = 1", "canary_s = 3"), Load(f"{site.url}/status.json", threads=4) as load:
        result = site.fab("deploy", "--revision", CRASHING)

    assert result.returncode == 1
    assert "the canary app-01 gave" in result.stderr
    assert running(site) == before
    assert load.failed == {}


def test_a_release_that_breaks_workers_alone_goes_back_everywhere(site):
    before = running(site)

    result = site.fab("deploy", "--revision", WORKERLESS)

    assert result.returncode == 1
    assert "worker-1: worker-" in result.stderr
    assert "does not stay up" in result.stderr
    assert "all 4 hosts that had it run what they ran before" in result.stderr
    assert running(site) == before
    units = next(line for line in site.fab("status").stdout.splitlines() if "worker-1" in line)
    assert units.count("=active") == len(site.inventory.hosts["worker-1"].units)


def test_a_deploy_silences_alerts_and_ends_that(site):
    said = site.fab("rollback", "--to", site.current("app-01")).stdout

    (number,) = re.findall(r"alerts: silence (\d+), for 15 minutes at most", said)
    assert f"alerts: silence {number} ended" in said


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


def test_with_the_first_host_and_a_load_balancer_dead_the_others_go_back_all_the_same(site):
    before = running(site)
    deployed = site.fab("deploy")
    newest = site.current("app-01")
    dead_balancer = '[hosts.lb-2]\naddress = "127.0.1.250"\nroles = ["lb"]\n[hosts.app-01]'
    with site.told("[hosts.app-01]", dead_balancer), site.dead("app-01"):
        result = site.fab("rollback")
        after = running(site)
        listed = site.fab("history")
        status = site.fab("status", "--hosts", "app-02")
    again = site.fab("rollback", "--to", before["app-01"])

    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    assert after == before | {"app-01": newest}
    assert result.returncode == 1
    assert "not on app-01, lb-2" in result.stderr
    assert "left as it is: does not answer" in result.stdout
    assert "told nothing since" in result.stdout
    assert listed.stdout.splitlines()[3].count(before["app-02"]) == 1, "the latest is on top, wherever it was written"
    assert status.returncode == 1
    assert "lb-2: does not answer" in status.stdout, "why it is unwell, whomever it is asked for"
    assert again.returncode == 0, again.stdout + again.stderr
    assert running(site) == before


def test_a_full_disk_keeps_a_new_release_away_and_nobody_from_going_back(site):
    with site.told("free_mb = 10", "free_mb = 100000000"):
        refused = site.fab("deploy")
        back = site.fab("rollback", "--to", site.current("app-01"))

    assert (refused.returncode, back.returncode) == (1, 0), back.stderr
    assert "nothing was changed" in refused.stderr


def test_two_do_not_deploy_at_once(site):
    lock = Path(site.inventory.hosts["app-01"].base) / "shared" / "deploy.lock"
    lock.mkdir()
    (lock / "who").write_text("carla@desk deploy since noon\n")
    try:
        refused = site.fab("deploy")
        looked = site.fab("unlock", "--dry-run")
        held = lock.exists()
    finally:
        freed = site.fab("unlock")

    assert refused.returncode == 2
    assert "carla@desk deploy since noon" in refused.stderr
    assert held
    assert looked.stdout == freed.stdout == "carla@desk deploy since noon\n"
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
        answered = answers_of(site)
        for _ in range(12):
            serves(site)
        asked = answers_of(site) - answered
        listed = site.fab("status", "--hosts", "app")
    finally:
        back = site.fab("lb.in", "--hosts", "app-02")
    answered = answers_of(site)
    for _ in range(12):
        serves(site)

    assert (out.returncode, back.returncode) == (0, 0), out.stderr + back.stderr
    assert asked["app-02"] == 0
    assert asked["app-01"] + asked["app-03"] >= 12
    assert (answers_of(site) - answered)["app-02"] > 0
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


def test_one_unit_is_restarted_where_it_runs_and_nowhere_else(site):
    again = site.fab("restart", "--unit", "web")
    nowhere = site.fab("restart", "--unit", "worker-fast", "--hosts", "app")

    assert again.returncode == 0, again.stdout + again.stderr
    assert "app-03" in again.stdout
    assert "worker-1" not in again.stdout
    assert nowhere.returncode == 2
    assert "none of app-01, app-02, app-03 runs worker-fast" in nowhere.stderr


def test_a_word_is_found_in_the_whole_log_of_a_unit_and_a_log_that_cannot_be_read_is_named(site):
    log = Path(site.inventory.hosts["app-02"].base) / "log" / "web.log"
    with log.open("a") as file:
        file.write("an --ERROR of long ago\n" + "well\n" * 5_000)

    found = site.fab("logs", "--hosts", "app", "--match=--ERROR")
    log.rename(log.with_suffix(".away"))
    lost = site.fab("logs", "--hosts", "app", "--lines", "1")
    log.with_suffix(".away").rename(log)

    assert (found.returncode, found.stdout.splitlines()) == (0, ["app-02  an --ERROR of long ago"]), found.stderr
    assert lost.returncode == 1
    assert "could not be read on app-02" in lost.stderr
    assert "No such file" in lost.stdout


def test_the_log_says_who_deployed_what_and_how_it_ended(site):
    said = site.fab("history").stdout

    assert "rolled back" in said
    assert "done" in said
    assert running(site)["app-01"] in said
    latest = site.deployments()[-1]
    copies = Deployment.objects.filter(release=latest["release"], outcome=latest["outcome"])
    wait_until(copies.exists, what="main's copy for the admin, for which no deploy waits")
