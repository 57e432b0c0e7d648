"""What a request meets: HAProxy (full data centre), nginx, Gunicorn."""

import signal
import sys

from django.conf import settings

from stack import paths, prepare, probes
from stack.component import Component


def gunicorn_ports(*, full: bool) -> dict[str, int]:
    """Return the port of each Gunicorn by name."""
    if full:
        return {"gunicorn_1": settings.GUNICORN_PORT, "gunicorn_2": settings.GUNICORN_2_PORT}
    return {"gunicorn": settings.GUNICORN_PORT}


def app_front_ports(*, full: bool) -> dict[str, int]:
    """Return the port of each nginx before them by name."""
    if full:
        return {f"nginx_app_{number}": port for number, port in enumerate(settings.NGINX_APP_PORTS, 1)}
    return {"nginx_app": settings.APP_PORT}


def gunicorns(*, full: bool) -> list[Component]:
    """Return the Gunicorns; the processes are shared out among them."""
    ports = gunicorn_ports(full=full)
    workers = max(1, settings.GUNICORN_WORKERS // len(ports))
    return [_gunicorn(name, port, workers) for name, port in ports.items()]


def app_fronts(*, full: bool) -> list[Component]:
    """Return the nginx before all Gunicorns."""
    after = tuple(gunicorn_ports(full=full))
    scheme = "http" if full else settings.EDGE_SCHEME
    return [
        nginx(name, port, after=after, app=True, scheme=scheme) for name, port in app_front_ports(full=full).items()
    ]


def _gunicorn(name: str, port: int, workers: int) -> Component:
    return Component(
        name=name,
        # No preload: a fork must share no connection. No control socket: several gunicorns would fight for one.
        argv=[sys.executable, "-m", "gunicorn", "instagram.wsgi:application", "--no-control-socket"]
        + ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread"]
        + ["--workers", str(workers), "--threads", str(settings.GUNICORN_THREADS)]
        + ["--timeout", "60", "--graceful-timeout", "20", "--keep-alive", "30", "--worker-tmp-dir", "/dev/shm"],  # noqa: S108  # gunicorn's heartbeat file, recommended by its docs
        ports=[port],
        probe=probes.http(port, "/health/live"),
        after=("pgbouncer",),
        app=True,
        ours=True,
        stop_seconds=25.0,
    )


def nginx(
    name: str, port: int, *more_ports: int, after: tuple[str, ...] = (), app: bool = False, scheme: str = ""
) -> Component:
    """Return an nginx; its configuration bears its name. scheme: what it speaks, by default what people speak."""
    return Component(
        name=name,
        argv=["/usr/sbin/nginx", "-c", str(paths.etc(f"{name}.conf")), "-e", "stderr"] + ["-g", "daemon off;"],
        ports=[port, *more_ports],
        probe=probes.http(port, "/nginx-is-alive", scheme=scheme or settings.EDGE_SCHEME),
        after=after,
        app=app,
        before=lambda: prepare.data_directory(name),
        stop_signal=signal.SIGQUIT,  # graceful
        stop_seconds=3.0,
    )


def haproxy() -> Component:
    """Return the load balancer: it keeps asking the nginx and leaves out those that do not answer."""
    return Component(
        name="haproxy",
        argv=["/usr/sbin/haproxy", "-db", "-f", str(paths.etc("haproxy.cfg"))],
        ports=[settings.APP_PORT, settings.HAPROXY_STATS_PORT],
        # Its own answer, whatever those behind it do.
        probe=probes.http(settings.HAPROXY_STATS_PORT, "/haproxy-is-alive"),
        after=tuple(app_front_ports(full=True)),
        before=lambda: prepare.data_directory("haproxy"),
        app=True,
        stop_signal=signal.SIGUSR1,  # graceful
        stop_seconds=3.0,
    )
