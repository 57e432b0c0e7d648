"""A data centre of the tests' own: what dies is started again and said so, twice up is once, down leaves nothing."""

import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
import requests

from tests.support.private import ROOT, PrivateStack, private_place, running_private_stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults


def status_line(stack: PrivateStack, name: str) -> str:
    result = stack.run([str(ROOT / "bin" / "up"), "--status"], check=False)
    return next(line for line in result.stdout.splitlines() if line.split()[0] == name)


@pytest.mark.parametrize("name", ["redis_1", "pgbouncer", "gearmand", "seaweedfs", "nginx_cdn", "worker_feed_1"])
def test_what_is_killed_comes_back_and_it_is_said(private_stack: PrivateStack, name: str) -> None:
    before = private_stack.restarts(name)

    killed = private_stack.kill(name)
    pid = private_stack.wait_ready(name, unlike=killed)

    assert private_stack.restarts(name) == before + 1
    assert f"{name} died (killed by SIGKILL); starting it again" in private_stack.log("supervisor")
    line = status_line(private_stack, name).split()
    assert line[-3:] == [str(pid), "well", str(before + 1)]


def test_a_killed_database_comes_back_with_what_it_acknowledged(private_stack: PrivateStack) -> None:
    mark = f"mark-{time.time_ns()}"
    write = "from django.contrib.sessions.models import Session as S; from django.utils import timezone as t; "
    private_stack.manage("shell", "-v0", "-c", write + f"S.objects.create(session_key='{mark}', expire_date=t.now())")

    killed = private_stack.kill("postgres_main")
    private_stack.wait_ready("postgres_main", unlike=killed)
    # PgBouncer tries a server that was away once a second (server_login_retry), and refuses those who wait meanwhile.
    wait_until(lambda: requests.get(f"{private_stack.url}/health/ready", timeout=5).ok, what="PgBouncer reaches main")

    found = private_stack.manage("shell", "-v0", "-c", write + f"print(S.objects.filter(pk='{mark}').delete()[0])")
    assert found.strip().endswith("1")


def test_the_web_is_back_after_its_head_is_killed_and_no_worker_is_left_over(private_stack: PrivateStack) -> None:
    old = [process.pid for process in psutil.Process(private_stack.pid("gunicorn")).children()]
    killed = private_stack.pid("gunicorn")
    os.kill(killed, signal.SIGKILL)

    private_stack.wait_ready("gunicorn", unlike=killed)

    assert requests.get(f"{private_stack.url}/health/live", timeout=5).status_code == 200
    wait_until(lambda: not any(psutil.pid_exists(pid) for pid in old), what="the old workers are gone")


def test_a_frozen_server_is_unwell_until_it_thaws(private_stack: PrivateStack) -> None:
    pid = private_stack.pid("memcached_1")

    with private_stack.frozen("memcached_1"):
        assert "unwell" in status_line(private_stack, "memcached_1")

    assert private_stack.wait_ready("memcached_1") == pid
    assert "well" in status_line(private_stack, "memcached_1")


def test_a_dead_server_that_is_held_stays_dead_while_others_come_and_go(private_stack: PrivateStack) -> None:
    with private_stack.dead("postgres_shard_b"):
        killed = private_stack.kill("pgbouncer")
        private_stack.wait_ready("pgbouncer", unlike=killed)

        assert "held" in status_line(private_stack, "postgres_shard_b")
        assert requests.get(f"{private_stack.url}/health/live", timeout=5).status_code == 200

    private_stack.wait_ready("postgres_shard_b")


def test_the_app_front_speaks_the_envelope_while_the_application_is_away(private_stack: PrivateStack) -> None:
    with private_stack.dead("gunicorn"):
        answer = requests.get(f"{private_stack.url}/v1/users/self/feed", timeout=5)

        assert (answer.status_code, answer.json()["meta"]["code"]) == (502, 502)
        assert answer.json()["meta"]["error_type"] == "APIError"
        assert requests.get(f"{private_stack.url}/", timeout=5).headers["Content-Type"].startswith("text/html")


def test_the_app_front_refuses_a_body_over_the_limit_in_the_envelope(private_stack: PrivateStack) -> None:
    answer = requests.post(f"{private_stack.url}/v1/media", data=bytes(12 * 1024 * 1024), timeout=10)

    assert (answer.status_code, answer.json()["meta"]["code"]) == (413, 413)
    assert answer.json()["meta"]["error_type"] == "APIInvalidParametersError"


def test_the_app_front_writes_one_line_of_json_a_request_without_the_token(private_stack: PrivateStack) -> None:
    requests.get(f"{private_stack.url}/v1/users/self/feed?access_token=1.secretsecret", timeout=5)

    wait_until(lambda: '"path":"/v1/users/self/feed"' in private_stack.log("access"), what="the line in the access log")
    assert "secretsecret" not in private_stack.log("access")
    assert '"app_seconds":"0.' in private_stack.log("access")


