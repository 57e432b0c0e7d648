"""Copies of photographs found by fingerprint, and other photographs taken for copies; what a comparison costs."""

import argparse
import random
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyvips
from django.conf import settings
from django.db import connection

from bench.framework import Grid, Result
from bench.scratch import data_centre
from demo import sources
from moderation.look_alikes import SIDE, nearest, signed
from moderation.models import Case, Decision, Kind, RemovedPrint, Verdict
from photos.images.fingerprint import fingerprints

Picture = pyvips.Image
#: The share of a side that is cut away, by the name of the copy.
CROPS = {"cropped by 3 %": 0.03, "cropped by 5 %": 0.05, "cropped by 8 %": 0.08, "cropped by 12 %": 0.12}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare sizes."""
    parser.add_argument("--pictures", type=int, default=150, help="photographs at most")
    parser.add_argument("--removed", type=int, default=10_000, help="removed pictures in the table for the timing")


def run(options: argparse.Namespace) -> Result:
    """Fingerprint each photograph as removed, then its copies, then compare everything with everything."""
    dice = random.Random(4)
    squares = [_square(path) for path in _photographs()[: options.pictures]]
    removed = [fingerprints(_jpeg(square), crops=True) for square in squares]
    alone = [prints[0] for prints in removed]
    limit = settings.LOOK_ALIKE_BITS
    hits = {}
    rows: list[Sequence[Any]] = []
    for name, copy in _copies(dice).items():
        bits = sorted(
            _distance(fingerprints(copy(square), crops=False)[0], removed[at]) for at, square in enumerate(squares)
        )
        hits[name] = sum(each <= limit for each in bits) / len(bits)
        rows.append((name, f"{hits[name]:.1%}", bits[len(bits) // 2], bits[-1]))
    others = sorted(
        _distance(one, prints) for at, one in enumerate(alone) for to, prints in enumerate(removed) if at != to
    )
    false = sum(each <= limit for each in others)
    rows.append(("another photograph", f"{false} of {len(others):,} pairs", others[len(others) // 2], others[0]))
    began = time.process_time()
    for square in squares[:20]:
        fingerprints(_jpeg(square), crops=False)
    print_ms = (time.process_time() - began) / 20 * 1000
    return Result(
        rows=[],
        grids=[
            Grid(f"Within {limit} bits of 64", ("copy", "found", "median bits", "most bits (nearest pair)"), rows),
            Grid("Cost", ("", "ms"), [("a fingerprint, CPU", print_ms), *_scans(options.removed)]),
        ],
        ratios={
            "found_of_resized_and_recompressed": min(hits["half the size"], hits["JPEG quality 30"]),
            "found_of_cropped_by_5": hits["cropped by 5 %"],
            "false_hits_per_million_pairs": false / len(others) * 1e6,
        },
        floors={"found_of_resized_and_recompressed": 0.99, "found_of_cropped_by_5": 0.95},
        bars={"false_hits_per_million_pairs": 500.0},
        how=[
            f"{len(squares)} photographs of the demo's sources, made square, {SIDE} pixels as the renditions are.",
            "Crops begin at a random place, and are made square again, as an upload is.",
            "The scan is the query of moderation/look_alikes.py, of 21 prints a removed picture, in main.",
        ],
        figures={"distances of other photographs": others[:50]},
    )


def _photographs() -> Sequence[Path]:
    wanted = [path for path in sources.find("auto").pictures if path.suffix.lower() in {".jpg", ".jpeg", ".png"}]
    return sorted(wanted)


def _copies(dice: random.Random) -> Mapping[str, Callable[[Picture], bytes]]:
    copies: dict[str, Callable[[Picture], bytes]] = {
        "the same file": _jpeg,
        "JPEG quality 30": lambda picture: _jpeg(picture, 30),
        "half the size": lambda picture: _jpeg(picture.resize(0.5)),
        "brighter": lambda picture: _jpeg((picture * 1.12 + 8).cast("uchar")),
        "black and white": lambda picture: _jpeg(picture.colourspace("b-w").colourspace("srgb")),
    }
    for name, share in CROPS.items():
        copies[name] = lambda picture, share=share: _cropped(picture, share, dice)
    return copies


def _cropped(picture: Picture, share: float, dice: random.Random) -> bytes:
    width = int(picture.width * (1 - share))
    height = int(picture.height * (1 - share * dice.random()))
    left, top = dice.randint(0, picture.width - width), dice.randint(0, picture.height - height)
    side = min(width, height)
    return _jpeg(picture.crop(left + (width - side) // 2, top + (height - side) // 2, side, side))


def _square(path: Any) -> Picture:
    picture = pyvips.Image.thumbnail(str(path), SIDE, height=SIDE, crop="centre").colourspace("srgb")
    return (picture.flatten() if picture.hasalpha() else picture).copy_memory()


def _jpeg(picture: Picture, quality: int = 85) -> bytes:
    return bytes(picture.jpegsave_buffer(Q=quality))


def _distance(one: int, prints: Sequence[int]) -> int:
    return min((one ^ other).bit_count() for other in prints)


def _scans(removed: int) -> list[tuple[str, float]]:
    dice = random.Random(5)
    with data_centre(shards=2):
        case = Case.objects.create(kind=Kind.MEDIA, target_id=1, about_user_id=1)
        decision = Decision.objects.create(
            case=case, kind=Kind.MEDIA, target_id=1, about_user_id=1, verdict=Verdict.REMOVE, reason="measured"
        )
        prints = (RemovedPrint(decision=decision, bits=signed(dice.getrandbits(64))) for _ in range(21 * removed))
        RemovedPrint.objects.bulk_create(prints, batch_size=10_000)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE moderation_removedprint")
        taken = []
        for _ in range(10):
            began = time.perf_counter()
            nearest(dice.getrandbits(64))
            taken.append((time.perf_counter() - began) * 1000)
    return [(f"comparing with {removed:,} removed pictures, wall", sorted(taken)[5])]
