"""Nothing that an earlier run left on is on."""

import pytest

from tests.support.switched import all_off


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_on(test_databases: None) -> None:
    all_off()
