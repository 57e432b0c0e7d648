"""Draw docs/architecture.svg: `python docs/picture.py`. No library needed."""

from pathlib import Path

WIDTH, HEIGHT = 1060, 560
INK, PAPER, WEB, STATE, WORK = "#24313c", "#ffffff", "#dcebf7", "#e4f3e2", "#fcefd8"

#: name, what it does, x, y, width, colour
BOXES = {
    "client": ("client", "iOS app, curl", 20, 190, 130, PAPER),
    "nginx": ("nginx", "app front", 200, 190, 120, WEB),
    "gunicorn": ("Gunicorn", "Django: api, feeds, photos, …", 380, 190, 210, WEB),
    "cdn": ("nginx", "CDN edge, cache", 200, 40, 120, WEB),
    "s3": ("SeaweedFS / S3", "renditions", 380, 40, 210, STATE),
    "memcached": ("memcached × 2", "profiles, bodies, tokens", 800, 40, 230, STATE),
    "redis": ("Redis × 2", "photo → user map", 800, 130, 230, STATE),
    "bouncer": ("PgBouncer", "transaction pooling", 640, 310, 150, WEB),
    "main": ("PostgreSQL main", "people, tokens, placement", 840, 250, 190, STATE),
    "shard_a": ("PostgreSQL shard_a", "logical shards, outbox", 840, 330, 190, STATE),
    "shard_b": ("PostgreSQL shard_b", "logical shards, outbox", 840, 410, 190, STATE),
    "gearmand": ("gearmand", "queue in memory", 380, 330, 210, WORK),
    "workers": ("workers", "fast, feed, network", 380, 430, 210, WORK),
    "relay": ("relay", "submits what is overdue", 640, 480, 190, WORK),
}
BOX_HEIGHT = 54
#: from, side, to, side, label
ARROWS = [
    ("client", "right", "nginx", "left", ""),
    ("nginx", "right", "gunicorn", "left", ""),
    ("client", "top", "cdn", "left", "images"),
    ("cdn", "right", "s3", "left", ""),
    ("gunicorn", "top", "s3", "bottom", "upload"),
    ("gunicorn", "right", "memcached", "left", ""),
    ("gunicorn", "right", "redis", "left", ""),
    ("gunicorn", "right", "bouncer", "top", "one transaction: photo + job"),
    ("bouncer", "right", "main", "left", ""),
    ("bouncer", "right", "shard_a", "left", ""),
    ("bouncer", "right", "shard_b", "left", ""),
    ("gunicorn", "bottom", "gearmand", "top", "after the commit"),
    ("gearmand", "bottom", "workers", "top", ""),
    ("workers", "right", "bouncer", "bottom", "fan-out"),
    ("relay", "left", "gearmand", "right", ""),
    ("shard_b", "bottom", "relay", "right", "outbox"),
]


def anchor(name: str, side: str) -> tuple[float, float]:
    """Return the middle of a box's side."""
    _, _, x, y, width, _ = BOXES[name]
    return {
        "left": (x, y + BOX_HEIGHT / 2),
        "right": (x + width, y + BOX_HEIGHT / 2),
        "top": (x + width / 2, y),
        "bottom": (x + width / 2, y + BOX_HEIGHT),
    }[side]


def box(name: str) -> str:
    """Return one box with its two lines."""
    title, line, x, y, width, colour = BOXES[name]
    middle = x + width / 2
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{BOX_HEIGHT}" rx="8" fill="{colour}" stroke="{INK}"/>'
        f'<text x="{middle}" y="{y + 23}" font-weight="bold">{title}</text>'
        f'<text x="{middle}" y="{y + 42}" font-size="12">{line}</text>'
    )


def arrow(start: str, start_side: str, end: str, end_side: str, label: str) -> str:
    """Return one arrow, with its label above the middle."""
    (x1, y1), (x2, y2) = anchor(start, start_side), anchor(end, end_side)
    words = (
        f'<text x="{(x1 + x2) / 2}" y="{(y1 + y2) / 2 - 6}" font-size="11" class="label">{label}</text>'
        if label
        else ""
    )
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" marker-end="url(#tip)"/>{words}'


HEAD = f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="15"
  text-anchor="middle" fill="{INK}">
<rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>
<style>
  line {{ stroke: {INK}; stroke-width: 1.3 }}
  .label {{ paint-order: stroke; stroke: {PAPER}; stroke-width: 5px }}
</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">
  <path d="M0 0L8 4L0 8z" fill="{INK}"/>
</marker></defs>"""


def picture() -> str:
    """Return the whole drawing."""
    return "\n".join([HEAD, *(arrow(*one) for one in ARROWS), *map(box, BOXES), "</svg>", ""])


if __name__ == "__main__":
    Path(__file__).with_name("architecture.svg").write_text(picture())
