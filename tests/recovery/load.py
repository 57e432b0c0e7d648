"""A steady load of writes through the API, which remembers what was acknowledged and when something failed."""

import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise

import requests

from tests.faults import Person


@dataclass
class Load:
    """People who comment on a photo of theirs, one thread each. Times are of time.monotonic()."""

    people: list[Person]
    photos: dict[int, int] = field(default_factory=dict)  # person -> photo
    #: person -> (when, comment id) of all that were acknowledged, in order.
    acknowledged: dict[int, list[tuple[float, int]]] = field(default_factory=dict)
    #: person -> (when, what was said instead)
    failed: dict[int, list[tuple[float, str]]] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> "Load":
        for person in self.people:
            self.photos[person.id] = person.upload()
            self.acknowledged[person.id], self.failed[person.id] = [], []
            thread = threading.Thread(target=self._comment, args=(person,))
            self.threads.append(thread)
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def count(self, person: Person) -> int:
        """Return how many comments of a person were acknowledged so far."""
        return len(self.acknowledged[person.id])

    def error_window(self, person: Person) -> float:
        """Return the seconds from the first failure to the first acknowledgement after the last one; 0 for none."""
        failed = self.failed[person.id]
        if not failed:
            return 0.0
        after = [when for when, _ in self.acknowledged[person.id] if when > failed[-1][0]]
        return (after[0] if after else time.monotonic()) - failed[0][0]

    def longest_gap(self, person: Person) -> float:
        """Return the longest time between two acknowledgements, s."""
        times = [when for when, _ in self.acknowledged[person.id]]
        return max((later - earlier for earlier, later in pairwise(times)), default=0.0)

    def _comment(self, person: Person) -> None:
        path, number = f"/v1/media/{self.photos[person.id]}/comments", 0
        while not self.stop.is_set():
            number += 1
            try:
                answer = person.post(path, text=f"comment number {number}")
                body = answer.json()
                if answer.status_code == 200:
                    self.acknowledged[person.id].append((time.monotonic(), int(body["data"]["id"])))
                    self.stop.wait(0.02)
                    continue
                said = f"{answer.status_code} {body['meta']}"
            except requests.RequestException as error:
                said = str(error)
            self.failed[person.id].append((time.monotonic(), said))
            self.stop.wait(0.05)
