"""Asking several servers for one page, so that one that is down or frozen costs neither the page nor the others."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from django.conf import settings

from .deadlines import deadline
from .errors import ShardUnavailable
from .shard import Server

log = logging.getLogger(__name__)

Work = TypeVar("Work")
Answer = TypeVar("Answer")


def gather(work: Mapping[Server, Work], ask: Callable[[Server, Work], Answer]) -> dict[Server, Answer]:
    """Return what each server answers to its work; servers that do not answer in time are left out.

    All together have PAGE_READ_BUDGET_S seconds, each an equal share of what is left when its turn comes.
    """
    answers: dict[Server, Answer] = {}
    ends = time.monotonic() + settings.PAGE_READ_BUDGET_S
    for turn, (server, its_work) in enumerate(work.items()):
        try:
            with deadline((ends - time.monotonic()) / (len(work) - turn)):
                answers[server] = ask(server, its_work)
        except ShardUnavailable:
            log.info("a page goes without what is on %s", server.name)
    return answers
