"""What servers need before they start, and what they must hold once they answer."""

import subprocess
from contextlib import closing
from pathlib import Path

import boto3
import psycopg2
from botocore.config import Config
from botocore.exceptions import ClientError
from django.conf import settings
from psycopg2 import sql

from stack import accounts, paths, probes
from stack.errors import StackError

#: Twins of each database and bucket: the service's, the tests', the benchmarks'.
SUFFIXES = ("", "_test", "_bench")
BUCKETS = ("photos", "test", "bench")


def data_directory(name: str) -> None:
    """Make a component's data directory, its account's alone."""
    directory = paths.data(name)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    accounts.servers().own(directory)


def init_postgres(name: str, binaries: Path) -> None:
    """Make a PostgreSQL cluster, unless it is there."""
    directory = paths.data(name)
    if (directory / "PG_VERSION").exists():
        return
    data_directory(name)
    password = paths.run(f"{name}.pw")
    password.write_text(settings.DB_SUPERUSER_PASSWORD)
    password.chmod(0o600)
    account = accounts.servers()
    account.own(password)
    try:
        subprocess.run(
            [binaries / "initdb", "-D", directory, "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={password}"]
            + ["-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"],
            check=True,
            capture_output=True,
            text=True,
            cwd="/",
            **account.popen_arguments(),
        )
    except subprocess.CalledProcessError as error:
        raise StackError(f"initdb failed for {name}: {error.stderr.strip().splitlines()[-1]}") from error
    finally:
        password.unlink()


def role_and_databases(name: str, port: int) -> None:
    """Make the service's role, with its time-outs, and its databases, where they are missing."""
    role, times = sql.Identifier(settings.DB_USER), settings
    with closing(
        psycopg2.connect(
            host="127.0.0.1", port=port, dbname="postgres", user="postgres", password=settings.DB_SUPERUSER_PASSWORD
        )
    ) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [settings.DB_USER])
            if not cursor.fetchone():
                cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
            cursor.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(settings.DB_PASSWORD)))
            for setting, milliseconds in (
                ("statement_timeout", times.DB_STATEMENT_TIMEOUT_MS),
                ("lock_timeout", times.DB_LOCK_TIMEOUT_MS),
                ("idle_in_transaction_session_timeout", times.DB_IDLE_IN_TRANSACTION_TIMEOUT_MS),
            ):
                cursor.execute(
                    sql.SQL("ALTER ROLE {} SET {} = {}").format(
                        role, sql.Identifier(setting), sql.Literal(milliseconds)
                    )
                )
            cursor.execute("SELECT datname FROM pg_database")
            there = {row[0] for row in cursor.fetchall()}
            for suffix in SUFFIXES:
                if name + suffix not in there:
                    cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name + suffix), role))


def buckets() -> None:
    """Make the buckets, readable object by object by everybody (the CDN edge), listable by nobody."""
    store = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{settings.S3_PORT}",
        aws_access_key_id=settings.S3_ACCESS_KEY,
        aws_secret_access_key=settings.S3_SECRET_KEY,
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, connect_timeout=2, read_timeout=5),
    )
    for bucket in BUCKETS:
        try:
            store.create_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"BucketAlreadyExists", "BucketAlreadyOwnedByYou"}:
                raise
        policy = (
            '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":["s3:GetObject"],'
            f'"Resource":["arn:aws:s3:::{bucket}/*"]}}]}}'
        )
        store.put_bucket_policy(Bucket=bucket, Policy=policy)
        store.put_object(Bucket=bucket, Key="pub/ready.txt", Body=b"ready\n", ContentType="text/plain")
    # A port that answers is not a store that serves: what was put must come back.
    probes.http(settings.S3_PORT, "/photos/pub/ready.txt")(0)
