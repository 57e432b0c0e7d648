"""A push service of a test's own: the stand-in of stack/apns, on a thread, over real HTTP/2."""

import asyncio
import secrets
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.test import override_settings

from caching import counters
from notifications.push.apns import KEY_REFUSED
from stack.apns import keys
from stack.apns.server import listen
from stack.apns.steering import Steering
from tests.support.people import Person


@dataclass
class PushService:
    """What arrived, and the orders it follows."""

    folder: Path
    port: int = 0
    steering: Steering = field(default_factory=Steering)
    records: list[dict[str, Any]] = field(default_factory=list)

    def taken(self, device: str = "") -> list[dict[str, Any]]:
        """Return what was taken for a device, or for all."""
        return [each for each in self.records if each["status"] == 200 and device in ("", each["token"])]

    def alerts(self, device: str) -> list[str]:
        """Return what a device showed, in order."""
        return [each["payload"]["aps"]["alert"] for each in self.taken(device)]


@contextmanager
def a_push_service(**changes: Any) -> Iterator[PushService]:
    """Yield a push service that the settings lead to; changes: of settings besides."""
    with tempfile.TemporaryDirectory() as folder:
        service = PushService(Path(folder))
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        server = asyncio.run_coroutine_threadsafe(
            listen(
                service.folder,
                0,
                key_id=settings.APNS_KEY_ID,
                team_id=settings.APNS_TEAM_ID,
                topic=settings.APNS_TOPIC,
                keep=service.records.extend,
                steering=service.steering,
            ),
            loop,
        ).result(10)
        service.port = server.sockets[0].getsockname()[1]
        address = f"127.0.0.1:{service.port}"
        facts = {
            "APNS_SERVER": address,
            "APNS_SANDBOX_SERVER": address,
            "APNS_CA_FILE": str(service.folder / keys.CA),
            "APNS_KEY_FILE": str(service.folder / keys.PROVIDER_KEY),
        }
        try:
            with override_settings(**facts | changes):
                yield service
        finally:
            counters.forget(KEY_REFUSED)  # no alert for the tests that come after
            loop.call_soon_threadsafe(server.close)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(5)


def a_device(person: Person, **facts: Any) -> str:
    """Register a new phone of somebody's; return its token."""
    token = facts.pop("token", secrets.token_hex(32))
    person.post("/v1/devices", token=token, **facts)
    return token
