"""manage.py rerender: make the renditions of photos anew, as the code of today makes them."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from instagram.errors import InvalidParameters
from photos.images import DecodingUnavailable
from photos.queries import photos_by
from photos.services import rerender
from photos.services.rerender import Span
from photos.storage import StorageUnavailable
from sharding import Shard, ShardUnavailable, retry_if_moved, shard_numbered, shard_of_object
from sharding.ids import MAX_ID, first_id_at
from sharding.management.progress import tracked

#: Photos named of those that could not be rendered.
_NAMED = 20


class Command(BaseCommand):
    """Exit codes: 1 some photos or servers are left, 2 wrong arguments, 130 interrupted."""

    help = (
        "Make the renditions of photos anew: of the original where it was kept, else of the largest rendition, which "
        "loses a little. Safe beside the service; old files are deleted RERENDER_GRACE_S later. A run over all "
        "photos that was stopped goes on where it was; one over some (--user, --photo, --since) begins anew."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare which photos."""
        parser.add_argument("--photo", action="append", help="this media id alone; repeatable")
        parser.add_argument("--user", type=int, help="the photos of this user id alone")
        parser.add_argument("--since", help="photos since then alone, e.g. 2026-11-25 or 2026-11-25T13:00+00:00")
        parser.add_argument("--shard", type=int, action="append", help="this logical shard alone; repeatable")
        parser.add_argument("--anew", action="store_true", help="forget how far an earlier run was")
        parser.add_argument("--dry-run", action="store_true", help="change nothing; say what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        """Go through the photos; one that cannot be rendered, or a server that is away, stops no other."""
        self._dry: bool = options["dry_run"]
        self._made: Counter[str] = Counter()
        self._failed: list[str] = []
        self._away: dict[int, str] = {}
        try:
            above = first_id_at(_moment(options["since"])) - 1 if options["since"] else 0
            some = self._some(options, above=above)
            shards = [shard_numbered(number) for number in options["shard"] or range(settings.LOGICAL_SHARDS)]
        except ValueError as error:
            raise CommandError(str(error), returncode=2) from error
        try:
            if some is not None:
                for shard, photo_id in tracked(self.stdout, some, "photos"):
                    self._one(shard, photo_id)
            elif above:
                self._spans(dict.fromkeys(shards, Span(above, MAX_ID)), stored=False)
            else:
                self._all(shards, anew=options["anew"])
        except StorageUnavailable as error:
            raise CommandError(f"{self._said()}\nThe object store does not answer. Run it again to go on.") from error
        except KeyboardInterrupt:
            raise CommandError(f"{self._said()}\nInterrupted. Run it again to go on.", returncode=130) from None
        self.stdout.write(self._said())
        self._complain()

    def _some(self, options: dict[str, Any], *, above: int) -> list[tuple[Shard, int]] | None:
        """Return the photos that were named, each with its shard; None if it is to be all."""
        if options["photo"]:
            photo_ids = [int(text.partition("_")[0]) for text in options["photo"]]
        elif options["user"] is not None:
            photo_ids = photos_by(options["user"], above=above, count=MAX_ID)
        else:
            return None
        return [(shard_of_object(photo_id), photo_id) for photo_id in photo_ids]

    def _all(self, shards: list[Shard], *, anew: bool) -> None:
        spans = {}
        for shard in shards:
            try:
                spans[shard] = Span(0, MAX_ID) if self._dry else rerender.begin(shard, anew=anew)
            except ShardUnavailable as error:
                self._away[shard.number] = error.server_name
        self._spans(spans, stored=not self._dry)
        if not self._away and not self._dry:
            for shard in shards:  # the next run begins anew
                rerender.forget(shard)

    def _spans(self, spans: dict[Shard, Span], *, stored: bool) -> None:
        total = sum(self._count(shard, span) for shard, span in spans.items())
        for shard, photo_id in tracked(self.stdout, self._photos(spans), "photos", total=total):
            self._one(shard, photo_id)
            if stored and shard.number not in self._away:
                rerender.advance(shard, photo_id)

    def _photos(self, spans: dict[Shard, Span]) -> Iterator[tuple[Shard, int]]:
        for shard, span in spans.items():
            try:
                for photo_id in rerender.photos_in(shard, span):
                    if shard.number in self._away:
                        break
                    yield shard, photo_id
            except ShardUnavailable as error:
                self._away[shard.number] = error.server_name

    def _count(self, shard: Shard, span: Span) -> int:
        try:
            return rerender.count(shard, span)
        except ShardUnavailable as error:
            self._away[shard.number] = error.server_name
            return 0

    def _one(self, shard: Shard, photo_id: int) -> None:
        verb = rerender.source_of if self._dry else rerender.rerender
        try:
            source = retry_if_moved(lambda number: verb(shard_numbered(number), photo_id))(shard.number)
        except ShardUnavailable as error:
            self._away[shard.number] = error.server_name
        except (DecodingUnavailable, InvalidParameters, rerender.NoSourceError, rerender.UnsettledError) as error:
            self._failed.append(f"  {photo_id}: {error}")
        else:
            self._made[source or "gone"] += 1

    def _said(self) -> str:
        made = self._made["original"] + self._made["rendition"]
        would = "would get" if self._dry else "got"
        return (
            f"{made:,} photos {would} new renditions: {self._made['original']:,} of their originals,"
            f" {self._made['rendition']:,} of their largest renditions"
        )

    def _complain(self) -> None:
        lines = self._failed[:_NAMED]
        if len(self._failed) > _NAMED:
            lines.append(f"  and {len(self._failed) - _NAMED} more photos")
        lines += [f"  logical shard {number}: {name} is away" for number, name in sorted(self._away.items())]
        if lines:
            raise CommandError("Not done:\n" + "\n".join(lines), returncode=1)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
