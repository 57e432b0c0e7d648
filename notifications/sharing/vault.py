"""Credentials of linked accounts, encrypted at rest: who has the database alone cannot post as anybody.

Fernet (AES-128-CBC with HMAC-SHA256) under keys derived from SERVICE_TOKEN_KEYS. The first key encrypts, all of them
decrypt: put a new one in front, run `manage.py reseal_services`, take the old one away. What is sealed names its
person and service, so that a row copied to somebody else opens nothing.
"""

import base64
import functools
from dataclasses import dataclass

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class Unreadable(Exception):
    """None of the keys opens it, or it was sealed for somebody else."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What lets us act for an account. secret: empty where a service has none (OAuth 2)."""

    token: str
    secret: str = ""


def seal(credentials: Credentials, *, user_id: int, service: str) -> str:
    """Return the encrypted text for a person's link to a service."""
    told = [user_id, service, credentials.token, credentials.secret]
    return _keys(settings.SERVICE_TOKEN_KEYS).encrypt(orjson.dumps(told)).decode()


def unseal(sealed: str, *, user_id: int, service: str) -> Credentials:
    """Return what seal() sealed for the same person and service. Raises Unreadable."""
    try:
        told = orjson.loads(_keys(settings.SERVICE_TOKEN_KEYS).decrypt(sealed.encode()))
    except InvalidToken as error:
        raise Unreadable from error
    if told[:2] != [user_id, service]:
        raise Unreadable
    return Credentials(*told[2:])


def reseal(sealed: str) -> str:
    """Return the same under the first key. Raises Unreadable."""
    try:
        return _keys(settings.SERVICE_TOKEN_KEYS).rotate(sealed.encode()).decode()
    except InvalidToken as error:
        raise Unreadable from error


@functools.lru_cache(maxsize=2)
def _keys(texts: str) -> MultiFernet:
    return MultiFernet([Fernet(_derived(text)) for text in texts.replace(" ", "").split(",")])


def _derived(text: str) -> bytes:
    # An operator's key may be any text: HKDF makes 32 bytes of it that serve nothing else.
    kdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"linked services")
    return base64.urlsafe_b64encode(kdf.derive(text.encode()))
