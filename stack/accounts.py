"""The account that runs the servers: the one who started them, or for root an unprivileged one."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from stack.errors import StackError


@dataclass(frozen=True)
class Account:
    """A Unix account: who a component runs as, and who owns its files."""

    name: str
    uid: int
    gid: int

    def own(self, path: Path) -> None:
        """Make `path` this account's; only root needs to, everybody else made it as themselves."""
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)

    def write(self, file: Path, text: str) -> None:
        """Write a file, whole or not at all, which this account alone may read."""
        draft = file.with_name(f"{file.name}.new")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        self.own(draft)
        draft.write_text(text)
        draft.replace(file)

    def popen_arguments(self) -> dict[str, Any]:
        """Return what makes subprocess.Popen run as this account, without a preexec_fn: the supervisor has threads."""
        if os.geteuid() != 0 or self.uid == 0:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def myself() -> Account:
    """Return the account of this process."""
    entry = pwd.getpwuid(os.geteuid())
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def servers() -> Account:
    """Return the account of the servers. Raises StackError when root has none to hand them to."""
    if os.geteuid() != 0:
        return myself()
    try:
        entry = pwd.getpwnam(settings.STACK_USER)
    except KeyError:
        raise StackError(f"There is no account {settings.STACK_USER} to run the servers as; bin/up makes it.") from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def apps() -> Account:
    """Return the account of Gunicorn, workers and relay: the servers', if it can read the code, else our own."""
    account = servers()
    root = Path(settings.BASE_DIR).resolve()
    if os.geteuid() == 0 and not all(_may_enter(account, folder) for folder in [root, *root.parents]):
        return myself()
    return account


def _may_enter(account: Account, folder: Path) -> bool:
    facts = folder.stat()
    if facts.st_uid == account.uid:
        return bool(facts.st_mode & 0o100)
    return bool(facts.st_mode & (0o010 if facts.st_gid == account.gid else 0o001))
