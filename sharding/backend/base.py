"""Django's PostgreSQL backend, with a breaker and deadlines: every query of every alias passes here, ORM or cursor.

A lost, frozen or refused connection becomes ShardUnavailable and opens the server's breaker; a statement or
lock time-out becomes ShardBusy; a missing schema or table of a shard becomes ShardMoved.
"""

import re
import time
from select import POLLIN, poll
from types import TracebackType
from typing import Any

import psycopg2
from django.conf import settings
from django.db.backends.postgresql import base
from django.db.utils import DatabaseErrorWrapper
from django.utils.functional import cached_property
from psycopg2 import errorcodes
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from instagram import tracing
from sharding import placement
from sharding.breaker import Breaker, breaker_of
from sharding.deadlines import AnswerTimeout, BoundedConnection, deadline
from sharding.errors import ShardBusy, ShardMoved, ShardUnavailable

#: The server is going, gone or not yet there; 08* also covers what PgBouncer says in its own name.
_LOST = {
    errorcodes.ADMIN_SHUTDOWN,
    errorcodes.CRASH_SHUTDOWN,
    errorcodes.CANNOT_CONNECT_NOW,
    errorcodes.TOO_MANY_CONNECTIONS,
    errorcodes.IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
}
#: Seconds of silence that speak against a server; less is the fault of a deadline that was nearly over.
FAIR_WAIT_S = 0.2
_SLOW = {errorcodes.QUERY_CANCELED, errorcodes.LOCK_NOT_AVAILABLE}
_MISSING = {errorcodes.UNDEFINED_TABLE, errorcodes.INVALID_SCHEMA_NAME}
_SHARD_TABLE = re.compile(r'"s\d{4}(\.|")')
_SCHEMA = re.compile(r'"(s\d{4})"')


class _ErrorWrapper(DatabaseErrorWrapper):
    """Django's translation of psycopg2's errors, with ours before it."""

    wrapper: "DatabaseWrapper"

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(exc_value, psycopg2.Error):
            self.wrapper.judge(exc_value)
        super().__exit__(exc_type, exc_value, traceback)


class DatabaseWrapper(base.DatabaseWrapper):
    """One thread's connection to one server, through PgBouncer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Django's own hook around every statement, ORM or cursor.
        self.execute_wrappers.append(self._traced)

    @property
    def server_name(self) -> str:
        """Return the server's name as people say it: the alias, but "main" for the default."""
        return "main" if self.alias == "default" else self.alias

    @cached_property
    def breaker(self) -> Breaker:
        """Return the process's breaker for this server."""
        return breaker_of(self.alias, self.server_name, self._probe)

    @cached_property
    def wrap_database_errors(self) -> _ErrorWrapper:
        """Return the context manager around every call into psycopg2."""
        return _ErrorWrapper(self)

    def judge(self, error: psycopg2.Error) -> None:
        """Raise our own error for what concerns the server rather than the statement; else return."""
        code = error.pgcode
        if isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
            if code in _SLOW:
                self.errors_occurred = True
                raise ShardBusy(self.server_name) from error
            if code is None or code in _LOST or code.startswith("08"):
                self.errors_occurred = True
                # Whoever came with no time left learns nothing of the server.
                if not isinstance(error, AnswerTimeout) or error.waited_s >= FAIR_WAIT_S:
                    self.breaker.trip(str(error))
                self._drop()
                raise ShardUnavailable(self.server_name) from error
        if code in _MISSING and _SHARD_TABLE.search(str(error)):
            placement.forget()
            raise ShardMoved from error

    def get_connection_params(self) -> dict[str, Any]:
        """Return psycopg2's arguments, with the connection class that keeps deadlines."""
        return super().get_connection_params() | {"connection_factory": BoundedConnection}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect, unless the server is known to be unwell."""
        self.breaker.check()
        with deadline(settings.DB_CONNECT_TIMEOUT_S), tracing.timed("connect", self.server_name):
            return super().get_new_connection(conn_params)

    def is_usable(self) -> bool:
        """Return whether the connection to PgBouncer still stands, without a round trip.

        An idle connection has nothing to say: readable means closed, or out of step.
        """
        connection = self.connection
        if connection is None or connection.closed:
            return False
        ready = poll()
        ready.register(connection.fileno(), POLLIN)
        return not ready.poll(0)

    def _cursor(self, name: str | None = None) -> Any:
        self.breaker.check()
        return super()._cursor(name)  # type: ignore[misc]  # Django's own, which its stubs leave out

    def _commit(self) -> None:
        with tracing.timed("commit", self.server_name):
            super()._commit()  # type: ignore[misc]  # Django's own, which its stubs leave out

    def _traced(self, execute: Any, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        """Run a statement and note it. The first one of a transaction also waits for PgBouncer's server connection."""
        trace = tracing.current()
        if trace is None:
            return execute(sql, params, many, context)
        if trace.schemas is not None:
            text = sql if isinstance(sql, str) else sql.as_string(context["cursor"].cursor)
            trace.schemas.update(_SCHEMA.findall(text))
        is_first = self.connection is not None and self.connection.get_transaction_status() == TRANSACTION_STATUS_IDLE
        since = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            seconds = time.perf_counter() - since
            trace.add("sql", self.server_name, seconds)
            if is_first:
                trace.add("sql_first", self.server_name, seconds)

    def _drop(self) -> None:
        """Give the connection up; a transaction around it is left for Django to unwind."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()
        if self.in_atomic_block:
            self.closed_in_transaction = True
            self.needs_rollback = True

    def _probe(self) -> None:
        with deadline(settings.DB_CONNECT_TIMEOUT_S):
            connection = psycopg2.connect(**self.get_connection_params())
            try:
                connection.autocommit = True
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
            finally:
                connection.close()


__all__ = ["DatabaseWrapper"]
