"""A small town at work, with everything that was acknowledged written down, to be held against the data afterwards.

On each shard server lives somebody who posts and likes, and somebody who follows both posters and reads. A phone whose
request failed asks again under the same name (upload_id), as the real one does.
"""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import requests
from django.conf import settings

from tests.faults import FEED, Person, ask, body_of, photo_ids_in, sign_up
from tests.support.private import PrivateStack
from tests.support.waiting import wait_until

#: Seconds after the end of a fault in which everything must be well again.
BACK_S = 40.0


@dataclass(frozen=True)
class Failure:
    """A request that was not answered well: whose, what, when."""

    person: Person
    verb: str
    answer: str
    began: float
    ended: float


@dataclass
class Town:
    """Who lives where."""

    stack: PrivateStack
    posters: dict[str, Person]
    readers: dict[str, Person]

    @property
    def people(self) -> list[Person]:
        """Return everybody."""
        return [*self.posters.values(), *self.readers.values()]

    def home_of(self, person: Person) -> str:
        """Return the server a person lives on."""
        return next(
            server for group in (self.posters, self.readers) for server, each in group.items() if each.id == person.id
        )


def a_town(stack: PrivateStack) -> Town:
    """Make a new town: a poster and a reader on each shard server, the readers follow both posters."""
    found = {server: some for server, some in sign_up(stack, each=2).items() if server in settings.SHARD_SERVERS}
    town = Town(
        stack,
        {server: some[0] for server, some in found.items()},
        {server: some[1] for server, some in found.items()},
    )
    for reader in town.readers.values():
        for poster in town.posters.values():
            reader.follow(poster)
    return town


@dataclass
class Load:
    """The town's work until the block ends."""

    town: Town
    pause_s: float = 0.15
    #: Photos that were acknowledged, by poster and upload_id.
    photos: dict[int, dict[str, int]] = field(default_factory=dict)
    #: (photo, who likes it), acknowledged.
    likes: set[tuple[int, int]] = field(default_factory=set)
    failures: list[Failure] = field(default_factory=list)
    #: Requests that were answered well.
    done: int = 0
    #: By poster, the photo of before the load: it alone has no upload_id.
    first: dict[int, int] = field(default_factory=dict)

    def __enter__(self) -> "Load":
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.first = {each.id: each.upload() for each in self.town.posters.values()}
        self._newest = {server: self.first[each.id] for server, each in self.town.posters.items()}
        steps: list[tuple[Callable[[Person], None], Person]] = [
            (self._read, each) for each in self.town.readers.values()
        ]
        steps += [(self._post, each) for each in self.town.posters.values()]
        self._threads = [threading.Thread(target=self._go_on, args=step) for step in steps]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def works_on(self, *, requests_more: int = 20, seconds: float = BACK_S) -> None:
        """Wait until the town has done some more, and well."""
        before = self.done
        wait_until(lambda: self.done >= before + requests_more, seconds=seconds, what="the town works on")

    def settles(self, *, seconds: float = BACK_S) -> bool:
        """Return whether everybody reads, posts and likes again within that time."""

        def all_well() -> bool:
            # Twice: behind each door are two of most things.
            reads = all(self._reads(person) for person in self.town.people for _ in range(2))
            return reads and all(self._posts_and_likes(person) for person in self.town.posters.values())

        try:
            wait_until(all_well, seconds=seconds, what="everybody is answered well")
        except AssertionError:
            return False
        return True

    def _reads(self, person: Person) -> bool:
        try:
            return person.get(FEED).status_code == 200
        except requests.RequestException:
            return False

    def _posts_and_likes(self, person: Person) -> bool:
        name = secrets.token_hex(8)
        try:
            answer = person.try_to_upload(upload_id=name)
            if answer.status_code != 200:
                return False
            self._note_photo(person, name, answer)
            return all(self._likes(person, photo_id) for photo_id in self._newest_elsewhere(person))
        except requests.RequestException:
            return False

    def _likes(self, person: Person, photo_id: int) -> bool:
        if person.post(f"/v1/media/{photo_id}/likes").status_code != 200:
            return False
        self.likes.add((photo_id, person.id))
        return True

    def _note_photo(self, person: Person, name: str, answer: requests.Response) -> None:
        (photo_id,) = photo_ids_in({"data": [answer.json()["data"]]})
        self.photos.setdefault(person.id, {})[name] = photo_id
        self._newest[self.town.home_of(person)] = photo_id

    def _newest_elsewhere(self, person: Person) -> list[int]:
        """Return the newest photo of somebody on another server: to like it is a write there."""
        return [photo for at, photo in self._newest.items() if at != self.town.home_of(person)]

    def _go_on(self, step: Callable[[Person], None], person: Person) -> None:
        while not self._over.is_set():
            step(person)
            self._over.wait(self.pause_s)

    def _read(self, person: Person) -> None:
        self._ask(person, "GET", lambda: person.get(FEED))

    def _post(self, person: Person) -> None:
        name = secrets.token_hex(8)
        answer = self._until_well(person, lambda: person.try_to_upload(upload_id=name))
        if answer is not None:
            self._note_photo(person, name, answer)
        for photo_id in self._newest_elsewhere(person):
            likes = f"/v1/media/{photo_id}/likes"
            if self._until_well(person, lambda path=likes: person.post(path)) is not None:
                self.likes.add((photo_id, person.id))

    def _until_well(self, person: Person, ask_once: Callable[[], requests.Response]) -> requests.Response | None:
        deadline = time.monotonic() + BACK_S
        while time.monotonic() < deadline:
            answer = self._ask(person, "POST", ask_once)
            if answer is not None and answer.status_code == 200:
                return answer
            time.sleep(0.2)
        return None

    def _ask(self, person: Person, verb: str, ask_once: Callable[[], requests.Response]) -> requests.Response | None:
        began, answer = time.monotonic(), None
        try:
            answer = ask_once()
            said = str(answer.status_code)
        except requests.RequestException as error:
            said = type(error).__name__
        with self._lock:
            if said == "200":
                self.done += 1
            else:
                self.failures.append(Failure(person, verb, said, began, time.monotonic()))
        return answer


