"""Requests to addresses that strangers name: the only way out of this room.

Such an address must not reach what only we can reach (metadata services, databases, neighbours). So: http and https
alone, no credentials, the name resolved once, every address of it public, and the connection made to the very address
that was checked: a second look-up could give another one (DNS rebinding). No redirects, no proxy, a deadline
over everything, a bounded answer. settings.CALLBACKS_MAY_BE_INNER lifts the check of addresses, for development.
"""

import functools
import http.client
import io
import ipaddress
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings

from instagram import tracing
from instagram.errors import InvalidParameters

#: Longest address.
URL_MAX_CHARS = 500
#: Bytes of an answer that are read: a challenge has 32.
ANSWER_MAX_BYTES = 4_096
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_.])?")
#: IPv6 that carries an IPv4 address to somebody who may unpack it (6to4, Teredo), or documents.
_NOT_PLAIN_V6 = [ipaddress.IPv6Network(each) for each in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_RELAY_V4 = ipaddress.IPv4Network("192.88.99.0/24")  # 6to4, long withdrawn


class Unreachable(Exception):
    """No answer came from an address; the sentence says why, in words that tell nothing of our network."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a URL leads."""

    scheme: str
    host: str
    port: int
    #: Path and query, as the request line has them.
    path: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What an address answered; the body is cut at ANSWER_MAX_BYTES."""

    status: int
    body: bytes


def parsed(url: str) -> Address:
    """Read a callback_url. Raises InvalidParameters for what is none of ours to call, whatever it resolves to."""
    if len(url) > URL_MAX_CHARS:
        raise InvalidParameters(f"callback_url: at most {URL_MAX_CHARS} characters")
    if re.search(r"[\s\x00-\x1f\x7f\\]", url):
        raise InvalidParameters("callback_url: not a valid URL")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidParameters("callback_url: not a valid URL") from None
    if parts.scheme not in _PORTS:
        raise InvalidParameters("callback_url: must begin with http:// or https://")
    if "@" in parts.netloc:
        raise InvalidParameters("callback_url: must not contain a user name or password")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    if parts.query:
        path += "?" + quote(parts.query, safe="/?%:@!$&'()*+,;=~-._[]")
    return Address(parts.scheme, _host(parts.hostname or ""), _PORTS[parts.scheme] if port is None else port, path)


def send(
    verb: str, address: Address, *, path: str = "", headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> Reply:
    """Make one request and return what came back, whatever its status. Raises Unreachable.

    path: instead of the address's. Cost: CALLBACK_TIMEOUT_S at most, look-up and TLS included.
    """
    ends = time.monotonic() + settings.CALLBACK_TIMEOUT_S
    try:
        with tracing.timed("http", "callback"), _connected(address, ends) as link:
            connection = http.client.HTTPConnection(address.host, address.port)
            connection.default_port = _PORTS[address.scheme]  # for the Host header
            connection.auto_open = 0  # never open another connection than the checked one
            connection.sock = _Wire(link, ends)
            connection.request(
                verb,
                path or address.path,
                body=body,
                headers={"User-Agent": "Instagram-realtime/1.0", "Connection": "close", **(headers or {})},
            )
            response = connection.getresponse()
            return Reply(response.status, response.read(ANSWER_MAX_BYTES))
    except TimeoutError:
        raise Unreachable("no answer in time") from None
    except ssl.SSLError:
        raise Unreachable("the TLS connection failed") from None
    except (OSError, http.client.HTTPException, ValueError):
        raise Unreachable("no connection, or no HTTP answer") from None


def is_inner(address: str) -> bool:
    """Return whether an IP address is anything but a plain public one."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv4Address):
        return not ip.is_global or ip.is_multicast or ip.is_reserved or ip in _RELAY_V4
    # Of IPv6 the globally routed part alone: IPv4-mapped, NAT64, link-local, private and the like lie outside of it.
    return ip not in _GLOBAL_UNICAST or not ip.is_global or any(ip in network for network in _NOT_PLAIN_V6)


def _host(name: str) -> str:
    """Return a host name in the form DNS and the Host header take, or an IP address. Raises InvalidParameters."""
    try:
        if ":" in name:
            return str(ipaddress.IPv6Address(name.partition("%")[0]))
        host = name if name.isascii() else name.encode("idna").decode().lower()
    except ValueError:  # UnicodeError is one
        host = ""
    if not _HOST.fullmatch(host) or len(host) > 253:
        raise InvalidParameters("callback_url: not a valid URL")
    return host


def _connected(address: Address, ends: float) -> socket.socket:
    """Connect to the first of the host's addresses that answers, all of them checked. Raises OSError, Unreachable."""
    addresses = _look_up(address.host, ends)
    if not settings.CALLBACKS_MAY_BE_INNER and any(is_inner(each) for each in addresses):
        raise Unreachable("no connection, or no HTTP answer")  # as of a closed port: nobody maps our network by it
    failure: OSError = OSError("no address")
    for each in addresses:
        link = socket.socket(socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM)
        try:
            link.settimeout(_left(ends))
            link.connect((each, address.port))
            if address.scheme == "https":
                link.settimeout(_left(ends))
                return _tls().wrap_socket(link, server_hostname=address.host)
        except OSError as error:
            link.close()
            failure = error
        except BaseException:
            link.close()
            raise
        else:
            return link
    raise failure


def _look_up(host: str, ends: float) -> list[str]:
    """Return the IP addresses of a host, each once. Raises OSError, TimeoutError.

    The system's resolver takes no deadline, so it runs beside; one that hangs ends by its own time-out.
    """
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    found: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def resolve() -> None:
        try:
            rows = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            found.put(list(dict.fromkeys(str(row[4][0]) for row in rows)))
        except (OSError, ValueError) as error:
            found.put(OSError(str(error)))

    threading.Thread(target=resolve, name="resolve", daemon=True).start()
    try:
        answer = found.get(timeout=_left(ends))
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def _left(ends: float) -> float:
    seconds = ends - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


@functools.cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


class _Wire:
    """A socket under one deadline for all reads and writes together: drops of a byte each do not prolong it."""

    def __init__(self, link: socket.socket, ends: float) -> None:
        self._link, self._ends = link, ends

    def sendall(self, data: Any) -> None:
        self._link.settimeout(_left(self._ends))
        self._link.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._link, self._ends))

    def close(self) -> None:
        """Leave it to send(): the answer is still to be read."""


class _Reader(io.RawIOBase):
    def __init__(self, link: socket.socket, ends: float) -> None:
        self._link, self._ends = link, ends

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._link.settimeout(_left(self._ends))
        return self._link.recv_into(buffer)
