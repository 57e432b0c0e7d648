"""The admin's lists over all shards: server time and queries of pages 1 and 50, at 64 and at 1,024 logical shards."""

import argparse
import html
import re
import statistics
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django.db.backends.utils import CursorWrapper
from django.test import Client, override_settings
from django.utils import timezone

from accounts.models import User
from backoffice.acts import Role
from backoffice.models import Entry
from backoffice.roles import set_role
from bench.framework import Grid, Result, seconds
from bench.scratch import analyze, data_centre
from demo import bulk, people, sources
from demo.load import Plan, make_plan
from moderation.models import Case, Decision, Kind, Verdict
from photos.models import Photo
from sharding import Shard, all_servers, counters, physical_servers, shards_on

#: Lists, by what they show; the last page that is asked for.
LISTS = ("photos", "comments", "likes", "follows", "people", "reports", "decisions", "audit")
LAST = 50
#: Lists as they are narrowed, by what is asked; their first pages alone, since few have a fiftieth.
FILTERED = {
    "photos of a server": "photos/?server=shard_a",
    "photos of a logical shard": "photos/?shard=1",
    "photos of a person": "photos/?person=@{name}",
    "comments of a logical shard": "comments/?shard=1",
    "likes of a logical shard": "likes/?shard=1",
    "follows of a person": "follows/?person=@{name}&way=out",
    "people by name": "people/?q={name}",
    "people of a logical shard": "people/?shard=1",
    "people suspended": "people/?state=suspended",
    "decisions about a person": "decisions/?about=@{name}",
    "audit by name": "audit/?actor=bench.admin",
    "audit by words": "audit/?text=benchmark",
}
PASSWORD = "a word for the benchmark"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare sizes."""
    parser.add_argument("--users", type=int, default=2_600)
    parser.add_argument("--photos", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--shards", type=int, nargs="+", default=[64, 1024])


def run(options: argparse.Namespace) -> Result:
    """Load the same people and photos at each number of shards, page through every list, measure."""
    taken: dict[int, dict[str, dict[str, Any]]] = {}
    plan = make_plan(sources.find("auto"), users=options.users, photos=options.photos, seed=2011, logins=people.LOGINS)
    for shards in options.shards:
        options.console.print(f"{shards} logical shards", highlight=False)
        with data_centre(shards=shards) as _, override_settings(ALLOWED_HOSTS=["testserver"]):
            _load(plan)
            browser = _signed_in()
            taken[shards] = _measured(browser, options.rounds)
    few, many = taken[options.shards[0]], taken[options.shards[-1]]
    return Result(
        rows=[],
        grids=[_grid(shards, found) for shards, found in taken.items()],
        ratios={
            "slowest_page_ms": max(each["ms"] for found in taken.values() for each in found.values()),
            "x_queries_page_50": max(few[f"{name} {LAST}"]["queries"] / few[f"{name} 1"]["queries"] for name in LISTS),
            "x_queries_more_shards": max(many[name]["queries"] / few[name]["queries"] for name in few),
        },
        # Not exactly 1: rows that happen to lie on one server ask the other nothing.
        bars={"slowest_page_ms": 300, "x_queries_page_50": 1.5, "x_queries_more_shards": 1.5},
        how=[
            (
                f"{len(plan.people):,} people, {len(plan.photos):,} photos, {plan.likes:,} likes,"
                f" {plan.comments:,} comments."
            ),
            (
                f"{len(plan.follows):,} follows; as many cases, decisions and acts of staff as photos;"
                f" {len(physical_servers())} servers."
            ),
            f"50 rows a page, of reports 30. Page {LAST} is reached by its cursor, as a person would by “Older”.",
            "A person: the one whom the demo logs in as first. A name finds everybody whose name begins so.",
            f"Time: a request through all of Django in this process, by an admin; medians of {options.rounds} rounds.",
            (
                "Queries: statements on PostgreSQL, all servers together;"
                " x_: the most of any page beside page 1, and beside 64."
            ),
        ],
        figures={str(shards): found for shards, found in taken.items()},
    )


def _load(plan: Plan) -> None:
    with patch.object(bulk, "PICTURES", 10):
        bulk.load(plan, lambda *_: None, processes=1)
    for server in all_servers():
        counters.roll_up(server)
    _cases()
    _acts(len(plan.photos))
    analyze()


def _cases() -> None:
    """Put every photo into the queue once, and decide about each once."""
    photos = [row for shard in _shards() for row in shard.model(Photo).objects.values_list("id", "author_id")]
    facts = [{"kind": Kind.MEDIA, "target_id": number, "about_user_id": author} for number, author in photos]
    cases = Case.objects.bulk_create(Case(**each, closed_at=timezone.now()) for each in facts)
    Decision.objects.bulk_create(
        Decision(case=case, verdict=Verdict.DISMISS, reason="for the benchmark", **each)
        for case, each in zip(cases, facts, strict=True)
    )
    Case.objects.bulk_create(
        Case(**each, weight=number % 97, reporters=1, reasons={"spam": 1}) for number, each in enumerate(facts)
    )


def _acts(number: int) -> None:
    """Write as many lines into the audit log, of a hundred members of the staff."""
    Entry.objects.bulk_create(
        Entry(
            actor_id=1_000_000 + each % 100, actor_name=f"staff.{each % 100}", act="photos.take_down",
            target_kind="photo", target_id=str(each), reason=f"for the benchmark, case {each}",
        )
        for each in range(number)
    )  # fmt: skip


def _shards() -> Iterator[Shard]:
    return (shard for server in physical_servers() for shard in shards_on(server))


def _signed_in() -> Client:
    admin = User(username="bench.admin", email="bench.admin@example.com")
    admin.set_password(PASSWORD)
    admin.save()
    set_role(admin, Role.ADMIN)
    browser = Client()
    answer = browser.post("/admin/login/", {"username": admin.username, "password": PASSWORD})
    assert answer.status_code == 302, answer.content[:300]
    return browser


def _measured(browser: Client, rounds: int) -> dict[str, dict[str, Any]]:
    """Return milliseconds and queries of each page: {"photos 1": {…}, "photos 50": {…}, …}."""
    addresses = {f"{name} 1": f"/admin/{name}/" for name in LISTS}
    addresses |= {f"{name} {LAST}": _page(browser, f"/admin/{name}/", LAST) for name in LISTS}
    name = people.LOGINS[0].username
    addresses |= {title: f"/admin/{path.format(name=name)}" for title, path in FILTERED.items()}
    addresses["a photo's page"] = re.findall(r"/admin/photos/\d+/", _text(browser, "/admin/photos/"))[0]
    addresses["a case's page"] = re.findall(r"/admin/reports/\d+/", _text(browser, "/admin/reports/"))[0]
    addresses = dict(sorted(addresses.items(), key=lambda item: item[0].rpartition(" ")[0]))
    milliseconds: dict[str, list[float]] = {name: [] for name in addresses}
    queries = {}
    for _ in range(rounds):
        for name, address in addresses.items():
            milliseconds[name].append(seconds(lambda address=address: _text(browser, address)) * 1e3)
    for name, address in addresses.items():
        with _counted() as made:
            _text(browser, address)
        queries[name] = made["sql"]
    return {
        name: {"ms": statistics.median(taken), "worst_ms": max(taken), "queries": queries[name]}
        for name, taken in milliseconds.items()
    }


def _page(browser: Client, address: str, number: int) -> str:
    """Return the address of a list's page, found by going there."""
    for _ in range(number - 1):
        older = re.search(r'href="([^"]+)">Older', _text(browser, address))
        assert older, f"{address} is the last page"
        address = html.unescape(older[1])
    return address


def _text(browser: Client, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    text = answer.content.decode()
    assert "does not answer" not in text, address
    return text


@contextmanager
def _counted() -> Iterator[Counter[str]]:
    """Count statements of all threads: a page asks its servers side by side."""
    made: Counter[str] = Counter()
    execute = CursorWrapper.execute

    def counting(self: Any, *args: Any, **kwargs: Any) -> Any:
        made["sql"] += 1
        return execute(self, *args, **kwargs)

    with patch.object(CursorWrapper, "execute", counting):
        yield made


def _grid(shards: int, found: dict[str, dict[str, Any]]) -> Grid:
    rows = [[name, each["ms"], each["worst_ms"], each["queries"]] for name, each in found.items()]
    return Grid(f"{shards:,} logical shards", ["page", "server time, ms", "slowest, ms", "queries"], rows)
