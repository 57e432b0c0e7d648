"""manage.py filter_sheet PICTURE --out SHEET.jpg: every filter on one picture, for docs/filters.md."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import pyvips
from django.core.management.base import BaseCommand

from photos.filters import NAMES, Look
from photos.filters.sheet import sheet


class Command(BaseCommand):
    """Draw a contact sheet: all names there ever were, then lux, tilt-shift and all of it together.

    For pictures of one's own: the file is opened as it is, without the care that uploads get.
    """

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take a picture and where the sheet goes."""
        parser.add_argument("picture", type=Path)
        parser.add_argument("--out", type=Path, required=True, help="a JPEG, overwritten")
        parser.add_argument("--borders", action="store_true", help="each filter in its border")
        parser.add_argument("--side", type=int, default=200, help="of a cell, pixels")
        parser.add_argument("--across", type=int, default=6, help="cells in a row")
        parser.add_argument("--quality", type=int, default=82)

    def handle(self, *args: Any, **options: Any) -> None:
        """Draw and write it."""
        side, borders = options["side"], options["borders"]
        square = pyvips.Image.thumbnail(str(options["picture"]), side, height=side, crop="centre")
        square = square.colourspace("srgb").extract_band(0, n=3).copy_memory()
        looks = [(name, Look(name, border=borders)) for name in NAMES]
        looks += [
            ("Lux ½", Look(lux=0.5, border=borders)),
            ("Lux", Look(lux=1.0, border=borders)),
            ("Tilt-shift radial", Look(tilt_shift="radial", border=borders)),
            ("Tilt-shift linear", Look(tilt_shift="linear", border=borders)),
            ("Lux, linear, Hefe", Look("Hefe", tilt_shift="linear", lux=0.7, border=borders)),
            ("Lux, radial, Rise", Look("Rise", tilt_shift="radial", lux=0.7, border=borders)),
        ]
        drawn = sheet(square, looks, across=options["across"])
        options["out"].write_bytes(drawn.jpegsave_buffer(Q=options["quality"], keep="none", optimize_coding=True))
        self.stdout.write(f"{options['out']}: {len(looks)} pictures, {options['out'].stat().st_size // 1024} kB")
