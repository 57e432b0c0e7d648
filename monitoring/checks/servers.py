"""Checks of the other servers: Redis, memcached, gearmand, the object store, the push service."""

import socket
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from functools import cache
from typing import Any

import botocore.exceptions
import redis
import redis.backoff
import redis.retry
from django.conf import settings
from pymemcache.client.base import Client as MemcachedClient

from instagram import topology
from notifications.push import apns
from photos.storage.store import new_client

from .running import Unwell


def _address(server: str) -> tuple[str, int]:
    host, _, port = server.rpartition(":")
    return host, int(port)


def map_redis(server: str) -> Callable[[], dict[str, Any]]:
    def check() -> dict[str, Any]:
        host, port = _address(topology.primary_address(server))
        timeout = settings.HEALTH_TIMEOUT_S
        no_retry = redis.retry.Retry(redis.backoff.NoBackoff(), 0)
        with closing(
            redis.Redis(host=host, port=port, socket_timeout=timeout, socket_connect_timeout=timeout, retry=no_retry)
        ) as client:
            # A write would need a key of ours in the map's own space; the role says as much.
            role = client.role()[0]
        if role not in (b"master", "master"):
            raise Unwell("is a replica: writes are not possible")
        return {}

    return check


def memcached(server: str) -> Callable[[], dict[str, Any]]:
    def check() -> dict[str, Any]:
        timeout = settings.HEALTH_TIMEOUT_S
        with closing(MemcachedClient(_address(server), connect_timeout=timeout, timeout=timeout)) as client:
            key, value = f"{settings.CACHE_PREFIX}health:{uuid.uuid4().hex}", uuid.uuid4().bytes
            client.set(key, value, expire=5, noreply=False)
            if client.get(key) != value:
                raise Unwell("does not give back what was stored")
            client.delete(key, noreply=False)
        return {}

    return check


def gearmand(server: str) -> Callable[[], dict[str, Any]]:
    def check() -> dict[str, Any]:
        timeout = settings.HEALTH_TIMEOUT_S
        with closing(socket.create_connection(_address(server), timeout=timeout)) as connection:
            until = time.monotonic() + timeout
            connection.sendall(b"status\n")
            answer = b""
            # A line of a single dot ends the list: function, jobs, of them running, workers that can take them.
            while not (answer == b".\n" or answer.endswith(b"\n.\n")):
                connection.settimeout(max(0.001, until - time.monotonic()))
                received = connection.recv(65536)
                if not received:
                    raise EOFError
                answer += received
        return {"queues": _queues(answer.decode(errors="replace"))}

    return check


def _queues(status: str) -> dict[str, dict[str, int]]:
    """Read gearmand's status lines; only functions of our own namespace count."""
    queues = {}
    for line in status.splitlines():
        parts = line.split("\t")
        if len(parts) == 4 and parts[0].startswith(settings.JOBS_NAMESPACE):
            name = parts[0].removeprefix(settings.JOBS_NAMESPACE)
            if ":" not in name:  # another namespace's, when ours is the empty one
                queues[name] = {
                    "waiting": int(parts[1]) - int(parts[2]),
                    "running": int(parts[2]),
                    "workers": int(parts[3]),
                }
    return queues


@cache
def _s3(_endpoint: str, timeout: float) -> Any:
    # Made once: a boto3 client costs some 50 ms of CPU, and is safe to share among threads. No second attempts.
    return new_client(connect_timeout=timeout, read_timeout=timeout, retries={"total_max_attempts": 1})


def object_store() -> dict[str, Any]:
    """Write a small object, read it back, delete it: a store can list its buckets while its volumes are gone."""
    client = _s3(settings.S3_ENDPOINT, settings.HEALTH_TIMEOUT_S)
    key, value = f"health/{uuid.uuid4().hex}", uuid.uuid4().hex.encode()
    try:
        client.put_object(Bucket=settings.S3_BUCKET, Key=key, Body=value)
        body = client.get_object(Bucket=settings.S3_BUCKET, Key=key)["Body"].read()
        client.delete_object(Bucket=settings.S3_BUCKET, Key=key)
    except botocore.exceptions.ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        words = {403: "refused our credentials", 404: "the bucket is missing"}
        raise Unwell(words.get(status, f"answered with HTTP {status}")) from error
    if body != value:
        raise Unwell("does not give back what was stored")
    return {}


def push() -> dict[str, Any]:
    """See whether our key is still good; Apple itself is not asked: it counts connections."""
    if apns.key_is_refused():
        raise Unwell("our key is refused: pushes wait")
    return {}
