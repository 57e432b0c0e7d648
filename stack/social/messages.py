"""A request as a service reads it, and the answers it gives."""

import json
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

JPEG = b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a multipart request."""

    name: str
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """The service says no; the answer says how."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body.decode())
        self.answer = answer


@dataclass(frozen=True)
class Request:
    """One request. url: as it was sent, which is what a signature covers. form, files: of either kind of form."""

    method: str
    url: str
    host: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    form: dict[str, str]
    files: dict[str, Part]

    @property
    def content_type(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def read(method: str, base: str, target: str, headers: dict[str, str], body: bytes) -> Request:
    """Read a request. base: scheme, host and port of this server; target: /<real host>/<path>?<query>."""
    place, _, query = target.partition("?")
    host, _, path = place.removeprefix("/").partition("/")
    kind = headers.get("Content-Type", "")
    form: dict[str, str] = {}
    files: dict[str, Part] = {}
    if kind.startswith("application/x-www-form-urlencoded"):
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    elif kind.startswith("multipart/form-data"):
        form, files = _parts(kind, body)
    values = dict(parse_qsl(query, keep_blank_values=True))
    return Request(method, base + target, host, "/" + path, values, headers, body, form, files)


def as_json(status: int, told: Any) -> Answer:
    """Answer with JSON."""
    return Answer(status, json.dumps(told).encode())


def jpeg_of(request: Request, name: str) -> Part | None:
    """Return a file if it is there and a JPEG by name and content."""
    part = request.files.get(name)
    return part if part and part.content_type == "image/jpeg" and part.body.startswith(JPEG) else None


def _parts(kind: str, body: bytes) -> tuple[dict[str, str], dict[str, Part]]:
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    form: dict[str, str] = {}
    files: dict[str, Part] = {}
    for part in message.iter_parts():
        name = str(part.get_param("name", header="Content-Disposition"))
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)  # noqa: S101  # of a part that has no parts
        if part.get_filename() or part.get_content_type() == "application/json":
            files[name] = Part(part.get_filename() or "", part.get_content_type(), content)
        else:
            form[name] = content.decode()
    return form, files
