"""Where a backup's own files go (manifest, lists, snapshots of Redis): a folder or a bucket, whole or not at all.

Encrypted, if BACKUP_ENCRYPT: AES-256-GCM in pieces of a megabyte, each bound to its place, the last one known as such,
so that what is cut, swapped or changed is noticed. Databases are encrypted by pgBackRest itself.
"""

import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from secrets import token_bytes
from typing import Any, BinaryIO, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from .errors import Failed

_MAGIC = b"IGBK1\n"
_PIECE = 2**20


class Vault(Protocol):
    """A place for files, by names with slashes."""

    def put(self, name: str, file: Path) -> None: ...
    def get(self, name: str, into: Path) -> None: ...
    def folders(self) -> list[str]: ...
    def remove(self, folder: str) -> None: ...


def vault(store: str) -> Vault:
    """Return the vault of a store, "disk" or "s3"."""
    return _Bucket() if store == "s3" else _Folder()


class _Folder:
    """BACKUP_DIR/sets."""

    @property
    def _root(self) -> Path:
        root: Path = settings.BACKUP_DIR / "sets"
        return root

    def put(self, name: str, file: Path) -> None:
        """Copy a file into the vault."""
        target = self._root / name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = target.with_name(f"{target.name}.new")
        shutil.copyfile(file, draft)
        draft.chmod(0o600)
        draft.replace(target)

    def get(self, name: str, into: Path) -> None:
        """Copy a file out of the vault. Raises Failed."""
        try:
            shutil.copyfile(self._root / name, into)
        except FileNotFoundError as error:
            raise Failed(f"{name} is not in {self._root}") from error

    def folders(self) -> list[str]:
        """Return the names of the folders."""
        return sorted(each.name for each in self._root.glob("*") if each.is_dir())

    def remove(self, folder: str) -> None:
        """Remove a folder with all its files."""
        shutil.rmtree(self._root / folder)


class _Bucket:
    """sets/ in BACKUP_S3_BUCKET."""

    def __init__(self) -> None:
        self._client: Any = boto3.session.Session().client(
            "s3",
            endpoint_url=settings.BACKUP_S3_ENDPOINT or None,
            aws_access_key_id=settings.BACKUP_S3_ACCESS_KEY or None,
            aws_secret_access_key=settings.BACKUP_S3_SECRET_KEY or None,
            region_name=settings.BACKUP_S3_REGION,
            verify=(settings.BACKUP_S3_CA_FILE or None) if settings.BACKUP_S3_ENDPOINT else None,
            config=Config(
                s3={"addressing_style": settings.S3_ADDRESSING},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                connect_timeout=5,
                read_timeout=30,
            ),
        )
        self._bucket = settings.BACKUP_S3_BUCKET

    def make(self) -> None:
        """Make the bucket, if it is not there. Raises Failed."""
        try:
            self._client.head_bucket(Bucket=self._bucket)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise Failed(f"the bucket {self._bucket}: {error}") from error
            self._client.create_bucket(Bucket=self._bucket)
        except BotoCoreError as error:
            raise Failed(f"the store of backups does not answer: {error}") from error

    def put(self, name: str, file: Path) -> None:
        """Copy a file into the vault. Raises Failed."""
        with _answering():
            self._client.upload_file(str(file), self._bucket, f"sets/{name}")

    def get(self, name: str, into: Path) -> None:
        """Copy a file out of the vault. Raises Failed."""
        with _answering():
            self._client.download_file(self._bucket, f"sets/{name}", str(into))

    def folders(self) -> list[str]:
        """Return the names of the folders."""
        with _answering():
            return sorted({key.split("/")[1] for key in self._keys("sets/")})

    def remove(self, folder: str) -> None:
        """Remove a folder with all its files."""
        with _answering():
            for key in list(self._keys(f"sets/{folder}/")):
                self._client.delete_object(Bucket=self._bucket, Key=key)

    def _keys(self, prefix: str) -> Iterator[str]:
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            yield from (each["Key"] for each in page.get("Contents", []))


class _answering:  # reads as a verb: with _answering()
    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: Any, error: BaseException | None, _trace: Any) -> None:
        if isinstance(error, BotoCoreError | ClientError | boto3.exceptions.Boto3Error):
            raise Failed(f"the store of backups: {error}") from error


def make_places(stores: list[str]) -> None:
    """Make the bucket and the folder, where they are missing. Raises Failed."""
    for store in stores:
        place = vault(store)
        if isinstance(place, _Bucket):
            place.make()


def sealed(file: Path) -> Path:
    """Return the file as it is stored: encrypted, beside it, if BACKUP_ENCRYPT."""
    if not settings.BACKUP_ENCRYPT:
        return file
    target = file.with_name(f"{file.name}.sealed")
    nonce = token_bytes(16)
    with file.open("rb") as source, target.open("wb") as out:
        out.write(_MAGIC + nonce)
        cipher = AESGCM(_key(nonce))
        for number, piece, last in _pieces(source, _PIECE):
            out.write(cipher.encrypt(_place(number, last), piece, None))
    return target


def unsealed(file: Path) -> Path:
    """Return a stored file's content, in a file beside it if it was encrypted. Raises Failed."""
    with file.open("rb") as source:
        if source.read(len(_MAGIC)) != _MAGIC:
            return file
        cipher = AESGCM(_key(source.read(16)))
        target = file.with_name(f"{file.name}.open")
        with target.open("wb") as out:
            for number, piece, last in _pieces(source, _PIECE + 16):
                try:
                    out.write(cipher.decrypt(_place(number, last), piece, None))
                except InvalidTag as error:
                    raise Failed(f"{file.name} was altered, or BACKUP_KEY is another one") from error
    return target


def _key(nonce: bytes) -> bytes:
    # A key of its own for each file, so that places are nonces enough.
    return HKDF(hashes.SHA256(), 32, salt=nonce, info=b"backup file").derive(settings.BACKUP_KEY.encode())


def _place(number: int, last: bool) -> bytes:
    return struct.pack(">IQ", last, number)


def _pieces(source: BinaryIO, size: int) -> Iterator[tuple[int, bytes, bool]]:
    number, piece = 0, source.read(size)
    while True:
        following = source.read(size)
        yield number, piece, not following
        if not following:
            return
        number, piece = number + 1, following
