"""Figures of the product: what people do, what they wait for, what leaves for other services."""

from .figure import Figure, Graph
from .sources import Percentile, Rate, Share

GRAPHS = [
    Graph(
        "posting",
        "Photos, likes, comments",
        "a second",
        [
            Figure("photos", "photos", "1/s", Rate("photos_total")),
            Figure("likes", "likes", "1/s", Rate("likes_total")),
            Figure("comments", "comments", "1/s", Rate("comments_total")),
        ],
    ),
    Graph(
        "people",
        "Sign-ups and sign-ins",
        "a second",
        [
            Figure("sign_ups", "sign-ups", "1/s", Rate("sign_ups_total")),
            Figure("logins", "sign-ins", "1/s", Rate("logins_total", {"result": "well"})),
            Figure(
                "logins_refused",
                "sign-ins refused",
                "1/s",
                Rate("logins_total", {"result": "refused"}),
                warning=5.0,
                critical=50.0,
                for_s=300,
                act="Somebody tries passwords. Look at the addresses in nginx's log; the limits per name and address "
                "hold (LOGIN_FAILURES_*): lower them, or shut a network out at the load balancer.",
            ),
        ],
    ),
    Graph(
        "reading",
        "Feed reads and requests",
        "a second",
        [
            Figure("feed_reads", "feed reads", "1/s", Rate("feed_reads_total")),
            Figure("requests", "requests", "1/s", Rate("requests_total")),
        ],
    ),
    Graph(
        "answers",
        "Requests answered with an error of ours (5xx)",
        "percent",
        [
            Figure(
                "errors",
                "answers with 5xx",
                "%",
                Share([("requests_total", {"status": "5xx"})], [("requests_total", {})]),
                warning=1.0,
                critical=5.0,
                act="Look at /health/deep first, then at Sentry and the web units' logs. A deploy just went out: "
                "`fab rollback`.",
            )
        ],
    ),
    Graph(
        "answer_time",
        "Time of the slowest twentieth of requests",
        "seconds",
        [
            Figure(
                "answer_time",
                "95 % of requests, by door",
                "s",
                Percentile("request_seconds"),
                by="door",
                warning=1.0,
                critical=2.5,
                for_s=120,
                act="A slow database shows in PgBouncer's waits, a slow host in its load. If all is busy alike, add "
                "app hosts; if one server is, look at its slow statements in its log.",
            )
        ],
    ),
    Graph(
        "fan_out",
        "From posting to followers",
        "seconds",
        [
            Figure(
                "fan_out_first",
                "95 % to the first followers",
                "s",
                Percentile("fan_out_first_seconds"),
                warning=5.0,
                critical=30.0,
                for_s=120,
                act="`manage.py queues` says whether feed jobs wait (start workers) or are overdue (relay, gearmand).",
            ),
            Figure(
                "fan_out",
                "95 % to the last follower",
                "s",
                Percentile("fan_out_seconds"),
                warning=30.0,
                critical=120.0,
                for_s=300,
                act="`manage.py queues`, then `manage.py fan_out PHOTO` for one that is late. Start workers for the "
                "queues feed and feed_large.",
            ),
        ],
    ),
    Graph(
        "pushes",
        "Pushes to phones",
        "a second",
        [
            Figure("pushes", "taken", "1/s", Rate("pushes_total", {"result": "taken"})),
            Figure("pushes_later", "to be tried again", "1/s", Rate("pushes_total", {"result": "later"})),
            Figure("pushes_gone", "device gone", "1/s", Rate("pushes_total", {"result": "gone"})),
        ],
    ),
    Graph(
        "elsewhere",
        "What others did not take",
        "percent",
        [
            Figure(
                "pushes_failed",
                "pushes not taken",
                "%",
                Share(
                    [("pushes_total", {"result": result}) for result in ("later", "refused", "key_refused")],
                    [("pushes_total", {})],
                ),
                warning=20.0,
                critical=80.0,
                for_s=300,
                act="/health/deep says whether Apple refuses our key; otherwise their status page. Pushes wait.",
            ),
            Figure(
                "shares_failed",
                "shares that failed, by service",
                "%",
                Share([("shares_total", {"result": "failed"})], [("shares_total", {})]),
                by="service",
                warning=20.0,
                for_s=600,
                act="The service is down or refuses our application: its keys (docs/crossposting.md), its status page.",
            ),
            Figure(
                "webhooks_failed",
                "deliveries to callbacks that failed",
                "%",
                Share([("webhooks_total", {"result": "failed"})], [("webhooks_total", {})]),
            ),
        ],
    ),
    Graph(
        "images",
        "Pictures",
        "a second",
        [
            Figure("images_drawn", "drawn", "1/s", Rate("images_total", {"result": "drawn"})),
            Figure("images_refused", "refused", "1/s", Rate("images_total", {"result": "refused"})),
            Figure(
                "images_unavailable",
                "not drawn for want of a helper",
                "1/s",
                Rate("images_total", {"result": "unavailable"}),
                warning=0.1,
                critical=1.0,
                for_s=120,
                act="Helpers are all busy or die: more IMAGE_HELPERS or app hosts; the web units' log names crashes.",
            ),
        ],
    ),
    Graph(
        "upload_bytes",
        "Pictures that come in",
        "bytes a second",
        [Figure("upload_bytes", "bytes of uploads", "bytes/s", Rate("upload_bytes_total"))],
    ),
]
