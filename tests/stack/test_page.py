"""The page of the data centre: what it shows, to whom, and that what people wrote stays text."""

import http.client
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection
from django.test import override_settings

from stack import captures
from stack.page.__main__ import Handler
from stack.page.html import ago, with_links

EVIL = "<script>alert('x')</script>"


@pytest.fixture(autouse=True)
def state(tmp_path: Path) -> Iterator[Path]:
    for name in ("run", "log"):
        (tmp_path / name).mkdir()
    with override_settings(STATE_DIR=tmp_path):
        yield tmp_path


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def get(port: int, path: str, **headers: str) -> tuple[int, str]:
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    link.request("GET", path, headers=headers)
    answer = link.getresponse()
    return answer.status, answer.read().decode()


def a_push(**facts: object) -> dict[str, object]:
    return {
        "status": 200, "reason": "", "token": "ab" * 32, "apns_id": "1", "collapse_id": None,
        "payload": {"aps": {"alert": "tidepool liked your photo", "badge": 3}},
    } | facts  # fmt: skip


def test_the_first_page_names_every_component_and_those_that_are_not_well(port: int) -> None:
    status, page = get(port, "/")

    assert status == 200
    for name in ("postgres_main", "apns", "stack_page", "worker_network_1"):
        assert name in page
    assert "components are not well" in page


def test_pushes_are_shown_as_a_phone_would_newest_first(port: int) -> None:
    captures.append("push", a_push())
    captures.append("push", a_push(payload={"aps": {"alert": f"ben commented: {EVIL}"}}))
    captures.append("push", a_push(status=410, reason="Unregistered", payload={"aps": {"alert": "nobody home"}}))

    _, page = get(port, "/inbox")

    assert "refused: 410 Unregistered" in page
    assert page.index("nobody home") < page.index("ben commented") < page.index("tidepool liked your photo")
    assert '<span class="badge">3</span>' in page
    assert EVIL not in page


def test_of_pushes_with_one_collapse_id_the_newest_stands(port: int) -> None:
    for alert in ("anna liked your photo", "ben and 1 other liked your photo"):
        captures.append("push", a_push(collapse_id="like:7", payload={"aps": {"alert": alert}}))

    _, page = get(port, "/inbox")

    assert page.count("push replaced") == 1
    assert page.index("ben and 1 other") < page.index("push replaced") < page.index("anna liked")


def test_a_phone_of_the_demo_has_a_name(port: int, state: Path) -> None:
    (state / "phones.json").write_text('{"%s": "ben"}' % ("ab" * 32))
    captures.append("push", a_push())

    assert "ben&#x27;s phone" in get(port, "/inbox")[1]


def test_mails_are_readable_with_their_links_and_their_html_in_a_box(port: int) -> None:
    mail = EmailMultiAlternatives(
        f"Your password {EVIL}", "Hello,\nhttp://127.0.0.1:8000/reset?token=7-a.\n\u2028bye", to=["ben@example.com"]
    )
    mail.attach_alternative("<p>Hello</p>", "text/html")
    assert get_connection("stack.mail.CaptureBackend").send_messages([mail]) == 1

    _, page = get(port, "/outbox")

    assert '<a href="http://127.0.0.1:8000/reset?token=7-a">' in page
    assert "to ben@example.com" in page
    assert 'sandbox="allow-popups"' in page
    assert "&lt;p&gt;Hello&lt;/p&gt;" in page
    assert EVIL not in page


def test_shares_are_shown_as_the_service_took_them_with_their_link(port: int) -> None:
    link = "http://127.0.0.1:8000/p/NQp5JGgBQA/"
    share = {"service": "twitter", "account": "anna", "post_id": 1, "text": f"Fog {link}", "image_bytes": 192_710}
    captures.append("share", share | {"alt": EVIL})

    _, page = get(port, "/shares")

    assert "anna at Twitter" in page
    assert f'Fog <a href="{link}">' in page
    assert "with a picture of 192 kB" in page
    assert EVIL not in page


def test_a_share_that_says_little_is_shown_too(port: int) -> None:
    captures.append("share", {"service": None, "headers": {"a": EVIL}})

    _, page = get(port, "/shares")

    assert "somebody at a service" in page
    assert EVIL not in page


@pytest.mark.parametrize("path", ["/inbox", "/outbox", "/shares"])
def test_a_page_with_nothing_to_show_says_so(port: int, path: str) -> None:
    status, page = get(port, path)

    assert status == 200
    assert 'class="lead"' in page


def test_an_unknown_page_is_not_found(port: int) -> None:
    assert get(port, "/etc/passwd")[0] == 404


def test_another_name_for_this_machine_is_refused(port: int) -> None:
    captures.append("mail", {"from": "a", "to": ["b"], "subject": "secret", "text": "secret", "html": ""})

    status, page = get(port, "/outbox", Host="evil.example:8002")

    assert status == 403
    assert "secret" not in page


def test_links_end_before_the_sentence_does() -> None:
    linked = with_links('see http://a.example/b?c=d&e, (http://f.example) & "x"')

    assert '<a href="http://a.example/b?c=d&amp;e">' in linked
    assert '<a href="http://f.example">http://f.example</a>)' in linked
    assert "&quot;x&quot;" in linked


def test_moments_are_told_as_phones_do() -> None:
    assert ago("2020-01-01T00:00:00.000+00:00").endswith("d ago")


def test_captures_of_two_kinds_of_account_can_be_written_by_both(state: Path) -> None:
    captures.append("push", a_push())

    assert (state / "captures" / "push.jsonl").stat().st_mode & 0o777 == 0o666
    assert captures.latest("push")[0]["token"] == "ab" * 32


def test_a_capture_that_was_cut_short_by_a_kill_harms_no_other(state: Path) -> None:
    captures.append("push", a_push(apns_id="1"))
    with (state / "captures" / "push.jsonl").open("a") as file:
        file.write('{"at": "2026-')
    captures.append("push", a_push(apns_id="2"))

    assert [record["apns_id"] for record in captures.latest("push")] == ["2", "1"]


def test_alerts_stand_until_they_are_resolved(port: int) -> None:
    def alert(action: str, key: str, **facts: object) -> None:
        captures.append(
            "alert", {"action": action, "dedup_key": key, "text": "", "severity": "", "payload": {}} | facts
        )

    act = {"custom_details": {"what to do": "Start workers."}}
    alert("trigger", "test/errors", text=f"9 % {EVIL}", severity="critical", payload=act)
    alert("trigger", "test/late", text="70 s", severity="warning")
    alert("resolve", "test/late")
    status, page = get(port, "/alerts")

    assert status == 200
    assert EVIL not in page
    assert "Start workers." in page
    assert page.count("alert stands critical") == 1
    assert page.count("alert over") == 2, "the end, and what ended"
