"""Renditions in the object store, and their addresses on the CDN.

Keys: pub/<first two hex digits>/<stem>_5.jpg (150 px), _6 (306), _7 (612), _8 (1080), as the original named them.
A key is written once and never again, so everybody may cache it for good.
"""

import base64
import functools
import hashlib
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from instagram.errors import Unavailable

SUFFIXES = {150: "5", 306: "6", 612: "7", 1080: "8"}


class StorageUnavailable(Unavailable):
    """The object store does not answer; nothing was published."""


def store_renditions(jpegs: dict[int, bytes]) -> str:
    """Store JPEGs by side, side by side; return their new stem. Raises StorageUnavailable.

    After a failure stray objects may be left; no row names them.
    """
    stem = secrets.token_hex(16)
    store, pool = _store(os.getpid())

    def put(side: int) -> None:
        store.put_object(
            Bucket=settings.S3_BUCKET,
            Key=key(stem, side),
            Body=jpegs[side],
            ContentType="image/jpeg",
            CacheControl="public, max-age=31536000, immutable",
        )

    try:
        list(pool.map(put, jpegs))
    except (BotoCoreError, ClientError) as error:
        raise StorageUnavailable from error
    return stem


def delete_renditions(stem: str) -> None:
    """Delete a photo's objects. Safe to repeat. Raises StorageUnavailable."""
    store, _ = _store(os.getpid())
    objects = [{"Key": key(stem, side)} for side in SUFFIXES]
    try:
        store.delete_objects(Bucket=settings.S3_BUCKET, Delete={"Objects": objects, "Quiet": True})
    except (BotoCoreError, ClientError) as error:
        raise StorageUnavailable from error


def key(stem: str, side: int) -> str:
    """Return the object's key."""
    return f"pub/{stem[:2]}/{stem}_{SUFFIXES[side]}.jpg"


def image_url(stem: str, side: int) -> str:
    """Return the rendition's address on the CDN."""
    return f"{settings.CDN_BASE_URL}/{key(stem, side)}"


@functools.cache
def _store(_pid: int) -> tuple[Any, ThreadPoolExecutor]:
    """Return this process's client (thread-safe) and the threads that upload; a fork makes its own."""
    client = boto3.client(
        "s3",
        endpoint_url=settings.S3_ENDPOINT,
        aws_access_key_id=settings.S3_ACCESS_KEY,
        aws_secret_access_key=settings.S3_SECRET_KEY,
        region_name="us-east-1",
        config=Config(
            s3={"addressing_style": "path"},
            connect_timeout=settings.S3_TIMEOUT_S,
            read_timeout=settings.S3_TIMEOUT_S,
            retries={"max_attempts": 2},
            max_pool_connections=16,
        ),
    )
    return client, ThreadPoolExecutor(8, thread_name_prefix="s3")


def put_asset(name: str, jpeg: bytes) -> None:
    """Store a picture that is nobody's under pub/. Raises StorageUnavailable."""
    store, _ = _store(os.getpid())
    try:
        store.put_object(Bucket=settings.S3_BUCKET, Key=f"pub/{name}", Body=jpeg, ContentType="image/jpeg")
    except (BotoCoreError, ClientError) as error:
        raise StorageUnavailable from error


def read_largest(stem: str) -> bytes | None:
    """Return the largest rendition there is, None if there is none. Raises StorageUnavailable."""
    store, _ = _store(os.getpid())
    for side in sorted(SUFFIXES, reverse=True):
        try:
            jpeg: bytes = store.get_object(Bucket=settings.S3_BUCKET, Key=key(stem, side))["Body"].read()
        except store.exceptions.NoSuchKey:
            continue
        except (BotoCoreError, ClientError) as error:
            raise StorageUnavailable from error
        return jpeg
    return None


def store_private(key: str, path: Path) -> None:
    """Store a file under a key below prv/, in parts if it is large: only signed addresses reach it.

    Raises StorageUnavailable.
    """
    store, _ = _store(os.getpid())
    try:
        store.upload_file(str(path), settings.S3_BUCKET, key, ExtraArgs={"ContentType": "application/zip"})
    except (BotoCoreError, ClientError, Boto3Error) as error:
        raise StorageUnavailable from error


def delete_private(key: str) -> None:
    """Delete what store_private() stored. Safe to repeat. Raises StorageUnavailable."""
    store, _ = _store(os.getpid())
    try:
        store.delete_object(Bucket=settings.S3_BUCKET, Key=key)
    except (BotoCoreError, ClientError) as error:
        raise StorageUnavailable from error


def signed_url(key: str, *, expires_at: int) -> str:
    """Return a private object's address on the CDN, good until expires_at, epoch seconds (nginx/cdn.conf)."""
    address = f"{settings.CDN_BASE_URL}/{key}"
    secret = f"{expires_at}{urlsplit(address).path} {settings.CDN_SIGNING_KEY}"
    digest = hashlib.md5(secret.encode(), usedforsecurity=False).digest()  # nginx's secure_link has no other
    signature = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return f"{address}?expires={expires_at}&signature={signature}"
