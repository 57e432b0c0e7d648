"""What every benchmark shares: its result, the printed table, the committed JSON and the report made of them.

A benchmark is a module of this folder with a function `run(options) -> Result`; its docstring's first
line is its entry in the list. README.md beside this file says how to write one.
"""

import ast
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results"
REPORT = FOLDER / "RESULTS.md"

Cell = str | float | int | None


@dataclass
class Row:
    """One line of the table: the same measure for us, for the least it could cost, and for what else one could use."""

    measure: str
    ours: Cell
    floor: Cell = None
    alternative: Cell = None
    ratio: Cell = None


@dataclass
class Grid:
    """A further table, for results that are not "ours against others"."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass
class Result:
    """What a benchmark hands back.

    ratios: flat, name -> number; what others watch. bars: name of a ratio -> the most it may be; floors: the least.
    figures: everything measured, any JSON. how: sentences on how it was taken (rounds, sizes, what is compared).
    """

    rows: Sequence[Row]
    ratios: Mapping[str, float]
    how: Sequence[str]
    bars: Mapping[str, float] = field(default_factory=dict)
    floors: Mapping[str, float] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    grids: Sequence[Grid] = ()

    def missed(self) -> list[str]:
        """Return a sentence for each bar that was not met."""
        met = {name: self.ratios[name] <= bar for name, bar in self.bars.items()}
        met |= {name: self.ratios[name] >= floor for name, floor in self.floors.items()}
        return [
            f"{name} is {self.ratios[name]:.3g}, the bar is {(self.bars | self.floors)[name]:g}"
            for name, is_met in met.items()
            if not is_met
        ]


def benches() -> dict[str, str]:
    """Return name -> one line, for every module here with a top-level `run`; nothing is imported for it."""
    found = {}
    for path in sorted(FOLDER.glob("*.py")):
        tree = ast.parse(path.read_text())
        if any(isinstance(node, ast.FunctionDef) and node.name == "run" for node in tree.body):
            found[path.stem] = (ast.get_docstring(tree) or "").partition("\n")[0]
    return found


def interleaved(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Run every contender once per round, each round in another order, and return what they measured.

    Side by side in time, so that a noisy neighbour hits all of them; the caller takes medians.
    """
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    names = list(contenders)
    for number in range(rounds):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            taken[name].append(contenders[name]())
    return taken


def median_ratio(taken: Mapping[str, Sequence[float]], ours: str, other: str) -> float:
    """Return the median over the rounds of ours / other: neighbours in time are compared with each other."""
    return statistics.median(a / b for a, b in zip(taken[ours], taken[other], strict=True))


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes, wall clock."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def machine() -> dict[str, str]:
    """Return what the figures depend on: processor, memory, kernel, versions."""
    processor = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    memory_kib = next(
        int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal")
    )
    return {
        "processor": f"{os.cpu_count()} x {processor}",
        "memory": f"{memory_kib / 2**20:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "django": version("django"),
        "psycopg2": version("psycopg2-binary"),
        "postgresql": _postgresql_version(),
        "load": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def _postgresql_version() -> str:
    from django.db import connections  # noqa: PLC0415  # settings are there only once a benchmark runs

    try:
        with connections["default"].cursor() as cursor:
            cursor.execute("SHOW server_version")
            return str(cursor.fetchone()[0])
    except Exception as error:  # a benchmark that needs no database may run without one
        return f"not reached ({type(error).__name__})"


def record_of(name: str, summary: str, command: str, result: Result) -> dict[str, Any]:
    """Return the result with everything needed to judge and repeat it, as plain JSON."""
    return {
        "name": name,
        "summary": summary,
        "command": command,
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "ratios": dict(result.ratios),
        "bars": dict(result.bars),
        "floors": dict(result.floors),
        "how": list(result.how),
        "machine": machine(),
        "rows": [asdict(row) for row in result.rows],
        "grids": [asdict(grid) for grid in result.grids],
        "figures": dict(result.figures),
    }


def save(record: Mapping[str, Any]) -> None:
    """Write results/NAME.json."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{record['name']}.json").write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")


def show(record: Mapping[str, Any], console: Console) -> None:
    """Print a record as people read it."""
    for title, columns, rows in _tables(record):
        table = Table(title=title, title_justify="left")
        for number, column in enumerate(columns):
            table.add_column(column, justify="left" if number == 0 else "right", overflow="fold")
        for row in rows:
            table.add_row(*row)
        console.print(table)
    for name, value in record["ratios"].items():
        verdict = "".join(
            f"  (bar: {bound}: {'met' if met else 'MISSED'})" for bound, met in _bounds(record, name, value)
        )
        console.print(f"{name} = {value:.3g}{verdict}", highlight=False)
    for sentence in record["how"]:
        console.print(f"- {sentence}", highlight=False, style="dim")
    console.print("- " + _machine_line(record["machine"]), highlight=False, style="dim")


def _bounds(record: Mapping[str, Any], name: str, value: float) -> list[tuple[str, bool]]:
    """Return the bars of a ratio in words, and whether each is met; results of old may have no floors."""
    most, least = record["bars"].get(name), record.get("floors", {}).get(name)
    return ([] if most is None else [(f"at most {most:g}", value <= most)]) + (
        [] if least is None else [(f"at least {least:g}", value >= least)]
    )


def write_report() -> Path:
    """Rewrite RESULTS.md from every results/*.json and return its path."""
    lines = ["# Benchmarks", "", "Written by `bin/bench report` from `bench/results/`; do not edit.", ""]
    for path in sorted(RESULTS.glob("*.json")):
        record = json.loads(path.read_text())
        lines += [f"## {record['name']}", "", record["summary"], "", f"    {record['command']}", ""]
        for title, columns, rows in _tables(record):
            lines += [f"**{title}**", ""] if title else []
            lines += ["| " + " | ".join(columns) + " |", "|---|" + "---:|" * (len(columns) - 1)]
            lines += ["| " + " | ".join(row) + " |" for row in rows] + [""]
        for name, value in record["ratios"].items():
            bounds = "".join(f" (bar: {bound})" for bound, _ in _bounds(record, name, value))
            lines.append(f"- `{name}` = **{value:.3g}**{bounds}")
        lines += [""] + [f"- {sentence}" for sentence in record["how"]]
        lines += [f"- {record['taken_at']}: {_machine_line(record['machine'])}.", ""]
    REPORT.write_text("\n".join(lines))
    return REPORT


def _tables(record: Mapping[str, Any]) -> list[tuple[str, list[str], list[list[str]]]]:
    tables = []
    if record["rows"]:
        columns = ["measure", "ours", "floor", "alternative", "ratio"]
        rows = [[_text(row[column]) for column in columns] for row in record["rows"]]
        shown = [n for n in range(len(columns)) if n == 0 or any(row[n] for row in rows)]
        tables.append(("", [columns[n] for n in shown], [[row[n] for n in shown] for row in rows]))
    tables += [
        (grid["title"], list(grid["columns"]), [[_text(cell) for cell in row] for row in grid["rows"]])
        for grid in record["grids"]
    ]
    return tables


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 1000 else f"{cell:.3g}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def _machine_line(facts: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items())
