"""docker-compose.yml against stack/description.py: the full data centre, the same parts, started by the same words."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from instagram import topology
from instagram.settings import base
from tests.support.private import ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
#: Services that are no part of the data centre: the shared network, and what runs once.
HELPERS = {"net", "config", "prepare"}
#: Says what the components are where no .env and no PORT_OFFSET change them; the interpreter becomes "python".
_DESCRIBE = """
import json, sys
from stack.description import components
print(json.dumps({
    one.name: {
        "argv": ["python" if word == sys.executable else word for word in one.argv],
        "ports": one.ports, "env": one.env, "app": one.app, "ours": one.ours,
    } for one in components()
}))
"""

needs_compose = pytest.mark.skipif(
    not shutil.which("docker-compose"), reason="docker-compose is not installed: bin/test --faults does"
)


def in_a_container(**more: str) -> dict[str, str]:
    """Return the environment of our image, as far as the stack looks at it."""
    path = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "HOME"}}
    kind = {"STACK_KIND": "full", "PORT_OFFSET": "0", "STATE_DIR": "/state"}
    return path | kind | {"DJANGO_SETTINGS_MODULE": "instagram.settings.development"} | more


def described() -> dict[str, dict[str, Any]]:
    told = subprocess.run(
        [sys.executable, "-c", _DESCRIBE], cwd=ROOT, env=in_a_container(), check=True, capture_output=True, text=True
    ).stdout
    # In the image, the code lies elsewhere.
    found: dict[str, dict[str, Any]] = json.loads(told.replace(str(settings.BASE_DIR), "/srv/instagram"))
    return found


def with_defaults(value: Any) -> Any:
    """Return what Compose makes of ${NAME:-default} where .env says nothing."""
    if isinstance(value, dict):
        return {name: with_defaults(one) for name, one in value.items()}
    return re.sub(r"\$\{\w+:-(.*?)\}", r"\1", value) if isinstance(value, str) else value


DESCRIBED = described()
SERVICES: dict[str, dict[str, Any]] = {name: with_defaults(one) for name, one in COMPOSE["services"].items()}
REPLICAS = [name for name in DESCRIBED if name.startswith("postgres_") and name.endswith("_replica")]


def test_every_component_has_a_service_and_every_service_is_a_component() -> None:
    assert set(SERVICES) - HELPERS == set(DESCRIBED)


@pytest.mark.parametrize("name", sorted(DESCRIBED))
def test_a_service_is_started_with_the_words_of_its_component(name: str) -> None:
    begin = [] if name in REPLICAS else SERVICES[name].get("entrypoint", [])
    program, *words = begin + SERVICES[name]["command"]
    wanted_program, *wanted = DESCRIBED[name]["argv"]

    if name.startswith("postgres_"):  # the image sets itself up through a socket
        wanted += ["-c", "unix_socket_directories=/var/run/postgresql"]
    assert words == wanted
    assert Path(program).name == Path(wanted_program).name


@pytest.mark.parametrize("name", REPLICAS)
def test_a_replica_copies_its_server_before_it_starts(name: str) -> None:
    server = name.removeprefix("postgres_").removesuffix("_replica")

    port = DESCRIBED[f"postgres_{server}"]["ports"][0]
    assert SERVICES[name]["entrypoint"] == ["bash", "/state/etc/replica.sh", str(port), topology.nodes(server)[1].slot]


@pytest.mark.parametrize("name", sorted(DESCRIBED))
def test_a_service_shares_the_network_and_the_state_of_all(name: str) -> None:
    assert SERVICES[name]["network_mode"] == "service:net"
    assert SERVICES[name]["volumes"] == ["state:/state"]
    assert "ports" not in SERVICES[name]


def test_only_what_a_browser_asks_is_reachable_and_from_this_machine_alone() -> None:
    ports = [DESCRIBED[name]["ports"][0] for name in ("haproxy", "nginx_cdn", "stack_page", "social")]

    assert SERVICES["net"]["ports"] == [f"127.0.0.1:{port}:{port}" for port in ports]


def test_a_server_gets_the_environment_of_its_component() -> None:
    wanted = DESCRIBED["seaweedfs"]["env"]

    assert {name: value for name, value in wanted.items() if name != "HOME"} == SERVICES["seaweedfs"]["environment"]
    for name in (name for name in DESCRIBED if name.startswith("postgres_")):
        assert SERVICES[name]["environment"]["POSTGRES_PASSWORD"] == f"{base.DEVELOPMENT_MARK}-superuser"
        assert SERVICES[name]["environment"]["PGDATA"] == f"/state/data/{name}"


def test_servers_are_there_before_the_migrations_and_our_own_code_after_them() -> None:
    assert set(SERVICES["prepare"]["depends_on"]) == {name for name, one in DESCRIBED.items() if not one["app"]}
    for name, component in DESCRIBED.items():
        if component["ours"]:
            assert SERVICES[name]["depends_on"] == {"prepare": {"condition": "service_completed_successfully"}}


def test_images_are_pinned_to_the_versions_of_debian_12() -> None:
    images = {name: SERVICES[name]["image"] for name in SERVICES}

    assert images["postgres_main"] == "postgres:15"
    assert images["haproxy"] == "haproxy:2.6"
    assert {image for image in images.values() if ":" not in image} == {"instagram"}  # built from Dockerfile


def test_our_image_runs_as_nobody_in_particular_but_for_what_ends() -> None:
    *before, last = (ROOT / "Dockerfile").read_text().split("\nFROM ")

    assert any("pip install" in stage for stage in before)
    assert "pip" not in last
    assert re.search(r"^USER instagram$", last, re.M)
    assert {name for name, service in SERVICES.items() if service.get("user") == "root"} == {"config", "prepare"}


@pytest.mark.parametrize("name", sorted(set(SERVICES) - HELPERS))
def test_every_service_says_how_its_health_is_asked(name: str) -> None:
    test = SERVICES[name]["healthcheck"]["test"]

    assert test[0] == "CMD"
    if SERVICES[name]["image"] == "instagram":
        assert test[1:] == ["python", "-m", "stack", "probe", name]
    else:
        assert str(DESCRIBED[name]["ports"][-1 if name == "haproxy" else 0]) in " ".join(test)


@pytest.mark.parametrize("name", ["postgres_main", "redis_1", "memcached_1", "nginx_cdn", "gearmand"])
def test_the_question_for_its_health_is_answered_by_a_server_that_runs_and_by_nothing_else(name: str) -> None:
    def ask(port: int) -> int:
        words = [word.replace("$$", "$") for word in SERVICES[name]["healthcheck"]["test"][1:]]
        words = [re.sub(rf"\b{DESCRIBED[name]['ports'][0]}\b", str(port), word) for word in words]
        env = dict(os.environ)
        if words[0] == "python":
            words[0] = sys.executable
            env["GEARMAND_PORT"] = str(port)
        return subprocess.run(words, capture_output=True, check=False, timeout=20, cwd=ROOT, env=env).returncode

    assert ask(DESCRIBED[name]["ports"][0] + settings.PORT_OFFSET) == 0
    assert ask(9) != 0  # the discard port: nobody listens


#: As an operator writes them into .env.
SECRETS = {
    name: f"{name.lower()}-of-the-operator"
    for name in ("SECRET_KEY", "TOKEN_KEY", "DB_PASSWORD", "S3_ACCESS_KEY", "S3_SECRET_KEY", "SERVICE_TOKEN_KEYS")
    + ("CDN_SIGNING_KEY", "DB_SUPERUSER_PASSWORD", "DB_REPLICATION_PASSWORD")
}


def composed(folder: Path, **variables: str) -> dict[str, Any]:
    """Return the services as docker-compose understands the file, with a .env."""
    (folder / "env").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    env = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    told = subprocess.run(
        ["docker-compose", "-f", ROOT / "docker-compose.yml", "--env-file", folder / "env", "config"],
        env=env,
        check=False,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr
    services: dict[str, Any] = yaml.safe_load(told.stdout)["services"]
    return services


def rendered_in(folder: Path, environment: dict[str, str | None]) -> subprocess.CompletedProcess[str]:
    """Run what the service `config` runs, with its environment."""
    state = folder / "state"
    state.mkdir(exist_ok=True)
    given = {name: value for name, value in environment.items() if value is not None}
    return subprocess.run(
        [sys.executable, "-m", "stack", "render"],
        cwd=ROOT,
        env=in_a_container(**given) | {"STATE_DIR": str(state)},
        check=False,
        capture_output=True,
        text=True,
    )


@needs_compose
def test_docker_compose_takes_it_with_and_without_an_env_file(tmp_path: Path) -> None:
    assert set(composed(tmp_path)) == set(SERVICES)

    services = composed(tmp_path, **SECRETS)
    assert services["postgres_main"]["environment"]["POSTGRES_PASSWORD"] == SECRETS["DB_SUPERUSER_PASSWORD"]
    assert services["seaweedfs"]["environment"]["AWS_SECRET_ACCESS_KEY"] == SECRETS["S3_SECRET_KEY"]


@needs_compose
def test_production_runs_on_secrets_of_one_env_file_and_on_nothing_less(tmp_path: Path) -> None:
    production = {"DJANGO_SETTINGS_MODULE": "instagram.settings.production"}
    whole = composed(tmp_path, **production, **SECRETS)["config"]["environment"]

    assert rendered_in(tmp_path, whole).returncode == 0
    written = (tmp_path / "state" / "etc" / "pgbouncer.users").read_text()
    assert SECRETS["DB_PASSWORD"] in written
    for name in SECRETS:
        refused = rendered_in(tmp_path, whole | {name: None})
        assert refused.returncode == 2, name
        assert len(refused.stderr.strip().splitlines()) == 1
        assert name in refused.stderr
