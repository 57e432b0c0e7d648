"""The HTTP server of the stand-in: finds who answers, and the faults it was steered into."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from . import facebook, flickr, foursquare, pagerduty, tumblr, twitter
from .messages import Answer, Refusal, Request, as_json, read
from .state import State

SERVICES = {
    "twitter": twitter,
    "facebook": facebook,
    "tumblr": tumblr,
    "flickr": flickr,
    "foursquare": foursquare,
    "pagerduty": pagerduty,
}
#: Bytes of a request that are read.
BODY_MAX_BYTES = 20_000_000


@dataclass
class Fault:
    """What goes wrong with the next `times` requests of a service to a path with `path` in it.

    status: answered instead of the service's own, 0: that stays. hold_before_s, hold_after_s: seconds before and after
    it does what was asked, the answer in hand.
    """

    service: str
    path: str = ""
    times: int = 1
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    hold_before_s: float = 0.0
    hold_after_s: float = 0.0


class Social(ThreadingHTTPServer):
    """The stand-in. capture: called with each post."""

    daemon_threads = True

    def __init__(
        self, state: State, *, port: int, capture: Callable[[dict[str, Any]], None], host: str = "127.0.0.1"
    ) -> None:
        super().__init__((host, port), _Handler)
        self.state, self.capture = state, capture
        self.base = f"http://127.0.0.1:{self.server_address[1]}"
        self.faults: list[Fault] = []
        #: "POST api.twitter.com/2/tweets", in the order they came.
        self.asked: list[str] = []
        self._lock = threading.Lock()

    def fault_of(self, service: str, path: str) -> Fault:
        """Return what is to go wrong with a request, a Fault of nothing if all is well."""
        with self._lock:
            for fault in self.faults:
                if fault.service == service and fault.path in path and fault.times > 0:
                    fault.times -= 1
                    return fault
        return Fault(service)

    def answer(self, request: Request) -> Answer:
        """Answer one request."""
        if request.host.startswith("_"):
            return self._steered(request)
        with self._lock:
            self.asked.append(f"{request.method} {request.host}{request.path}")
        for name, module in SERVICES.items():
            if request.host in module.HOSTS:
                fault = self.fault_of(name, request.path)
                time.sleep(fault.hold_before_s)
                if fault.status:
                    return Answer(fault.status, b"{}", headers=fault.headers)
                answer = module.answer(request, self.state, self._take)
                time.sleep(fault.hold_after_s)
                return answer
        return Answer(404, b"no such host", "text/plain")

    def _take(self, service: str, account: str, record: dict[str, Any]) -> int:
        """Keep a post and capture it; the picture of a check-in comes after it, and is in /_posts alone."""
        post_id = self.state.add_post(service, account, record)
        self.capture({"service": service, "account": account, "post_id": post_id} | record)
        return post_id

    def _steered(self, request: Request) -> Answer:
        """/_fault (JSON of a Fault), /_revoke?service=&account=, /_posts?service=, /_asked: for tests and operators."""
        match request.host:
            case "_fault":
                self.faults.append(Fault(**request.json))
            case "_revoke":
                self.state.revoke(request.query["service"], request.query["account"])
            case "_posts":
                return as_json(200, self.state.posts(request.query.get("service", "")))
            case "_asked":
                return as_json(200, self.asked)
            case "_alive":
                pass
            case _:
                return Answer(404, b"no such thing", "text/plain")
        return as_json(200, {})


class _Handler(BaseHTTPRequestHandler):
    server: Social

    def do_GET(self) -> None:
        self._do()

    def do_POST(self) -> None:
        self._do()

    def _do(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > BODY_MAX_BYTES:
            self.send_error(413)
            return
        body = self.rfile.read(length)
        request = read(self.command, self.server.base, self.path, dict(self.headers.items()), body)
        try:
            answer = self.server.answer(request)
        except Refusal as refusal:
            answer = refusal.answer
        except (KeyError, ValueError, TypeError) as error:
            # What the real ones answer to a form that they cannot read.
            answer = Answer(400, json.dumps({"error": f"cannot read this: {error!r}"}).encode())
        try:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)
        except OSError:
            pass  # they hung up

    def log_message(self, *_args: object) -> None:
        """Say nothing: the page of the data centre shows what came."""
