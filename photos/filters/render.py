"""Does a whole look to a picture."""

from pyvips import Image

from .borders import border
from .engine import draw
from .look import Look
from .lux import lux
from .recipes import RECIPES
from .tilt_shift import tilt_shift


def render(frame: Image, look: Look) -> Image:
    """Return the picture with everything its look asks for, in the order of the app: the light of the scene first,
    then what its lens did, the film, and the frame it is printed in."""
    recipe = RECIPES[look.filter_name]
    if look.lux > 0:
        frame = lux(frame, min(look.lux, 1.0))
    if look.tilt_shift != "none":
        frame = tilt_shift(frame, look.tilt_shift)
    frame = draw(frame, recipe.steps)
    if look.border:
        frame = border(frame, recipe.border)
    # Drawn here and once: left lazy, every rendition made of it would draw it again.
    return frame.copy_memory()
