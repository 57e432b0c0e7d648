"""python -m stack.social: run the stand-in until told to stop."""

import os
import signal
import sys
from typing import Any

from django.conf import settings

from stack import captures, paths
from stack.social.server import Social
from stack.social.state import State


def main() -> None:
    """Serve on SOCIAL_PORT; what is posted is captured for the page of the data centre."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instagram.settings.development")
    folder = paths.data("social")
    folder.mkdir(parents=True, exist_ok=True)
    state = State(folder / "social.db")
    # Browsers come here, too, to say whether an account may be linked.
    host, port = settings.LISTEN_HOST, settings.SOCIAL_PORT

    def capture(record: dict[str, Any]) -> None:
        captures.append("alert" if record["service"] == "pagerduty" else "share", record)

    social = Social(state, host=host, port=port, capture=capture)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    social.serve_forever()


if __name__ == "__main__":
    main()
