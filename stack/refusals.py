"""What only a person can put right, found before anything is started: no room, no right to write, a taken port."""

import errno
import shutil
import socket

import psutil
from django.conf import settings

from stack import accounts, paths
from stack.description import components
from stack.errors import StackError


def check_state_dir() -> None:
    """Make the state directory's folders. Raises StackError when it cannot be written or its disk is filling."""
    try:
        paths.make_all()
        with paths.run("up.lock").open("w"):
            pass
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StackError(f"the disk of {paths.state()} is full.") from None
        raise StackError(f"{error.filename} cannot be written by {accounts.myself().name}: {error.strerror}.") from None
    free_mb = shutil.disk_usage(paths.state()).free // 1_048_576
    if free_mb < settings.STACK_MIN_FREE_MB:
        raise StackError(
            f"only {free_mb} MB are free below {paths.state()}, but {settings.STACK_MIN_FREE_MB} MB are needed"
            " (STACK_MIN_FREE_MB)."
        )


def check_ports() -> None:
    """Raise StackError for a port that another program has, or that cannot be."""
    for component in components():
        for port in component.ports:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OverflowError:
                    raise StackError(
                        f"port {port}, wanted by {component.name}, does not exist, the last is 65535: PORT_OFFSET is"
                        f" {settings.PORT_OFFSET}."
                    ) from None
                except OSError as error:
                    if error.errno != errno.EADDRINUSE:
                        raise StackError(f"port {port}, wanted by {component.name}: {error.strerror}.") from None
                    raise StackError(
                        f"port {port}, wanted by {component.name}, is taken by {_listener(port)}: stop that,"
                        " or move ours with PORT_OFFSET=1000 (docs/stack.md)."
                    ) from None


def _listener(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN
            if listens and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        pass
    return "another program"
