"""Whom the load balancers send requests when a release goes back or a restart is refused. No host is asked."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from deploy.balancer import BalancerError
from deploy.inventory import Host, Inventory, load
from deploy.remote import Answer
from deploy.rollout import Rollout

INVENTORY = """
[hosts]
app-1 = {address = "10.0.0.1", roles = ["app"]}
app-2 = {address = "10.0.0.2", roles = ["app"]}
work = {address = "10.0.0.3", roles = ["worker"]}
lb-1 = {address = "10.0.0.4", roles = ["lb"]}
lb-2 = {address = "10.0.0.5", roles = ["lb"]}
"""


class Fleet:
    """All hosts do what they are told, but what `refuses` says of a host and its words; it remembers states."""

    dry = False

    def __init__(self, folder: Path, refuses: Callable[[Host, str], bool] = lambda *_: False) -> None:
        (folder / "inventory.toml").write_text(INVENTORY)
        self.inventory: Inventory = load(str(folder / "inventory.toml"))
        self.refuses, self.states = refuses, dict[tuple[str, str], str]()
        self.turned: list[str] = []

    def run(
        self, hosts: Iterable[Host], command: Callable[[Host], list[str] | str], *, seconds: float = 60.0
    ) -> list[Answer]:
        return [self._one(host, command(host)) for host in hosts]

    def _one(self, host: Host, asked: list[str] | str) -> Answer:
        if isinstance(asked, str):
            self.turned.append(host.name)
            return Answer(host, True, "well")
        for line in asked:
            if "set server" in line and self.refuses(host, line):
                return Answer(host, False, "No such server.")
            if " state " in line:
                server, _, state = line.removeprefix(f"set server {host.backend}/").partition(" state ")
                self.states[host.name, server] = state
        return Answer(host, True, "")


def test_an_app_host_that_ran_nothing_before_a_bad_release_gets_no_requests(tmp_path):
    fleet = Fleet(tmp_path)
    hosts = [fleet.inventory.hosts[name] for name in ("app-1", "app-2", "work")]

    said = Rollout(fleet, print).back(hosts, {"app-1": "", "app-2": "r1", "work": "r1"})

    assert said == (
        "all 2 hosts that had it run what they ran before; app-1 ran nothing before: out of the load balancers"
    )
    assert {balancer: fleet.states[balancer, "app-1"] for balancer in ("lb-1", "lb-2")} == dict.fromkeys(
        ("lb-1", "lb-2"), "drain"
    )
    assert fleet.states["lb-1", "app-2"] == "ready"
    assert fleet.turned == ["app-2", "work"]


def test_a_restart_that_one_load_balancer_refuses_leaves_no_host_out_of_the_other(tmp_path):
    fleet = Fleet(tmp_path, lambda host, _line: host.name == "lb-2")

    with pytest.raises(BalancerError, match="lb-2: No such server"):
        Rollout(fleet, print).restart(fleet.inventory.with_role("app"))

    assert fleet.states == {("lb-1", "app-1"): "ready"}
    assert fleet.turned == []
