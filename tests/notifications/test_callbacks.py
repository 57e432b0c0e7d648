"""Requests to strangers' addresses: what is refused, what is checked, how long it may take."""

import os
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest
from django.conf import settings as django_settings

from instagram.errors import InvalidParameters
from notifications import callbacks
from notifications.callbacks import Unreachable, is_inner, parsed, send
from tests.instagram.test_settings import SECRETS
from tests.support.callbacks import an_application


@pytest.fixture
def application():
    with an_application() as application:
        application.challenge = lambda request: (200, {}, b"hello")
        yield application


def resolving(monkeypatch, answers):
    """Let names resolve to each list of addresses in turn, the last one for ever; return the names asked for."""
    asked = []

    def getaddrinfo(host, *_args, **_kwargs):
        asked.append(host)
        addresses = answers[min(len(asked), len(answers)) - 1]
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 0))
            for each in addresses
        ]

    monkeypatch.setattr(callbacks.socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.0.9", "0.0.0.0",  # noqa: S104  # to be refused, not listened on
        "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9",
        "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "192.88.99.1",
        "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1",
        "fe80::1", "fec0::1", "fc00::1", "fd12:3456::1", "ff02::1", "2001::7f00:1", "2001:db8::1", "2002:7f00:1::",
        "100::1", "3fff::1", "4000::1",
    ],
)  # fmt: skip
def test_no_inner_address_passes(address):
    assert is_inner(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::200e"])
def test_public_addresses_pass(address):
    assert not is_inner(address)


@pytest.mark.parametrize(
    "url",
    [
        "", "hook", "//app.example/hook", "ftp://app.example/", "file:///etc/passwd", "gopher://app.example/",
        "javascript:alert(1)", "http://", "http:///hook", "http://user:word@app.example/", "http://user@app.example/",
        "http://@app.example/", "http://app.example:x/", "http://app.example:70000/", "http://[::1/", "http://[zz]/",
        "http://app.example\\@127.0.0.1/", "http://app.exa\tmple/", "http://app.example/a b", "http://app.example/\r\n",
        "http://127.0.0.1%2f/", "http://a..\u2024b/", "http://-a/", "http://app.example/" + "x" * 500,
    ],
)  # fmt: skip
def test_addresses_that_are_no_callback_are_named(url):
    with pytest.raises(InvalidParameters, match="callback_url: "):
        parsed(url)


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("http://App.Example", "app.example", 80, "/"),
        ("HTTPS://app.example/hook?x=1&y=[2]", "app.example", 443, "/hook?x=1&y=[2]"),
        ("http://app.example:8080/h%C3%A9#top", "app.example", 8080, "/h%C3%A9"),
        ("http://bücher.example/grüße", "xn--bcher-kva.example", 80, "/gr%C3%BC%C3%9Fe"),
        ("http://[2606:4700::1111]:81/", "2606:4700::1111", 81, "/"),
    ],
)
def test_addresses_are_read_as_written(url, host, port, path):
    address = parsed(url)

    assert (address.host, address.port, address.path) == (host, port, path)


def test_the_inner_network_is_allowed_in_development_alone(application, settings):
    assert send("GET", parsed(application.url)).body == b"hello"

    settings.CALLBACKS_MAY_BE_INNER = False
    with pytest.raises(Unreachable):
        send("GET", parsed(application.url))
    assert len(application.requests) == 1


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0"])
def test_other_spellings_of_loopback_are_refused(application, settings, host):
    settings.CALLBACKS_MAY_BE_INNER = False

    with pytest.raises(Unreachable):
        send("GET", parsed(f"http://{host}:{application.port}/"))
    assert application.requests == []


def test_a_name_with_one_inner_address_among_public_ones_is_refused(application, settings, monkeypatch):
    settings.CALLBACKS_MAY_BE_INNER = False
    resolving(monkeypatch, [["8.8.8.8", "127.0.0.1"]])

    with pytest.raises(Unreachable):
        send("GET", parsed(f"http://hook.example:{application.port}/"))
    assert application.requests == []


def test_the_address_that_was_checked_is_the_one_connected_to(application, settings, monkeypatch):
    settings.CALLBACKS_MAY_BE_INNER = False
    settings.CALLBACK_TIMEOUT_S = 0.5
    asked = resolving(monkeypatch, [["192.0.2.1"], ["127.0.0.1"]])
    monkeypatch.setattr(callbacks, "is_inner", lambda address: address == "127.0.0.1")

    with pytest.raises(Unreachable):  # a second look-up would have led to our application
        send("GET", parsed(f"http://hook.example:{application.port}/"))
    assert asked == ["hook.example"]
    assert application.requests == []


