"""The part of docs/watching.md that lists the figures, written from the table itself."""

from collections.abc import Iterator
from pathlib import Path

from .figures.counted import COUNTS, DURATIONS
from .figures.figure import Figure
from .figures.table import GRAPHS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "watching.md"
BEGIN, END = "<!-- written by manage.py figures_page -->\n", "<!-- as far as here -->\n"


def page() -> str:
    """Return docs/watching.md with its generated part as the table has it now. Raises ValueError without the marks."""
    before, mark, rest = PAGE.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise ValueError(f"{PAGE.name} has no place for the figures")
    return before + BEGIN + "\n".join(_lines()) + "\n" + END + after


def _lines() -> Iterator[str]:
    yield "\n| figure | Munin's graph | unit | warning | critical | for | made of |\n|---|---|---|---|---|---|---|"
    for graph in GRAPHS:
        for figure in graph.figures:
            yield (
                f"| {_name(figure)} {figure.title} | `instagram_{graph.name}` | {figure.unit}"
                f" | {_bound(figure, figure.warning)} | {_bound(figure, figure.critical)} | {_held(figure)}"
                f" | {_metrics(figure)} |"
            )
    yield "\n### What to do\n"
    for graph in GRAPHS:
        for figure in graph.figures:
            if figure.act:
                yield f'<a id="{figure.name}"></a>**{figure.name}** ({figure.title}): {figure.act}\n'
    yield "### What is counted\n"
    yield "| name | what |\n|---|---|"
    for name, text in COUNTS.items():
        yield f"| `{name}_total` | {text} |"
    for name, text in DURATIONS.items():
        yield f"| `{name}` (histogram) | {text} |"
    yield ""


def _name(figure: Figure) -> str:
    return f"[`{figure.name}`](#{figure.name})" if figure.act else f"`{figure.name}`"


def _bound(figure: Figure, bound: float | None) -> str:
    if bound is None:
        return ""
    return f"{'≤' if figure.low else '≥'} {bound:,.10g}"


def _held(figure: Figure) -> str:
    return f"{figure.for_s} s" if figure.act else ""


def _metrics(figure: Figure) -> str:
    names = ", ".join(f"`{name}`" for name in figure.source.metrics())
    return f"{names}, by {figure.by}" if figure.by else names
