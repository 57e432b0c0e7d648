"""People at work, a few at a time, until the block ends: feeds and pages read, photos liked, pictures posted.

A phone whose POST was not answered well asks again, the same thing under the same name (upload_id): so do these. Each
request is kept with when it began and ended, so that a test can say which of them a fault met.
"""

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import requests

from tests.faults import FEED, Person


@dataclass(frozen=True)
class Asked:
    """One request. answer: its status, or the name of what kept it from having one. again: it repeats a failed one."""

    verb: str
    path: str
    answer: str
    began: float
    ended: float
    again: bool

    @property
    def well(self) -> bool:
        """Return whether it was answered with 200."""
        return self.answer == "200"


class Traffic:
    """Readers only read; posters like a photo, take the like back, and post pictures. One thread each."""

    def __init__(self, readers: list[Person], posters: list[Person], *, photo_id: int, pause_s: float = 0.03) -> None:
        self.asked: list[Asked] = []
        #: Photos by who posted them, one for each name a picture was sent under.
        self.published: dict[int, list[int]] = {}
        self._readers, self._posters, self._photo, self._pause_s = readers, posters, photo_id, pause_s
        self._over = threading.Event()
        self._running: list[threading.Thread] = []

    def __enter__(self) -> "Traffic":
        steps = [(self._read, person) for person in self._readers] + [(self._post, person) for person in self._posters]
        self._running = [threading.Thread(target=self._go_on, args=step) for step in steps]
        for thread in self._running:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._running:
            thread.join()

    def failed(self, *verbs: str) -> list[Asked]:
        """Return the requests that were not answered with 200."""
        return [each for each in self.asked if not each.well and each.verb in verbs]

    def counted(self) -> dict[str, int]:
        """Return the number of requests by verb and answer."""
        return dict(sorted(Counter(f"{each.verb} {each.answer}" for each in self.asked).items()))

    def _go_on(self, step: Callable[[Person], None], person: Person) -> None:
        while not self._over.is_set():
            step(person)
            self._over.wait(self._pause_s)

    def _read(self, person: Person) -> None:
        self._ask("GET", FEED, lambda: person.get(FEED))
        self._ask("GET", "/accounts/login/", lambda: requests.get(f"{person.stack.url}/accounts/login/", timeout=30))

    def _post(self, person: Person) -> None:
        likes = f"/v1/media/{self._photo}/likes"
        self._until_well("POST", likes, lambda: person.post(likes))
        name = secrets.token_hex(8)
        answer = self._until_well("POST", "/v1/media", lambda: person.try_to_upload(upload_id=name))
        if answer is not None:
            self.published.setdefault(person.id, []).append(int(answer.json()["data"]["id"].partition("_")[0]))

    def _until_well(self, verb: str, path: str, ask: Callable[[], requests.Response]) -> requests.Response | None:
        for attempt in range(20):
            answer = self._ask(verb, path, ask, again=attempt > 0)
            if answer is not None and answer.status_code == 200:
                return answer
            time.sleep(0.1)
        return None

    def _ask(
        self, verb: str, path: str, ask: Callable[[], requests.Response], *, again: bool = False
    ) -> requests.Response | None:
        began, answer = time.monotonic(), None
        try:
            answer = ask()
            said = str(answer.status_code)
        except requests.RequestException as error:
            said = type(error).__name__
        self.asked.append(Asked(verb, path, said, began, time.monotonic(), again))
        return answer
