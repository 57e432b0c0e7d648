"""Where the demo takes its photographs, names, captions, places and follow graph from.

A folder laid out as `photos/ text/ graph/` is used for whatever it has; any other folder is one of pictures. Without
a folder, the photographs of a few Debian packages (stack/demo-packages.txt) and words of our own take their place.
"""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from . import words

#: Where a checkout may have real data beside it.
BESIDE_THE_REPOSITORY = ("..", "shared", "data")
#: Folders of the Debian packages, and what in them is no photograph.
DEBIAN_FOLDERS = (Path("/usr/share/backgrounds"), Path("/usr/share/backgrounds/mate/nature"))
NOT_PHOTOGRAPHS = ("Fossa", "Painting-Colors", "analogpattern", "umang", "Infinite-Sea", "Wood")
#: A caption about nothing in particular is short.
GENERAL_MAX_CHARS = 60
PICTURE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".heic"}

#: Captions that name people, sell, count, shout, or would look odd under somebody else's photograph.
_UNFIT = re.compile(
    r"…|@|\d|_|[^\x00-\x7f]|(?-i:[A-Z]{5})|(?-i:^[a-z])|!!|\.\.\.|#\w+\s*#\w+\s*#\w+|&"
    rf"|\b({'|'.join(words.UNFIT_IN_CAPTIONS)})\b",
    re.IGNORECASE,
)
#: A caption of no theme must at least speak of a time, a place or a mood.
_GENERAL = re.compile(
    r"\b(morning|afternoon|evening|weekend|(sun|mon|tues|wednes|thurs|fri|satur)day|day|views?|favorite|place|beautiful|light|summer|winter"
    r"|fall|autumn|spring|home|today|yesterday|walks?|vibes|colou?rs?|magical|dreams?|vacation|adventures?|paradise|peace|world|sky"
    r"|moments?|memories|happiness|life|rain|snow|sun|sunshine|weather|season|travel|trip|forest|river|nature|art)\b",
    re.IGNORECASE,
)


class SourceMissing(Exception):
    """There is nothing to make a demo of; the sentence says what would help."""


@dataclass(frozen=True)
class Caption:
    """What somebody wrote under a picture, and where they were (empty: they did not say)."""

    text: str
    place: str = ""


@dataclass(frozen=True)
class Source:
    """What a demo is made of. Empty parts are made up by those who need them."""

    name: str
    pictures: tuple[Path, ...]
    #: By theme of words.THEMES; "" holds those that fit any picture.
    captions: dict[str, tuple[Caption, ...]]
    #: (name, share) with shares in any unit, here and below; their positions are in words.PLACES.
    places: tuple[tuple[str, float], ...]
    first_names: tuple[tuple[str, float], ...]
    last_names: tuple[tuple[str, float], ...]
    #: Whole names in scripts of their own.
    world_names: tuple[str, ...]
    reserved_usernames: frozenset[str]
    graph: Path | None


def find(wanted: str) -> Source:
    """Return the source named on the command line: "auto" or a folder. Raises SourceMissing."""
    if wanted != "auto":
        folder = Path(wanted)
        if not folder.is_dir():
            raise SourceMissing(f"{wanted} is no folder")
        return _from_folder(folder)
    beside = Path(settings.BASE_DIR, *BESIDE_THE_REPOSITORY)
    return _from_folder(beside.resolve()) if (beside / "photos" / "manifest.csv").is_file() else _from_debian()


def themes_of(text: str) -> set[str]:
    """Return the themes a file name or a caption speaks of."""
    text = text.lower()
    return {
        theme
        for theme, signs in words.THEMES.items()
        if any(re.search(rf"(?<![a-z]){re.escape(sign)}s?(?![a-z])", text) for sign in signs)
    }


def _from_folder(folder: Path) -> Source:
    pictures = _pictures(folder / "photos") or _pictures(folder)
    if not pictures:
        raise SourceMissing(f"no pictures in {folder} (looked for {', '.join(sorted(PICTURE_SUFFIXES))})")
    text, graph = folder / "text", folder / "graph" / "epinions-part.txt.gz"
    captions = _captions(text / "captions-demo.tsv")
    firsts, lasts = _census_names(text / "names-us-census.tsv")
    own = _own_words()
    return Source(
        name=str(folder),
        pictures=pictures,
        captions=captions or own.captions,
        places=_known_places(text / "places.tsv") or own.places,
        first_names=firsts or own.first_names,
        last_names=lasts or own.last_names,
        world_names=_world_names(text / "names-world.tsv"),
        reserved_usernames=_lines(text / "reserved-usernames.txt"),
        graph=graph if graph.is_file() else None,
    )


