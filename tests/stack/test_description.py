"""The description of the data centre: complete, consistent, rendered from settings."""

import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import override_settings

from stack import render
from stack.description import components, every_component
from stack.errors import StackError
from tests.support.private import default_ports


@pytest.fixture(params=["lean", "full"], autouse=True)
def kind(request: pytest.FixtureRequest) -> Iterator[str]:
    """Both data centres."""
    with override_settings(STACK_KIND=request.param):
        yield request.param


def test_every_template_renders_without_a_hole() -> None:
    for name, text in render.files().items():
        assert not re.search(r"@[A-Z][A-Z0-9_]+@", text), name


def test_every_component_has_a_name_and_ports_of_its_own() -> None:
    names = [component.name for component in components()]
    ports = [port for component in components() for port in component.ports]

    assert len(names) == len(set(names))
    assert len(ports) == len(set(ports))


def test_the_ports_of_the_descriptions_are_those_of_the_settings() -> None:
    described = {port - settings.PORT_OFFSET for component in every_component() for port in component.ports}
    assert sorted(described) == sorted(default_ports())


def test_a_component_waits_only_for_those_before_it() -> None:
    seen: set[str] = set()
    for component in components():
        assert set(component.after) <= seen, component.name
        seen.add(component.name)


def test_nothing_listens_beyond_this_machine() -> None:
    texts = [*render.files().values(), *(" ".join(component.argv) for component in components())]

    for text in texts:
        assert "0.0.0.0" not in text  # noqa: S104  # that is what is looked for
        for address in re.findall(r"(?:listen|bind)(?:_addr|_addresses)?\s*=?\s*'?([\d.*]+)", text):
            assert address == "127.0.0.1"


def test_another_number_of_workers_is_another_description() -> None:
    before = render.fingerprint()

    with override_settings(WORKERS_FEED=3):
        assert [component.name for component in components() if "feed" in component.name] == [
            "worker_feed_1",
            "worker_feed_2",
            "worker_feed_3",
            "worker_feed_large_1",
        ]
        assert render.fingerprint() != before
    assert render.fingerprint() == before


def test_a_secret_that_would_break_a_configuration_file_is_refused_by_name() -> None:
    with (
        override_settings(CDN_SIGNING_KEY='"; include /etc/passwd; #'),
        pytest.raises(StackError, match="CDN_SIGNING_KEY"),
    ):
        render.fingerprint()
