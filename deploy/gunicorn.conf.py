"""Gunicorn on an app host. Numbers come from the host's environment file, as the service's own settings do."""

import importlib
import os
from typing import Any

bind = os.environ.get("GUNICORN_BIND", "127.0.0.1:8000")
workers = int(os.environ.get("GUNICORN_WORKERS", "4"))
threads = int(os.environ.get("GUNICORN_THREADS", "4"))
worker_class = "gthread"
timeout = 60
# A deploy waits until the load balancer sends nothing more; what is then still running may end.
graceful_timeout = 20
keepalive = 30
worker_tmp_dir = "/dev/shm"  # noqa: S108  # gunicorn's heartbeat file, as its documentation recommends
# Several gunicorns of one account would take the control socket from each other.
control_socket_disable = True
# `current` is a link that a deploy turns; a reload enters it anew.
chdir = os.environ.get("RELEASE_CURRENT", ".")


def post_fork(server: Any, worker: Any) -> None:
    """Forget which files were in the release before this one: the master looked when it started."""
    del server, worker
    importlib.invalidate_caches()
