"""CPU of an upload: a 12-megapixel phone picture and a 612 px one, beside bare libvips and PUTs, and beside Pillow."""

import argparse
import secrets
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import boto3
from botocore.config import Config
from django.conf import settings
from django.test import override_settings

from bench.framework import Grid, Result, Row, interleaved, median_ratio
from bench.uploads import floor, pictures, pillow
from bench.uploads.peak import peaks
from photos import storage
from photos.images import pool, render

Render = Callable[[bytes], dict[int, bytes]]
#: The files of strangers and of cameras, where they are there.
DATA = settings.BASE_DIR.parent / "shared" / "data"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare sizes."""
    parser.add_argument("--uploads", type=int, default=8, help="uploads of a contender in one round")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--no-peak", action="store_true", help="leave out the peak memory over all files")


def run(options: argparse.Namespace) -> Result:
    """Show that ours and the floor's JPEGs are the same, measure CPU, then peak memory."""
    # A helper that is replaced takes its count of CPU with it.
    with override_settings(IMAGE_HELPER_PICTURES=1_000_000):
        return _run(options)


def _run(options: argparse.Namespace) -> Result:
    floor.prepare()
    client = _client()
    phone, square = pictures.phone_jpeg(), pictures.square_jpeg()
    assert render(phone).jpegs == floor.phone(phone)
    assert render(square).jpegs == floor.square(square)
    contenders: dict[str, Callable[[], float]] = {}
    for size, image, by_hand in (("12mp", phone, floor.phone), ("612", square, floor.square)):
        contenders[f"ours {size}"] = partial(_round, lambda image=image: _ours(image), options.uploads)
        others: dict[str, Render] = {"floor": by_hand, "pillow": pillow.whole, "draft": pillow.draft}
        for name, make in others.items():
            bare = partial(_bare, client, make, image)
            contenders[f"{name} {size}"] = partial(_round, bare, options.uploads)
    taken = interleaved(contenders, options.rounds)
    worst = [] if options.no_peak else peaks(_files())
    return _result(options, taken, worst, (len(phone), len(square)))


def _result(
    options: argparse.Namespace,
    taken: dict[str, list[float]],
    worst: list[tuple[float, str, str]],
    sizes: tuple[int, int],
) -> Result:
    ms = {name: statistics.median(times) * 1000 for name, times in taken.items()}
    rows, ratios = [], {}
    for size in ("12mp", "612"):
        ratios[f"x_floor_{size}"] = median_ratio(taken, f"ours {size}", f"floor {size}")
        for name in ("pillow", "draft"):
            ratios[f"x_faster_than_{name}_{size}"] = median_ratio(taken, f"{name} {size}", f"ours {size}")
        mine, bare = ms[f"ours {size}"], ms[f"floor {size}"]
        title = f"CPU of an upload, {size}, ms; alternative: Pillow"
        rows.append(Row(title, mine, bare, ms[f"pillow {size}"], ratios[f"x_floor_{size}"]))
        rows.append(Row(f"the same; alternative: Pillow with draft(), {size}", mine, bare, ms[f"draft {size}"]))
    # The framework's bars are upper ones: at least 1.6 times faster is at most 1/1.6 of the cost.
    ratios["x_of_pillow_12mp"] = 1 / ratios["x_faster_than_pillow_12mp"]
    bars = {"x_floor_12mp": 1.2, "x_floor_612": 1.6, "x_of_pillow_12mp": 1 / 1.6}
    grids = []
    if worst:
        ratios["peak_mb"], bars["peak_mb"] = worst[0][0], 250
        grids = [Grid("Peak memory of a helper, MB, the ten highest", ["file", "MB", "outcome"], [])]
        grids[0].rows = [[name, round(mb), outcome] for mb, name, outcome in worst[:10]]
    return Result(
        rows=rows,
        grids=grids,
        ratios=ratios,
        bars=bars,
        how=[
            "Ours: images.render() and storage.store_renditions(), as the upload endpoint calls them.",
            "Not counted, of neither: HTTP, the database, the store's own CPU.",
            "CPU, user and system, of this process and of the helper that decodes.",
            "Floor: libvips by hand in this process, then boto3 PUTs one after the other (bench/uploads/floor.py).",
            "First asserted: ours and the floor's four JPEGs are the same, byte for byte.",
            "Pillow: the same sides, quality and kind of JPEG, PUT by the same client (bench/uploads/pillow.py).",
            "The phone's picture: {}x{}, {:.1f} MB;".format(*pictures.PHONE, sizes[0] / 1e6)
            + f" the square: {sizes[1] / 1e3:.0f} kB.",
            f"{options.rounds} rounds of {options.uploads} uploads, interleaved; medians, ratios within a round.",
            f"peak_mb: over {len(worst)} files; ../shared/data {'was' if DATA.exists() else 'was not'} there.",
        ],
        figures={"cpu_s": taken, "peaks": worst},
    )


def _ours(image: bytes) -> str:
    return storage.store_renditions(render(image).jpegs)


def _bare(client: "boto3.client", make: Render, image: bytes) -> str:
    stem = secrets.token_hex(16)
    for side, jpeg in make(image).items():
        client.put_object(
            Bucket=settings.S3_BUCKET,
            Key=storage.key(stem, side),
            Body=jpeg,
            ContentType="image/jpeg",
            CacheControl="public, max-age=31536000, immutable",
        )
    return stem


def _round(upload: Callable[[], str], uploads: int) -> float:
    """Return CPU seconds of one upload."""
    stems = [upload()]
    before = _cpu()
    stems += [upload() for _ in range(uploads)]
    took = _cpu() - before
    for stem in stems:
        storage.delete_renditions(stem)
    return took / uploads


def _cpu() -> float:
    """Return CPU seconds of this process and its helpers: one helper, for uploads come one after the other."""
    return time.process_time() + sum(time.clock_gettime(_cpu_clock(pid)) for pid in pool.pids())


def _cpu_clock(pid: int) -> int:
    """Return the clock of another process's CPU: what clock_getcpuclockid() gives on Linux, to the nanosecond."""
    return (~pid << 3) | 2


def _client() -> "boto3.client":
    return boto3.client(
        "s3",
        endpoint_url=settings.S3_ENDPOINT,
        aws_access_key_id=settings.S3_ACCESS_KEY,
        aws_secret_access_key=settings.S3_SECRET_KEY,
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}),
    )


def _files() -> Iterator[tuple[str, bytes]]:
    yield from pictures.costly()
    for folder in ("photos", "exif", "hostile"):
        for path in sorted((DATA / folder).glob("*")):
            if path.suffix not in {".csv", ".md"}:
                yield f"{folder}/{path.name}", Path(path).read_bytes()
