"""What a demo will hold: decided by source and seed alone, and fit to be looked at."""

import random
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
import pyvips
from django.conf import settings

from demo import load, people, photos, sources
from demo.sources import Source, SourceMissing

BESIDE = Path(settings.BASE_DIR, *sources.BESIDE_THE_REPOSITORY)


def picture(path: Path, width: int = 900, height: int = 700) -> Path:
    """Write a picture of coloured noise with a position in its metadata."""
    noise = pyvips.Image.gaussnoise(width, height, mean=128, sigma=60).cast("uchar")
    image = noise.bandjoin([noise.fliphor(), noise.flipver()]).copy(interpretation="srgb")
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd3-GPSLatitude", "37/1 49/1 0/1")
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd3-GPSLatitudeRef", "N")
    image.jpegsave(str(path))
    return path


@pytest.fixture(scope="module", params=["pictures alone", "real data"])
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Source:
    """Both kinds of source: a folder of pictures with words of our own, and the real data where it is."""
    if request.param == "real data":
        if not (BESIDE / "photos" / "manifest.csv").is_file():
            pytest.skip("no data beside this checkout")
        return sources.find("auto")
    tmp_path = tmp_path_factory.mktemp("pictures")
    for name in ("harbor-sunset", "red-flower", "unnamed"):
        picture(tmp_path / f"{name}.jpg")
    return sources.find(str(tmp_path))


def new_plan(source: Source, *, users: int = 200, photos: int = 1_000, seed: int = 2011) -> load.Plan:
    return load.make_plan(source, users=users, photos=photos, seed=seed, logins=people.LOGINS)


_plans: dict[tuple[str, int], load.Plan] = {}


def plan_of(source: Source, *, seed: int = 2011) -> load.Plan:
    """Return a plan of the usual size; several tests look at the same one."""
    if (source.name, seed) not in _plans:
        _plans[source.name, seed] = new_plan(source, seed=seed)
    return _plans[source.name, seed]


def test_the_same_seed_gives_the_same_plan_and_another_one_another(source: Source) -> None:
    assert plan_of(source) == new_plan(source)
    assert plan_of(source) != plan_of(source, seed=0)


def test_everybody_has_a_valid_name_of_their_own(source: Source) -> None:
    names = [person.username for person in plan_of(source).people]

    assert len(set(names)) == len(names) == 200
    assert [name for name in names if not re.fullmatch(r"[a-z0-9._]{1,30}", name)] == []


@pytest.mark.parametrize("seed", range(3))
def test_each_login_finds_a_full_page_by_people_they_follow_before_their_own_photos(source: Source, seed: int) -> None:
    plan = plan_of(source, seed=seed)

    for login in (0, 1):
        followed = {followee for follower, followee in plan.follows if follower == login}
        newest_first = [photo.author for photo in reversed(plan.photos) if photo.author in followed | {login}]
        assert len(newest_first) >= 20
        assert login not in newest_first[:20]
    assert (1, 0) in plan.follows


def test_nobody_follows_themselves_or_anybody_twice(source: Source) -> None:
    follows = plan_of(source).follows

    assert max(Counter(follows).values()) == 1
    assert all(follower != followee for follower, followee in follows)


def test_no_two_photos_are_the_same_and_neighbours_show_different_pictures(source: Source) -> None:
    posted = new_plan(source, photos=200).photos

    assert len({(photo.picture, photo.crop) for photo in posted}) == 200
    assert all(one.picture != other.picture for one, other in pairwise(posted))


def test_likes_follow_a_power_law(source: Source) -> None:
    likes = sorted((len(photo.likers) for photo in plan_of(source).photos), reverse=True)

    assert sum(likes[:100]) > 0.25 * sum(likes)  # the top tenth
    assert likes[500] <= sum(likes) / len(likes)  # most photos have fewer than the mean


@pytest.mark.parametrize(("users", "photos"), [(3, 0), (3, 1), (4, 30), (10, 5)])
def test_small_demos_can_be_planned_too(source: Source, users: int, photos: int) -> None:
    plan = new_plan(source, users=users, photos=photos)

    assert (len(plan.people), len(plan.photos)) == (users, photos)


def test_uploads_carry_no_metadata_and_are_square(tmp_path: Path) -> None:
    path = picture(tmp_path / "with-position.jpg")

    upload = photos.rendered(photos.prepared(path, tmp_path), photos.Crop(0.7, 0.3, 0.5, mirrored=True))

    image = pyvips.Image.new_from_buffer(upload, "")
    assert image.width == image.height >= photos.UPLOAD_SIDE
    assert [name for name in image.get_fields() if name.startswith("exif")] == []


def test_no_real_position_of_a_photographer_is_used(source: Source) -> None:
    # Only towns and sights named in the demo's own list are placed on the map.
    for photo in plan_of(source).photos:
        assert photo.place is None or photo.place[0] in photos.words.PLACES


def test_a_folder_without_pictures_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match="no pictures in"):
        sources.find(str(tmp_path))
    with pytest.raises(SourceMissing, match="is no folder"):
        sources.find(str(tmp_path / "missing"))


def test_without_any_data_the_photographs_of_debian_packages_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "BESIDE_THE_REPOSITORY", ("..", "nothing-here"))
    monkeypatch.setattr(sources, "DEBIAN_FOLDERS", (tmp_path,))
    with pytest.raises(SourceMissing, match="lomiri-wallpapers"):
        sources.find("auto")

    picture(tmp_path / "Bridge.jpg")
    picture(tmp_path / "analogpattern_by_somebody.jpg")

    assert [path.name for path in sources.find("auto").pictures] == ["Bridge.jpg"]


def test_the_graph_is_made_up_when_it_has_too_few_people(source: Source) -> None:
    follows = people.invent_follows(source, 12_000, random.Random(1))

    assert len({follower for follower, _ in follows}) > 11_000
