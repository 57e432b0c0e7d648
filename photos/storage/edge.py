"""Copies at the CDN: taking them away. After the objects have left the store, or the edge would fetch them again.

nginx, ours: each cache file is deleted by the edge itself, over its purge door (nginx/cdn.conf), by the name that nginx
gives it: the MD5 of its cache key. CloudFront: an invalidation, which takes some seconds to a minute.
"""

import functools
import hashlib
import http.client
import itertools
import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from instagram.errors import Unavailable

#: Paths in one invalidation: CloudFront takes 3,000 at once in all.
_PATHS_AT_ONCE = 1_000


class EdgeUnavailable(Unavailable):
    """An edge did not confirm that its copies are gone."""


def purge(keys: Sequence[str]) -> int:
    """Take objects out of every edge's cache; return how many copies there were (0 for CloudFront, which does not say).

    Safe to repeat. Raises EdgeUnavailable: then some may be left. Cost: one short request per edge and key.
    """
    paths = [f"{urlsplit(settings.CDN_BASE_URL).path}/{key}" for key in keys]
    if settings.CDN_KIND == "cloudfront":
        _invalidate(paths)
        return 0
    return sum(_purge_one(address, paths) for address in settings.CDN_PURGE_ADDRESSES)


def cache_file(path: str) -> str:
    """Return where nginx keeps the copy of a path below its cache directory (levels=1:2 of the MD5 of its key)."""
    digest = hashlib.md5(path.encode(), usedforsecurity=False).hexdigest()
    return f"{digest[-1]}/{digest[-3:-1]}/{digest}"


def _purge_one(address: str, paths: Sequence[str]) -> int:
    there = 0
    connection = http.client.HTTPConnection(address, timeout=settings.CDN_PURGE_TIMEOUT_S)
    try:
        for path in paths:
            connection.request("DELETE", f"/{cache_file(path)}")
            answer = connection.getresponse()
            answer.read()
            if answer.status not in (204, 404):
                raise EdgeUnavailable from ValueError(f"{address}: {answer.status}")
            there += answer.status == 204
    except (OSError, http.client.HTTPException) as error:
        raise EdgeUnavailable from error
    finally:
        connection.close()
    return there


def _invalidate(paths: Sequence[str]) -> None:
    rest = iter(paths)
    try:
        while some := list(itertools.islice(rest, _PATHS_AT_ONCE)):
            _cloudfront().create_invalidation(
                DistributionId=settings.CLOUDFRONT_DISTRIBUTION_ID,
                InvalidationBatch={
                    "Paths": {"Quantity": len(some), "Items": some},
                    "CallerReference": uuid.uuid4().hex,
                },
            )
    except (BotoCoreError, ClientError) as error:
        raise EdgeUnavailable from error


@functools.cache
def _cloudfront() -> Any:
    return boto3.session.Session().client("cloudfront", region_name=settings.S3_REGION)
