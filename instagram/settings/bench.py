"""Benchmarks: the same servers as development, with scratch databases, prefixes and a bucket of their own."""

from . import base
from .base import *  # noqa: F403  # settings modules are layered by star import, as Django documents

DB_SUFFIX = "_bench"
DATABASES = base.databases(DB_SUFFIX)
PHOTO_MAP_PREFIX = "b"
CACHE_PREFIX = "b:"
METRICS_PREFIX = "b:"
JOBS_NAMESPACE = "bench:"
S3_BUCKET = "bench"
CDN_BASE_URL = f"{base.CDN_BASE_URL}/bench"  # the edge finds the bucket by it
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
PACE_FIRST_DAY = {}  # a load is the work of few people
PACE_LATER = {}
