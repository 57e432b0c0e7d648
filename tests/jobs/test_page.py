"""docs/jobs.md lists every task in its queue, and all periodic work."""

import re
from pathlib import Path

from django.conf import settings

from jobs.tasks import QUEUES, periodic_registry, registry

PAGE = (Path(settings.BASE_DIR) / "docs" / "jobs.md").read_text()
SECTION = PAGE[PAGE.index("## The tasks there are") : PAGE.index("## Writing one")]
#: Tests and benchmarks register their own, which are no part of the service.
ROOMS = ("accounts.", "caching.", "feeds.", "moderation.", "notifications.", "photos.", "sharding.")


def rows():
    """Return the cells of each row of both tables."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in SECTION.splitlines() if line[:1] == "|"]


def names_in(cell):
    return re.findall(r"`([a-z_.]+)`", cell)


def test_every_task_stands_in_its_queue():
    told = {row[0]: names_in(row[2]) for row in rows() if row[0] in QUEUES}

    tasks = [task for task in registry.values() if task.name.startswith(ROOMS)]
    assert told == {queue: sorted(task.name for task in tasks if task.queue == queue) for queue in QUEUES}


def test_all_periodic_work_stands_with_its_period():
    told = {name: row[0] for row in rows() if row[0].endswith(" s") for name in names_in(row[1])}

    assert told == {work.name: f"{work.seconds:,g} s" for work in periodic_registry.values()}


def test_what_is_done_for_each_server_has_a_star():
    starred = set(re.findall(r"`([a-z_.]+)`\\\*", SECTION))

    assert starred == {work.name for work in periodic_registry.values() if work.each_server}
