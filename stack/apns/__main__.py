"""python -m stack.apns: run the stand-in until told to stop."""

import asyncio
import os
import signal

from django.conf import settings

from stack import captures, paths
from stack.apns.server import listen


async def main() -> None:
    """Serve."""
    server = await listen(
        paths.data("apns"),
        settings.APNS_PORT,
        key_id=settings.APNS_KEY_ID,
        team_id=settings.APNS_TEAM_ID,
        topic=settings.APNS_TOPIC,
        keep=lambda records: captures.append_all("push", records),
    )
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    print(f"takes pushes on 127.0.0.1:{settings.APNS_PORT}", flush=True)
    await stopped.wait()
    server.close()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instagram.settings.development")
    asyncio.run(main())
