"""The process that decodes: `python -m photos.images.helper FD JSON`, started and ended by pool.py.

It takes one picture after the other from a socket and answers with JPEGs. It is confined before it sees the first:
memory and time are bounded by the kernel, so whatever a file does to a decoder ends this process at worst.
"""

import json
import os
import resource
import select
import signal
import socket
import sys
from typing import Any

from instagram.errors import APIError, TooLarge
from photos.filters import Look

from . import job
from .draw import draw, draw_row
from .fingerprint import fingerprints
from .normalise import prepare

_MB = 1024 * 1024
#: Open files: the standard three, the socket, libraries loaded late.
_OPEN_FILES = 64


def main() -> None:
    """Serve until the other side is gone, nothing came for a while, or enough was done."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    rules = json.loads(sys.argv[2])
    _confine(rules["memory_mb"])
    prepare()
    done = 0
    while select.select([channel], [], [], rules["idle_s"])[0]:
        try:
            facts, image = job.receive(channel, most=rules["max_bytes"])
        except job.Hangup:
            break
        answer, body = _answer(facts, image)
        del image
        done += 1
        answer["last"] = done >= rules["pictures"] or _data_mb() > rules["memory_mb"] / 2
        try:
            job.send(channel, answer, body)
        except job.Hangup:
            break
        if answer["last"]:
            break
    # At once: nothing here is worth tearing down, and who asked waits for the end.
    os._exit(0)


def _answer(facts: dict[str, Any], image: bytearray) -> tuple[dict[str, Any], bytes]:
    limits = job.Limits(**facts["limits"])
    # The default of this signal ends the process, inside C code too.
    signal.setitimer(signal.ITIMER_PROF, limits.cpu_s)
    try:
        return _VERBS[facts["verb"]](image, facts, limits)
    except APIError as error:
        return {"refused": error.message, "too_large": isinstance(error, TooLarge)}, b""
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _render(image: bytearray, facts: dict[str, Any], limits: job.Limits) -> tuple[dict[str, Any], bytes]:
    return job.packed(draw(image, Look(**facts["look"]), limits))


def _preview(image: bytearray, facts: dict[str, Any], limits: job.Limits) -> tuple[dict[str, Any], bytes]:
    return {}, draw_row(image, [Look(**look) for look in facts["looks"]], facts["side"], limits)


def _fingerprints(image: bytearray, facts: dict[str, Any], _: job.Limits) -> tuple[dict[str, Any], bytes]:
    return {"fingerprints": fingerprints(bytes(image), crops=facts["crops"])}, b""


_VERBS = {"render": _render, "preview": _preview, "fingerprints": _fingerprints}


def _confine(memory_mb: int) -> None:
    # Not the address space: libraries and stacks reserve what they never touch.
    resource.setrlimit(resource.RLIMIT_DATA, (memory_mb * _MB, memory_mb * _MB))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    # Ctrl-C goes to everybody at a terminal; this process ends when the other side has ended.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _data_mb() -> float:
    """Return what RLIMIT_DATA counts."""
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123  # a tenth of pathlib's cost
        return int(file.read().split()[5]) * resource.getpagesize() / _MB


if __name__ == "__main__":
    main()
