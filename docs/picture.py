"""Draw docs/architecture.svg and docs/job.svg: `python docs/picture.py`. No library needed."""

from dataclasses import dataclass
from pathlib import Path

#: name, what it does, x, y, width, colour
Box = tuple[str, str, int, int, int, str]
#: from, side, to, side, label
Arrow = tuple[str, str, str, str, str]

BOX_HEIGHT = 54
INK, PAPER, WEB, STATE, WORK = "#24313c", "#ffffff", "#dcebf7", "#e4f3e2", "#fcefd8"

ARCHITECTURE_BOXES: dict[str, Box] = {
    "client": ("client", "iOS app, curl", 20, 190, 130, PAPER),
    "nginx": ("HAProxy, nginx × 3", "app front", 175, 190, 155, WEB),
    "gunicorn": ("Gunicorn × 2", "Django: api, feeds, photos, …", 380, 190, 210, WEB),
    "cdn": ("nginx", "CDN edge, cache", 200, 40, 120, WEB),
    "s3": ("SeaweedFS / S3", "renditions", 380, 40, 210, STATE),
    "memcached": ("memcached × 2", "profiles, bodies, tokens", 800, 40, 230, STATE),
    "redis": ("Redis × 2, replicas", "photo → user map", 800, 130, 230, STATE),
    "bouncer": ("PgBouncer", "transaction pooling", 640, 310, 150, WEB),
    "main": ("main, replica", "people, tokens, placement", 840, 250, 190, STATE),
    "shard_a": ("shard_a, replica", "logical shards, outbox", 840, 330, 190, STATE),
    "shard_b": ("shard_b, replica", "logical shards, outbox", 840, 410, 190, STATE),
    "gearmand": ("gearmand × 2", "queue in memory", 380, 330, 210, WORK),
    "workers": ("workers", "fast, feed, feed_large, network", 380, 430, 210, WORK),
    "relay": ("relay", "submits what is overdue", 640, 480, 190, WORK),
}
ARCHITECTURE_ARROWS: list[Arrow] = [
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

JOB_BOXES: dict[str, Box] = {
    "request": ("the write", "photo and enqueue(), one transaction", 20, 40, 270, WEB),
    "row": ("row in local.outbox", "task, arguments, lease, step", 20, 170, 270, STATE),
    "gearmand": ("gearmand", "queue in memory", 410, 40, 210, WORK),
    "relay": ("relay", "looks every 0.5 s", 410, 290, 210, WORK),
    "worker": ("worker", "one job at a time", 730, 40, 210, WORK),
    "again": ("next batch", "new arguments in the row, step + 1", 710, 150, 250, STATE),
    "done": ("gone", "rows deleted together", 1070, 40, 210, STATE),
    "later": ("later", "the wait doubles each time", 1070, 230, 210, STATE),
    "dead": ("row in local.dead_letter", "until requeued or discarded", 1060, 350, 230, STATE),
}
JOB_ARROWS: list[Arrow] = [
    ("request", "bottom", "row", "top", "commits together"),
    ("request", "right", "gearmand", "left", "after commit"),
    ("gearmand", "right", "worker", "left", ""),
    ("row", "right", "relay", "left", "lease ran out"),
    ("relay", "top", "gearmand", "bottom", "submits again"),
    ("worker", "right", "done", "left", "done"),
    ("worker", "bottom", "again", "top", "Again"),
    ("again", "left", "gearmand", "bottom", "at once"),
    ("worker", "right", "later", "left", "raises"),
    ("later", "left", "relay", "right", "its time has come"),
    ("later", "bottom", "dead", "top", "8 failures"),
]


HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="15"
  text-anchor="middle" fill="{ink}">
<rect width="{width}" height="{height}" fill="{paper}"/>
<style>
  line {{ stroke: {ink}; stroke-width: 1.3 }}
  .label {{ paint-order: stroke; stroke: {paper}; stroke-width: 5px }}
</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">
  <path d="M0 0L8 4L0 8z" fill="{ink}"/>
</marker></defs>"""


@dataclass(frozen=True)
class Drawing:
    """Boxes and the arrows between them."""

    width: int
    height: int
    boxes: dict[str, Box]
    arrows: list[Arrow]

    def anchor(self, name: str, side: str) -> tuple[float, float]:
        """Return the middle of a box's side."""
        _, _, x, y, width, _ = self.boxes[name]
        return {
            "left": (x, y + BOX_HEIGHT / 2),
            "right": (x + width, y + BOX_HEIGHT / 2),
            "top": (x + width / 2, y),
            "bottom": (x + width / 2, y + BOX_HEIGHT),
        }[side]

    def box(self, name: str) -> str:
        """Return one box with its two lines."""
        title, line, x, y, width, colour = self.boxes[name]
        middle = x + width / 2
        return (
            f'<rect x="{x}" y="{y}" width="{width}" height="{BOX_HEIGHT}" rx="8" fill="{colour}" stroke="{INK}"/>'
            f'<text x="{middle}" y="{y + 23}" font-weight="bold">{title}</text>'
            f'<text x="{middle}" y="{y + 42}" font-size="12">{line}</text>'
        )

    def arrow(self, start: str, start_side: str, end: str, end_side: str, label: str) -> str:
        """Return one arrow, with its label above the middle."""
        (x1, y1), (x2, y2) = self.anchor(start, start_side), self.anchor(end, end_side)
        words = (
            f'<text x="{(x1 + x2) / 2}" y="{(y1 + y2) / 2 - 6}" font-size="11" class="label">{label}</text>'
            if label
            else ""
        )
        return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" marker-end="url(#tip)"/>{words}'

    def svg(self) -> str:
        """Return the whole drawing."""
        head = HEAD.format(width=self.width, height=self.height, ink=INK, paper=PAPER)
        return "\n".join([head, *(self.arrow(*one) for one in self.arrows), *map(self.box, self.boxes), "</svg>", ""])


DRAWINGS = {
    "architecture.svg": Drawing(1060, 560, ARCHITECTURE_BOXES, ARCHITECTURE_ARROWS),
    "job.svg": Drawing(1310, 430, JOB_BOXES, JOB_ARROWS),
}

if __name__ == "__main__":
    for name, drawing in DRAWINGS.items():
        Path(__file__).with_name(name).write_text(drawing.svg())
