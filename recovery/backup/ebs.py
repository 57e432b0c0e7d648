"""Snapshots of the database hosts' volumes, on AWS: a second way back, by another maker, quick for very large servers.

A snapshot is what a power cut would leave on that volume, so PostgreSQL recovers from it, given data and WAL lie on one
volume. It knows no moment between: pgBackRest's archive does.
"""

from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from .errors import Failed, Refused

#: Marks our snapshots: no other is ever removed.
TAG = "instagram-backup"


def snapshot() -> list[str]:
    """Begin a snapshot of each of BACKUP_EBS_VOLUMES, then remove ours that are too old; return a line for each.

    The newest BACKUP_KEEP_FULL whole ones of each volume stay. Raises Refused, Failed.
    """
    volumes = settings.BACKUP_EBS_VOLUMES
    if not volumes:
        raise Refused("BACKUP_EBS_VOLUMES names no volume.")
    client: Any = boto3.session.Session().client(
        "ec2", region_name=settings.BACKUP_S3_REGION, endpoint_url=settings.BACKUP_EC2_ENDPOINT or None
    )
    label = f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    try:
        # All begun before anything is removed, so that a volume that is refused costs no older snapshot.
        lines = [_begun(client, volume, label) for volume in volumes]
        return lines + [line for volume in volumes for line in _pruned(client, volume)]
    except (ClientError, BotoCoreError) as error:
        raise Failed(f"EC2: {error}") from error


def _begun(client: Any, volume: str, label: str) -> str:
    tags = [{"Key": TAG, "Value": label}, {"Key": "Name", "Value": f"{TAG} {volume} {label}"}]
    made = client.create_snapshot(
        VolumeId=volume,
        Description=f"{TAG} {label}",
        TagSpecifications=[{"ResourceType": "snapshot", "Tags": tags}],
    )
    return f"{volume}: {made['SnapshotId']} begun"


def _pruned(client: Any, volume: str) -> list[str]:
    filters = [{"Name": "volume-id", "Values": [volume]}, {"Name": "tag-key", "Values": [TAG]}]
    pages = client.get_paginator("describe_snapshots").paginate(OwnerIds=["self"], Filters=filters)
    # One that still runs, or failed, counts for nothing: it may never become whole.
    whole = [each for page in pages for each in page["Snapshots"] if each["State"] == "completed"]
    whole.sort(key=lambda each: each["StartTime"], reverse=True)
    for old in whole[settings.BACKUP_KEEP_FULL :]:
        client.delete_snapshot(SnapshotId=old["SnapshotId"])
    return [f"{volume}: {old['SnapshotId']} pruned" for old in whole[settings.BACKUP_KEEP_FULL :]]
