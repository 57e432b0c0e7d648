"""What the local data centre is made of: each component once, with how to start, probe and stop it.

Configuration files are rendered from stack/templates/ and nginx/ (render.py); processes are kept by supervisor.py;
docker-compose.yml is held against this list by a test.
"""

import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from stack import paths, prepare, probes
from stack.apns import keys

POSTGRES_BIN = Path("/usr/lib/postgresql/15/bin")


def _nothing() -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Component:
    """One process of the data centre.

    after: components that must have answered once before it starts. before: makes what it needs (data directory).
    ready: makes what it must hold before others use it (roles, buckets), once it answers; what is there stays.
    app: runs our code or fronts it; starts after the databases are migrated. ours: runs our code.
    """

    name: str
    argv: list[str]
    ports: list[int]
    probe: probes.Probe
    after: tuple[str, ...] = ()
    before: Callable[[], None] = _nothing
    ready: Callable[[], None] = _nothing
    app: bool = False
    ours: bool = False
    env: dict[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0


def components() -> list[Component]:
    """Return every component, in an order in which they could be started one by one."""
    return [
        *(_postgres(name, port) for name, port in settings.POSTGRES_PORTS.items()),
        _pgbouncer(),
        *(_redis(number, port) for number, port in enumerate(settings.REDIS_PORTS, 1)),
        *(_memcached(number, port) for number, port in enumerate(settings.MEMCACHED_PORTS, 1)),
        _gearmand(),
        _seaweedfs(),
        _nginx("cdn", settings.CDN_PORT, settings.CDN_PURGE_PORT),
        _social(),
        _gunicorn(),
        *_workers(),
        _manage("relay", ["relay"], settings.PGBOUNCER_PORT),
        _apns(),
        _stack_page(),
        _nginx("app", settings.APP_PORT, after=("gunicorn",), app=True),
    ]


def _postgres(name: str, port: int) -> Component:
    return Component(
        name=f"postgres_{name}",
        argv=[str(POSTGRES_BIN / "postgres"), "-D", str(paths.data(f"postgres_{name}"))]
        + ["-c", f"config_file={paths.etc('postgresql.conf')}", "-c", f"hba_file={paths.etc('pg_hba.conf')}"]
        + ["-c", f"port={port}"],
        ports=[port],
        probe=probes.postgres(port),
        before=lambda: prepare.init_postgres(f"postgres_{name}", POSTGRES_BIN),
        ready=lambda: prepare.role_and_databases(name, port),
        stop_signal=signal.SIGINT,  # "fast": ends sessions instead of waiting for them
    )


def _pgbouncer() -> Component:
    return Component(
        name="pgbouncer",
        argv=["/usr/sbin/pgbouncer", str(paths.etc("pgbouncer.ini"))],
        ports=[settings.PGBOUNCER_PORT],
        probe=probes.pgbouncer(settings.PGBOUNCER_PORT),
        after=tuple(f"postgres_{name}" for name in settings.POSTGRES_PORTS),
    )


def _redis(number: int, port: int) -> Component:
    return Component(
        name=f"redis_{number}",
        argv=["/usr/bin/redis-server", str(paths.etc("redis.conf")), "--port", str(port)]
        + ["--dir", str(paths.data(f"redis_{number}"))],
        ports=[port],
        probe=probes.says(port, b"PING\r\n", b"+PONG"),
        before=lambda: prepare.data_directory(f"redis_{number}"),
    )


def _memcached(number: int, port: int) -> Component:
    return Component(
        name=f"memcached_{number}",
        argv=["/usr/bin/memcached", "-l", "127.0.0.1", "-p", str(port), "-U", "0"]
        + ["-m", str(settings.MEMCACHED_MB), "-c", "1024"],
        ports=[port],
        probe=probes.says(port, b"version\r\n", b"VERSION"),
    )


def _gearmand() -> Component:
    port = settings.GEARMAND_PORT
    return Component(
        name="gearmand",
        # The queue lives in memory: the outboxes are the truth. --job-retries: a job that kills its workers ends.
        # --round-robin: without it a chain, whose next batch is there at once, starves other tasks of its queue.
        argv=["/usr/sbin/gearmand", "-L", "127.0.0.1", "-p", str(port), "--round-robin", "--job-retries", "3"]
        + ["-l", "stderr", "-P", str(paths.run("gearmand.own-pid"))],
        ports=[port],
        probe=probes.says(port, b"version\n", b"OK"),
    )


def _seaweedfs() -> Component:
    ports = settings.SEAWEED_PORTS
    return Component(
        name="seaweedfs",
        argv=[str(Path(sys.executable).parent / "weed"), "-logtostderr=true", "mini", "-ip=127.0.0.1"]
        + ["-ip.bind=127.0.0.1", f"-dir={paths.data('seaweedfs')}", f"-s3.port={settings.S3_PORT}"]
        # By TLS too: pgBackRest speaks to no other store.
        + [f"-s3.port.https={ports['s3_https']}", f"-s3.key.file={paths.data('seaweedfs_tls') / keys.SERVER_KEY}"]
        + [f"-s3.cert.file={paths.data('seaweedfs_tls') / keys.SERVER}"]
        + [f"-s3.port.grpc={ports['s3_grpc']}", f"-s3.localSocket={paths.run('s3.sock')}"]
        + [f"-filer.localSocket={paths.run('filer.sock')}"]
        + [f"-{part}.port={ports[part]}" for part in ("master", "volume", "filer", "admin")]
        + [f"-{part}.port.grpc={ports[part + '_grpc']}" for part in ("master", "volume", "filer", "admin")]
        + ["-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]
        + ["-volume.preStopSeconds=0"],
        ports=[settings.S3_PORT, *ports.values()],
        probe=probes.s3(settings.S3_PORT),
        before=prepare.store_directories,
        ready=prepare.buckets,
        env={
            "AWS_ACCESS_KEY_ID": settings.S3_ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": settings.S3_SECRET_KEY,
            "HOME": str(paths.data("seaweedfs")),
            "GOMEMLIMIT": "512MiB",
        },
    )


def _nginx(name: str, port: int, *more_ports: int, after: tuple[str, ...] = (), app: bool = False) -> Component:
    return Component(
        name=f"nginx_{name}",
        argv=["/usr/sbin/nginx", "-c", str(paths.etc(f"nginx_{name}.conf")), "-e", "stderr"] + ["-g", "daemon off;"],
        ports=[port, *more_ports],
        probe=probes.http(port, "/nginx-is-alive"),
        after=after,
        app=app,
        before=lambda: prepare.data_directory(f"nginx_{name}"),
        stop_signal=signal.SIGQUIT,  # graceful
        stop_seconds=3.0,
    )


def _social() -> Component:
    return Component(
        name="social",
        argv=[sys.executable, "-m", "stack.social"],
        ports=[settings.SOCIAL_PORT],
        probe=probes.http(settings.SOCIAL_PORT, "/_alive"),
        before=lambda: prepare.data_directory("social"),
        app=True,
        ours=True,
        stop_seconds=3.0,
    )


def _gunicorn() -> Component:
    return Component(
        name="gunicorn",
        # No preload: a fork must share no connection. No control socket: several gunicorns would fight for one.
        argv=[sys.executable, "-m", "gunicorn", "instagram.wsgi:application", "--no-control-socket"]
        + ["--bind", f"127.0.0.1:{settings.GUNICORN_PORT}", "--worker-class", "gthread"]
        + ["--workers", str(settings.GUNICORN_WORKERS), "--threads", str(settings.GUNICORN_THREADS)]
        + ["--timeout", "60", "--graceful-timeout", "20", "--keep-alive", "30", "--worker-tmp-dir", "/dev/shm"],  # noqa: S108  # gunicorn's heartbeat file, recommended by its docs
        ports=[settings.GUNICORN_PORT],
        probe=probes.http(settings.GUNICORN_PORT, "/health/live"),
        after=("pgbouncer",),
        app=True,
        ours=True,
        stop_seconds=25.0,
    )


def _workers() -> list[Component]:
    counts = {
        "fast": settings.WORKERS_FAST,
        "feed": settings.WORKERS_FEED,
        "feed_large": settings.WORKERS_FEED_LARGE,
        "network": settings.WORKERS_NETWORK,
    }
    return [
        _manage(f"worker_{queue}_{number}", ["worker", "--queue", queue], settings.GEARMAND_PORT)
        for queue, count in counts.items()
        for number in range(1, count + 1)
    ]


def _apns() -> Component:
    return Component(
        name="apns",
        argv=[sys.executable, "-m", "stack.apns"],
        ports=[settings.APNS_PORT],
        probe=probes.tls(settings.APNS_PORT, paths.data("apns") / "ca.pem"),
        before=lambda: prepare.data_directory("apns"),
        app=True,
        ours=True,
    )


def _stack_page() -> Component:
    return Component(
        name="stack_page",
        argv=[sys.executable, "-m", "stack.page"],
        ports=[settings.STACK_PAGE_PORT],
        probe=probes.http(settings.STACK_PAGE_PORT, "/alive"),
        app=True,
        ours=True,
    )


def _manage(name: str, command: list[str], port: int) -> Component:
    return Component(
        name=name,
        argv=[sys.executable, str(settings.BASE_DIR / "manage.py"), *command],
        ports=[],
        probe=probes.connected_to(port),
        after=("pgbouncer",),
        app=True,
        ours=True,
        stop_seconds=20.0,
    )
