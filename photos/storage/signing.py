"""Addresses on the CDN: plain ones, and ones that end, by whichever CDN there is (settings.CDN_KIND).

Signed when presented, never cached: what memcached and the databases keep are stems. An address is the same for half
its life, so that a client asks once for what it sees twice; the signature is no part of the edge's cache key.
"""

import base64
import functools
import hashlib
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings

from .keys import folder, is_private, key

#: Photos whose signature is kept until the address changes: a page's, many times over.
_REMEMBERED = 10_000


def image_url(stem: str, side: int) -> str:
    """Return the rendition's address on the CDN; of a private photo one that ends within PRIVATE_URL_S."""
    if not is_private(stem):
        return f"{settings.CDN_BASE_URL}/{key(stem, side)}"
    expires_at = end_of_addresses(time.time())
    if settings.CDN_KIND == "cloudfront":
        # One signature for all renditions of a photo: RSA is dear.
        address = f"{settings.CDN_BASE_URL}/{key(stem, side)}"
        return f"{address}?{_cloudfront_query(f'{settings.CDN_BASE_URL}/{folder(stem)}_*', expires_at)}"
    return signed_url(key(stem, side), expires_at=expires_at)


def end_of_addresses(now: float) -> int:
    """Return when addresses signed now end, epoch seconds: between half of PRIVATE_URL_S and all of it from now.

    On full half hours with the default. On full hours an address of 12:59 would end in a minute, before the page has
    loaded, or live for longer than an hour.
    """
    step = max(settings.PRIVATE_URL_S // 2, 1)
    return (int(now) // step + 2) * step


def signed_url(object_key: str, *, expires_at: int) -> str:
    """Return a private object's address on the CDN, good until expires_at, epoch seconds."""
    address = f"{settings.CDN_BASE_URL}/{object_key}"
    if settings.CDN_KIND == "cloudfront":
        return f"{address}?{_cloudfront_query(address, expires_at)}"
    # nginx/cdn.conf checks it; its secure_link knows no other digest.
    secret = f"{expires_at}{urlsplit(address).path} {settings.CDN_SIGNING_KEY}"
    digest = hashlib.md5(secret.encode(), usedforsecurity=False).digest()
    signature = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return f"{address}?expires={expires_at}&signature={signature}"


@functools.lru_cache(_REMEMBERED)
def _cloudfront_query(resource: str, expires_at: int) -> str:
    """Return the query that opens `resource`, which may hold a *, until expires_at."""
    signer = _signer(settings.CLOUDFRONT_KEY_ID, settings.CLOUDFRONT_PRIVATE_KEY)
    policy = signer.build_policy(resource, datetime.fromtimestamp(expires_at, UTC))
    url: str = signer.generate_presigned_url("", policy=policy)
    return url.removeprefix("?")


@functools.cache
def _signer(key_id: str, pem: str) -> Any:
    private_key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(private_key, rsa.RSAPrivateKey):
        raise TypeError("CLOUDFRONT_PRIVATE_KEY is not an RSA key")
    # SHA-1 is the only digest that CloudFront checks.
    return CloudFrontSigner(
        key_id,
        lambda message: private_key.sign(message, padding.PKCS1v15(), hashes.SHA1()),  # noqa: S303  # CloudFront's
    )
