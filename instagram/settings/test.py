"""Tests: the same servers as development, with databases, prefixes and a bucket of their own."""

from . import base
from .base import *  # noqa: F403  # settings modules are layered by star import, as Django documents

DB_SUFFIX = "_test"
DATABASES = base.databases(DB_SUFFIX)
PHOTO_MAP_PREFIX = "t"
CACHE_PREFIX = "t:"
METRICS_PREFIX = "t:"
JOBS_NAMESPACE = "test:"
S3_BUCKET = "test"
CDN_BASE_URL = f"{base.CDN_BASE_URL}/test"  # the edge finds the bucket by it
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # hundreds of sign-ups a run
RESETS_PER_ADDRESS = 1_000_000  # all tests come from one address
SHARE_GIVE_UP_S = 2.0  # jobs.testing.run_until_idle() waits for no pause: it asks until the share is settled
REPLICA_READS = []  # tests read at once what they wrote, also where the full data centre runs
HEALTH_JOBS_LATE_S = float("inf")  # tests leave jobs behind on purpose
