"""python -m stack: up, down, status, supervise. bin/up and bin/down call it once everything is installed."""

import argparse
import logging
import os
import sys


def main() -> int:
    """Run one verb; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="bin/up", description="Start the local data centre: `bin/up` alone does it all."
    )
    parser.add_argument("verb", choices=["up", "down", "status", "supervise"], help=argparse.SUPPRESS)
    parser.add_argument("--fresh", action="store_true", help="stop, delete all data, begin anew (asks first)")
    parser.add_argument("--yes", action="store_true", help="with --fresh: do not ask")
    parser.add_argument("--no-demo", action="store_true", help="load no demo")
    parser.add_argument("--no-apps", action="store_true", help="start the servers alone, none of our own code")
    parser.add_argument("--status", action="store_true", help="show every component with port, pid and health")
    options = parser.parse_args()

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instagram.settings.development")
    # Settings alone: the stack must be able to start and stop whatever state our rooms are in.
    from stack import commands, errors  # noqa: PLC0415  # they read settings
    from stack.supervisor import Supervisor  # noqa: PLC0415

    try:
        if options.verb == "supervise":
            logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", force=True)
            Supervisor().run()
            return 0
        if options.verb == "down":
            return commands.down()
        if options.verb == "status" or options.status:
            return commands.status()
        return commands.up(fresh=options.fresh, sure=options.yes, demo=not options.no_demo, apps=not options.no_apps)
    except errors.StackError as error:
        print(f"bin/up: {error}", file=sys.stderr)
        return 2
    except errors.ComponentFailed as error:
        print(f"bin/up: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


sys.exit(main())
