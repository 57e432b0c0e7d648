"""The app front of a test's own: nginx with the configuration it really has, before whatever listens on these ports."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from django.test import override_settings

from stack import render
from tests.support.own_servers import OwnServer


@contextmanager
def own_front(
    *app_ports: int, body_timeout: str = "30s", access_log: Path | None = None, **changed: Any
) -> Iterator[tuple[OwnServer, Path]]:
    """Yield nginx, started, and its directory, where it keeps bodies and access.log. changed: settings."""
    with tempfile.TemporaryDirectory(prefix="front-") as name:
        folder = Path(name)
        (folder / "etc").mkdir()
        conf = folder / "nginx.conf"
        as_me = "user root; " if os.geteuid() == 0 else ""
        nginx = OwnServer(["/usr/sbin/nginx", "-c", str(conf), "-e", "stderr", "-g", f"{as_me}daemon off;"])
        own = {
            "APP_DATA": name,
            "APP_LISTEN": f"127.0.0.1:{nginx.port}",
            "ACCESS_LOG": access_log or folder / "access.log",
        }
        own["GUNICORNS"] = render.gunicorns(app_ports)
        with override_settings(STATE_DIR=folder, STACK_KIND="lean", **changed):
            text = render.rendered("nginx/app.conf", own)
            (folder / "etc" / "tls.pem").write_text(render.files().get("tls.pem", ""))
        assert "client_body_timeout 30s" in text
        conf.write_text(text.replace("client_body_timeout 30s", f"client_body_timeout {body_timeout}"))
        try:
            nginx.start()
            yield nginx, folder
        finally:
            if nginx.process is not None:
                for process in psutil.Process(nginx.process.pid).children(recursive=True):
                    process.kill()
                nginx.kill()
