"""Every setting is on the settings page, every environment name in the example, no development secret in production."""

import os
import re
import subprocess
import sys

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command

from instagram.settings import base
from monitoring import settings_page

ROOT = django_settings.BASE_DIR
SECRETS = {
    name: f"a-secret-of-the-operator-for-{name.lower()}"
    for name in (
        "SECRET_KEY",
        "TOKEN_KEY",
        "DB_PASSWORD",
        "S3_ACCESS_KEY",
        "S3_SECRET_KEY",
        "CDN_SIGNING_KEY",
        "SERVICE_TOKEN_KEYS",
    )
}


def start_in_production(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "import django; django.setup()"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "instagram.settings.production"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_settings_page_names_every_setting() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()

    names = [name for name in vars(base) if name.isupper() and name != "BASE_DIR"]
    assert [name for name in names if f"| `{name}` |" not in page] == []


def test_the_example_environment_names_everything_that_is_read_from_the_environment() -> None:
    example = (ROOT / ".env.example").read_text()

    sources = "".join(file.read_text() for file in (ROOT / "instagram/settings/parts").glob("*.py"))
    asked = set(re.findall(r'(?:env\.\w+|_port)\(\s*"(\w+)"', sources))
    assert len(asked) > 50
    assert [name for name in sorted(asked) if f"\n#{name}=" not in example] == []


def test_both_pages_say_what_the_settings_say_today() -> None:
    call_command("settings_page", check=True)


def test_every_setting_of_ours_has_a_reason() -> None:
    # What Django defines is explained by Django; a name that reads the environment is a knob of ours.
    bare = [setting.name for setting in settings_page.settings() if setting.environment and not setting.reason]
    assert bare == []


def test_the_example_environment_changes_nothing_when_all_its_lines_are_taken() -> None:
    example = (ROOT / ".env.example").read_text()
    taken = dict(line.removeprefix("#").split("=", 1) for line in example.splitlines() if re.match(r"#[A-Z]\w*=", line))
    # Without this clone's own .env.
    program = """
import environ; environ.Env.read_env = lambda *_: None
import json, instagram.settings.base as base
print(json.dumps({name: value for name, value in vars(base).items() if name.isupper()}, default=str, sort_keys=True))
"""
    printed = [
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "STATE_DIR": ".local"} | environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for environment in ({}, taken)
    ]

    assert printed[0] == printed[1]


def test_production_starts_when_every_secret_is_set() -> None:
    result = start_in_production(SECRETS)

    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("missing", SECRETS)
def test_production_refuses_a_development_secret_and_names_it(missing: str) -> None:
    result = start_in_production({name: value for name, value in SECRETS.items() if name != missing})

    assert result.returncode != 0
    assert f"set {missing} in the environment" in result.stderr
    assert base.DEVELOPMENT_MARK + "-" not in result.stderr
