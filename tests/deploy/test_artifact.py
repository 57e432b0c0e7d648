"""A release as a file: the commit, its name, nothing that is not committed."""

import subprocess
import tarfile

import pytest

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
