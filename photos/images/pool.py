"""The helper processes of this process: started when needed, reused, replaced when they die.

A process that serves requests never runs libvips itself. Each has helpers of its own, by exec and not by fork, so
it does not matter what ran here before; a fork of this process starts its own.
"""

import atexit
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from typing import Any

from django.conf import settings

from instagram.counting import count, observe
from instagram.errors import InvalidParameters, TooLarge

from . import job
from .rendered import DecodingUnavailable

_log = logging.getLogger(__name__)
#: Ends of a helper that somebody else brought about; all others are the picture's fault.
_FROM_OUTSIDE = {-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP}
_MB = 1024 * 1024
#: Nothing of our environment but these: it may hold secrets.
_KEPT_ENVIRONMENT = ("PATH", "LANG", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
_ENVIRONMENT = {
    # libvips puts what is large into temporary files: there it finds no room for any.
    "TMPDIR": "/nonexistent",
    # A rendition's frame (3.5 MB) is used again, what is larger goes back to the system: whatever was decoded,
    # 20 MB stay at most. By default 5 ms more for page faults a picture, and more memory with every larger one.
    "MALLOC_MMAP_THRESHOLD_": str(4 * _MB),
    "MALLOC_TRIM_THRESHOLD_": str(20 * _MB),
    "MALLOC_ARENA_MAX": "1",
}


def ask(facts: dict[str, Any], image: bytes) -> tuple[dict[str, Any], bytearray]:
    """Return a helper's answer about a picture. Raises what the picture is refused with, and DecodingUnavailable.

    facts: what helper.py understands, the limits of now excepted.
    """
    if len(image) > settings.UPLOAD_MAX_BYTES:  # the helper asks again; this one need not travel
        raise TooLarge(f"photo: the file is larger than {settings.UPLOAD_MAX_BYTES // _MB} MB")
    verb, began, result = str(facts["verb"]), time.monotonic(), "unavailable"
    try:
        answer, body = _pool().ask({"limits": asdict(job.Limits.of_settings()), **facts}, image)
        result = "refused" if "refused" in answer else "drawn"
    except InvalidParameters:
        result = "refused"
        raise
    finally:
        count("images", verb=verb, result=result)
    observe("image_seconds", time.monotonic() - began, verb=verb)
    if "refused" in answer:
        raise (TooLarge if answer["too_large"] else InvalidParameters)(answer["refused"])
    return answer, body


def pids() -> list[int]:
    """Return the helpers of this process that live, busy ones too."""
    return [helper.process.pid for helper in _pool().started if helper.process.returncode is None]


class Retired(Exception):
    """The helper had ended by itself before it took the picture."""


class Killed(Exception):
    """Somebody ended the helper: an operator, the kernel when the machine was out of memory."""


class Helper:
    """One helper process and the socket to it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        rules = {
            "memory_mb": settings.IMAGE_HELPER_MB,
            "idle_s": settings.IMAGE_HELPER_IDLE_S,
            "pictures": settings.IMAGE_HELPER_PICTURES,
            "max_bytes": settings.UPLOAD_MAX_BYTES,
        }
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "photos.images.helper", str(theirs.fileno()), json.dumps(rules)],
                cwd=settings.BASE_DIR,
                env={name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ} | _ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self.channel = ours

    def ask(self, facts: dict[str, Any], image: bytes, *, seconds: float) -> tuple[dict[str, Any], bytearray]:
        """Return the answer. Raises Retired, Killed, DecodingUnavailable, InvalidParameters; then it has ended."""
        self.channel.settimeout(seconds)
        try:
            job.send(self.channel, facts, image)
            return job.receive(self.channel, most=job.MOST_JPEG_BYTES)
        except TimeoutError:
            self.end()
            raise DecodingUnavailable from None
        except (job.Hangup, ValueError):
            raise self._fault() from None

    def end(self) -> None:
        """Kill it; it keeps nothing."""
        self.channel.close()
        self.process.kill()
        self.process.wait()

    def _fault(self) -> Exception:
        """Return what its end means for the picture it had."""
        self.channel.close()
        try:
            code = self.process.wait(timeout=1)
        except subprocess.TimeoutExpired:  # it lives and talks nonsense
            self.end()
            code = 1
        if code == 0:
            return Retired()
        _log.warning("A helper process ended with code %d over a picture.", code)
        if code in _FROM_OUTSIDE:
            return Killed()
        if code == -signal.SIGPROF:
            return InvalidParameters(f"photo: decoding takes longer than {settings.IMAGE_CPU_S:g} s")
        return InvalidParameters("photo: the file cannot be decoded")


class Pool:
    """At most settings.IMAGE_HELPERS helpers at once."""

    def __init__(self) -> None:
        self._slots = threading.BoundedSemaphore(settings.IMAGE_HELPERS)
        #: Last used first: what is not needed stays idle and ends.
        self.idle: list[Helper] = []
        #: Those idle and those at work; some that ended, until the next start.
        self.started: list[Helper] = []

    def ask(self, facts: dict[str, Any], image: bytes) -> tuple[dict[str, Any], bytearray]:
        """Return the answer of the next free helper. Raises DecodingUnavailable, InvalidParameters."""
        until = time.monotonic() + settings.IMAGE_WAIT_S
        if not self._slots.acquire(timeout=settings.IMAGE_WAIT_S):
            raise DecodingUnavailable
        killed = 0
        try:
            while True:
                helper = self._next()
                try:
                    answer = helper.ask(facts, image, seconds=max(0.001, until - time.monotonic()))
                except Retired:
                    continue
                except Killed:
                    killed += 1
                    if killed > 1:  # once is bad luck, and no fault of the picture
                        raise DecodingUnavailable from None
                    continue
                if answer[0].get("last"):
                    helper.end()
                else:
                    self.idle.append(helper)
                return answer
        finally:
            self._slots.release()

    def close(self) -> None:
        """End all that are idle."""
        while self.idle:
            self.idle.pop().end()

    def forget(self) -> None:
        """Let go of helpers that are another process's, after a fork."""
        for helper in self.started:
            helper.channel.close()
            helper.process.returncode = 0  # not our child: nothing to wait for

    def _next(self) -> Helper:
        while self.idle:
            try:
                helper = self.idle.pop()
            except IndexError:  # another thread was faster
                break
            if helper.process.poll() is None:
                return helper
            helper.channel.close()
        try:
            helper = Helper()
        except OSError as error:
            _log.exception("No helper process can be started.")
            raise DecodingUnavailable from error
        self.started = [other for other in self.started if other.process.returncode is None] + [helper]
        return helper


_made: Pool | None = None
_making = threading.Lock()


def _pool() -> Pool:
    global _made  # noqa: PLW0603  # one for the process
    with _making:
        if _made is None:
            _made = Pool()
            atexit.register(_made.close)
        return _made


def _after_fork() -> None:
    global _made, _making  # noqa: PLW0603  # the child's own
    _making = threading.Lock()
    if _made is not None:
        _made.forget()
        _made = None


os.register_at_fork(after_in_child=_after_fork)
