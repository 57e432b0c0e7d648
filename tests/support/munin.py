"""Munin of a test's own: a node that runs our plugin, and a master that asks it, all in one folder."""

import os
import pwd
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.private import ROOT
from tests.support.waiting import wait_until

#: munin-node has no option for where its plugins are, but a variable; loaded as a file it does not start by itself.
WRAPPER = """\
use lib "/usr/share/perl5";
use Munin::Common::Defaults;
$Munin::Common::Defaults::MUNIN_CONFDIR = "{folder}";
$Munin::Common::Defaults::MUNIN_PLUGSTATE = "{folder}/state";
@ARGV = ("--foreground");
do "/usr/sbin/munin-node";
exit main();
"""
NODE = """\
log_level 4
log_file {folder}/node.log
pid_file {folder}/node.pid
background 0
setsid 0
user {user}
group {group}
allow ^127\\.0\\.0\\.1$
host 127.0.0.1
port {port}
host_name {name}
"""
PLUGINS = """\
[instagram*]
user {user}
env.METRICS_URL {url}
env.METRICS_TOKEN {token}
"""
#: The lines that docs/watching.md gives for contact.instagram.text, held against it by a test.
TEXT = (
    r"${loop<\n>:cfields CRITICAL|${var:host}|${var:plugin}|${var:label}|${var:value}|${var:crange}}\n"
    r"${loop<\n>:wfields WARNING|${var:host}|${var:plugin}|${var:label}|${var:value}|${var:wrange}}\n"
    r"${loop<\n>:fofields OK|${var:host}|${var:plugin}|${var:label}|${var:value}|}"
)
MASTER = """\
dbdir {folder}/db
htmldir {folder}/html
logdir {folder}/log
rundir {folder}/run
graph_strategy cron
update_rate 30
graph_data_size custom 1d, 5m for 1w
contact.instagram.command /bin/sh {folder}/contact
contact.instagram.text {text}
[test;{name}]
  address 127.0.0.1
  port {port}
  use_node_name yes
"""


@dataclass
class Munin:
    """A node on `port`, and what its master needs."""

    folder: Path
    port: int
    name: str = "node.test"

    def says(self, *commands: str) -> list[str]:
        """Return the lines a node answers to commands over its port, but its greeting."""
        with closing(socket.create_connection(("127.0.0.1", self.port), timeout=20)) as connection:
            connection.sendall("".join(f"{command}\n" for command in [*commands, "quit"]).encode())
            answer = b""
            while received := connection.recv(65_536):
                answer += received
        return [line for line in answer.decode().splitlines() if not line.startswith("# munin node at")]

    def master(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of the master's programs; they refuse root, so the package's account does it then."""
        account = pwd.getpwnam("munin") if os.geteuid() == 0 else None
        for name in ("db", "html", "log", "run"):
            (self.folder / name).mkdir(exist_ok=True)
        if account:
            for path in self.folder.glob("**/*"):
                if path.name in ("db", "html", "log", "run", "told"):
                    os.chown(path, account.pw_uid, account.pw_gid)
        return subprocess.run(
            [f"/usr/share/munin/{program}", "--config", str(self.folder / "munin.conf"), *arguments],
            user=account and account.pw_uid,
            group=account and account.pw_gid,
            extra_groups=[] if account else None,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def told(self) -> str:
        """Return what the master told its contact, and forget it."""
        told = self.folder / "told"
        text = told.read_text()
        told.write_text("")
        return text


@contextmanager
def running_munin(folder: Path, *, url: str, token: str, plugins: list[str]) -> Iterator[Munin]:
    """Yield Munin with our plugin under these names, its node running. folder: one that every account may enter."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        munin = Munin(folder, listener.getsockname()[1])
    me = pwd.getpwuid(os.geteuid())
    facts = {
        "folder": folder,
        "port": munin.port,
        "name": munin.name,
        "user": me.pw_name,
        "group": os.getegid(),
        "url": url,
        "token": token,
        "text": TEXT,
    }
    for name in ("plugins", "plugin-conf.d", "state"):
        (folder / name).mkdir()
    for name in plugins:
        (folder / "plugins" / name).symlink_to(ROOT / "monitoring" / "munin" / "instagram_")
    (folder / "munin-node.conf").write_text(NODE.format(**facts))
    # Not *.conf: the usual ignore_file of a node would skip it.
    (folder / "plugin-conf.d" / "instagram").write_text(PLUGINS.format(**facts))
    (folder / "munin.conf").write_text(re.sub(r"\{(\w+)\}", lambda found: str(facts.get(found[1], found[0])), MASTER))
    (folder / "told").touch()
    (folder / "contact").write_text(f"exec cat >> {folder}/told\n")
    (folder / "node.pl").write_text(WRAPPER.format(**facts))
    node = subprocess.Popen(["/usr/bin/perl", "-T", str(folder / "node.pl")], cwd="/")
    try:
        wait_until(
            lambda: node.poll() is not None or socket.socket().connect_ex(("127.0.0.1", munin.port)) == 0,
            what="munin-node",
        )
        assert node.poll() is None, "munin-node ended"
        yield munin
    finally:
        node.terminate()
        node.wait(timeout=10)
