"""The object store: any S3. One client per process; every failure of it is StorageUnavailable."""

import functools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from instagram import tracing
from instagram.errors import Unavailable

from .keys import is_private, key, keys_of, new_stem, original_key

#: Keys in one request for deletion, and in one page of a listing: what S3 takes at most.
KEYS_AT_ONCE = 1_000
#: For the browser and, at a CDN that asks us, for the edge. A signed address ends, what it showed is kept no longer.
PUBLIC_CACHE = "public, max-age=31536000, immutable"
PRIVATE_CACHE = "private, max-age=3600"
_THREADS = 8

T = TypeVar("T")
Answer = TypeVar("Answer")


class StorageUnavailable(Unavailable):
    """The object store does not answer; nothing was published."""


class NotThere(Exception):
    """The object is not in the store."""


@dataclass(frozen=True, slots=True)
class Found:
    """An object in the store: etag is the MD5 of its bytes in hex, unless the store says otherwise."""

    key: str
    etag: str
    bytes: int
    stored_at: datetime


def client() -> Any:
    """Return this process's client, safe to share among threads; a fork makes its own."""
    return _mine()[0]


def new_client(**more: Any) -> Any:
    """Return a client for the store of the settings. more: of botocore's Config."""
    return boto3.session.Session().client(
        "s3",
        endpoint_url=settings.S3_ENDPOINT or None,
        # None: from the environment or the role of the machine.
        aws_access_key_id=settings.S3_ACCESS_KEY or None,
        aws_secret_access_key=settings.S3_SECRET_KEY or None,
        region_name=settings.S3_REGION,
        config=Config(
            s3={"addressing_style": settings.S3_ADDRESSING},
            # Checksums that S3 alone knows make other stores fail at ranges and conditions.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            **{
                "connect_timeout": settings.S3_TIMEOUT_S,
                "read_timeout": settings.S3_TIMEOUT_S,
                "retries": {"max_attempts": 2},
                "max_pool_connections": 16,
            }
            | more,
        ),
    )


def each(do: Callable[[T], Answer], things: Iterable[T]) -> list[Answer]:
    """Do something to many objects side by side; return the answers in order. Raises StorageUnavailable, NotThere."""
    wanted = list(things)
    # Timed here: the pool's threads work for no request that they know of.
    with tracing.timed("s3", times=len(wanted)):
        return list(_mine()[1].map(functools.partial(_asked, do), wanted))


def store_renditions(jpegs: Mapping[int, bytes], *, stem: str = "") -> str:
    """Store JPEGs by side, side by side; return their stem. Raises StorageUnavailable.

    stem: chosen before, by keys.new_stem(). Without it a new public one: after a failure stray objects may be left then
    that no row names; audit_storage finds them.
    """
    stem = stem or new_stem()

    def put(side: int) -> None:
        client().put_object(Bucket=settings.S3_BUCKET, Key=key(stem, side), Body=jpegs[side], **_headers(stem))

    each(put, jpegs)
    return stem


def copy_renditions(old: str, new: str) -> None:
    """Copy a stem's objects to another stem, bytes unchanged, within the store. Safe to repeat.

    Raises NotThere when one is missing, StorageUnavailable.
    """

    def copy(pair: tuple[str, str]) -> None:
        source, target = pair
        client().copy_object(
            Bucket=settings.S3_BUCKET,
            Key=target,
            CopySource={"Bucket": settings.S3_BUCKET, "Key": source},
            MetadataDirective="REPLACE",
            **_headers(new),
        )

    each(copy, zip(keys_of(old), keys_of(new), strict=True))


def delete_renditions(*stems: str) -> None:
    """Delete the renditions of photos or profile pictures; copies at the CDN stay (photos/services/purging.py).

    Safe to repeat. Raises StorageUnavailable.
    """
    delete_keys([each_key for stem in stems for each_key in keys_of(stem)])


def delete_keys(object_keys: Sequence[str]) -> None:
    """Delete objects. Safe to repeat. Raises StorageUnavailable, also if the store kept one of them."""
    for start in range(0, len(object_keys), KEYS_AT_ONCE):
        some = object_keys[start : start + KEYS_AT_ONCE]
        answer = _asked(
            lambda some: client().delete_objects(
                Bucket=settings.S3_BUCKET, Delete={"Objects": [{"Key": each_key} for each_key in some], "Quiet": True}
            ),
            some,
        )
        if answer.get("Errors"):
            raise StorageUnavailable from ValueError(str(answer["Errors"][:3]))


