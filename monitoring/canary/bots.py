"""Who posts and who reads: of each physical server an author and a reader.

A reader follows the author of its own server and the one of the server before it, in a ring. So each server is tried as
where a photo is made, as where its reader lives, and as where a reader of another server's photo lives; all pairs
would be the square of that.
"""

from dataclasses import dataclass, replace

from accounts.clients import first_party_client
from accounts.models import Status, User
from accounts.queries import edge
from accounts.services.bots import bot_on
from accounts.services.follows import approve_request, follow_user
from accounts.tokens import issue
from sharding import Server, ShardReadOnly, ShardUnavailable, physical_servers, shards_on

from .results import Flight

CLIENT_NAME = "Canary"


@dataclass(frozen=True)
class Bot:
    """An account and its token. at: the origin it speaks to; empty: the site's own front, as people do."""

    id: int
    username: str
    token: str
    at: str = ""


@dataclass(frozen=True)
class Pair:
    """The author of a server, and the readers who must get what it posts, by the server they live on."""

    server: Server
    author: Bot
    readers: dict[str, Bot]

    def speaking_to(self, origin: str) -> "Pair":
        """Return the same, to fly through the host of an origin (http://10.0.0.11:8000) and no other."""
        readers = {server: replace(reader, at=origin) for server, reader in self.readers.items()}
        return replace(self, author=replace(self.author, at=origin), readers=readers)


def pairs() -> tuple[list[Pair], list[Flight]]:
    """Return a pair of each server that holds shards, and a grounded flight of each whose pair cannot be had.

    Accounts and follows that are missing are made. Cost: some ten queries for each server.
    Raises ShardUnavailable when main is away.
    """
    servers = [server for server in physical_servers() if next(shards_on(server), None)]
    authors = {server: bot_on(server, "author") for server in servers}
    readers = {server: bot_on(server, "reader") for server in servers}
    found, grounded = [], []
    for place, server in enumerate(servers):
        of_whom = {each.name: readers[each] for each in (server, servers[(place + 1) % len(servers)])}
        try:
            for reader in of_whom.values():
                _follow(reader, authors[server])
        except ShardReadOnly as error:
            grounded.append(Flight(server.name, paused=error.message))
        except ShardUnavailable as error:
            grounded.append(Flight(server.name, stage="upload", error=f"{error.server_name} does not answer"))
        else:
            its_readers = {name: _signed_in(reader) for name, reader in of_whom.items()}
            found.append(Pair(server, _signed_in(authors[server]), its_readers))
    return found, grounded


def _follow(reader: User, author: User) -> None:
    if edge(follower_id=reader.pk, followee_id=author.pk) != Status.FOLLOWS:
        follow_user(follower_id=reader.pk, followee_id=author.pk)
        approve_request(owner_id=author.pk, requester_id=reader.pk)


def _signed_in(user: User) -> Bot:
    return Bot(user.pk, user.username, issue(user, first_party_client(CLIENT_NAME)))
