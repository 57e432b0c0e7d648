"""Feeds."""

from .environment import env

#: Followers in one fan-out job: one round trip to one server.
FAN_OUT_BATCH = env.int("FAN_OUT_BATCH", default=10_000)
#: Followers in one job of a very large account: short batches, so that others' statements and commits come between.
FAN_OUT_LARGE_BATCH = env.int("FAN_OUT_LARGE_BATCH", default=2_000)
#: How long a worker of that lane rests after a batch, as a multiple of the time the batch took; 0: not at all.
FAN_OUT_LARGE_REST = env.float("FAN_OUT_LARGE_REST", default=1.0)
#: Followers from which an account is very large: its lane works in short batches and rests; others go at full speed.
FAN_OUT_LARGE_FROM = env.int("FAN_OUT_LARGE_FROM", default=200_000)
#: Days for which it is known which batch of a fan-out served whom (explain_feed): a row of 150 bytes for each batch.
FAN_OUT_KEPT_DAYS = env.int("FAN_OUT_KEPT_DAYS", default=30)
#: Photo ids kept per inbox; older pages are read from the authors' shards. About 80 bytes a row on the viewer's shard.
INBOX_LENGTH = env.int("INBOX_LENGTH", default=500)
#: Days without a visit after which fan-outs leave a person out; their inbox is rebuilt when they come back.
INBOX_SLEEPS_DAYS = env.float("INBOX_SLEEPS_DAYS", default=30.0)
#: Seconds between two notes of a person's visits: a write on their shard each.
VISIT_NOTED_EVERY_S = env.float("VISIT_NOTED_EVERY_S", default=86_400.0)
#: Seconds between two walks over a server's inboxes: who falls asleep, what is trimmed.
INBOX_TIDY_PERIOD_S = env.float("INBOX_TIDY_PERIOD_S", default=3_600.0)
#: Photos of a newly followed person that go into the follower's inbox.
BACKFILL_PHOTOS = env.int("BACKFILL_PHOTOS", default=100)
#: Seconds between two makings of the list of Popular.
POPULAR_PERIOD_S = env.int("POPULAR_PERIOD_S", default=120)
#: Hours in which a photo is popular first; older ones come after.
POPULAR_HOURS = env.int("POPULAR_HOURS", default=48)
#: Photos in the list, before those are left out that a viewer may not see.
POPULAR_LENGTH = env.int("POPULAR_LENGTH", default=200)
#: Newest photos of each server whose likes are read for the list.
POPULAR_CANDIDATES = env.int("POPULAR_CANDIDATES", default=5_000)
