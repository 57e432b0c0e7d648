"""Who lives in the demo, and who follows whom: the same people for the same seed and source."""

import gzip
import random
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from . import words
from .sources import Source

#: Follows per person, on average, where no real graph is at hand.
MEAN_FOLLOWS = 13
#: Follows of the people to log in as, at least, where there are so many people.
FOLLOWS_MIN = 6
#: The real graph is sampled from this many times as many of its most followed people, hubs always in.
POOL_FACTOR = 6
#: Accounts of the demo are known by it; the name can never exist (RFC 2606).
MAIL_DOMAIN = "demo.invalid"
#: One in so many people has a name in a script of the world's.
WORLD_NAME_EVERY = 8
USERNAME_MAX_CHARS = 30


@dataclass(frozen=True)
class Person:
    """Somebody to sign up."""

    username: str
    password: str
    full_name: str
    bio: str = ""
    #: False: nobody knows the password, which is 96 random bits.
    can_log_in: bool = False

    @property
    def email(self) -> str:
        """Return an address that marks the account as the demo's."""
        return f"{self.username}@{MAIL_DOMAIN}"


#: The two people to log in as: Ben follows Anna, so what she posts is seen in his feed.
LOGINS = (
    Person(
        "anna", "demo-password-anna", "Anna Lindqvist", "Fog, ferries and cinnamon buns. I post, Ben comments.", True
    ),
    Person("ben", "demo-password-ben", "Ben Okafor", "Rooftops, mostly. Anna's most loyal follower.", True),
)


def invent_people(source: Source, count: int, rng: random.Random, logins: tuple[Person, ...]) -> list[Person]:
    """Return `count` people, the ones to log in as first."""
    people = list(logins[:count])
    taken = {person.username for person in people} | source.reserved_usernames
    firsts, first_shares = zip(*source.first_names, strict=True)
    lasts, last_shares = zip(*source.last_names, strict=True)
    while len(people) < count:
        if source.world_names and len(people) % WORLD_NAME_EVERY == 0:
            full_name = rng.choice(source.world_names)
        else:
            (first,), (last,) = rng.choices(firsts, first_shares), rng.choices(lasts, last_shares)
            full_name = f"{first} {last}"
        username = _username(full_name, taken, rng)
        taken.add(username)
        # Nobody needs to log in as them; the password is still nobody's to guess.
        password = f"{rng.getrandbits(96):024x}"
        people.append(Person(username, password, full_name, rng.choice(words.BIOS)))
    return people


def invent_follows(source: Source, count: int, rng: random.Random) -> list[tuple[int, int]]:
    """Return (follower, followee) pairs of places in the list of people, without repeats, in random order.

    The people to log in as get the places of busy readers; 1 (Ben) follows 0 (Anna), and she him.
    """
    edges = _real_follows(source.graph, count, rng) if source.graph else set()
    if not edges:
        edges = _made_up_follows(count, rng)
    _seat_readers(edges, count)
    if count > 1:
        edges |= {(1, 0), (0, 1)}
    for seat in range(min(count, 2)):
        _let_follow(seat, min(count - 1, max(FOLLOWS_MIN, count // 6)), edges, count, rng)
    follows = sorted(edges)
    rng.shuffle(follows)
    return follows


def _username(full_name: str, taken: set[str] | frozenset[str], rng: random.Random) -> str:
    plain = unicodedata.normalize("NFKD", full_name).encode("ascii", "ignore").decode().lower()
    parts = re.findall(r"[a-z]+", plain)
    nickname = rng.choice(words.NAME_ADJECTIVES) + rng.choice(words.NAME_NOUNS)
    if len(parts) >= 2 and len("".join(parts)) > 4:
        first, last = parts[0], parts[-1]
        style = rng.choice(
            [f"{first}{last}", f"{first}.{last}", f"{first}_{last}", f"{first[0]}{last}", first, nickname]
        )
    else:
        style = nickname
    style = style[: USERNAME_MAX_CHARS - 6]
    name = style
    while name in taken or len(name) < 3:
        name = f"{style}{rng.randint(1, 99)}" if rng.random() < 0.7 else f"{style}_{rng.randint(1, 9999)}"
    return name


def _real_follows(graph: Path, count: int, rng: random.Random) -> set[tuple[int, int]]:
    """Sample a dense part of a real graph: the hubs, and others among the most followed who follow somebody."""
    with gzip.open(graph, "rt") as file:
        pairs = [(int(a), int(b)) for a, b in (line.split() for line in file if line[:1].isdigit())]
    followers, following = Counter(b for _, b in pairs), Counter(a for a, _ in pairs)
    known = [node for node, _ in followers.most_common() if following[node] >= 5][: count * POOL_FACTOR]
    if len(known) < count:
        return set()  # more people than the graph has
    hubs = known[: max(1, count // 20)]
    seats = hubs + rng.sample(known[len(hubs) :], count - len(hubs))
    rng.shuffle(seats)
    place = {node: index for index, node in enumerate(seats)}
    return {(place[a], place[b]) for a, b in pairs if a in place and b in place and a != b}


def _made_up_follows(count: int, rng: random.Random) -> set[tuple[int, int]]:
    """Draw whom people follow by a power law: the person of rank r is followed in proportion to r ** -0.8."""
    if count < 2:
        return set()
    ranks = list(range(count))
    rng.shuffle(ranks)
    weights = [(rank + 1) ** -0.8 for rank in ranks]
    edges = set()
    everyone = range(count)
    for follower in everyone:
        wanted = min(count - 1, 2 + int(rng.expovariate(1 / (MEAN_FOLLOWS - 2))))
        edges |= {(follower, followee) for followee in rng.choices(everyone, weights, k=wanted) if followee != follower}
    return edges


def _let_follow(seat: int, wanted: int, edges: set[tuple[int, int]], count: int, rng: random.Random) -> None:
    """Add follows until a person follows so many."""
    others = [person for person in range(count) if person != seat and (seat, person) not in edges]
    missing = wanted - (count - 1 - len(others))
    edges |= {(seat, person) for person in rng.sample(others, max(0, missing))}


def _seat_readers(edges: set[tuple[int, int]], count: int) -> None:
    """Exchange the people of places 0 and 1 for two who follow many, about one in five."""
    following = Counter(follower for follower, _ in edges)
    wanted = count / 5
    by_closeness = sorted(range(count), key=lambda person: (abs(following[person] - wanted), person))
    for seat, reader in zip((0, 1), by_closeness, strict=False):
        if reader in (0, 1):
            continue
        swap = {seat: reader, reader: seat}
        swapped = {(swap.get(a, a), swap.get(b, b)) for a, b in edges}
        edges.clear()
        edges |= swapped
