"""A release as a file: the commit, its name, nothing that is not committed."""

import ast
import re
import subprocess
import sys
import tarfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from deploy import artifact
from tests.support.hosts import commit_of


def test_a_release_holds_the_commit_and_its_own_name(tmp_path):
    commit = commit_of({"hello.txt": "of this commit alone\n"})

    release = artifact.build(commit, into=tmp_path, now=1_330_000_000)

    assert release.name == f"20120223-122640-{commit[:10]}"
    with tarfile.open(release.file) as tar:
        assert tar.extractfile("hello.txt").read() == b"of this commit alone\n"
        assert tar.extractfile("RELEASE").read().decode().strip() == release.name
        assert "manage.py" in tar.getnames()
        assert not [name for name in tar.getnames() if name.startswith((".git/", ".local"))]
    assert artifact.find(release.name, folder=tmp_path) == release


def test_the_same_commit_at_the_same_moment_is_the_same_file(tmp_path):
    first = artifact.build("HEAD", into=tmp_path / "a", now=1_330_000_000).file.read_bytes()
    second = artifact.build("HEAD", into=tmp_path / "b", now=1_330_000_000).file.read_bytes()

    assert first == second


def test_a_release_brings_its_bytecode_and_no_tests(tmp_path):
    release = artifact.build("HEAD", into=tmp_path)

    (tmp_path / "here").mkdir()
    subprocess.run(["tar", "-xzf", str(release.file), "-C", str(tmp_path / "here")], check=True)
    with tarfile.open(release.file) as tar:
        assert not [name for name in tar.getnames() if name.startswith(("tests/", "bench/", "docs/"))]
    (tmp_path / "here/instagram/errors.py").write_text("raise RuntimeError('the source was read')")
    said = subprocess.run(
        ["/usr/bin/python3", "-c", "import instagram.errors as e; print(e.NotFound.__name__, e.__cached__)"],
        cwd=tmp_path / "here", capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout.startswith("NotFound ")


def test_other_requirements_need_another_virtual_environment():
    assert artifact.venv_of("django==5.2\n") != artifact.venv_of("django==5.3\n")


@pytest.mark.parametrize("name", ["20120223-122640-abcdef1", "../../etc/passwd", ""])
def test_a_release_that_was_not_built_is_not_found(tmp_path, name):
    with pytest.raises(artifact.BuildError, match="there is no built release"):
        artifact.find(name, folder=tmp_path)


def test_what_is_no_commit_cannot_be_built(tmp_path):
    with pytest.raises(artifact.BuildError):
        artifact.build("no-such-branch", into=tmp_path)


def test_a_release_imports_nothing_that_its_requirements_do_not_bring():
    brought, asked = set(), (artifact.ROOT / "requirements.txt").read_text().splitlines()
    waiting = [Requirement(line) for line in asked if not line.startswith("#")]
    while waiting:
        name = normal(waiting.pop().name)
        if name not in brought:
            brought.add(name)
            more = [Requirement(each) for each in metadata.requires(name) or []]
            waiting += [each for each in more if each.marker is None or each.marker.evaluate({"extra": ""})]
    owners = metadata.packages_distributions()

    lacking = {
        module: file
        for file in shipped()
        for module in imported(artifact.ROOT / file)
        if module in owners and not brought & {normal(owner) for owner in owners[module]}
    }

    assert lacking == {}


def shipped() -> list[str]:
    """Return the modules that a release holds."""
    files = subprocess.run(["git", "ls-files", "*.py"], cwd=artifact.ROOT, capture_output=True, text=True, check=True)
    return [each for each in files.stdout.split() if not each.startswith(tuple(f"{it}/" for it in artifact.LEFT_OUT))]


def imported(file: Path) -> set[str]:
    """Return the packages that a module imports, anywhere in it, but those of Python itself."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(str(node.module).partition(".")[0])
    return names - sys.stdlib_module_names


def normal(name: str) -> str:
    """Return the name of a distribution as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()
