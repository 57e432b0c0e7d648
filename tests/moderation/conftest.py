"""What tests of moderation leave behind must not meet the next one."""

from collections.abc import Iterator

import pytest

from moderation.models import RemovedPrint


@pytest.fixture(autouse=True)
def no_look_alikes() -> Iterator[None]:
    """Forget what was removed: the tests' photographs are all the same, so the next one would be a copy."""
    yield
    RemovedPrint.objects.all().delete()
