"""What the local data centre is made of: each component once, with how to start, probe and stop it.

The lean one has one of each; the full one replicas (replicas.py), two Gunicorns, three nginx and HAProxy (front.py).
Configuration files are rendered from stack/templates/ and nginx/ (render.py); processes are kept by supervisor.py;
docker-compose.yml is held against this list by a test.
"""

import sys
from dataclasses import replace
from pathlib import Path

from django.conf import settings

from instagram import topology
from stack import front, paths, prepare, probes, replicas
from stack.apns import keys
from stack.component import Component


def components(kind: str = "") -> list[Component]:
    """Return every component, in an order in which they could be started one by one; kind: default STACK_KIND."""
    full = (kind or settings.STACK_KIND) == "full"
    return [
        *replicas.postgres(full=full),
        _pgbouncer(),
        *replicas.redis(full=full),
        *(_memcached(number, port) for number, port in enumerate(settings.MEMCACHED_PORTS, 1)),
        _gearmand("gearmand", settings.GEARMAND_PORT),
        *([_gearmand("gearmand_2", settings.GEARMAND_2_PORT)] if full else []),
        _seaweedfs(),
        front.nginx("nginx_cdn", settings.CDN_PORT, settings.CDN_PURGE_PORT),
        _social(),
        *front.gunicorns(full=full),
        *_workers(full=full),
        *([_replica_guard()] if full else []),
        _manage("relay", ["relay"], probes.connected_to(settings.PGBOUNCER_PORT)),
        _watch(),
        _apns(),
        _stack_page(),
        *front.app_fronts(full=full),
        *([front.haproxy(), _canary()] if full else []),
    ]


def every_component() -> list[Component]:
    """Return the components of both data centres, each once: what may have been left behind by the other."""
    return list({one.name: one for kind in ("full", "lean") for one in components(kind)}.values())


def _pgbouncer() -> Component:
    return Component(
        name="pgbouncer",
        argv=["/usr/sbin/pgbouncer", str(paths.etc("pgbouncer.ini"))],
        ports=[settings.PGBOUNCER_PORT],
        probe=probes.pgbouncer(settings.PGBOUNCER_PORT),
        after=tuple(topology.primary(name).name for name in settings.POSTGRES_PORTS),
    )


def _memcached(number: int, port: int) -> Component:
    return Component(
        name=f"memcached_{number}",
        argv=["/usr/bin/memcached", "-l", "127.0.0.1", "-p", str(port), "-U", "0"]
        + ["-m", str(settings.MEMCACHED_MB), "-c", "1024"],
        ports=[port],
        probe=probes.says(port, b"version\r\n", b"VERSION"),
    )


def _gearmand(name: str, port: int) -> Component:
    return Component(
        name=name,
        # The queue lives in memory: the outboxes are the truth. --job-retries: a job that kills its workers ends.
        # --round-robin: without it a chain, whose next batch is there at once, starves other tasks of its queue.
        argv=["/usr/sbin/gearmand", "-L", "127.0.0.1", "-p", str(port), "--round-robin", "--job-retries", "3"]
        + ["-l", "stderr", "-P", str(paths.run(f"{name}.own-pid"))],
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


def _workers(*, full: bool) -> list[Component]:
    # They take jobs from all; one is enough to be of use.
    gearmands = [settings.GEARMAND_PORT, settings.GEARMAND_2_PORT] if full else [settings.GEARMAND_PORT]
    counts = {
        "fast": settings.WORKERS_FAST,
        "feed": settings.WORKERS_FEED,
        "feed_large": settings.WORKERS_FEED_LARGE,
        "network": settings.WORKERS_NETWORK,
    }
    return [
        _manage(f"worker_{queue}_{number}", ["worker", "--queue", queue], probes.connected_to(*gearmands))
        for queue, count in counts.items()
        for number in range(1, count + 1)
    ]


def _watch() -> Component:
    # It looks at what is there every WATCH_PERIOD_S.
    wrote = probes.wrote(Path(settings.WATCH_DIR) / "state.json", within_s=4 * settings.WATCH_PERIOD_S)
    return _writing("watch", ["watch"], wrote)


def _replica_guard() -> Component:
    # It connects anew for each look, twice a second. The name: recovery/failover/guard.py.
    wrote = probes.wrote(paths.data("replica_guard") / "seen", within_s=15.0)
    return _writing("replica_guard", ["replicas", "guard"], wrote)


def _canary() -> Component:
    # Through the load balancer, as people come. The file's name: monitoring/canary/results.py.
    last = f"last{settings.CACHE_PREFIX.replace(':', '.')}.json"
    wrote = probes.wrote(paths.data("canary") / last, within_s=settings.CANARY_STALE_S)
    return replace(_writing("canary", ["canary"], wrote), after=("haproxy",))


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


def _writing(name: str, command: list[str], wrote: probes.Probe) -> Component:
    """Return a process that holds no connection to be known by, but writes into a folder of its own."""
    return replace(_manage(name, command, wrote), before=lambda: prepare.data_directory(name))


def _manage(name: str, command: list[str], probe: probes.Probe) -> Component:
    return Component(
        name=name,
        argv=[sys.executable, str(settings.BASE_DIR / "manage.py"), *command],
        ports=[],
        probe=probe,
        after=("pgbouncer",),
        app=True,
        ours=True,
        stop_seconds=20.0,
    )
