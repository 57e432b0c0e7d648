"""How the jobs are doing: what waits, runs, failed and died, by task and over the day."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from backoffice.frame import Menu, page
from jobs.status import TaskStatus, status

from . import svg
from .cards import Card, LastDay, drawn, link, now, tag

#: Tasks that are drawn, and seconds from which on a job is late.
COUNT, LATE_S = 12, 60.0


@page("dashboards/queues/", name="queues", act="dashboards.view", menu=Menu("Dashboards", "Queues", 30))
def queues(request: HttpRequest) -> HttpResponse:
    """Show them. Cost: jobs.status.status(), one query per server over all waiting jobs; three round trips to Redis."""
    found = status()
    day = LastDay("jobs_waiting", "jobs_late", "jobs_done", "jobs_failed", "dead_letters", "fan_out")
    tasks = found.tasks
    busy = [task for task in tasks if task.rows or task.waiting or task.running or task.dead]
    busiest = sorted(busy, key=lambda task: -task.rows)[:COUNT]
    cards = [
        Card(
            "Jobs that are not done",
            svg.bars([(task.task.partition(".")[2], float(task.rows)) for task in busiest], title="Jobs not done")
            if busiest
            else "",
            texts=[_sentence(tasks)],
        ),
        Card("Queues", head=["queue", "waiting", "running", "workers"], rows=_queues(tasks)),
        Card(
            "Tasks that have something", wide=True, empty="Every job is done.",
            head=["task", "queue", "not done", "waiting", "running", "oldest", "overdue", "failing", "postponed",
                  "dead"],
            rows=[_row(task) for task in busy],
        ),
        Card("Runs of jobs", day.drawn("Runs of jobs", "jobs_done", "jobs_failed")),
        Card("In gearmand, by queue", day.drawn("Jobs in gearmand", "jobs_waiting")),
        Card("How late the latest job is", day.drawn("Latest job, by server", "jobs_late")),
        Card("95 % of photos reach the last follower in", day.drawn("Fan-out", "fan_out")),
        Card("Runs since counting began", head=["task", "done", "failed", "postponed", "dead"], rows=_runs()),
    ]  # fmt: skip
    return drawn(request, "Queues", cards, away=found.away)


def _sentence(tasks: list[TaskStatus]) -> str:
    rows, overdue = sum(task.rows for task in tasks), sum(task.overdue for task in tasks)
    dead = sum(task.dead for task in tasks)
    oldest = max((task.oldest_s for task in tasks), default=0.0)
    said = f"{rows:,} jobs are not done, {overdue:,} of them overdue; the oldest is {oldest:,.0f} s old. {dead:,} died."
    if overdue and oldest > LATE_S:
        said += " Look whether relay, gearmand and workers run."
    return said


def _queues(tasks: list[TaskStatus]) -> list[list[object]]:
    rows: list[list[object]] = []
    for queue in sorted({task.queue for task in tasks}):
        those = [task for task in tasks if task.queue == queue]
        workers = max(task.workers for task in those)
        shown = workers or tag("none", "bad")
        rows.append([queue, sum(task.waiting for task in those), sum(task.running for task in those), shown])
    return rows


def _row(task: TaskStatus) -> list[object]:
    dead = link(f"{reverse('admin:dead-letters')}?task={task.task}", task.dead) if task.dead else 0
    return [
        task.task, task.queue, task.rows, task.waiting, task.running, f"{task.oldest_s:,.0f} s", task.overdue,
        task.failing, task.postponed, dead,
    ]  # fmt: skip


def _runs() -> list[list[object]]:
    results = ("done", "failed", "postponed", "dead")
    ordered = sorted(now().table("jobs", "task", "result").items(), key=lambda item: -sum(item[1].values()))
    return [[task, *(svg.shown(found.get(result, 0.0)) for result in results)] for task, found in ordered]
