"""Verbs about logical shards on their way from one server to another. Moving is not in this release: names alone."""

from fabric import task
from invoke import Context, Exit

from deploy.desk import fleet_of, say
from deploy.manage import keeper, manage


@task
def plan(_c: Context) -> None:
    """Show what each server holds (planning a move is not in this release: exit code 2)."""
    fleet = fleet_of()
    try:
        said = manage(fleet, keeper(fleet), "shards", "status", read=True)
    except ConnectionError as error:
        raise Exit(str(error), code=1) from error
    finally:
        fleet.close()
    say(said.text if said.ok else f"{said.host.name}: {said.text[-300:]}")
    raise Exit("shard.plan: moving logical shards is not in this release; nothing was planned", code=2)


@task(help={"shard": "its number", "to": "the server's name"})
def move(_c: Context, shard: str = "", to: str = "") -> None:
    """Move a logical shard to another server (not in this release: exit code 2)."""
    del shard, to
    raise Exit("shard.move: moving logical shards is not in this release; nothing was changed", code=2)