def test_the_host_header_is_the_name_and_port_of_the_url(application, monkeypatch):
    resolving(monkeypatch, [["127.0.0.1"]])
    send("GET", parsed(f"http://hook.example:{application.port}/hook"))

    assert application.requests[0].headers["Host"] == f"hook.example:{application.port}"


def test_the_next_address_is_tried_when_the_first_takes_no_connection(application, monkeypatch):
    resolving(monkeypatch, [["::1", "127.0.0.1"]])

    assert send("GET", parsed(f"http://hook.example:{application.port}/")).status == 200


def test_redirects_are_not_followed(application):
    application.challenge = lambda request: (302, {"Location": f"{application.url}/elsewhere"}, b"")

    assert send("GET", parsed(application.url)).status == 302
    assert len(application.requests) == 1


def test_proxies_of_the_environment_are_not_used(application, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert send("GET", parsed(application.url)).status == 200


def test_of_a_long_answer_only_the_beginning_is_read(application):
    application.challenge = lambda request: (200, {}, b"x" * 10_000_000)

    assert len(send("GET", parsed(application.url)).body) == callbacks.ANSWER_MAX_BYTES


def test_dripping_bytes_do_not_prolong_the_deadline(application, settings):
    settings.CALLBACK_TIMEOUT_S = 0.3
    application.drip_s = 0.05
    application.challenge = lambda request: (200, {}, b"x" * 100)
    began = time.monotonic()

    with pytest.raises(Unreachable, match="in time"):
        send("GET", parsed(application.url))
    assert time.monotonic() - began < 1.5


def test_a_server_that_never_answers_costs_the_deadline_and_no_more(settings):
    settings.CALLBACK_TIMEOUT_S = 0.3
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Unreachable, match="in time"):
        send("GET", parsed(f"http://127.0.0.1:{silent.getsockname()[1]}/"))


def test_a_resolver_that_hangs_costs_the_deadline_and_no_more(settings, monkeypatch):
    settings.CALLBACK_TIMEOUT_S = 0.3
    hanging = threading.Event()
    monkeypatch.setattr(callbacks.socket, "getaddrinfo", lambda *_args, **_kwargs: [][: hanging.wait(5)])
    try:
        with pytest.raises(Unreachable, match="in time"):
            send("GET", parsed("http://hook.example/"))
    finally:
        hanging.set()


def test_what_is_no_http_is_unreachable():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            link, _ = server.accept()
            with link:
                link.recv(1000)
                link.sendall(b"220 smtp.example ESMTP\r\n")

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(Unreachable):
            send("GET", parsed(f"http://127.0.0.1:{server.getsockname()[1]}/"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificate")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=hook.example"
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=DNS:hook.example", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
def secure_application(certificate, monkeypatch):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    names = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    resolving(monkeypatch, [["127.0.0.1"]])
    with an_application(tls=context) as application:
        application.challenge = lambda request: (200, {}, b"hello")
        application.names = names
        yield application


def trusting(certificate, monkeypatch):
    context = ssl.create_default_context(cafile=certificate[0])
    monkeypatch.setattr(callbacks, "_tls", lambda: context)


def test_https_names_the_host_and_checks_its_certificate(secure_application, certificate, monkeypatch):
    trusting(certificate, monkeypatch)
    reply = send("GET", parsed(f"https://hook.example:{secure_application.port}/hook"))

    assert reply.body == b"hello"
    assert secure_application.names == ["hook.example"]
    assert secure_application.requests[0].headers["Host"] == f"hook.example:{secure_application.port}"


def test_a_certificate_nobody_vouches_for_is_refused(secure_application):
    with pytest.raises(Unreachable, match="TLS"):
        send("GET", parsed(f"https://hook.example:{secure_application.port}/hook"))
    assert secure_application.requests == []


def test_a_certificate_of_another_name_is_refused(secure_application, certificate, monkeypatch):
    trusting(certificate, monkeypatch)

    with pytest.raises(Unreachable, match="TLS"):
        send("GET", parsed(f"https://other.example:{secure_application.port}/hook"))
    assert secure_application.requests == []


def test_production_refuses_the_inner_network_whatever_the_environment_says():
    result = subprocess.run(
        [sys.executable, "-c", "from django.conf import settings; print(settings.CALLBACKS_MAY_BE_INNER)"],
        cwd=django_settings.BASE_DIR,
        env={
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "instagram.settings.production",
            "CALLBACKS_MAY_BE_INNER": "true",
        }
        | SECRETS,
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout == "False\n"
