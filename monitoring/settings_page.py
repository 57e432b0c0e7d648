"""The settings page and the example environment file, written from instagram/settings/parts/ itself.

The `#:` comment above a setting is its reason, the modules run with an empty environment give its default,
and the names it asks the environment for are recorded while they run. So neither page can say anything
the code does not.
"""

import ast
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import environ

ROOT = Path(__file__).resolve().parents[1]
PARTS = "instagram.settings.parts"
#: Longest default shown whole in the table; the source shows the rest.
DEFAULT_MAX_CHARS = 70
PAGE_HEAD = """\
# Settings

Written by `manage.py settings_page` from `instagram/settings/parts/`: change it there. Values come from the
environment, else from a file `.env` beside `manage.py` (`.env.example` names them all), else the default here, which
suits the local data centre. Lists are separated by commas. `PORT_OFFSET` moves every default port at once.

`development.py` is these as they stand; `test.py` and `bench.py` use databases, prefixes and a bucket of their own;
`production.py` refuses to start while a secret still has its development value, and sends cookies over HTTPS alone.
"""
EXAMPLE_HEAD = """\
# Every setting that reads the environment, with its default. Copy to .env and take the # off what you change.
# Written by `manage.py settings_page`; docs/settings.md is the same with everything else.
"""


@dataclass(frozen=True)
class Setting:
    """One name of a part: where it stands, what it is by default, why it is there."""

    section: str
    name: str
    default: Any
    #: The names it reads from the environment, each with its default; empty: it does not.
    environment: tuple[tuple[str, Any], ...]
    reason: str


class _RecordingEnv(environ.Env):
    """An environment that has nothing in it and remembers what it was asked for."""

    asked: dict[str, Any] = {}  # one recording per run, cleared by its reader

    def get_value(
        self, var: Any, cast: Any = None, default: Any = environ.Env.NOTSET, parse_default: bool = False
    ) -> Any:
        type(self).asked[str(var)] = default
        return super().get_value(var, cast=cast, default=default, parse_default=parse_default)

    @classmethod
    def read_env(cls, *_args: Any, **_kwargs: Any) -> None:
        """Read nothing: a developer's own .env is not a default."""


def parts() -> list[str]:
    """Return the names of the parts, in the order in which base.py reads them."""
    source = (ROOT / "instagram" / "settings" / "base.py").read_text()
    return [str(node.module) for node in ast.parse(source).body if isinstance(node, ast.ImportFrom)]


def settings() -> list[Setting]:
    """Return every setting, part by part."""
    _RecordingEnv.asked = {}
    with (
        mock.patch.dict(os.environ, clear=True),
        mock.patch("environ.Env", _RecordingEnv),
        mock.patch.dict(sys.modules),
    ):
        for name in [name for name in sys.modules if name.startswith(PARTS)]:
            del sys.modules[name]
        modules = [import_module(f"instagram.settings.{part}") for part in parts()]
    return [setting for module in modules for setting in _settings_of(module)]


def _settings_of(module: ModuleType) -> Iterator[Setting]:
    source = Path(str(module.__file__)).read_text()
    lines = source.splitlines()
    section = str(module.__doc__).splitlines()[0].rstrip(".")
    for node in ast.parse(source).body:
        if not isinstance(node, ast.Assign):
            continue
        words = [part.value for part in ast.walk(node.value) if isinstance(part, ast.Constant)]
        environment = tuple((word, _RecordingEnv.asked[word]) for word in words if word in _RecordingEnv.asked)
        for target in node.targets:
            if isinstance(target, ast.Name) and target.id.isupper():
                reason = _reason(lines, node.lineno)
                yield Setting(section, target.id, getattr(module, target.id), environment, reason)


def page() -> str:
    """Return docs/settings.md."""
    return PAGE_HEAD + "\n".join(_page_lines()) + "\n"


def example() -> str:
    """Return .env.example."""
    return EXAMPLE_HEAD + "\n".join(_example_lines()) + "\n"


def _page_lines() -> Iterator[str]:
    section = None
    for setting in settings():
        if setting.section != section:
            section = setting.section
            yield f"\n## {section}\n\n| setting | environment | default | why |\n|---|---|---|---|"
        names = ", ".join(f"`{name}`" for name, _ in setting.environment)
        # What Django itself defines has its reasons in Django's documentation.
        reason = setting.reason.replace("|", "\\|")
        yield f"| `{setting.name}` | {names} | {_shown(setting.default)} | {reason} |"


def _example_lines() -> Iterator[str]:
    section = None
    for setting in settings():
        if not setting.environment:
            continue
        if setting.section != section:
            section = setting.section
            yield f"\n# --- {section} ---"
        if setting.reason:
            yield from (f"# {line}" for line in _wrapped(setting.reason))
        yield from (f"#{name}={_in_environment(default)}" for name, default in setting.environment)


def _reason(lines: list[str], number: int) -> str:
    comment: list[str] = []
    for line in reversed(lines[: number - 1]):
        if not line.startswith("#:"):
            break
        comment.insert(0, line.removeprefix("#:").strip())
    return " ".join(comment)


def _relative(value: Any) -> str:
    return str(value).replace(str(ROOT) + "/", "").replace(str(ROOT), ".")


def _shown(value: Any) -> str:
    text = _relative(value) if isinstance(value, str | Path) else _relative(repr(value))
    if not text:
        return "(empty)"
    return f"`{text}`" if len(text) <= DEFAULT_MAX_CHARS else "see the source"


def _in_environment(value: Any) -> str:
    if isinstance(value, dict):
        return ";".join(f"{key}={item}" for key, item in value.items())
    return ",".join(str(item) for item in value) if isinstance(value, list) else _relative(value)


def _wrapped(text: str, width: int = 110) -> Iterator[str]:
    line = ""
    for word in text.split():
        if line and len(line) + len(word) >= width:
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    yield line
