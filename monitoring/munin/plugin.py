"""What the plugin says to munin-node: config and fetch of each graph, from the table of figures."""

import hashlib
import json
import os
import re
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from monitoring.figures.figure import Figure, Graph
from monitoring.figures.readings import Reading
from monitoring.figures.table import GRAPHS

#: Seconds that /metrics may take; munin-node gives a plugin 10 by itself.
TIMEOUT_S = 8.0
#: A reading younger than that stays the one to compare with: two masters, or somebody trying, would see noise.
KEEP_S = 10.0
#: Munin's level begins above its bound, ours at it.
_JUST_LESS = 1e-6


def main(arguments: list[str]) -> int:
    """Do what munin-node asks; return the exit code."""
    name, verb = Path(arguments[0]).name, arguments[1] if len(arguments) > 1 else "fetch"
    wanted = name.removeprefix("instagram").removeprefix("_")
    graphs = [graph for graph in GRAPHS if wanted in ("", graph.name)]
    if verb == "suggest":
        print("\n".join(graph.name for graph in GRAPHS))
        return 0
    if not graphs:
        print(f"there is no graph {wanted}: {', '.join(graph.name for graph in GRAPHS)}", file=sys.stderr)
        return 1
    try:
        now = ask()
    except (OSError, ValueError, KeyError, TypeError) as error:
        if verb == "autoconf":
            print(f"no ({error})")
            return 0
        print(f"{_url()}: {error}", file=sys.stderr)
        return 1
    if verb == "autoconf":
        print("yes")
        return 0
    # With this capability Munin asks once: config with the values in it.
    dirty = os.environ.get("MUNIN_CAP_DIRTYCONFIG") == "1"
    before = None if verb == "config" and not dirty else remembered(name, now)
    for graph in graphs:
        lines = list(config(graph, now)) if verb == "config" else []
        if verb != "config" or dirty:
            lines += values(graph, now, before)
        if not any("." in line.partition(" ")[0] for line in lines):
            continue  # nothing to draw yet: no door was asked, no photo is in the map
        print("\n".join(lines if wanted else [f"multigraph instagram_{graph.name}", *lines]))
    return 0


def ask() -> Reading:
    """Return what /metrics says now. Raises OSError; ValueError, KeyError, TypeError for an answer of no sense."""
    url = _url()
    if not url.startswith(("http://", "https://")):
        raise ValueError("env.METRICS_URL is no http address")
    headers = {"Authorization": f"Bearer {os.environ.get('METRICS_TOKEN', '')}"}
    request = urllib.request.Request(f"{url}?format=json", headers=headers)  # noqa: S310  # looked at above
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310  # the same
        return Reading.of_json(json.load(answer))


def remembered(name: str, now: Reading) -> Reading | None:
    """Return the reading of last time and keep this one instead; None at the first time."""
    folder = Path(os.environ.get("MUNIN_PLUGSTATE") or tempfile.gettempdir())
    # One for each service that is asked, and each name: graphs that are linked one by one come one by one.
    path = folder / f"{name}-{hashlib.sha256(_url().encode()).hexdigest()[:12]}.json"
    try:
        before = Reading.of_json(json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        before = None
    if before is None or not 0 <= now.at - before.at < KEEP_S:
        unfinished = path.with_suffix(f".{os.getpid()}")
        unfinished.write_text(json.dumps(now.as_json()))
        unfinished.replace(path)
    return before


def config(graph: Graph, now: Reading) -> Iterator[str]:
    """Yield what Munin must know of a graph to draw it and to tell levels."""
    yield f"graph_title {graph.title}"
    yield f"graph_vlabel {graph.axis}"
    yield f"graph_category {graph.category}"
    yield f"graph_args --base {1024 if graph.axis == 'bytes' else 1000} --lower-limit 0"
    yield "graph_scale " + ("yes" if "bytes" in graph.axis else "no")
    for figure in graph.figures:
        for instance, _ in figure.values(now, None):
            field = field_of(figure, instance)
            yield f"{field}.label {_label(figure, instance)}"
            yield f"{field}.type GAUGE"
            yield f"{field}.min 0"
            if figure.act:
                yield f"{field}.info {figure.act}"
            for level, bound in (("warning", figure.warning), ("critical", figure.critical)):
                if bound is not None:
                    yield f"{field}.{level} {_range(bound, low=figure.low)}"


def values(graph: Graph, now: Reading, before: Reading | None) -> Iterator[str]:
    """Yield the value of each field; U: unknown."""
    for figure in graph.figures:
        for instance, value in figure.values(now, before):
            yield f"{field_of(figure, instance)}.value {'U' if value is None else f'{value:.6g}'}"


def field_of(figure: Figure, instance: str) -> str:
    """Return a name that Munin takes, the same for ever: its history hangs on it."""
    return re.sub(r"[^A-Za-z0-9_]", "_", f"{figure.name}_{instance}" if instance else figure.name)


def _label(figure: Figure, instance: str) -> str:
    """Return what stands beside a line; of figures for each server and the like that alone."""
    return instance.replace("#", "") or figure.title


def _range(bound: float, *, low: bool) -> str:
    margin = abs(bound) * _JUST_LESS or _JUST_LESS
    # Not "1e-06": Munin reads a 1 there.
    return f"{bound + margin:.6f}:" if low else f":{bound - margin:.6f}"


def _url() -> str:
    return os.environ.get("METRICS_URL", "http://127.0.0.1:17080/metrics")