def test_up_again_changes_nothing_and_is_quick(private_stack: PrivateStack) -> None:
    before = {name: facts["pid"] for name, facts in private_stack.components.items()}
    began = time.monotonic()

    result = private_stack.up()

    assert result.returncode == 0, result.stderr
    assert time.monotonic() - began < 30
    assert {name: facts["pid"] for name, facts in private_stack.components.items()} == before
    assert f"address    {private_stack.url}" in result.stdout


def test_restart_replaces_our_own_code_alone(private_stack: PrivateStack) -> None:
    before = {name: facts["pid"] for name, facts in private_stack.components.items()}

    private_stack.run([sys.executable, "-m", "stack", "restart"])

    after = {name: facts["pid"] for name, facts in private_stack.components.items()}
    replaced = {name for name in before if before[name] != after[name]}
    assert replaced == {
        "gunicorn",
        "relay",
        "watch",
        "worker_fast_1",
        "worker_feed_1",
        "worker_feed_large_1",
        "worker_network_1",
        # The stand-ins of the outside world are ours as well.
        "apns",
        "social",
        "stack_page",
    }


def test_down_leaves_nothing_running_even_after_the_supervisor_was_killed() -> None:
    with running_private_stack("--no-apps") as stack:
        ours = [facts["pid"] for facts in stack.components.values() if facts["pid"]]
        ours += [child.pid for pid in ours for child in psutil.Process(pid).children(recursive=True)]
        ports = list(stack.ports.values())
        supervisor = int((stack.state_dir / "run" / "supervisor.pid").read_text().split()[0])
        os.kill(supervisor, signal.SIGKILL)

        result = stack.down()

        assert result.returncode == 0, result.stderr
        assert [pid for pid in ours if psutil.pid_exists(pid)] == []
        assert [port for port in ports if socket.socket().connect_ex(("127.0.0.1", port)) == 0] == []
        assert list((stack.state_dir / "run").glob("*.pid")) == []


def test_changed_settings_start_everything_anew_and_fresh_begins_with_nothing() -> None:
    with running_private_stack("--no-apps") as stack:
        (stack.state_dir / "demo.json").write_text("{}")
        first = stack.pid("memcached_1")
        stack.env["MEMCACHED_MB"] = "32"

        result = stack.up()

        assert result.returncode == 0, result.stderr
        assert "have changed" in result.stdout
        second = stack.pid("memcached_1")
        assert first != second
        assert "32" in psutil.Process(second).cmdline()

        assert stack.up("--fresh", "--yes").returncode == 0
        assert stack.pid("memcached_1") != second
        assert not (stack.state_dir / "demo.json").exists()


def test_a_component_that_cannot_start_is_named_with_its_last_words() -> None:
    with private_place("--no-apps") as stack:
        stack.env["CDN_CACHE_MB"] = "none at all"
        assert stack.up().returncode == 2  # settings refuse it

        stack.env["CDN_CACHE_MB"] = "-1"
        result = stack.up()

        assert result.returncode == 1
        assert "nginx_cdn" in result.stderr
        assert "does not come up" in result.stderr
        assert str(stack.state_dir / "log") in result.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's servers run as that user and enter where it does")
def test_a_state_directory_below_a_closed_home_is_kept_elsewhere_behind_a_link() -> None:
    home = Path(tempfile.mkdtemp(prefix="instagram-home-"))  # 0700, root's
    with private_place("--no-apps") as stack:
        stack.env["STATE_DIR"] = str(home / "state")
        elsewhere = None
        try:
            result = stack.up()

            assert result.returncode == 0, result.stderr
            assert f"{home} is closed to the account that runs the servers" in result.stdout
            elsewhere = (home / "state").readlink()
            assert elsewhere.is_relative_to("/var/lib/instagram-local")
        finally:
            stack.down()
            shutil.rmtree(home)
            if elsewhere:
                shutil.rmtree(elsewhere)


def test_the_app_front_takes_a_body_that_does_not_fit_into_memory_and_refuses_the_unreadable_in_the_envelope(
    private_stack: PrivateStack,
) -> None:
    # Larger than nginx keeps in memory: it goes through a file of its account's.
    taken = requests.post(f"{private_stack.url}/v1/media", data=b"x" * 1_000_000, timeout=10)
    unreadable = requests.get(f"{private_stack.url}/v1/media/shortcode/%00", timeout=5)

    assert (taken.status_code, taken.json()["meta"]["error_type"]) == (400, "OAuthParameterException")
    assert (unreadable.status_code, unreadable.json()["meta"]["error_type"]) == (400, "APIInvalidParametersError")
