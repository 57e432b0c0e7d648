"""The one-off services of docker-compose.yml: `config` renders, `prepare` makes databases and buckets and migrates."""

from django.conf import settings

from stack import paths, processes, render, waiting
from stack.apns import keys
from stack.commands import migrate
from stack.description import components
from stack.errors import ComponentFailed, StackError


def render_for_containers() -> int:
    """Make the configuration and the directories of docker-compose.yml, in a volume that the containers share."""
    if settings.SETTINGS_MODULE.endswith(".production"):
        # The service itself knows neither; production.py looks after the others.
        secrets = ("DB_SUPERUSER_PASSWORD", "DB_REPLICATION_PASSWORD")
        unset = [name for name in secrets if settings.DEVELOPMENT_MARK in getattr(settings, name)]
        if unset:
            raise StackError(f"development secrets in production; set {', '.join(unset)} in .env.")
    paths.make_all()
    for name in ("data", "log", "run", *(f"data/{one.name}" for one in components() if one.ports)):
        folder = paths.state() / name
        folder.mkdir(exist_ok=True)
        # Each image runs its server as an account of its own choosing; the volume is theirs alone.
        folder.chmod(0o777)
    keys.ensure(paths.data("seaweedfs_tls"))
    (paths.data("seaweedfs_tls") / keys.SERVER_KEY).chmod(0o644)  # of another account in each image
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


def probe(name: str) -> int:
    """Ask one component, as its container's health check; return 0. Raises ComponentFailed when it is not well."""
    known = {component.name: component for component in components()}
    if name not in known:
        raise StackError(f"there is no component {name}; there are {', '.join(known)}.")
    try:
        # In a container of its own it is process 1.
        known[name].probe(processes.running(name) or 1)
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ComponentFailed(f"{name} is unwell: {lines[0]}") from error
    return 0
