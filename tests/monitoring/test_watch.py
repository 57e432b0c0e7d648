"""The watch: figures in, PagerDuty's events out, through its outages, restarts and silences."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command

from monitoring.alerts import pager, silences
from monitoring.alerts.alarms import Event
from monitoring.alerts.watch import Busy, Watch, last_known
from monitoring.figures.readings import Reading
from monitoring.models import Silence
from sharding import ShardUnavailable
from tests.support.social import Elsewhere, running
from tests.support.waiting import wait_until


@pytest.fixture
def pagerduty(tmp_path: Path, settings: Any) -> Iterator[Elsewhere]:
    """PagerDuty as the stand-in plays it, and a watch's folder of the test's own."""
    (tmp_path / "social").mkdir()
    with running(tmp_path / "social") as found:
        settings.PAGERDUTY_URL = f"{found.url}/events.pagerduty.com"
        settings.WATCH_DIR = tmp_path / "watch"
        settings.WATCH_SOURCE = "test"
        yield found


@pytest.fixture(autouse=True)
def no_silences() -> Iterator[None]:
    Silence.objects.all().delete()
    yield
    Silence.objects.all().delete()


def told(pagerduty: Elsewhere) -> list[tuple[str, str, str]]:
    return [(event["action"], event["severity"], event["dedup_key"]) for event in pagerduty.captured]


class Clock:
    """Readings of one figure, 15 s apart: how many clients wait for a connection to shard_a."""

    def __init__(self) -> None:
        self.at = 1_000_000.0

    def waiting(self, clients: int, *, looks: int = 2) -> Iterator[Reading]:
        for _ in range(looks):
            self.at += 15
            yield Reading(self.at, {"pgbouncer_waiting": [({"server": "shard_a"}, clients)]})


KEY = "test/pool_waiting:shard_a"


def test_a_bad_figure_triggers_and_a_good_one_resolves(pagerduty: Elsewhere) -> None:
    clock = Clock()
    with Watch() as watch:
        for reading in [*clock.waiting(60), *clock.waiting(60), *clock.waiting(0)]:
            watch.cycle(reading)

    assert told(pagerduty) == [("trigger", "critical", KEY), ("resolve", "", KEY)]
    payload = pagerduty.captured[0]["payload"]
    assert payload["summary"] == "waiting in PgBouncer, by server (shard_a): 60 clients, critical from 50 clients"
    assert payload["source"] == "test"
    assert payload["custom_details"]["runbook"] == "docs/watching.md#pool_waiting"
    assert "SHOW POOLS" in payload["custom_details"]["what to do"]
    assert pagerduty.captured[0]["account"] == "-key", "the end of the routing key"


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 429}, {"status": 403}, {"hold_after_s": 1.0}])
def test_an_outage_of_pagerduty_holds_events_up_and_loses_none(
    pagerduty: Elsewhere, settings: Any, fault: dict[str, Any]
) -> None:
    settings.PAGERDUTY_TIMEOUT_S = 0.3
    pagerduty.goes_wrong("pagerduty", times=1_000, **fault)
    clock = Clock()
    with Watch() as watch:
        for reading in [*clock.waiting(60), *clock.waiting(0)]:
            watch.cycle(reading)
    in_vain = len(told(pagerduty))  # what was taken without an answer is sent again
    del pagerduty.social.faults[:]

    # Another process takes over.
    with Watch() as watch:
        for reading in clock.waiting(0, looks=8):
            watch.cycle(reading)

    assert told(pagerduty)[in_vain:] == [("trigger", "critical", KEY), ("resolve", "", KEY)]
    assert last_known()["alarms"] == []


def test_an_event_that_pagerduty_calls_malformed_holds_nothing_up(pagerduty: Elsewhere) -> None:
    bad = Event("trigger", "errors", "dreadful", "it is bad", 1.0)

    assert pager.tell(bad) is pager.Told.REFUSED
    assert pager.tell(Event("trigger", "errors", "critical", "x" * 5_000, 1.0)) is pager.Told.TAKEN


def test_without_a_routing_key_it_is_written_down_and_nobody_is_called(pagerduty: Elsewhere, settings: Any) -> None:
    settings.PAGERDUTY_ROUTING_KEY = ""
    with Watch() as watch:
        for reading in Clock().waiting(60):
            watch.cycle(reading)

    assert pagerduty.captured == []
    (alarm,) = last_known()["alarms"]
    assert (alarm["key"], alarm["level"], alarm["owed"]) == ("pool_waiting:shard_a", "critical", [])


def test_a_silence_mutes_what_it_names_until_it_ends(pagerduty: Elsewhere) -> None:
    clock = Clock()
    clock.at = time.time()
    silence = silences.add(alert="pool_waiting", minutes=10, why="a drill", by="tess")
    silences.add(alert="pool_wait", minutes=10, why="another figure", by="tess")
    with Watch() as watch:
        for reading in clock.waiting(60):
            watch.cycle(reading)
        assert told(pagerduty) == []
        assert last_known()["alarms"][0]["muted_by"] == "tess: a drill"

        silences.end(silence.pk)
        for reading in clock.waiting(60, looks=1):
            watch.cycle(reading)

    assert told(pagerduty) == [("trigger", "critical", KEY)]


def test_a_silence_that_nobody_ends_is_over_at_its_time(pagerduty: Elsewhere) -> None:
    clock = Clock()
    clock.at = time.time()
    silences.add(alert="*", minutes=1, why="a deploy that was killed", by="tess")
    with Watch() as watch:
        for reading in clock.waiting(60):
            watch.cycle(reading)
        muted = told(pagerduty)
        for reading in clock.waiting(60, looks=4):
            watch.cycle(reading)

    assert (muted, told(pagerduty)) == ([], [("trigger", "critical", KEY)])


def test_while_main_is_away_alerts_go_out_and_known_silences_hold(
    pagerduty: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    clock.at = time.time()
    silences.add(alert="pool_*", minutes=10, why="a drill", by="tess")
    with Watch() as watch:
        watch.cycle(next(clock.waiting(0)))

        def away() -> list[silences.Standing]:
            raise ShardUnavailable("main")

        monkeypatch.setattr(silences, "standing", away)
        for reading in clock.waiting(60):
            reading.metrics["source_away"] = [({"source": "main"}, 1.0)]
            watch.cycle(reading)

    assert told(pagerduty) == [("trigger", "critical", "test/away:main")]


def test_only_one_watch_has_the_folder(pagerduty: Elsewhere) -> None:
    with Watch(), pytest.raises(Busy), Watch():
        pass
    with Watch(), pytest.raises(CommandError) as refused:
        call_command("watch", "--once")
    assert refused.value.returncode == 2


def test_a_killed_watch_tells_afterwards_what_it_had_decided(pagerduty: Elsewhere, settings: Any) -> None:
    pagerduty.goes_wrong("pagerduty", hold_before_s=60.0)
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "instagram.settings.development",
        "PAGERDUTY_URL": settings.PAGERDUTY_URL,
        "WATCH_DIR": str(settings.WATCH_DIR),
        "WATCH_SOURCE": "test",
    }
    command = [sys.executable, "manage.py", "alert", "backup:shard_a", "--level", "critical", "--summary", "no backup"]
    reporting = subprocess.Popen(command, env=environment, cwd=django_settings.BASE_DIR)
    wait_until(lambda: pagerduty.social.asked, seconds=20, what="the request")
    os.kill(reporting.pid, signal.SIGKILL)
    reporting.wait()

    with Watch() as watch:
        watch.pass_on(time.time())
    assert told(pagerduty) == [("trigger", "critical", "test/backup:shard_a")]


def report(*arguments: str) -> None:
    call_command("alert", *arguments)


def test_other_programs_report_alerts_whether_a_watch_runs_or_not(pagerduty: Elsewhere) -> None:
    report("backup", "--level", "critical", "--summary", "no backup for 26 h")
    assert told(pagerduty) == [("trigger", "critical", "test/backup")]

    with Watch() as watch:
        report("backup", "--level", "ok", "--summary", "there is one")
        assert len(told(pagerduty)) == 1, "it waits for the watch"
        watch.pass_on(time.time())
    assert told(pagerduty)[1:] == [("resolve", "", "test/backup")]


def test_munin_reports_fields_with_their_levels(pagerduty: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = (
        "CRITICAL|db-1|instagram_pool|shard_a|71.00|:50\n"
        "WARNING|db-1|df|/|93.10|:92\n"
        "UNKNOWN|db-1|cpu|idle||\nnothing of ours\n"
    )
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    report("--munin")

    assert told(pagerduty) == [
        ("trigger", "critical", "test/munin:db-1:instagram_pool:shard_a"),
        ("trigger", "warning", "test/munin:db-1:df:/"),
    ]
    first = pagerduty.captured[0]["payload"]
    assert first["summary"] == "shard_a on db-1: 71.00, bad outside :50"
    assert "SHOW POOLS" in first["custom_details"]["what to do"], "a figure of ours says what to do"


@pytest.mark.parametrize(
    "arguments",
    [[], ["errors"], ["x" * 300, "--level", "ok", "--summary", "s"], ["\n", "--level", "ok", "--summary", "s"]],
)
def test_a_report_that_says_nothing_is_refused_with_a_sentence(pagerduty: Elsewhere, arguments: list[str]) -> None:
    with pytest.raises(CommandError) as refused:
        report(*arguments)

    assert refused.value.returncode == 2
    assert not any((django_settings.WATCH_DIR / "spool").glob("*"))


def said_by(*command: str) -> str:
    out = io.StringIO()
    call_command(*command, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_a_silence_is_added_listed_and_ended_by_command() -> None:
    number = said_by("silence", "add", "--all", "--minutes", "10", "--why", "deploy 42", "--by", "tess").strip()

    assert number.isdigit()
    assert said_by("silence", "list") == f"{number}: *, 10 min more, tess: deploy 42\n"
    assert json.loads(said_by("silence", "list", "--json"))[0]["why"] == "deploy 42"
    assert said_by("silence", "end", number) == "ended\n"
    assert said_by("silence", "end", number) == "it had ended before\n"
    assert said_by("silence", "list") == "nothing is silenced\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", "--all", "--minutes", "0", "--why", "x"],
        ["add", "--all", "--minutes", "nan", "--why", "x"],
        ["add", "--all", "--minutes", "1e9", "--why", "x"],
        ["add", "--all", "--minutes", "5", "--why", "  "],
        ["add", "--alert", "x" * 201, "--minutes", "5", "--why", "x"],
        ["end", "999999999999999999999"],
        ["end", "0"],
    ],
)
def test_a_silence_that_cannot_be_is_refused_with_a_sentence(arguments: list[str]) -> None:
    with pytest.raises(CommandError) as refused:
        said_by("silence", *arguments)

    assert refused.value.returncode == 2
    assert not Silence.objects.exists()


def test_alerts_says_what_alerts_and_who_knows(pagerduty: Elsewhere) -> None:
    with pytest.raises(CommandError):
        said_by("alerts")
    with Watch() as watch:
        watch.pass_on(time.time())
    assert "nothing alerts" in said_by("alerts")

    report("backup", "--level", "critical", "--summary", "no backup for 26 h", "--act", "Look at its log.")
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("alerts", stdout=out)
    assert ended.value.code == 1
    assert all(word in out.getvalue() for word in ("critical", "backup", "no backup for 26 h", "PagerDuty"))
