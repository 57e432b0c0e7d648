"""What can be wrong with a shard. All but the last are APIErrors (503) and Django database errors at once,
so that transactions unwind as Django expects and the door answers as a client expects."""

from django.db import OperationalError, ProgrammingError

from instagram.errors import Unavailable


class ShardUnavailable(Unavailable, OperationalError):
    """The database server is down, frozen or unreachable; while the breaker is open this costs no waiting."""

    def __init__(self, server_name: str) -> None:
        super().__init__()
        self.server_name = server_name


class ShardBusy(ShardUnavailable):
    """The server lives but took too long for this one statement or lock; the breaker stays closed."""


class ShardMoved(Unavailable, ProgrammingError):
    """The schema is not on the server where this process's placement said; the placement is read anew."""


class ShardReadOnly(ShardUnavailable):
    """The shard is not to be written to for a while, on purpose: what may wait waits as for a server that is away."""

    def __init__(self, server_name: str, message: str, *, retry_after_s: int) -> None:
        Unavailable.__init__(self, message)
        self.server_name, self.retry_after_s = server_name, retry_after_s


class ShardKeyRequired(TypeError):
    """A sharded model was used without a shard: a mistake in the code, never in the data."""

    def __init__(self, model: type) -> None:
        name = f"{model.__module__.split('.')[0]}.{model.__name__}"
        super().__init__(
            f"{name} is sharded and cannot be queried without a shard: use shard_of(user_id).model({model.__name__})"
        )
