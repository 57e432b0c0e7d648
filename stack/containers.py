"""The one-off services of docker-compose.yml: `config` renders, `prepare` makes databases and buckets and migrates."""

from stack import paths, render, waiting
from stack.commands import migrate
from stack.description import components


def render_for_containers() -> int:
    """Make the configuration and the directories of docker-compose.yml, in a volume that the containers share."""
    paths.make_all()
    for name in ("data", "log", "run", *(f"data/{one.name}" for one in components() if one.ports)):
        folder = paths.state() / name
        folder.mkdir(exist_ok=True)
        # Each image runs its server as an account of its own choosing; the volume is theirs alone.
        folder.chmod(0o777)
    for name, text in render.files().items():
        paths.etc(name).write_text(text)
    return 0


def prepare_containers() -> int:
    """Make roles, databases and buckets in the servers of docker-compose.yml, then migrate."""
    for component in components():
        if not component.app:
            waiting.wait_for_answer(component)
            component.ready()
    return migrate()
