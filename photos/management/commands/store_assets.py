"""manage.py store_assets: put the pictures that are nobody's into the object store."""

from typing import Any

import pyvips
from django.conf import settings
from django.core.management.base import BaseCommand

from photos import storage


class Command(BaseCommand):
    """Store the anonymous profile picture; repeatable."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Draw and store it."""
        side = 150
        grey = pyvips.Image.black(side, side).new_from_image([219, 219, 219])
        head = grey.draw_circle([250, 250, 250], side // 2, 58, 28, fill=True)
        figure = head.draw_circle([250, 250, 250], side // 2, 150, 56, fill=True).copy(interpretation="srgb")
        storage.put_asset("anonymous.jpg", figure.jpegsave_buffer(Q=settings.JPEG_QUALITY, keep="none"))
