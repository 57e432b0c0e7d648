"""What people do: requests by class, feed reads, posts, sign-ups, how long answers take."""

from django.http import HttpRequest, HttpResponse

from backoffice.frame import Menu, page

from . import svg
from .cards import Card, LastDay, drawn, now, share

_COUNTED = ("photos", "likes", "comments", "feed_reads", "sign_ups", "upload_bytes")


@page("dashboards/traffic/", name="traffic", act="dashboards.view", menu=Menu("Dashboards", "Traffic", 10))
def traffic(request: HttpRequest) -> HttpResponse:
    """Show it. Cost: three round trips to Redis."""
    at = now()
    day = LastDay(
        "requests", "feed_reads", "photos", "likes", "comments", "errors", "answer_time", "sign_ups", "upload_bytes"
    )
    classes = at.table("requests", "door", "status")
    statuses = sorted({status for found in classes.values() for status in found})
    rows = [
        [door, *(svg.shown(found.get(status, 0.0)) for status in statuses),
         svg.shown(share(found.get("5xx", 0.0), sum(found.values())), "%")]
        for door, found in sorted(classes.items())
    ]  # fmt: skip
    totals = [
        [name.replace("_", " "), svg.shown(at.reading.total(f"{name}_total", {}), "bytes" if "bytes" in name else "")]
        for name in _COUNTED
    ]
    cards = [
        Card("Requests and feed reads", day.drawn("Requests and feed reads", "requests", "feed_reads")),
        Card("Photos, likes, comments", day.drawn("Photos, likes, comments", "photos", "likes", "comments")),
        Card("95 % of requests are faster than", day.drawn("Time of the slowest twentieth", "answer_time")),
        Card("Answers with an error of ours", day.drawn("Answers with 5xx", "errors")),
        Card("Requests since counting began", head=["door", *statuses, "5xx"], rows=rows, empty="None was counted."),
        Card("Since counting began", rows=totals),
        Card("Pictures that come in", day.drawn("Bytes of uploads", "upload_bytes")),
        Card("Sign-ups", day.drawn("Sign-ups", "sign_ups")),
    ]
    return drawn(request, "Traffic", cards, away=at.away)
