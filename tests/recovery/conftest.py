"""A full data centre for the tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.faults import Person, sign_up
from tests.support.private import PrivateStack, running_private_stack


@pytest.fixture(scope="package")
def full() -> Iterator[PrivateStack]:
    """A full data centre, started once for this folder; what a test breaks, it mends."""
    with running_private_stack("--full") as stack:
        yield stack


@pytest.fixture(scope="package")
def people(full: PrivateStack) -> dict[str, list[Person]]:
    """Two people of each shard server."""
    return sign_up(full, each=2)
