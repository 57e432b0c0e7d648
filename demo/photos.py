"""What is posted in the demo, who likes it and what is said about it: decided before anything is loaded."""

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

from . import words
from .sources import Caption, Source, themes_of

#: Share of photos with a caption, and of those without a place of their own that get one.
CAPTIONED, PLACED = 0.9, 0.45
#: Likes and comments of a photo, on average.
MEAN_LIKES, MEAN_COMMENTS = 5, 1.5
#: Shortest side of an upload, pixels: the largest rendition's, so that the server need not enlarge it.
UPLOAD_SIDE = 1080
#: Shorter side of a picture as it is prepared for cropping, pixels: smaller ones are enlarged, larger ones reduced.
PREPARED_SIDES = (1_350, 1_700)


@dataclass(frozen=True)
class Crop:
    """A square of a picture. side: 0 the closest look there is, 1 the whole; x, y: shares of the room that is left."""

    side: float
    x: float
    y: float
    mirrored: bool


@dataclass(frozen=True)
class PlannedPhoto:
    """One upload to come. Author, likers and commenters are places in the list of people."""

    author: int
    picture: Path
    crop: Crop
    caption: str
    #: Name, latitude and longitude of where it was taken.
    place: tuple[str, float, float] | None
    likers: tuple[int, ...]
    #: (commenter, text) in their order.
    comments: tuple[tuple[int, str], ...]


def plan_photos(
    source: Source, people: int, follows: list[tuple[int, int]], count: int, rng: random.Random
) -> list[PlannedPhoto]:
    """Return the photos in the order they are posted.

    Who is followed more posts more. The people to log in as (0 and 1) post first, so that their own photos do
    not fill the first page of their feeds.
    """
    followers: dict[int, list[int]] = {person: [] for person in range(people)}
    for follower, followee in follows:
        followers[followee].append(follower)
    authors = _authors(followers, count, rng)
    pictures = _pictures(source, count, rng)
    crops = {picture: _crops(pictures.count(picture), rng) for picture in sorted(set(pictures))}
    captions = _Captions(source, rng)
    names, shares = zip(*source.places, strict=True)
    planned = []
    for author, picture in zip(authors, pictures, strict=True):
        caption = captions.for_picture(picture) if rng.random() < CAPTIONED else Caption("")
        place = caption.place or (rng.choices(names, shares)[0] if rng.random() < PLACED else "")
        likers = _likers(author, followers, people, rng)
        planned.append(
            PlannedPhoto(
                author,
                picture,
                crops[picture].pop(),
                caption.text,
                _placed(place, rng),
                likers,
                _comments(author, likers or tuple(followers[author]), rng),
            )
        )
    return planned


def prepared(picture: Path, folder: Path) -> Path:
    """Write a picture, upright, in sRGB and bare of metadata, at a fit size into `folder`; return its path."""
    # Here and below: libvips must not have run in a process that forks.
    import pyvips  # noqa: PLC0415  # not before a fork

    header = pyvips.Image.new_from_file(str(picture))
    shorter, longer = sorted((header.width, header.height))
    least, most = PREPARED_SIDES
    # A box in which the shorter side comes out as wanted; JPEGs are shrunk while they are decoded.
    box = round(min(max(shorter, least), most) * longer / shorter)
    image = pyvips.Image.thumbnail(str(picture), box, height=box, output_profile="srgb")
    path = folder / f"{hashlib.sha256(str(picture).encode()).hexdigest()}.jpg"
    image.jpegsave(str(path), Q=92, keep="none")
    return path


def rendered(picture: Path, crop: Crop) -> bytes:
    """Return a crop of a prepared picture as a JPEG for upload."""
    import pyvips  # noqa: PLC0415  # not before a fork

    image = pyvips.Image.new_from_file(str(picture))
    whole = min(image.width, image.height)
    side = min(whole, round(UPLOAD_SIDE + (whole - UPLOAD_SIDE) * crop.side))
    x, y = round((image.width - side) * crop.x), round((image.height - side) * crop.y)
    square = image.crop(x, y, side, side).resize(UPLOAD_SIDE / side)
    if crop.mirrored:
        square = square.fliphor()
    return square.jpegsave_buffer(Q=90, keep="none")


