"""What others call: a picture goes to a helper process and comes back drawn. No pixel is touched here."""

from dataclasses import asdict

from photos.filters import PLAIN, Look

from . import job, pool
from .rendered import Rendered


def render(image: bytes, look: Look = PLAIN) -> Rendered:
    """Return all renditions of an upload, with its look laid on.

    image: as the client sent it. Raises InvalidParameters and TooLarge for what is no good picture, with a sentence
    for the person who sent it, DecodingUnavailable if no helper process can be had or answers in time.
    Cost: docs/images.md.
    """
    return job.unpacked(*pool.ask({"verb": "render", "look": asdict(look)}, image))
