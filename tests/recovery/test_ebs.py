"""Snapshots of volumes, against moto's EC2."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from django.test import override_settings
from moto import mock_aws

from recovery.backup import ebs
from recovery.backup.errors import Failed, Refused


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    # Images of machines, megabytes of them, are of no use here.
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "moto")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "moto")
    with mock_aws():
        yield boto3.client("ec2", region_name="us-east-1")


def a_volume(ec2: Any) -> str:
    volume: str = ec2.create_volume(AvailabilityZone="us-east-1a", Size=8)["VolumeId"]
    return volume


def snapshots_of(ec2: Any, volume: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ec2.describe_snapshots(Filters=[{"Name": "volume-id", "Values": [volume]}])[
        "Snapshots"
    ]
    return found


def test_each_volume_gets_a_snapshot_that_says_whose_it_is(ec2: Any) -> None:
    volumes = [a_volume(ec2), a_volume(ec2)]

    with override_settings(BACKUP_EBS_VOLUMES=volumes, BACKUP_S3_REGION="us-east-1"):
        lines = ebs.snapshot()

    assert len(lines) == 2
    for volume in volumes:
        (made,) = snapshots_of(ec2, volume)
        assert ebs.TAG in {tag["Key"] for tag in made["Tags"]}


def test_older_snapshots_of_ours_go_and_those_of_others_stay(ec2: Any) -> None:
    volume = a_volume(ec2)
    foreign = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]

    with override_settings(BACKUP_EBS_VOLUMES=[volume], BACKUP_KEEP_FULL=2, BACKUP_S3_REGION="us-east-1"):
        for _ in range(4):
            ebs.snapshot()

    left = [each["SnapshotId"] for each in snapshots_of(ec2, volume)]
    assert len(left) == 3
    assert foreign in left


def test_a_volume_that_is_not_there_fails_in_a_sentence_and_costs_no_older_snapshot(ec2: Any) -> None:
    volume = a_volume(ec2)
    with override_settings(BACKUP_EBS_VOLUMES=[volume], BACKUP_KEEP_FULL=1, BACKUP_S3_REGION="us-east-1"):
        ebs.snapshot()

    with (
        override_settings(BACKUP_EBS_VOLUMES=["vol-0", volume], BACKUP_KEEP_FULL=1, BACKUP_S3_REGION="us-east-1"),
        pytest.raises(Failed, match="EC2"),
    ):
        ebs.snapshot()

    assert len(snapshots_of(ec2, volume)) == 1


def test_without_volumes_nothing_is_begun() -> None:
    with override_settings(BACKUP_EBS_VOLUMES=[]), pytest.raises(Refused):
        ebs.snapshot()
