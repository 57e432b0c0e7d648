"""Which photo ids a list may have, from max_id, min_id, max_timestamp and min_timestamp."""

from api.parameters import Params
from sharding.ids import MAX_ID, first_id_at


def photo_bounds(params: Params) -> tuple[int, int]:
    """Return (below, above), both exclusive; timestamps are inclusive. Raises InvalidParameters."""
    below, above = params.photo_cursor("max_id"), params.photo_cursor("min_id")
    since_below, since_above = time_bounds(params.epoch("min_timestamp"), params.epoch("max_timestamp"))
    return min(MAX_ID if below is None else below, since_below), max(above or 0, since_above)


def time_bounds(earliest: int | None, latest: int | None) -> tuple[int, int]:
    """Return (below, above) of photos made from earliest to latest, epoch seconds."""
    return (
        MAX_ID if latest is None else first_id_at(latest + 1),
        0 if earliest is None else first_id_at(earliest) - 1,
    )
