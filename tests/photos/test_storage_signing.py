"""Addresses on the CDN: plain, signed for our own edge, signed for CloudFront (verified here, with the public key)."""

import base64
import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.stub import Stubber
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.conf import settings
from django.test import override_settings

from photos import storage
from photos.storage import edge, keys, signing

STEM = "p" + "ab" * 16


@pytest.fixture(scope="module")
def key_pair():
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.public_key(), pem.decode()


@pytest.fixture
def cloudfront(key_pair):
    """Serve through CloudFront; yields the public key."""
    public, pem = key_pair
    with override_settings(
        CDN_KIND="cloudfront",
        CDN_BASE_URL="https://d111.cloudfront.net",
        CLOUDFRONT_KEY_ID="K2ABC",
        CLOUDFRONT_PRIVATE_KEY=pem,
        CLOUDFRONT_DISTRIBUTION_ID="E123",
    ):
        yield public


def unquoted(text: str) -> bytes:
    """Return what CloudFront's own alphabet of base64 says."""
    return base64.b64decode(text.translate(str.maketrans("-_~", "+=/")))


def test_an_address_ends_between_half_an_hour_and_an_hour_after_it_was_made_on_a_half_hour() -> None:
    for now in range(1_800_000_000, 1_800_007_200, 7):
        lives = signing.end_of_addresses(now) - now
        assert 1800 < lives <= 3600
        assert signing.end_of_addresses(now) % 1800 == 0


def test_an_address_stays_the_same_for_half_an_hour() -> None:
    assert len({signing.end_of_addresses(now) for now in range(1_800_000_000, 1_800_001_800)}) == 1


def test_a_public_photos_address_is_plain() -> None:
    assert storage.image_url("ab" * 16, 612) == f"{settings.CDN_BASE_URL}/pub/ab/{'ab' * 16}_7.jpg"


def test_a_private_photos_address_is_signed_and_says_no_stem_of_ours_but_its_own() -> None:
    url = storage.image_url(STEM, 612)

    assert re.fullmatch(rf"{settings.CDN_BASE_URL}/prv/ab/(ab){{16}}_7\.jpg\?expires=\d+&signature=[\w-]{{22}}", url)


def verify(cloudfront, signature: str, policy: bytes) -> None:
    cloudfront.verify(unquoted(signature), policy, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303  # CloudFront's


def test_cloudfronts_signature_is_good_for_all_renditions_of_the_photo_and_nothing_else(cloudfront) -> None:
    parts = urlsplit(storage.image_url(STEM, 612))
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    policy = unquoted(query["Policy"])

    verify(cloudfront, query["Signature"], policy)
    with pytest.raises(InvalidSignature):
        verify(cloudfront, query["Signature"], policy + b" ")
    statement = json.loads(policy)["Statement"][0]
    assert parts.path == f"/prv/ab/{'ab' * 16}_7.jpg"
    assert statement["Resource"] == f"https://d111.cloudfront.net/prv/ab/{'ab' * 16}_*"
    assert statement["Condition"]["DateLessThan"]["AWS:EpochTime"] % 1800 == 0
    assert query["Key-Pair-Id"] == "K2ABC"
    assert urlsplit(storage.image_url(STEM, 150)).query == parts.query


def test_cloudfront_opens_an_archive_by_its_whole_address(cloudfront) -> None:
    query = parse_qs(urlsplit(storage.signed_url("prv/exports/x.zip", expires_at=1_800_000_000)).query)
    policy = unquoted(query["Policy"][0])

    verify(cloudfront, query["Signature"][0], policy)
    assert json.loads(policy)["Statement"][0]["Resource"] == "https://d111.cloudfront.net/prv/exports/x.zip"


def test_a_purge_at_cloudfront_is_an_invalidation_of_the_paths(cloudfront, monkeypatch) -> None:
    paths = [f"/{key}" for key in keys.keys_of(STEM)]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    edge._cloudfront.cache_clear()
    with Stubber(edge._cloudfront()) as stubbed:
        monkeypatch.setattr(edge.uuid, "uuid4", lambda: type("Id", (), {"hex": "one-call"}))
        expected = {
            "DistributionId": "E123",
            "InvalidationBatch": {
                "Paths": {"Quantity": 4, "Items": paths},
                "CallerReference": "one-call",
            },
        }
        stubbed.add_response("create_invalidation", {}, expected)
        assert storage.purge(keys.keys_of(STEM)) == 0
        stubbed.add_client_error("create_invalidation", "TooManyInvalidationsInProgress")
        with pytest.raises(storage.EdgeUnavailable):
            storage.purge(keys.keys_of(STEM))
        stubbed.assert_no_pending_responses()


def test_an_edge_that_is_away_is_said_to_be() -> None:
    with override_settings(CDN_PURGE_ADDRESSES=["127.0.0.1:9"]), pytest.raises(storage.EdgeUnavailable):
        storage.purge(["pub/x.jpg"])