def _from_debian() -> Source:
    pictures = tuple(
        picture
        for folder in DEBIAN_FOLDERS
        for picture in _pictures(folder, deep=False)
        if not picture.name.startswith(NOT_PHOTOGRAPHS)
    )
    if not pictures:
        packages = ", ".join(_packages())
        raise SourceMissing(f"no photographs here: install {packages}, or name a folder of pictures with --source")
    return _own_words(pictures)


def _own_words(pictures: tuple[Path, ...] = ()) -> Source:
    captions = {theme: tuple(Caption(text) for text in texts) for theme, texts in words.CAPTIONS.items()}
    return Source(
        name="Debian packages",
        pictures=pictures,
        captions=captions,
        places=tuple((place, 1.0) for place in words.PLACES),
        first_names=tuple((name, 1.0) for name in words.FIRST_NAMES),
        last_names=tuple((name, 1.0) for name in words.LAST_NAMES),
        world_names=(),
        reserved_usernames=frozenset(),
        graph=None,
    )


def _packages() -> list[str]:
    lines = _lines(settings.BASE_DIR / "stack" / "demo-packages.txt")
    return sorted(line for line in lines if not line.startswith("#"))


def _pictures(folder: Path, *, deep: bool = True) -> tuple[Path, ...]:
    if not folder.is_dir():
        return ()
    found = folder.rglob("*") if deep else folder.glob("*")
    return tuple(sorted(path for path in found if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file()))


def _lines(path: Path) -> frozenset[str]:
    return (
        frozenset(line.strip() for line in path.read_text().splitlines() if line.strip())
        if path.is_file()
        else frozenset()
    )


def _table(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def _captions(path: Path) -> dict[str, tuple[Caption, ...]]:
    """Read captions with their emoji; keep those that could stand under any picture, or under one of their theme."""
    by_theme: dict[str, list[Caption]] = {theme: [] for theme in ("", *words.THEMES)}
    for row in _table(path):
        # The variation selector was left behind where the emoji was taken out.
        text, _, place = row["caption"].replace("\ufe0f", "").partition(" @ ")
        text = " ".join(text.split())
        if len(text) < 8 or _UNFIT.search(text):
            continue
        place = place.strip() if place.strip() in words.PLACES else ""
        caption = Caption(f"{text} {row['emoji']}", place)
        themes = themes_of(text)
        for theme in themes:
            by_theme[theme].append(caption)
        if not themes and len(text) <= GENERAL_MAX_CHARS and _GENERAL.search(text) and not set(text) & set("#:;'"):
            # What names no subject fits any picture, but not any place.
            by_theme[""].append(Caption(caption.text))
    if not any(by_theme.values()):
        return {}
    # Some themes have two or three that fit: our own make up for it.
    return {theme: (*captions, *map(Caption, words.CAPTIONS[theme])) for theme, captions in by_theme.items()}


def _known_places(path: Path) -> tuple[tuple[str, float], ...]:
    """Read how often people were where, for the places whose position we know."""
    return tuple((row["place"], float(row["count"])) for row in _table(path) if row["place"] in words.PLACES)


def _census_names(path: Path) -> tuple[tuple[tuple[str, float], ...], tuple[tuple[str, float], ...]]:
    rows = [(row["kind"], row["name"], float(row["per_cent"])) for row in _table(path)]
    firsts = tuple((name, share) for kind, name, share in rows if kind.startswith("first"))
    return firsts, tuple((name, share) for kind, name, share in rows if kind == "last")


def _world_names(path: Path) -> tuple[str, ...]:
    """Pair first and last names of the same locale, in their file's order."""
    by_locale: dict[str, dict[str, list[str]]] = {}
    for row in _table(path):
        by_locale.setdefault(row["locale"], {}).setdefault(row["kind"], []).append(row["name"])
    return tuple(
        f"{first} {last}"
        for kinds in by_locale.values()
        for first, last in zip(kinds.get("first", ()), kinds.get("last", ()), strict=False)
    )
