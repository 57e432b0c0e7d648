"""For every test: the `_test` databases, made once and kept; for those that kill servers: a data centre of their own.

Tests commit. They share the databases with earlier runs and with each other, so each signs up people of its own.
"""

import fcntl
import logging
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from pytest_django import DjangoDbBlocker

from sharding import ShardUnavailable
from tests.support.private import PrivateStack, running_private_stack


@pytest.fixture(scope="session")
def django_db_setup() -> None:
    """Keep pytest-django from making databases of its own: PgBouncer knows three per server."""


@pytest.fixture(scope="session", autouse=True)
def test_databases(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Bring the test databases up to date and let every test use them; nothing is rolled back."""
    assert settings.DB_SUFFIX == "_test", "tests run with instagram.settings.test"
    with django_db_blocker.unblock():
        try:
            connection.ensure_connection()
        except ShardUnavailable:
            pytest.exit("the data centre does not run: bin/up --no-demo, or bin/test which starts it", returncode=2)
        lock = settings.STATE_DIR / "run" / "test-databases.lock"
        with lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)  # another run of the tests may be doing the same
            call_command("migrate", interactive=False, verbosity=0)
            call_command("shards", "create", verbosity=0)
        yield
        # A thread that looks at switches meets the end of the data centre when there is no stream to say so any more.
        logging.raiseExceptions = False


@pytest.fixture(scope="session")
def private_stack() -> Iterator[PrivateStack]:
    """A data centre to kill and freeze servers in, with web and workers; tests leave it as whole as they found it."""
    with running_private_stack() as stack:
        yield stack
