"""Run a benchmark: `bin/bench NAME [options]`; `bin/bench` lists them; `bin/bench report` rewrites RESULTS.md."""

import argparse
import importlib
import os
import signal
import sys

import django
from rich.console import Console

from bench import framework


def main(argv: list[str]) -> int:
    """Return 0, 1 when a bar is missed or the benchmark failed, 2 for wrong arguments."""
    console = Console()
    known = framework.benches()
    if not argv or argv[0] in {"-h", "--help"}:
        console.print(
            "Benchmarks; run one with: bin/bench NAME (its options: bin/bench NAME --help)\n", highlight=False
        )
        width = max(map(len, [*known, "report"]))
        for name, summary in known.items():
            console.print(f"  {name:<{width}}  {summary}", highlight=False, soft_wrap=True)
        console.print(f"  {'report':<{width}}  Rewrite bench/RESULTS.md from bench/results/.", highlight=False)
        return 0
    name, *rest = argv
    if name == "report":
        console.print(f"wrote {framework.write_report().relative_to(framework.FOLDER.parent)}")
        return 0
    if name not in known:
        print(f"bench: there is no benchmark {name!r}; known are {', '.join(known)} and report.", file=sys.stderr)
        return 2

    os.environ["DJANGO_SETTINGS_MODULE"] = "instagram.settings.bench"
    django.setup()
    module = importlib.import_module(f"bench.{name}")
    parser = argparse.ArgumentParser(prog=f"bin/bench {name}", description=module.__doc__)
    parser.add_argument("--no-save", action="store_true", help="leave bench/results/ as it is")
    if hasattr(module, "add_arguments"):
        module.add_arguments(parser)
    options = parser.parse_args(rest)
    options.console = console
    # A benchmark that is told to stop still drops what it made.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console.print(f"[bold]{name}[/]: {known[name]}", highlight=False)
    result = module.run(options)
    record = framework.record_of(name, known[name], " ".join(["bin/bench", *argv]), result)
    if not options.no_save:
        framework.save(record)
    framework.show(record, console)
    for sentence in result.missed():
        console.print(f"[red]missed:[/] {sentence}", highlight=False)
    return 1 if result.missed() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
