"""What the processes of a load do, by way of the services: an errand takes a few things, returns something for each.

Every errand may be repeated after an interrupted load.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from django.conf import settings
from django.contrib.auth import hashers
from django.core.signals import setting_changed

from accounts.models import AccessToken, User
from accounts.services import follow_user
from accounts.services import sign_up as sign_up_one
from instagram.errors import Unavailable
from notifications.push import bells, devices
from notifications.push.models import Environment
from photos import services as photo_services
from photos.services.publish import Place
from sharding import counters, shard_of_object

from .people import MAIL_DOMAIN, Person
from .photos import PlannedPhoto, prepared, rendered
from .words import PLACES

T = TypeVar("T")

#: Attempts at one thing while a part of the service is unavailable; seconds before the second, twice that each time.
ATTEMPTS, PAUSE_S = 6, 0.5


class NameTaken(Exception):
    """Somebody who is not of a demo has one of its names."""


class QuickHasher(hashers.PBKDF2PasswordHasher):
    """The usual password hash with few rounds, for passwords that no slow hash makes safer.

    A login would work all the same, and raise the rounds to the usual number.
    """

    iterations = 1_000


def sign_up(people: list[Person]) -> list[int]:
    """Make accounts; return their ids. Raises NameTaken."""
    known = {user.username: user for user in User.objects.filter(username__in=[person.username for person in people])}
    ids = []
    for person in people:
        user = known.get(person.username)
        if user is None:
            with nullcontext() if person.can_log_in else _quick_hash():
                user = sign_up_one(
                    username=person.username,
                    password=person.password,
                    email=person.email,
                    full_name=person.full_name,
                    bio=person.bio,
                    email_confirmed=True,
                )
        elif not user.email.endswith(f"@{MAIL_DOMAIN}"):
            raise NameTaken(f"the name {person.username} is taken by somebody who is not of the demo")
        ids.append(user.pk)
    return ids


def follow(edges: list[tuple[int, int]]) -> list[None]:
    """Let followers follow followees."""
    for follower_id, followee_id in edges:
        _patiently(partial(follow_user, follower_id=follower_id, followee_id=followee_id))
    return [None] * len(edges)


def prepare(pictures: list[tuple[Path, Path]]) -> list[Path]:
    """Make pictures, each (path, folder), ready for cropping; return where they are now."""
    return [prepared(picture, folder) for picture, folder in pictures]


def publish(uploads: list[tuple[int, str, Path, PlannedPhoto]]) -> list[int]:
    """Post photos, each (author id, upload key, prepared picture, photo); return their ids."""
    return [
        _patiently(
            partial(
                photo_services.publish,
                author_id=author_id,
                image=rendered(picture, photo.crop),
                caption=photo.caption,
                upload_id=key,
                place=place_of(photo),
            )
        )
        for author_id, key, picture, photo in uploads
    ]


def like(likes: list[tuple[int, int]]) -> list[None]:
    """Like photos, each (liker id, photo id)."""
    for user_id, photo_id in likes:
        _patiently(partial(photo_services.like_photo, user_id=user_id, photo_id=photo_id))
    return [None] * len(likes)


def comment(talks: list[tuple[int, list[tuple[int, str]]]]) -> list[None]:
    """Comment on photos, each (photo id, [(commenter id, text)]); leave a photo alone that has comments already."""
    for photo_id, comments in talks:
        shard = shard_of_object(photo_id)
        if counters.read(shard, counters.PHOTO_COMMENTS, [photo_id])[counters.PHOTO_COMMENTS, photo_id]:
            continue
        for user_id, text in comments:
            say = partial(photo_services.add_comment, user_id=user_id, photo_id=photo_id, text=text, first_party=True)
            _patiently(say)
    return [None] * len(talks)


def give_phones(people: list[Person], sign_ins: list[AccessToken]) -> list[str]:
    """Give each of the people to log in as a phone; return the device tokens. The second wants to know of the first.

    sign_ins: theirs; as everybody's, a phone is silent once its person signs out. Pushes are seen in the stack's page.
    """
    tokens = [sha256(f"the demo's phone of {person.username}".encode()).hexdigest() for person in people]
    ids = [sign_in.user_id for sign_in in sign_ins]
    for token, sign_in in zip(tokens, sign_ins, strict=True):
        devices.register(
            user_id=sign_in.user_id,
            token=token,
            environment=Environment.SANDBOX,
            app_version="demo",
            access_token_id=sign_in.pk,
        )
    if len(ids) > 1:
        bells.turn_on(follower_id=ids[1], author_id=ids[0])
    return tokens


def place_of(photo: PlannedPhoto) -> Place | None:
    """Return where a planned photo was taken, as publishing takes it."""
    if photo.place is None:
        return None
    return _location(photo.place[0])


@cache
def _location(name: str) -> Place:
    """Return a place with its location, made when it is needed first; in main it stays for good."""
    latitude, longitude = PLACES[name]
    location = photo_services.find_or_create_location(name=name, latitude=latitude, longitude=longitude)
    return Place(location.latitude, location.longitude, location_id=location.pk, name=location.name)


def _patiently(act: Callable[[], T]) -> T:
    """Do it, again after a pause while a part of the service is unavailable, as a client would."""
    pause_s = PAUSE_S
    for _ in range(ATTEMPTS - 1):
        try:
            return act()
        except Unavailable:
            time.sleep(pause_s)
            pause_s *= 2
    return act()


@contextmanager
def _quick_hash() -> Iterator[None]:
    # In this process alone, which signs nobody else up meanwhile.
    usual = settings.PASSWORD_HASHERS
    _set_hashers(["demo.errands.QuickHasher"])
    try:
        yield
    finally:
        _set_hashers(usual)


def _set_hashers(names: list[str]) -> None:
    settings.PASSWORD_HASHERS = names
    # Django keeps the hashers it made; this signal makes it make new ones.
    setting_changed.send(sender=settings, setting="PASSWORD_HASHERS", value=names, enter=True)
