"""python -m stack: up, down, status, supervise, …; bin/up and bin/down call it once everything is installed."""

import argparse
import logging
import os
import sys

from django.core.exceptions import ImproperlyConfigured

# None of our rooms: the stack must be able to start and stop whatever state they are in.
from stack import commands, containers, errors, paths
from stack.supervisor import Supervisor


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stack", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    up = verbs.add_parser("up", help="start everything")
    up.add_argument("--fresh", action="store_true", help="stop, delete all data, begin anew (asks first)")
    up.add_argument("--yes", action="store_true", help="with --fresh: do not ask")
    up.add_argument("--no-demo", action="store_true", help="load no demo")
    up.add_argument("--no-apps", action="store_true", help="start the servers alone, none of our own code")
    kinds = up.add_mutually_exclusive_group()
    kinds.add_argument("--full", dest="kind", action="store_const", const="full", help="replicas, load balancer, …")
    kinds.add_argument("--lean", dest="kind", action="store_const", const="lean", help="one of each, the default")
    verbs.add_parser("down", help="stop what up started")
    status = verbs.add_parser("status", help="show every component")
    status.add_argument("--servers", action="store_true", help="only the servers, none of our own code")
    restart = verbs.add_parser("restart", help="end components and start them again; default: our own code")
    restart.add_argument("names", nargs="*", metavar="COMPONENT")
    verbs.add_parser("supervise", help="keep everything running; up starts this")
    verbs.add_parser("migrate", help="bring databases, shards and static files up to date; up runs this")
    verbs.add_parser("render", help="write configuration for docker-compose.yml")
    probe = verbs.add_parser("probe", help="ask one component; exit code 1 when it is not well")
    probe.add_argument("name", metavar="COMPONENT")
    verbs.add_parser("prepare", help="make databases and buckets for docker-compose.yml, then migrate")
    return parser.parse_args()


def main() -> int:
    """Run one verb; return the exit code."""
    options = _options()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instagram.settings.development")
    if getattr(options, "kind", None):
        # Before settings are read, here and by the supervisor and all it starts.
        os.environ["STACK_KIND"] = options.kind
    # bin/ has a command for most verbs; the others are said in full.
    spoken = f"bin/{options.verb}" if options.verb in ("up", "down") else f"python -m stack {options.verb}"
    if unreadable := _unreadable_setting():
        print(f"{spoken}: a setting in the environment or in .env cannot be read: {unreadable}.", file=sys.stderr)
        return 2
    try:
        return _run(options)
    except (errors.StackError, errors.ComponentFailed) as error:
        print(f"{spoken}: {error}", file=sys.stderr)
        return 2 if isinstance(error, errors.StackError) else 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read has seen enough (bin/up --status | head); Python would complain once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _run(options: argparse.Namespace) -> int:
    match options.verb:
        case "up":
            return commands.up(
                fresh=options.fresh, sure=options.yes, demo=not options.no_demo, apps=not options.no_apps
            )
        case "down":
            return commands.down()
        case "status":
            return commands.status(apps=not options.servers)
        case "restart":
            return commands.restart(options.names)
        case "migrate":
            return commands.migrate()
        case "render":
            return containers.render_for_containers()
        case "probe":
            return containers.probe(options.name)
        case "prepare":
            return containers.prepare_containers()
        case _:
            logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", force=True)
            Supervisor().run()
            return 0


def _unreadable_setting() -> str:
    """Return what is wrong with a setting, "" when all can be read."""
    try:
        paths.state()  # asked for the first one, Django reads them all
    except (ValueError, ImproperlyConfigured) as error:
        return str(error)
    return ""


if __name__ == "__main__":
    sys.exit(main())