@dataclass(frozen=True)
class Damage:
    """What a fault cost: acknowledged writes that are not there, and things that are there twice."""

    lost: list[str]
    duplicates: list[str]


def damage_of(load: Load) -> Damage:
    """Hold what was acknowledged against the shards, the feeds and the numbers, once the workers are idle."""
    lost, duplicates = [], []
    delivered = sorted((photo for some in load.photos.values() for photo in some.values()), reverse=True)
    for poster in load.town.posters.values():
        rows = _rows(poster, "photos_photo", "id", "author_id = %s AND state = 0", poster.id)
        lost += [f"photo {photo}" for photo in load.photos.get(poster.id, {}).values() if photo not in rows]
        # Acknowledged or not, each upload_id made one photo: what none of them names was made a second time.
        uploads = _rows(poster, "photos_upload", "photo_id", "author_id = %s", poster.id)
        expected = [load.first[poster.id], *uploads]
        duplicates += [f"photo {photo} of no upload" for photo in rows if photo not in expected]
        duplicates += [f"photo {photo} of several uploads" for photo in set(uploads) if uploads.count(photo) > 1]
    for photo, user in load.likes:
        owner = next(each for each in load.town.posters.values() if photo in _own(load, each))
        if user not in _rows(owner, "photos_like", "user_id", "photo_id = %s", photo):
            lost.append(f"like of {user} on {photo}")
    for reader in load.town.readers.values():
        try:
            wait_until(
                lambda who=reader: set(delivered) <= set(who.whole_feed(count=50)),
                seconds=BACK_S,
                what="the whole feed",
            )
        except AssertionError:
            missing = sorted(set(delivered) - set(reader.whole_feed(count=50)))
            lost.append(f"{len(missing)} photos in the feed of {reader.id}: {missing[:3]}")
        seen = reader.whole_feed(count=50)
        duplicates += [f"{photo} twice in the feed of {reader.id}" for photo in set(seen) if seen.count(photo) > 1]
    duplicates += _wrong_numbers(load)
    return Damage(lost, duplicates)


def _wrong_numbers(load: Load) -> list[str]:
    """Return photos whose number of likes is not that of their rows."""
    wrong = []
    for photo in sorted({photo for photo, _ in load.likes})[-5:]:
        owner = next(each for each in load.town.posters.values() if photo in _own(load, each))
        rows = len(_rows(owner, "photos_like", "user_id", "photo_id = %s", photo))
        try:
            wait_until(
                lambda who=owner, what=photo, number=rows: (
                    body_of(who.get(f"/v1/media/{what}"))["data"]["likes"]["count"] == number
                ),
                seconds=BACK_S,
                what="the number of likes",
            )
        except AssertionError:
            wrong.append(f"likes of {photo} are not {rows}")
    return wrong


def _own(load: Load, person: Person) -> set[int]:
    return {*load.photos.get(person.id, {}).values(), load._newest[load.town.home_of(person)], *_first(person)}


def _first(person: Person) -> list[int]:
    return _rows(person, "photos_photo", "id", "author_id = %s", person.id)


def _rows(person: Person, table: str, column: str, where: str, *arguments: int) -> list[int]:
    """Return one column of a table of a person's own shard, read from the server that holds it."""
    schema = f"s{person.id % settings.LOGICAL_SHARDS:04d}"
    for server in settings.SHARD_SERVERS:
        if ask(person.stack, server, "SELECT 1 FROM pg_namespace WHERE nspname = %s", schema):
            found = ask(person.stack, server, f"SELECT {column} FROM {schema}.{table} WHERE {where}", *arguments)
            return [number for (number,) in found]
    raise AssertionError(f"{schema} is nowhere")
