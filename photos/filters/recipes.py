"""What each filter does, as data: steps from first to last (steps.py says what they mean), and its border.

Where the numbers come from and how near they lie to other people's: docs/filters.md. A change here changes how old
photos look when they are rendered anew; tests/photos/test_filters.py pins the colours.
"""

from dataclasses import dataclass

from .steps import (
    Brightness,
    Contrast,
    Curves,
    Hue,
    Layer,
    Monochrome,
    Saturation,
    Sepia,
    Solid,
    Step,
    Stop,
    down,
    radial,
)


@dataclass(frozen=True, slots=True)
class Border:
    """A frame drawn over the picture's edge. Lengths are parts of its side.

    corner: radius of the opening's corners. soft: width over which the frame fades into the picture.
    rough: how far the opening's edge wanders, like film in an old holder. line: a second, inner frame of that width.
    """

    colour: str
    width: float
    corner: float = 0.0
    soft: float = 0.002
    rough: float = 0.0
    line: float = 0.0
    line_colour: str = "#000000"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One filter: what it does, and the border that belongs to it."""

    steps: tuple[Step, ...]
    border: Border


_BLACK = Border("#000000", 0.028)
_FILM = Border("#050403", 0.034, corner=0.012, soft=0.006, rough=0.006)
_PAPER = Border("#f4efe2", 0.036, corner=0.02, soft=0.004)

_LO_FI = Recipe(
    # The middle stays, the corners sink; then all colours shout.
    (
        Layer("multiply", radial(Stop(0.7, "#222222", 0.0), Stop(1.0, "#222222", 0.38), soft=True)),
        Saturation(1.15),
        Contrast(1.5),
    ),
    Border("#000000", 0.03, soft=0.004, rough=0.002),
)
_KELVIN = Recipe(
    # Sunset through amber glass: red and green burn out early, blue keeps to the lights.
    (
        Curves(
            red=((0, 0), (88, 162), (128, 205), (192, 250), (224, 255)),
            green=((0, 0), (128, 152), (196, 236), (216, 255)),
            blue=((0, 0), (96, 31), (112, 56), (192, 231), (208, 255)),
        ),
    ),
    Border("#191008", 0.04, corner=0.03, soft=0.012, rough=0.008),
)

RECIPES: dict[str, Recipe] = {
    "Normal": Recipe((), _BLACK),
    # Slide film in the wrong bath: contrast, yellow lights, blue shadows, dark corners.
    "X-Pro II": Recipe(
        (
            Layer("colour-burn", radial(Stop(0.4, "#e6e7e0"), Stop(1.0, "#6c6ca6", 0.66))),
            Curves(
                red=((0, 0), (64, 64), (128, 134), (255, 255)),
                green=((0, 0), (64, 66), (128, 134), (255, 253)),
                blue=((0, 14), (128, 128), (255, 238)),
            ),
            Layer("multiply", radial(Stop(0.55, "#12102c", 0.0), Stop(1.0, "#12102c", 0.5), soft=True)),
            Sepia(0.22),
            Saturation(1.12),
        ),
        _FILM,
    ),
    "Lomo-fi": _LO_FI,
    # Faded, brown, and the sun in the middle only.
    "Earlybird": Recipe(
        (
            Layer("overlay", radial(Stop(0.2, "#d0ba8e"), Stop(0.85, "#36030a"), Stop(1.0, "#1e0210"))),
            Contrast(0.9),
            Sepia(0.2),
        ),
        Border("#f0e8d2", 0.045, corner=0.055, soft=0.006),
    ),
    # Green and grainless, the sky of a space photograph; withdrawn in 2011.
    "Apollo": Recipe(
        (
            Saturation(0.8),
            Layer("soft-light", down(Stop(0.0, "#0c3a30", 0.5), Stop(0.6, "#0c3a30", 0.0), soft=True)),
            Curves(
                red=((0, 12), (128, 120), (255, 232)),
                green=((0, 22), (128, 140), (255, 250)),
                blue=((0, 30), (128, 126), (255, 212)),
            ),
            Layer("multiply", radial(Stop(0.45, "#12281c", 0.0), Stop(1.0, "#12281c", 0.65), soft=True)),
        ),
        _BLACK,
    ),
    # Retro, with a creamy glow in the middle and blue-violet shadows; withdrawn in 2011.
    "Poprocket": Recipe(
        (
            Curves(
                red=((0, 22), (96, 108), (176, 214), (255, 255)),
                green=((0, 8), (128, 126), (255, 250)),
                blue=((0, 62), (128, 132), (255, 214)),
            ),
            Layer("screen", radial(Stop(0.0, "#ffd48c", 0.34), Stop(0.65, "#ff9a6a", 0.0), soft=True)),
            Layer("multiply", radial(Stop(0.5, "#301a48", 0.0), Stop(1.0, "#301a48", 0.7), soft=True)),
            Saturation(1.1),
        ),
        _FILM,
    ),
    "Inkwell": Recipe(
        (
            Monochrome(0.26, 0.66, 0.08),
            Curves(all=((0, 0), (15, 6), (60, 64), (120, 141), (196, 238), (212, 252), (228, 255))),
        ),
        Border("#000000", 0.03, line=0.008, line_colour="#ffffff"),
    ),
    # Black and white by night: hard, cold, deep.
    "Gotham": Recipe(
        (
            Monochrome(0.3, 0.6, 0.1),
            Curves(
                all=((0, 0), (64, 30), (128, 110), (192, 205), (255, 248)),
                red=((0, 2), (128, 118), (255, 252)),
                green=((0, 6), (128, 126), (255, 255)),
                blue=((0, 20), (128, 140), (255, 255)),
            ),
        ),
        Border("#000000", 0.04),
    ),
    # An old colour print: pink over everything, blacks long gone.
    "1977": Recipe(
        (
            Curves(
                red=((0, 74), (96, 156), (192, 239), (204, 250), (216, 255)),
                green=((0, 24), (64, 91), (128, 158), (192, 227), (216, 252), (228, 255)),
                blue=((0, 54), (96, 144), (160, 204), (204, 246), (218, 255)),
            ),
            Saturation(1.3),
        ),
        Border("#f3ebe0", 0.036, corner=0.04, soft=0.008),
    ),
    # Cream and pink in the lights, a blue-green bottom in the shadows.
    "Nashville": Recipe(
        (
            Curves(
                red=((0, 0), (128, 126), (240, 238), (255, 250)),
                green=((0, 28), (64, 65), (80, 80), (168, 166), (184, 179), (255, 210)),
                blue=((0, 60), (144, 146), (160, 155), (255, 197)),
            ),
            Sepia(0.2),
            Contrast(1.2),
            Brightness(1.05),
            Saturation(1.2),
        ),
        Border("#060504", 0.042, corner=0.02, soft=0.004, rough=0.003),
    ),
    "Lord Kelvin": _KELVIN,
    # Pale and cool like skimmed milk, its colours nearly gone; withdrawn in 2011.
    "Lily": Recipe(
        (
            Saturation(0.55),
            Layer("screen", Solid("#1c2838")),
            Curves(all=((0, 8), (128, 140), (255, 250))),
        ),
        _PAPER,
    ),
    # Smoke: purple and brown, edges burnt.
    "Sutro": Recipe(
        (
            Saturation(0.8),
            Curves(
                red=((0, 20), (64, 58), (128, 120), (192, 190), (255, 242)),
                green=((0, 8), (64, 44), (128, 102), (192, 178), (255, 232)),
                blue=((0, 34), (64, 68), (128, 118), (192, 172), (255, 216)),
            ),
            Layer(
                "multiply",
                radial(Stop(0.35, "#2a1626", 0.0), Stop(1.0, "#1a0c14", 0.9), soft=True),
            ),
        ),
        Border("#100a10", 0.034, corner=0.012, soft=0.01, rough=0.006),
    ),
    # Burnt: an orange glow in the middle, violet corners.
    "Toaster": Recipe(
        (
            Layer("screen", radial(Stop(0.0, "#804e0f"), Stop(1.0, "#3b003b"))),
            Contrast(1.5),
            Curves(red=((0, 0), (255, 240)), green=((0, 0), (255, 229)), blue=((0, 0), (255, 216))),
        ),
        Border("#160806", 0.038, corner=0.015, soft=0.01, rough=0.008),
    ),
    # Swimming pool in the sun: blue blacks, yellow lights.
    "Walden": Recipe(
        (
            Curves(
                red=((0, 0), (128, 141), (220, 242), (240, 255)),
                green=((0, 22), (128, 152), (220, 245), (236, 255)),
                blue=((0, 67), (128, 174), (208, 241), (228, 255)),
            ),
            Hue(-10),
            Sepia(0.3),
            Saturation(1.6),
        ),
        Border("#f7f3e6", 0.03, soft=0.004),
    ),
    # Rich and warm, darker to the corners.
    "Hefe": Recipe(
        (
            Curves(
                red=((0, 0), (64, 58), (128, 148), (192, 222), (255, 255)),
                green=((0, 0), (64, 50), (128, 130), (192, 206), (255, 250)),
                blue=((0, 8), (64, 46), (128, 108), (192, 178), (255, 226)),
            ),
            Saturation(1.25),
            Layer("multiply", radial(Stop(0.4, "#281408", 0.0), Stop(1.0, "#281408", 0.82), soft=True)),
        ),
        Border("#040302", 0.032, soft=0.004, rough=0.003),
    ),
    # Metal: grey-green, hard, with a breath of violet in the blacks.
    "Brannan": Recipe(
        (
            Curves(
                red=((0, 40), (144, 146), (172, 172), (255, 250)),
                green=((0, 18), (32, 38), (64, 66), (255, 255)),
                blue=((0, 52), (184, 184), (208, 206), (255, 248)),
            ),
            Sepia(0.5),
            Contrast(1.4),
        ),
        _BLACK,
    ),
    "Lo-fi": _LO_FI,
    "Kelvin": _KELVIN,
    # Skin in morning light: a warm glow from the middle.
    "Rise": Recipe(
        (
            Layer("multiply", radial(Stop(0.55, "#eccda9", 0.15), Stop(1.0, "#321e07", 0.4))),
            Layer("overlay", radial(Stop(0.0, "#e8c598", 0.48), Stop(0.9, "#e8c598", 0.0))),
            Brightness(1.05),
            Sepia(0.2),
            Saturation(0.9),
            Contrast(0.9),
        ),
        _PAPER,
    ),
    # Light in the middle, blue in the shadows, corners dusk.
    "Amaro": Recipe(
        (
            Layer("soft-light", radial(Stop(0.0, "#ffffff", 0.85), Stop(0.75, "#808080", 0.0), soft=True)),
            Curves(
                red=((0, 18), (64, 70), (128, 144), (192, 212), (255, 245)),
                green=((0, 18), (64, 76), (128, 148), (192, 210), (255, 250)),
                blue=((0, 48), (64, 98), (128, 150), (192, 196), (255, 232)),
            ),
            Layer("multiply", radial(Stop(0.5, "#101c34", 0.0), Stop(1.0, "#101c34", 0.6), soft=True)),
        ),
        _BLACK,
    ),
    # Faded and warm, the blacks lifted to violet.
    "Valencia": Recipe(
        (
            Curves(
                red=((0, 26), (128, 144), (192, 206), (255, 255)),
                green=((0, 3), (16, 12), (64, 66), (128, 137), (192, 206), (224, 235), (255, 247)),
                blue=((0, 25), (128, 134), (255, 234)),
            ),
            Sepia(0.08),
        ),
        Border("#f8f4ec", 0.032, corner=0.01, soft=0.004),
    ),
    # Ice: a cool light from the middle.
    "Hudson": Recipe(
        (
            Layer("multiply", radial(Stop(0.5, "#a6b1ff"), Stop(1.0, "#342134")), 0.5),
            Brightness(1.2),
            Contrast(0.9),
            Saturation(1.1),
        ),
        _BLACK,
    ),
    # Rise without the glow, in hazy daylight: soft, pale, a little green in the shadows.
    "Sierra": Recipe(
        (
            Layer("soft-light", radial(Stop(0.0, "#ffffff", 0.5), Stop(0.8, "#808080", 0.0), soft=True)),
            Saturation(0.82),
            Curves(
                red=((0, 44), (64, 88), (128, 148), (192, 204), (255, 242)),
                green=((0, 46), (64, 92), (128, 148), (192, 200), (255, 238)),
                blue=((0, 52), (64, 94), (128, 142), (192, 186), (255, 220)),
            ),
            Layer("multiply", radial(Stop(0.55, "#2a241c", 0.0), Stop(1.0, "#2a241c", 0.5), soft=True)),
        ),
        _PAPER,
    ),
}
