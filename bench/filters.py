"""Every filter, border, tilt-shift and lux on a 1,080-pixel square: CPU, beside pilgram where it knows the name."""

import argparse
import statistics
import time
from collections.abc import Callable

import pilgram
import pyvips
from PIL import Image

from bench.framework import Result, Row, interleaved
from photos import filters
from photos.filters import NAMES, OFFERED, Look
from photos.filters.sheet import strip

#: The same filter there.
PILGRAM = {
    "1977": pilgram._1977, "Brannan": pilgram.brannan, "Earlybird": pilgram.earlybird, "Hudson": pilgram.hudson,
    "Inkwell": pilgram.inkwell, "Kelvin": pilgram.kelvin, "Lo-fi": pilgram.lofi, "Nashville": pilgram.nashville,
    "Rise": pilgram.rise, "Toaster": pilgram.toaster, "Valencia": pilgram.valencia, "Walden": pilgram.walden,
    "X-Pro II": pilgram.xpro2,
}  # fmt: skip
BESIDES = {
    "border": Look(border=True),
    "tilt-shift, radial": Look(tilt_shift="radial"),
    "tilt-shift, linear": Look(tilt_shift="linear"),
    "lux": Look(lux=1.0),
    "all of it": Look("Nashville", border=True, tilt_shift="radial", lux=0.5),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare sizes."""
    parser.add_argument("--side", type=int, default=1080)
    parser.add_argument("--rounds", type=int, default=5)


def run(options: argparse.Namespace) -> Result:
    """Measure each, with the tables and masks of the process made before: they are made once."""
    pyvips.cache_set_max(0)
    pyvips.concurrency_set(1)  # as in photos.images: requests run side by side
    square = _noise(options.side)
    as_pillow = Image.fromarray(square.numpy())
    small = _noise(102)
    contenders: dict[str, Callable[[], object]] = {}
    for name, look in ({name: Look(name) for name in NAMES if name != "Normal"} | BESIDES).items():
        contenders[name] = lambda look=look: filters.apply(square, look)
    contenders |= {f"pilgram {name}": lambda draw=draw: draw(as_pillow) for name, draw in PILGRAM.items()}
    contenders["strip"] = lambda: strip(small, [Look(name) for name in OFFERED]).copy_memory()
    first = {name: _cpu_ms(work) for name, work in contenders.items()}
    taken = interleaved({name: lambda work=work: _cpu_ms(work) for name, work in contenders.items()}, options.rounds)
    cost = {name: statistics.median(rounds) for name, rounds in taken.items()}
    rows = [
        Row(
            f"{name}, ms",
            ours=cost[name],
            alternative=cost.get(f"pilgram {name}"),
            ratio=cost[f"pilgram {name}"] / cost[name] if name in PILGRAM else None,
        )
        for name in contenders
        if not name.startswith("pilgram ")
    ]
    return Result(
        rows=rows,
        ratios={"dearest_filter_ms": max(cost[name] for name in NAMES if name != "Normal")},
        bars={"dearest_filter_ms": 40.0},
        how=[
            f"{options.side} x {options.side} pixels of noise in memory; CPU time of the process, one thread.",
            f"Medians of {options.rounds} rounds, interleaved, after one that made tables and masks.",
            "The alternative is pilgram, on Pillow and numpy; the ratio is how many times ours it takes.",
            f"`strip` is the row of all {len(OFFERED)} offered filters at 102 pixels.",
        ],
        figures={"ms": cost, "first in the process, ms": first},
    )


def _noise(side: int) -> pyvips.Image:
    bands = [pyvips.Image.gaussnoise(side, side, mean=128, sigma=60, seed=seed) for seed in (1, 2, 3)]
    return bands[0].bandjoin(bands[1:]).cast("uchar").copy(interpretation="srgb").copy_memory()


def _cpu_ms(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1000