def found_below(prefix: str, *, after: str = "") -> Iterator[list[Found]]:
    """Yield all objects whose keys begin with `prefix`, by key, a page at a time.

    after: the last key of an earlier walk. Raises StorageUnavailable. Cost: one request per KEYS_AT_ONCE objects.
    """
    while True:
        answer = _asked(
            lambda past: client().list_objects_v2(
                Bucket=settings.S3_BUCKET, Prefix=prefix, StartAfter=past, MaxKeys=KEYS_AT_ONCE
            ),
            after,
        )
        page = [
            Found(each["Key"], each["ETag"].strip('"'), each["Size"], each["LastModified"])
            for each in answer.get("Contents", [])
        ]
        if page:
            yield page
            after = page[-1].key
        if not answer.get("IsTruncated"):
            return


def read(object_key: str) -> bytes | None:
    """Return an object's bytes, None if there is none. Raises StorageUnavailable."""
    try:
        return _asked(
            lambda wanted: bytes(client().get_object(Bucket=settings.S3_BUCKET, Key=wanted)["Body"].read()), object_key
        )
    except NotThere:
        return None


def read_largest(stem: str) -> bytes | None:
    """Return the largest rendition there is, None if there is none. Raises StorageUnavailable."""
    for rendition in reversed(keys_of(stem)):
        jpeg = read(rendition)
        if jpeg is not None:
            return jpeg
    return None


def read_rendition(stem: str, side: int) -> bytes | None:
    """Return a rendition, None if it is not there. Raises StorageUnavailable."""
    return read(key(stem, side))


def store_original(stem: str, image: bytes) -> None:
    """Store an upload as it came. It may hold a position: no address leads to it. Raises StorageUnavailable."""
    _asked(
        lambda target: client().put_object(
            Bucket=settings.S3_BUCKET, Key=target, Body=image, ContentType="application/octet-stream"
        ),
        original_key(stem),
    )


def read_original(stem: str) -> bytes | None:
    """Return what store_original() stored, None if it is not there. Raises StorageUnavailable."""
    return read(original_key(stem))


def delete_original(stem: str) -> None:
    """Delete what store_original() stored. Safe to repeat. Raises StorageUnavailable."""
    delete_keys([original_key(stem)])


def put_asset(name: str, jpeg: bytes) -> None:
    """Store a picture that is nobody's under pub/. Raises StorageUnavailable."""
    _asked(
        lambda object_key: client().put_object(
            Bucket=settings.S3_BUCKET, Key=object_key, Body=jpeg, ContentType="image/jpeg"
        ),
        f"pub/{name}",
    )


def store_private(object_key: str, path: Path) -> None:
    """Store a file under a key below prv/, in parts if it is large: only signed addresses reach it.

    Raises StorageUnavailable.
    """
    _asked(
        lambda target: client().upload_file(
            str(path), settings.S3_BUCKET, target, ExtraArgs={"ContentType": "application/zip"}
        ),
        object_key,
    )


def delete_private(object_key: str) -> None:
    """Delete what store_private() stored. Safe to repeat. Raises StorageUnavailable."""
    delete_keys([object_key])


def _asked(ask: Callable[[T], Answer], argument: T) -> Answer:
    try:
        with tracing.timed("s3"):
            return ask(argument)
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404 and _is_of_an_object(error):
            raise NotThere from error
        raise StorageUnavailable from error
    except (BotoCoreError, Boto3Error) as error:
        raise StorageUnavailable from error


def _headers(stem: str) -> dict[str, str]:
    return {"ContentType": "image/jpeg", "CacheControl": PRIVATE_CACHE if is_private(stem) else PUBLIC_CACHE}


def _is_of_an_object(error: ClientError) -> bool:
    # HEAD has no body: "404" is all there is.
    return error.response.get("Error", {}).get("Code") in {"NoSuchKey", "404", "NotFound"}


def _mine() -> tuple[Any, ThreadPoolExecutor]:
    return _made(os.getpid(), settings.S3_ENDPOINT, settings.S3_ACCESS_KEY)


@functools.cache
def _made(*_of: Any) -> tuple[Any, ThreadPoolExecutor]:
    return new_client(), ThreadPoolExecutor(_THREADS, thread_name_prefix="s3")
