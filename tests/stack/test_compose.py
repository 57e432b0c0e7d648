"""docker-compose.yml against stack/description.py: the same parts, started by the same words."""

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.test import override_settings

from stack.description import Component, components

pytestmark = pytest.mark.skipif(settings.PORT_OFFSET != 0, reason="docker-compose.yml states ports without PORT_OFFSET")

COMPOSE = yaml.safe_load((settings.BASE_DIR / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
#: Services that are no part of the data centre: the shared network, and what runs once.
HELPERS = {"net", "config", "prepare"}


def described() -> dict[str, Component]:
    # In containers state is a volume and the code lies elsewhere.
    with override_settings(STATE_DIR=Path("/state"), BASE_DIR=Path("/srv/instagram")):
        return {component.name: component for component in components()}


def test_every_component_has_a_service_and_every_service_is_a_component() -> None:
    assert set(SERVICES) - HELPERS == set(described())


@pytest.mark.parametrize("name", sorted(described()))
def test_a_service_is_started_with_the_words_of_its_component(name: str) -> None:
    program, *words = SERVICES[name].get("entrypoint", []) + SERVICES[name]["command"]
    wanted_program, *wanted = described()[name].argv

    if name.startswith("postgres_"):  # the image sets itself up through a socket
        wanted += ["-c", "unix_socket_directories=/var/run/postgresql"]
    assert words == wanted
    assert Path(program).name == ("python" if wanted_program == sys.executable else Path(wanted_program).name)


@pytest.mark.parametrize("name", sorted(described()))
def test_a_service_shares_the_network_and_the_state_of_all(name: str) -> None:
    assert SERVICES[name]["network_mode"] == "service:net"
    assert SERVICES[name]["volumes"] == ["state:/state"]
    assert "ports" not in SERVICES[name]


def test_only_what_a_browser_asks_is_reachable_and_from_this_machine_alone() -> None:
    with override_settings(PORT_OFFSET=0):
        ports = [described()[name].ports[0] for name in ("nginx_app", "nginx_cdn", "stack_page", "social")]

    assert SERVICES["net"]["ports"] == [f"127.0.0.1:{port}:{port}" for port in ports]


def test_a_server_gets_the_environment_of_its_component() -> None:
    wanted = described()["seaweedfs"].env

    assert {name: value for name, value in wanted.items() if name != "HOME"} == SERVICES["seaweedfs"]["environment"]
    for name in ("postgres_main", "postgres_shard_a", "postgres_shard_b"):
        assert SERVICES[name]["environment"]["POSTGRES_PASSWORD"] == settings.DB_SUPERUSER_PASSWORD
        assert SERVICES[name]["environment"]["PGDATA"] == f"/state/data/{name}"


def test_our_own_code_starts_after_the_migrations() -> None:
    for name, component in described().items():
        if component.app and name != "nginx_app":
            assert SERVICES[name]["depends_on"] == {"prepare": {"condition": "service_completed_successfully"}}


def test_images_are_pinned_to_the_versions_of_debian_12() -> None:
    images = {name: SERVICES[name]["image"] for name in SERVICES}

    assert images["postgres_main"] == "postgres:15"
    assert {image for image in images.values() if ":" not in image} == {"instagram"}  # built from Dockerfile
