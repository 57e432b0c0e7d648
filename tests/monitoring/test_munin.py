"""Munin's plugin: what it says by itself, and the same through a real node and a real master."""

import io
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.conf import settings
from django.core.management import call_command

from instagram import counting
from instagram.wsgi import application
from monitoring import figures_page
from monitoring.alerts.watch import Watch, last_known
from monitoring.figures.table import GRAPHS
from monitoring.munin import plugin as inside
from tests.support import munin
from tests.support.munin import Munin, running_munin
from tests.support.private import ROOT

PLUGIN = ROOT / "monitoring" / "munin" / "instagram_"


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The service's own /metrics, over HTTP."""
    server = make_server("127.0.0.1", 0, application, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/metrics"
    server.shutdown()
    server.server_close()


@pytest.fixture
def plugin(url: str, tmp_path: Path):
    """Run the plugin as munin-node does: with nothing of our environment."""

    def run(name: str, *arguments: str, code: int = 0, **env: str) -> list[str]:
        link = tmp_path / name
        if not link.exists():
            link.symlink_to(PLUGIN)
        environment = {
            "METRICS_URL": url,
            "METRICS_TOKEN": settings.METRICS_TOKEN,
            "MUNIN_PLUGSTATE": str(tmp_path),
            "PATH": "/usr/bin:/bin",
        }
        done = subprocess.run(
            [str(link), *arguments], env=environment | env, cwd="/", capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout.splitlines() if not code else done.stderr.splitlines()

    return run


def test_one_graph_by_the_name_of_its_link(plugin) -> None:
    said = plugin("instagram_pool", "config")

    assert said[0] == "graph_title Clients that wait for a database connection"
    assert "pool_waiting_shard_a.label shard_a" in said
    assert "pool_waiting_shard_a.warning :9.999990" in said
    assert "pool_waiting_shard_a.critical :49.999950" in said
    fields = {line.partition(".")[0] for line in said if ".label " in line}
    assert fields == {"pool_waiting_main", *(f"pool_waiting_{name}" for name in settings.SHARD_SERVERS)}
    assert {line.partition(".")[0] for line in plugin("instagram_pool")} == fields


def test_a_low_level_is_written_so_that_munin_reads_no_other_number(plugin) -> None:
    # Of "1e-06:" Munin makes 1.
    assert "disk_free.critical 5.000005:" in plugin("instagram_disk", "config")
    for line in plugin("instagram", "config"):
        if ".warning " in line or ".critical " in line:
            assert "e" not in line.split()[1], line


def test_all_graphs_at_once(plugin) -> None:
    said = plugin("instagram", "config")

    graphs = [line.split()[1] for line in said if line.startswith("multigraph ")]
    assert set(graphs) <= {f"instagram_{graph.name}" for graph in GRAPHS}
    assert {"instagram_posting", "instagram_pool", "instagram_disk", "instagram_late"} <= set(graphs)
    # With the capability Munin needs no second call.
    both = plugin("instagram", "config", MUNIN_CAP_DIRTYCONFIG="1")
    assert any(line.startswith("disk_free.value ") for line in both)
    assert not any(".value " in line for line in said)


def test_rates_come_with_the_second_fetch_and_are_per_second(plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "photos.value U" in plugin("instagram_posting")
    counting.count("photos", 1_000_000)
    counting.flush()

    rate = next(line for line in plugin("instagram_posting") if line.startswith("photos.value "))
    # As many as in so many seconds: no second of them was longer than the test's.
    assert 1_000_000 / 60 < float(rate.split()[1]) < 1_000_000 / 0.01
    # Within a few seconds it goes on comparing with the same reading.
    assert inside.KEEP_S > 5
    again = next(line for line in plugin("instagram_posting") if line.startswith("photos.value "))
    assert 0 < float(again.split()[1]) < float(rate.split()[1])


def test_what_cannot_be_had_is_a_sentence_and_no_trace(plugin) -> None:
    assert "401" in plugin("instagram", "config", code=1, METRICS_TOKEN="wrong")[0]
    assert "refused" in plugin("instagram", code=1, METRICS_URL="http://127.0.0.1:1/metrics")[0]
    assert "no http address" in plugin("instagram", code=1, METRICS_URL="file:///etc/passwd")[0]
    assert "there is no graph nothing" in plugin("instagram_nothing", code=1)[0]


def test_munin_can_ask_whether_it_would_work_and_for_what(plugin) -> None:
    assert plugin("instagram_", "autoconf") == ["yes"]
    assert plugin("instagram_", "autoconf", METRICS_URL="http://127.0.0.1:1/metrics")[0].startswith("no (")
    assert plugin("instagram_", "suggest") == [graph.name for graph in GRAPHS]


def test_the_page_lists_the_figures_as_they_are_and_munins_text_as_it_is_tested() -> None:
    page = figures_page.PAGE.read_text()

    assert figures_page.page() == page, "run manage.py figures_page"
    assert f"contact.instagram.text {munin.TEXT}\n" in page


@contextmanager
def a_munin(url: str, *plugins: str) -> Iterator[Munin]:
    with tempfile.TemporaryDirectory(prefix="munin-") as name:
        Path(name).chmod(0o755)
        with running_munin(Path(name), url=url, token=settings.METRICS_TOKEN, plugins=list(plugins)) as found:
            yield found


@pytest.mark.faults
def test_a_real_node_runs_the_plugin(url: str) -> None:
    with a_munin(url, "instagram", "instagram_pool") as node:
        assert node.says("list") == ["instagram_pool"], "only masters that know multigraph are told of it"
        assert "instagram" in node.says("cap multigraph", "list")[1].split()

        said = node.says("config instagram_pool")
        assert "pool_waiting_main.critical :49.999950" in said
        values = node.says("fetch instagram_pool")
        assert "pool_waiting_main.value 0" in values
        assert values[-1] == "."

        every = node.says("cap multigraph", "fetch instagram")
        assert sum(line.startswith("multigraph instagram_") for line in every) > 15
        assert any(line.startswith("disk_free.value ") and not line.endswith("U") for line in every)


@pytest.mark.faults
def test_a_real_master_draws_the_graphs_and_its_levels_reach_the_watch(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "WATCH_DIR", tmp_path / "watch")
    monkeypatch.setattr(settings, "PAGERDUTY_ROUTING_KEY", "")

    def master(program: str, *arguments: str) -> None:
        done = node.master(program, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr

    def reported() -> dict[str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(node.told()))
        call_command("alert", "--munin")
        return {alarm["key"]: alarm["level"] for alarm in last_known()["alarms"]}

    with a_munin(url, "instagram") as node:
        # A part that is away is critical at once: away >= 1.
        monkeypatch.setattr(settings, "MEMCACHED_SERVERS", [*settings.MEMCACHED_SERVERS, "127.0.0.1:1"])
        for program in ("munin-update", "munin-limits"):
            master(program)
        key = "munin:node.test:instagram_sources:memcached 127.0.0.1:1"
        assert reported()[key] == "critical"

        master("munin-html")
        master("munin-graph", "--cron")
        drawn = {path.name for path in (node.folder / "html" / "test" / "node.test").glob("*-day.png")}
        assert {"instagram_pool-day.png", "instagram_sources-day.png", "instagram_disk-day.png"} <= drawn
        for path in (node.folder / "html" / "test" / "node.test").glob("*-day.png"):
            assert path.read_bytes().startswith(b"\x89PNG")
    with Watch() as watch:
        assert "restart" in watch.alarms.by_key[key].act, "our own figure says what to do"