def _authors(followers: dict[int, list[int]], count: int, rng: random.Random) -> list[int]:
    """Return who posts, in order: everybody at least once while photos last, then by followers."""
    others = [person for person in followers if person > 1]
    rng.shuffle(others)
    busy = [person for person in followers if person > 1 and followers[person]] or others
    weights = [(1 + len(followers[person])) ** 0.5 for person in busy]
    first = [person for person in (0, 1) if person in followers for _ in range(3)][: count // 10]
    once = others[: count - len(first)]
    drawn = rng.choices(busy, weights, k=count - len(first) - len(once)) if busy else [0] * (count - len(first))
    rest = once + drawn
    rng.shuffle(rest)
    return first + rest


def _pictures(source: Source, count: int, rng: random.Random) -> list[Path]:
    """Return a picture for each photo: each equally often, and none twice within a page."""
    order: list[Path] = []
    while len(order) < count:
        round_of = list(source.pictures)
        rng.shuffle(round_of)
        # What was shown last must not come first again.
        recent = set(order[-len(round_of) // 3 :]) if order else set()
        round_of.sort(key=lambda picture: picture in recent)
        order += round_of
    return order[:count]


def _crops(count: int, rng: random.Random) -> list[Crop]:
    """Return crops that differ: the middle of the whole picture first, then closer looks, some of them mirrored."""
    crops = [Crop(1.0, 0.5, 0.5, False)]
    for number in range(1, count):
        side = rng.random() if number > 1 else 1.0
        crops.append(Crop(side, rng.random(), rng.uniform(0.2, 0.8), mirrored=number % 2 == 1))
    return crops[:count]


class _Captions:
    """Deals captions out by theme, each once before any comes again."""

    def __init__(self, source: Source, rng: random.Random) -> None:
        self.source, self.rng = source, rng
        self.left: dict[str, list[Caption]] = {}

    def for_picture(self, picture: Path) -> Caption:
        """Return one that fits what the picture's name says of it."""
        fitting = sorted(theme for theme in themes_of(picture.stem) if self.source.captions.get(theme))
        theme = self.rng.choice(fitting) if fitting else ""
        if not self.left.get(theme):
            left = list(self.source.captions.get(theme) or (Caption(text) for text in words.CAPTIONS[""]))
            self.rng.shuffle(left)
            self.left[theme] = left
        return self.left[theme].pop()


def _placed(place: str, rng: random.Random) -> tuple[str, float, float] | None:
    """Put a photo somewhere near its place, some hundred metres off."""
    if not place:
        return None
    latitude, longitude = words.PLACES[place]
    return place, round(latitude + rng.gauss(0, 0.005), 6), round(longitude + rng.gauss(0, 0.005), 6)


def _likers(author: int, followers: dict[int, list[int]], people: int, rng: random.Random) -> tuple[int, ...]:
    """Draw by a power law with mean MEAN_LIKES and exponent 2.5; mostly followers, a few passers-by."""
    wanted = int(rng.paretovariate(1.5) * MEAN_LIKES / 3)
    fans = followers[author]
    likers = set(rng.sample(fans, min(len(fans), wanted)))
    strangers = min(people - 1, wanted // 5)
    likers |= {person for person in rng.sample(range(people), strangers) if person != author}
    shuffled = sorted(likers)
    rng.shuffle(shuffled)
    return tuple(shuffled)


def _comments(author: int, commenters: tuple[int, ...], rng: random.Random) -> tuple[tuple[int, str], ...]:
    if not commenters:
        return ()
    wanted = min(12, int(rng.expovariate(1 / MEAN_COMMENTS) + 0.4))
    texts = rng.sample(words.COMMENTS, wanted)
    comments = [(rng.choice(commenters), text) for text in texts]
    if wanted > 2 and rng.random() < 0.5:
        comments.append((author, rng.choice(("Thank you all! ❤️", "Thanks everybody 🙏", "Thank you! 😊"))))
    return tuple(comments)
