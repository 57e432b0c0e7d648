"""What leaves for others: pushes to phones, photos for other services, deliveries to callbacks."""

from django.http import HttpRequest, HttpResponse

from backoffice.frame import Menu, page
from switches import state

from . import svg
from .cards import Card, LastDay, Now, drawn, now, share

_PUSHES = {
    "taken": "taken by Apple", "gone": "device is gone", "refused": "refused", "later": "to be tried again",
    "key_refused": "our key was refused",
}  # fmt: skip


@page("dashboards/leaving/", name="leaving", act="dashboards.view", menu=Menu("Dashboards", "Push and cross-posts", 60))
def leaving(request: HttpRequest) -> HttpResponse:
    """Show it. Cost: three round trips to Redis."""
    at = now()
    day = LastDay("pushes", "pushes_later", "pushes_gone", "shares_failed", "webhooks_failed")
    pushes = at.counts("pushes", "result")
    paused = [each.name for each in state.all_active() if each.name in ("push_paused", "cross_posts_paused")]
    services, results = _shares(at)
    hooks = at.counts("webhooks", "result")
    cards = [
        Card(
            "Pushes to phones", texts=_sentence(pushes, "taken", "pushes"),
            chart=svg.bars([(_PUSHES.get(name, name), value) for name, value in pushes.items()],
                           title="Pushes by result"),
        ),
        Card("Pushes over the day", day.drawn("Pushes", "pushes", "pushes_later", "pushes_gone")),
        Card(
            "Photos posted elsewhere", head=["service", *results, "failed"], empty="None was posted.",
            chart=svg.bars([(name, sum(found.values())) for name, found in services.items()], title="Shares by service")
            if services else "",
            rows=[
                [name, *(svg.shown(found.get(result, 0.0)) for result in results),
                 svg.shown(share(found.get("failed", 0.0), sum(found.values())), "%")]
                for name, found in services.items()
            ],
        ),
        Card("Shares that failed, over the day", day.drawn("Shares that failed", "shares_failed")),
        Card(
            "Deliveries to callbacks", texts=_sentence(hooks, "delivered", "deliveries"),
            chart=svg.bars(list(hooks.items()), title="Deliveries by result") if hooks else "",
        ),
        Card("Deliveries that failed, over the day", day.drawn("Deliveries that failed", "webhooks_failed")),
    ]  # fmt: skip
    note = f"Paused by a switch: {', '.join(paused)}." if paused else ""
    return drawn(request, "Push and cross-posts", cards, away=at.away, note=note)


def _sentence(results: dict[str, float], well: str, what: str) -> list[str]:
    total = sum(results.values())
    if not total:
        return [f"No {what} since counting began."]
    part = svg.shown(share(results.get(well, 0.0), total), "%")
    return [f"{svg.shown(total)} {what} since counting began, {part} {well}."]


def _shares(at: Now) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Return sums by service and result, and the results there are."""
    found = at.table("shares", "service", "result")
    results = sorted({result for sums in found.values() for result in sums} - {"failed"})
    return dict(sorted(found.items())), results
