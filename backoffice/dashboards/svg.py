"""Pictures of numbers, as SVG made here: horizontal bars, columns, lines. Nothing but strings.

Colours are classes, coloured by office.css through variables, so that dark mode follows and the policy of site.py holds
(it allows no style attributes). Each picture says in words what it shows, for who cannot see it. Drawn 360 units
wide, a phone's width, so that letters are as large there as they should be.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH = 360
#: Colours there are: classes c0 to c5.
COLOURS = 6
#: Letters of a bar's label, and columns that fit.
LABEL, MOST_COLUMNS = 20, 128
_ROW, _LEFT, _RIGHT = 22, 122, 74
_HEIGHT, _TOP, _BOTTOM = 130, 18, 16
#: Points a line has at most.
_STEPS = 178
_NOTHING = "Nothing is known yet."

Points = Sequence[tuple[float, float]]


def shown(value: float | None, unit: str = "") -> str:
    """Return a number as people read it: "1.2 MB", "97 %", "1,234"; "–" for none."""
    if value is None or math.isnan(value):
        return "–"
    if unit.startswith("bytes"):
        scaled, prefix = value, ""
        for prefix in ("", "k", "M", "G", "T"):  # the last one counts
            if abs(scaled) < 1_000 or prefix == "T":
                break
            scaled /= 1_000
        text = f"{scaled:.3g}" if abs(scaled) < 1_000 else f"{scaled:,.0f}"
        return f"{text} {prefix}B{unit.removeprefix('bytes')}"
    text = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
    return f"{text}/s" if unit == "1/s" else f"{text} {unit}".rstrip()


def bars(rows: Iterable[tuple[str, float | None]], *, title: str, unit: str = "") -> SafeString:
    """Draw a horizontal bar for each (label, value); None is shown as unknown."""
    known = list(rows)
    if not known:
        return _empty(title)
    largest = max((value or 0.0 for _, value in known), default=0.0) or 1.0
    room = WIDTH - _LEFT - _RIGHT
    drawn = format_html_join(
        "",
        '<text x="{}" y="{}" text-anchor="end">{}</text><rect class="c0" x="{}" y="{}" width="{}" height="14" rx="2"/>'
        '<text x="{}" y="{}">{}</text>',
        (
            (
                _LEFT - 6, at * _ROW + 15, _cut(label), _LEFT, at * _ROW + 4,
                f"{max(1.0, room * max(0.0, value or 0.0) / largest):.1f}",
                f"{_LEFT + room * max(0.0, value or 0.0) / largest + 5:.1f}", at * _ROW + 15, shown(value, unit),
            )
            for at, (label, value) in enumerate(known)
        ),
    )  # fmt: skip
    told = "; ".join(f"{label}: {shown(value, unit)}" for label, value in known)
    return _figure(drawn, height=len(known) * _ROW + 4, title=title, told=told)


def columns(
    rows: Iterable[tuple[str, float, int]], *, title: str, unit: str = "", legend: Sequence[str] = ()
) -> SafeString:
    """Draw a column for each (label, value, colour): many side by side, the label shown on pointing. legend: by colour.

    Of more than MOST_COLUMNS the largest are drawn.
    """
    known = list(rows)
    if not known:
        return _empty(title)
    left_out = max(0, len(known) - MOST_COLUMNS)
    if left_out:
        known = sorted(known, key=lambda row: -row[1])[:MOST_COLUMNS]
    peak = max(value for _, value, _ in known)
    largest = peak or 1.0
    wide, room = WIDTH / len(known), _HEIGHT - _TOP
    drawn = format_html_join(
        "",
        '<rect class="c{}" x="{}" y="{}" width="{}" height="{}"><title>{}: {}</title></rect>',
        (
            (
                colour % COLOURS, f"{at * wide:.2f}", f"{_HEIGHT - max(0.5, room * value / largest):.1f}",
                f"{max(0.5, wide * 0.82):.2f}", f"{max(0.5, room * value / largest):.1f}", label, shown(value, unit),
            )
            for at, (label, value, colour) in enumerate(known)
        ),
    )  # fmt: skip
    top = format_html('<text x="0" y="11">{}</text>', shown(peak, unit))
    label, value, _ = max(known, key=lambda row: row[1])
    middle = sorted(value for _, value, _ in known)[len(known) // 2]
    told = f"{len(known)} columns; the largest is {label}: {shown(value, unit)}; the middle one {shown(middle, unit)}"
    if left_out:
        told += f"; {left_out} smaller ones are left out"
    names = [(colour, name, "") for colour, name in enumerate(legend)]
    return _figure(top + drawn, height=_HEIGHT + 2, title=title, told=told, legend=names)


def lines(
    series: Mapping[str, Points], *, title: str, began: float, ended: float, unit: str = "", gap_s: float = 0.0
) -> SafeString:
    """Draw a line for each name over the time from began to ended, from zero up. gap_s: a longer gap is not bridged.

    What is known of a shorter time only, an hour at least, is drawn over that.
    """
    known = {name: points for name, points in series.items() if points}
    if not known:
        return _empty(title)
    first = min(points[0][0] for points in known.values())
    began = max(began, min(ended - 3_600.0, first))
    peak = max(value for points in known.values() for _, value in points)
    largest = peak or 1.0
    room = _HEIGHT - _TOP - _BOTTOM

    def place(at: float, value: float) -> str:
        x = WIDTH * (at - began) / max(1.0, ended - began)
        return f"{x:.1f},{_TOP + room * (1 - max(0.0, value) / largest):.1f}"

    drawn = format_html_join(
        "",
        '<polyline class="l{}" points="{}"/>',
        (
            (number % COLOURS, " ".join(place(*point) for point in _thinned(part, began, ended)))
            for number, points in enumerate(known.values())
            for part in _parts(points, gap_s)
        ),
    )
    base = _HEIGHT - _BOTTOM
    frame = format_html(
        '<line class="axis" x1="0" y1="{0}" x2="{1}" y2="{0}"/>'
        '<line class="axis faint" x1="0" y1="{2}" x2="{1}" y2="{2}"/>'
        '<text x="0" y="11">{3}</text><text x="0" y="{4}">{5} ago</text>'
        '<text x="{1}" y="{4}" text-anchor="end">now</text>',
        base, WIDTH, _TOP, shown(peak, unit), base + 13, _span(ended - began),
    )  # fmt: skip
    legend = [(number, name, shown(points[-1][1], unit)) for number, (name, points) in enumerate(known.items())]
    told = "; ".join(
        f"{name}: {shown(points[-1][1], unit)} now, at least {shown(min(value for _, value in points), unit)},"
        f" at most {shown(max(value for _, value in points), unit)}"
        for name, points in known.items()
    )
    return _figure(frame + drawn, height=_HEIGHT, title=title, told=told, legend=legend)


def _figure(
    drawn: SafeString, *, height: int, title: str, told: str, legend: Iterable[tuple[int, str, str]] = ()
) -> SafeString:
    items = format_html_join(
        "", '<li><span class="dot d{}"></span>{} <b>{}</b></li>', ((n % COLOURS, name, now) for n, name, now in legend)
    )
    under = format_html('<figcaption><ul class="legend">{}</ul></figcaption>', items) if items else ""
    return format_html(
        '<figure class="chart"><svg viewBox="0 0 {} {}" role="img" aria-label="{}. {}.">{}</svg>{}</figure>',
        WIDTH, height, title, told, drawn, under,
    )  # fmt: skip


def _empty(title: str) -> SafeString:
    return format_html('<p class="quiet">{} <span class="visually-hidden">{}</span></p>', _NOTHING, title)


def _thinned(points: Points, began: float, ended: float) -> list[tuple[float, float]]:
    """Return at most one point for each of _STEPS steps, the largest: a peak must not be lost."""
    step = (ended - began) / _STEPS
    largest: dict[int, tuple[float, float]] = {}
    for at, value in points:
        number = int((at - began) / step)
        if number not in largest or value > largest[number][1]:
            largest[number] = (at, value)
    kept = list(largest.values())
    # A lone point is a line of no length: with round ends, a dot.
    return kept if len(kept) > 1 else [*kept, *kept]


def _parts(points: Points, gap_s: float) -> list[list[tuple[float, float]]]:
    """Cut a line where nothing was looked at for longer than gap_s."""
    parts: list[list[tuple[float, float]]] = []
    for point in points:
        if parts and (not gap_s or point[0] - parts[-1][-1][0] <= gap_s):
            parts[-1].append(point)
        else:
            parts.append([point])
    return parts


def _cut(label: str) -> str:
    return label if len(label) <= LABEL else f"{label[: LABEL - 1]}…"


def _span(seconds: float) -> str:
    if seconds < 2 * 3_600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.0f} h" if seconds < 3 * 86_400 else f"{seconds / 86_400:.0f} days"
