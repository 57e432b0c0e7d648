"""Canary photo."""

from .environment import env

#: Seconds between two canary photos of a server.
CANARY_PERIOD_S = env.float("CANARY_PERIOD_S", default=60.0)
#: Seconds an upload may take before it counts as stalled: beyond what a phone on a slow line waits.
CANARY_UPLOAD_S = env.float("CANARY_UPLOAD_S", default=10.0)
#: Seconds a photo may take from the answer to its upload to the readers' feeds.
CANARY_FEED_S = env.float("CANARY_FEED_S", default=20.0)
#: Seconds that reading a feed or an image may take.
CANARY_READ_S = env.float("CANARY_READ_S", default=5.0)
#: Older results are unwell: two rounds were missed and the third is due.
CANARY_STALE_S = env.float("CANARY_STALE_S", default=180.0)
#: Seconds after which a result is forgotten, as if no canary had ever flown: one that was taken away for good.
CANARY_FORGET_S = env.float("CANARY_FORGET_S", default=86_400.0)
