"""Questions that tell whether a component answers: each raises while it does not.

A probe asks for an answer, not for an open port: SeaweedFS answers 500 for a moment after its port opens, PostgreSQL
accepts connections that it then refuses. Each takes the component's pid and at most about TIMEOUT_S seconds.
"""

import socket
import ssl
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil
import psycopg2
from django.conf import settings

#: Seconds for one answer. libpq counts whole seconds and takes 2 at the least.
TIMEOUT_S = 2

Probe = Callable[[int], None]


class NotReadyError(Exception):
    """The component does not answer as it should, or not yet."""


def postgres(port: int) -> Probe:
    """Run a query as superuser."""

    def probe(pid: int) -> None:
        query(port, "SELECT 1", "postgres", user="postgres", password=settings.DB_SUPERUSER_PASSWORD)

    return probe


def pgbouncer(port: int) -> Probe:
    """Ask PgBouncer's own console, which answers whatever the servers behind it do."""

    def probe(pid: int) -> None:
        query(port, "SHOW VERSION", "pgbouncer", user=settings.DB_USER, password=settings.DB_PASSWORD)

    return probe


def query(port: int, sql: str, database: str, *, user: str, password: str) -> list[tuple]:
    """Run one statement in autocommit and return its rows."""
    with closing(
        psycopg2.connect(
            host="127.0.0.1", port=port, dbname=database, user=user, password=password, connect_timeout=TIMEOUT_S
        )
    ) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []


def says(port: int, question: bytes, answer: bytes) -> Probe:
    """Send a line and expect an answer that begins so."""

    def probe(pid: int) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as connection:
            connection.sendall(question)
            said = connection.recv(100)
        if not said.startswith(answer):
            raise NotReadyError(f"answered {said[:60]!r}")

    return probe


def http(port: int, path: str, *, below: int = 400, scheme: str = "http") -> Probe:
    """GET a path and expect a status lower than `below`; over https whosever name the certificate bears."""
    context = ssl._create_unverified_context() if scheme == "https" else None  # noqa: S323  # we ask our own server
    address = f"{scheme}://127.0.0.1:{port}{path}"

    def probe(pid: int) -> None:
        try:
            with urllib.request.urlopen(address, timeout=TIMEOUT_S, context=context) as response:  # noqa: S310  # http(s)
                status = response.status
        except urllib.error.HTTPError as error:
            status = error.code
        if status >= below:
            raise NotReadyError(f"GET {path} gave {status}")

    return probe


def tls(port: int, ca: Path) -> Probe:
    """Shake hands, as a client that speaks HTTP/2 and trusts the certificates of `ca`."""

    def probe(pid: int) -> None:
        context = ssl.create_default_context(cafile=ca)
        context.set_alpn_protocols(["h2"])
        with (
            socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as connection,
            context.wrap_socket(connection, server_hostname="127.0.0.1") as secured,
        ):
            if secured.selected_alpn_protocol() != "h2":
                raise NotReadyError("does not speak HTTP/2")

    return probe


def connected_to(*ports: int) -> Probe:
    """Expect the process, which listens nowhere, to hold a connection to one of these local ports."""

    def probe(pid: int) -> None:
        process = psutil.Process(pid)
        for one in [process, *process.children(recursive=True)]:
            for connection in one.net_connections("tcp"):
                if connection.raddr and connection.raddr.port in ports and connection.status == "ESTABLISHED":
                    return
        raise NotReadyError(f"not connected to port {' or '.join(map(str, ports))} yet")

    return probe


def wrote(path: Path, *, within_s: float) -> Probe:
    """Expect the process, which listens nowhere, to have written a file lately, and since it began."""

    def probe(pid: int) -> None:
        written = path.stat().st_mtime if path.exists() else 0.0
        if written < max(time.time() - within_s, psutil.Process(pid).create_time()):
            raise NotReadyError(f"nothing written to {path.name} lately")

    return probe


def s3(port: int) -> Probe:
    """Expect the store to answer S3, be it with a refusal: an anonymous listing is one."""
    return http(port, "/", below=500)
