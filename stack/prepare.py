"""What servers need before they start, and what they must hold once they answer."""

import hashlib
import json
import shutil
import subprocess
from contextlib import closing
from pathlib import Path

import psycopg2
from django.conf import settings
from psycopg2 import sql

from instagram import topology
from stack import accounts, paths, probes
from stack.apns import keys
from stack.errors import StackError

#: Twins of each database: the service's, the tests', the benchmarks'.
SUFFIXES = ("", "_test", "_bench")


def data_directory(name: str) -> None:
    """Make a component's data directory, its account's alone."""
    directory = paths.data(name)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    accounts.servers().own(directory)


def store_directories() -> None:
    """Make the object store's data directory and, beside it, the certificate of its port for TLS."""
    data_directory("seaweedfs")
    data_directory("seaweedfs_tls")
    keys.ensure(paths.data("seaweedfs_tls"))
    for file in paths.data("seaweedfs_tls").iterdir():
        accounts.servers().own(file)


def init_postgres(name: str, binaries: Path) -> None:
    """Make a PostgreSQL cluster, unless it is there. Raises StackError."""
    directory = paths.data(name)
    if directory.exists():
        return
    # Under another name until it is whole: a start that was killed in the middle begins anew.
    draft = paths.data(f"{name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    data_directory(draft.name)
    account = accounts.servers()
    password = paths.run(f"{name}.pw")
    account.write(password, settings.DB_SUPERUSER_PASSWORD)
    try:
        # --no-sync: whoever loses power in the first seconds of a new data centre begins anew.
        subprocess.run(
            [str(binaries / "initdb"), "-D", str(draft), "-U", "postgres", "-A", "scram-sha-256"]
            + [f"--pwfile={password}", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"],
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
    draft.rename(directory)


def role_and_databases(name: str, port: int) -> None:
    """Make the service's role, with its time-outs, and its databases, where they are missing or different."""
    role = sql.Identifier(settings.DB_USER)
    time_outs = {
        "statement_timeout": settings.DB_STATEMENT_TIMEOUT_MS,
        "lock_timeout": settings.DB_LOCK_TIMEOUT_MS,
        "idle_in_transaction_session_timeout": settings.DB_IDLE_IN_TRANSACTION_TIMEOUT_MS,
    }
    with closing(
        psycopg2.connect(
            host="127.0.0.1",
            port=port,
            dbname="postgres",
            user="postgres",
            password=settings.DB_SUPERUSER_PASSWORD,
            options="-c synchronous_commit=local",  # its replica starts after this
        )
    ) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT coalesce(rolconfig, '{}') FROM pg_roles WHERE rolname = %s", [settings.DB_USER])
            found = cursor.fetchone()
            if not found:
                cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
            if not found or not _password_holds(port):
                cursor.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(settings.DB_PASSWORD)))
            for setting, milliseconds in time_outs.items():
                if not found or f"{setting}={milliseconds}" not in found[0]:
                    change = sql.SQL("ALTER ROLE {} SET {} = {}")
                    cursor.execute(change.format(role, sql.Identifier(setting), sql.Literal(milliseconds)))
            cursor.execute("SELECT datname FROM pg_database")
            there = {row[0] for row in cursor.fetchall()}
            for database in (name + suffix for suffix in SUFFIXES):
                if database not in there:
                    cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), role))
            if settings.STACK_KIND == "full":
                _replicator(cursor)
            else:
                _without_replica(cursor, name)


def _without_replica(cursor: psycopg2.extensions.cursor, name: str) -> None:
    """Forget that there was a replica; the full data centre makes it anew."""
    # Else every commit would wait for its word, and a slot that nobody reads would keep the log for ever.
    cursor.execute("ALTER SYSTEM RESET synchronous_standby_names")
    cursor.execute("SELECT pg_reload_conf()")
    cursor.execute(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
        " WHERE slot_name = ANY (%s) AND NOT active",
        [[node.slot for node in topology.nodes(name)]],
    )


def _replicator(cursor: psycopg2.extensions.cursor) -> None:
    role, password = sql.Identifier(settings.DB_REPLICATION_USER), sql.Literal(settings.DB_REPLICATION_PASSWORD)
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [settings.DB_REPLICATION_USER])
    verb = sql.SQL("ALTER" if cursor.fetchone() else "CREATE")
    cursor.execute(sql.SQL("{} ROLE {} LOGIN REPLICATION PASSWORD {}").format(verb, role, password))


def _password_holds(port: int) -> bool:
    try:
        probes.query(port, "SELECT 1", "postgres", user=settings.DB_USER, password=settings.DB_PASSWORD)
    except psycopg2.OperationalError:
        return False
    return True


def buckets() -> None:
    """Make the buckets: below pub/ everybody reads objects by name, below prv/ the CDN edge alone; nobody lists."""
    policies = {bucket: _policy(bucket) for bucket in (settings.S3_BUCKET, "test", "bench")}
    missing = [bucket for bucket, policy in policies.items() if not _serves(bucket, policy)]
    if not missing:
        return
    # Imported late: it takes a third of a second and 30 MB, and is needed once in the life of a data centre.
    import boto3  # noqa: PLC0415  # see above
    from botocore.config import Config  # noqa: PLC0415  # see above
    from botocore.exceptions import ClientError  # noqa: PLC0415  # see above

    store = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{settings.S3_PORT}",
        aws_access_key_id=settings.S3_ACCESS_KEY,
        aws_secret_access_key=settings.S3_SECRET_KEY,
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, connect_timeout=2, read_timeout=5),
    )
    for bucket in missing:
        try:
            store.create_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"BucketAlreadyExists", "BucketAlreadyOwnedByYou"}:
                raise
        store.put_bucket_policy(Bucket=bucket, Policy=policies[bucket])
        known = _known_object(policies[bucket])
        store.put_object(Bucket=bucket, Key=known, Body=b"ready\n", ContentType="text/plain")
        # A port that answers is not a store that serves: what was put must come back.
        probes.http(settings.S3_PORT, f"/{bucket}/{known}")(0)


def _policy(bucket: str) -> str:
    read = {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"]}
    # What the edge says in a header is known to it and to us.
    by_the_edge = {"Condition": {"StringEquals": {"aws:Referer": settings.CDN_SIGNING_KEY}}}
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                read | {"Resource": [f"arn:aws:s3:::{bucket}/pub/*"]},
                read | {"Resource": [f"arn:aws:s3:::{bucket}/prv/*"]} | by_the_edge,
            ],
        }
    )


def _known_object(policy: str) -> str:
    """Return an object that can be asked for where this policy holds: another policy, another object."""
    return f"pub/ready-{hashlib.sha256(policy.encode()).hexdigest()[:16]}.txt"


def _serves(bucket: str, policy: str) -> bool:
    try:
        probes.http(settings.S3_PORT, f"/{bucket}/{_known_object(policy)}")(0)
    except probes.NotReadyError:
        return False
    return True
