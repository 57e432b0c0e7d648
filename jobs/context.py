"""The request on whose behalf something happens."""

from contextvars import ContextVar

#: Set by the door; travels with the jobs that the request enqueues, and with those that they enqueue. For logs alone.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
