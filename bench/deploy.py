"""A deploy and a rollback on 25 real hosts under constant requests, beside the CPU that their workers' boots cost.

Every host is an sshd at a loopback address with a Gunicorn of one worker; HAProxy stands in front. What a worker's boot
costs is the floor: no deploy can be faster than the boots of all hosts, shared by this machine's processors.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from bench.framework import Grid, Result, Row
from bench.scratch import data_centre
from tests.support.hosts import Hosts, Load, commit_of, hosts

#: A deploy of 25 hosts shall be done within this, seconds.
BAR_S = 45.0
#: A release that fails its health shall be off again within this, seconds.
BAR_BAD_S = 30.0
#: A third of the hosts at once, as an operator of as many would have it; more patience than a host of its own needs.
RULES = "batch = 8\nhealthy_s = 60\ncanary_photo = false"
UNWELL = {"monitoring/urls.py": "urlpatterns = []\n"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sizes."""
    parser.add_argument("--hosts", type=int, default=25, help="app hosts")
    parser.add_argument("--rounds", type=int, default=2, help="deploys, each followed by a rollback")


def run(options: Any) -> Result:
    """Deploy and go back, `rounds` times, then a release that is not well."""
    with data_centre() as environment:
        os.environ |= {name: environment[name] for name in ("DJANGO_SETTINGS_MODULE", "LOGICAL_SHARDS")}
        folder = Path(tempfile.mkdtemp(prefix="bench-deploy-"))
        folder.chmod(0o755)
        try:
            with hosts(folder, options.hosts, rollout=RULES) as site:
                return _measure(site, options)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _measure(site: Hosts, options: Any) -> Result:
    options.console.print("the first deploy, to hosts that have nothing …", highlight=False)
    first = site.fab("deploy", seconds=600)
    if first.returncode:
        raise RuntimeError(first.stdout[-2000:] + first.stderr[-2000:])
    boot_s = statistics.median(_boot_cpu_s(site) for _ in range(3))
    runs: dict[str, list[dict[str, Any]]] = {"deploy": [], "rollback": []}
    for number in range(options.rounds):
        other = commit_of({"bench-of-deploys": f"{number}\n"})
        runs["deploy"].append(_watched(site, "deploy", "--revision", other))
        runs["rollback"].append(_watched(site, "rollback"))
    runs["unwell release"] = [_watched(site, "deploy", "--revision", commit_of(UNWELL), fails=True)]

    floor_s = options.hosts * boot_s / (os.cpu_count() or 1)
    middle = {name: sorted(found, key=lambda one: one["seconds"])[len(found) // 2] for name, found in runs.items()}
    failed = sum(sum(one["failed"].values()) for found in runs.values() for one in found)
    return Result(
        rows=[
            Row(f"{name}, s", each["seconds"], floor_s if "unwell" not in name else None, None, None)
            for name, each in middle.items()
        ],
        grids=[
            Grid(
                "Seconds by phase",
                ["", *(phases := list(dict.fromkeys(p for each in middle.values() for p in each["phases"])))],
                [[name, *(each["phases"].get(phase) for phase in phases)] for name, each in middle.items()],
            ),
            Grid(
                "CPU seconds meanwhile, and requests",
                ["", *(parts := list(middle["deploy"]["cpu_s"])), "answered", "failed"],
                [
                    [name, *(each["cpu_s"][part] for part in parts), each["answered"], sum(each["failed"].values())]
                    for name, each in middle.items()
                ],
            ),
        ],
        ratios={
            "deploy_s": middle["deploy"]["seconds"],
            "rollback_s": middle["rollback"]["seconds"],
            "unwell_off_again_s": middle["unwell release"]["seconds"],
            "failed_requests": failed,
            "x_boots_cpu": round(sum(middle["deploy"]["cpu_s"].values()) / (options.hosts * boot_s), 2),
        },
        bars={"deploy_s": BAR_S, "rollback_s": BAR_S, "unwell_off_again_s": BAR_BAD_S, "failed_requests": 0},
        how=[
            f"{options.hosts} hosts, each sshd and a Gunicorn of one worker; HAProxy in front.",
            f"{options.rounds} rounds; medians.",
            f"Floor: {options.hosts} boots of {boot_s:.2f} s of CPU each on {os.cpu_count()} processors, nothing else.",
            "Requests: 40 a second, two at a time, GET /health/ready through HAProxy, all the while.",
            "x_boots_cpu: CPU of everything that took part, over that of the boots alone.",
            "The unwell release starts and has no health page; timed until every host runs what it ran.",
        ],
        figures={"boot_cpu_s": boot_s, "runs": runs},
    )


def _watched(site: Hosts, *words: str, fails: bool = False) -> dict[str, Any]:
    """Run a verb under load; return seconds, seconds by phase, CPU seconds by part, requests."""
    before = _cpu(site)
    with Load(f"{site.url}/health/ready") as load:
        began = time.monotonic()
        answer = site.fab(*words, seconds=600)
        took = time.monotonic() - began
    after = _cpu(site)
    if (answer.returncode != 0) != fails:
        raise RuntimeError(f"fab {' '.join(words)}: {answer.stdout[-2000:]}{answer.stderr[-2000:]}")
    return {
        "seconds": round(took, 1),
        "phases": site.deployments()[-1]["phases"],
        "cpu_s": {part: round(after[part] - before[part], 1) for part in after},
        "answered": load.answers["200"],
        "failed": load.failed,
    }


def _boot_cpu_s(site: Hosts) -> float:
    """Return what it costs to load the application of the release that runs, as a worker does."""
    host = next(iter(site.inventory.with_role("app")))
    before = os.times()
    command = f"set -a; . {host.base}/shared/env; cd {host.base}/current; .venv/bin/python -c 'import instagram.wsgi'"
    subprocess.run(["bash", "-c", command], check=True, capture_output=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def _cpu(site: Hosts) -> dict[str, float]:
    """Return CPU seconds so far: of Gunicorns with the workers they had, of sshd with what it ran, of fab."""

    def of(pid: int) -> float:
        try:
            process = psutil.Process(pid)
            return sum(process.cpu_times()[:4]) + sum(sum(child.cpu_times()[:4]) for child in process.children(True))
        except psutil.NoSuchProcess:
            return 0.0

    mine = os.times()
    return {
        "gunicorns": sum(map(of, site.unit_pids())),
        "sshd": sum(of(process.pid) for process in site.sshd.values()),
        "fab": mine.children_user + mine.children_system,
    }
