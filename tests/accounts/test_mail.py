"""Mail: what is written, to whom, how often; and what a mail server's moods do to it."""

import re
import socketserver
import threading
from contextlib import contextmanager

import pytest
from django.core import mail as django_mail
from django.core.mail.backends import smtp
from django.test import Client

from accounts import mail
from accounts.models import SeenLogin, User
from accounts.services import attempts, change_profile, logins
from accounts.services.confirmation import confirm_email
from instagram.errors import InvalidParameters
from jobs import NotNow, outbox
from jobs.testing import run_until_idle
from sharding import main_server
from tests.support.people import a_person, body, our_client

PHONE = "Instagram 2.1 (iPhone4,1)"


def sign_in(person, *, address="203.0.113.7", agent=PHONE):
    return attempts.sign_in_from(address, username=person.username, password="secret word", agent=agent)


def mails_to(person, kind):
    run_until_idle()
    address = User.objects.get(pk=person.id).email
    return [each for each in django_mail.outbox if each.to == [address] and each.subject == mail.SUBJECTS[kind]]


def token_in(message):
    return re.search(r"\?token=(\S+)", message.body)[1]


def user_of(person):
    return User.objects.get(pk=person.id)


@pytest.fixture(autouse=True)
def _outbox(mailoutbox):
    """Keep what is mailed."""


def test_a_new_address_is_confirmed_by_its_link():
    anna = a_person(email_confirmed=False)
    assert anna.get("/v1/accounts/self")["data"]["email_confirmed"] is False
    (first,) = mails_to(anna, "confirm_email")
    confirm_email(token_in(first))
    assert anna.get("/v1/accounts/self")["data"]["email_confirmed"] is True

    anna.post("/v1/accounts/self", email=f"other.{anna.username}@example.com")

    assert user_of(anna).email_confirmed_at is None
    (second,) = mails_to(anna, "confirm_email")
    with pytest.raises(InvalidParameters):
        confirm_email(token_in(first))
    confirm_email(token_in(second))
    confirm_email(token_in(second))
    assert user_of(anna).email_confirmed_at is not None


def test_the_same_address_again_stays_confirmed_and_nothing_is_mailed():
    anna = a_person()
    change_profile(anna.id, email=user_of(anna).email.upper(), bio="fog")

    assert user_of(anna).email_confirmed_at is not None
    anna.post("/v1/accounts/self/confirm_email")
    assert mails_to(anna, "confirm_email") == []


@pytest.mark.parametrize("token", ["", "x", "WzEsICJhIl0:1a:b"])
def test_a_forged_confirmation_confirms_nothing(token):
    with pytest.raises(InvalidParameters):
        confirm_email(token)


def test_an_old_confirmation_confirms_nothing(settings):
    anna = a_person(email_confirmed=False)
    (message,) = mails_to(anna, "confirm_email")
    settings.EMAIL_CONFIRM_TIMEOUT_S = -1

    with pytest.raises(InvalidParameters):
        confirm_email(token_in(message))


def test_mail_is_text_and_html_with_the_same_link():
    anna = a_person(email_confirmed=False)
    (message,) = mails_to(anna, "confirm_email")

    ((html, kind),) = message.alternatives
    assert kind == "text/html"
    assert f"?token={token_in(message)}" in html
    assert f"Hello {anna.username}," in message.body
    assert f"Hello {anna.username}," in html


def test_a_login_from_a_new_network_or_program_is_mailed_once():
    anna = a_person()
    for address, agent in (
        ("203.0.113.7", PHONE),
        ("203.0.113.200", PHONE),  # the same network
        ("198.51.100.1", PHONE),
        ("203.0.113.7", "Firefox"),
        ("203.0.113.7", "Firefox"),
        ("2001:db8:0:1::1", "Firefox"),
        ("2001:db8:0:1:ffff::2", "Firefox"),
    ):
        assert sign_in(anna, address=address, agent=agent).pk == anna.id

    messages = mails_to(anna, "new_login")
    assert len(messages) == 4
    assert "198.51.100.1" in messages[1].body
    assert "Firefox" in messages[2].body


def test_what_a_program_calls_itself_cannot_forge_the_mail():
    anna = a_person()
    sign_in(anna, agent='<b>you</b>\r\nSubject: "won"\x00' + "x" * 500)

    (message,) = mails_to(anna, "new_login")
    assert "<b>you" not in message.alternatives[0][0]
    assert "\nSubject" not in message.body
    assert "x" * 200 not in message.body


def test_where_one_signed_up_is_no_news():
    client = our_client()
    secret = {"client_id": client.client_id, "client_secret": client.client_secret}
    name = f"new{a_person().id}"
    facts = {"username": name, "password": "secret word", "email": f"{name}@example.com"}
    user_id = body(Client(HTTP_USER_AGENT=PHONE).post("/v1/accounts", secret | facts))["data"]["user"]["id"]
    login = secret | {"grant_type": "password", "username": name, "password": "secret word"}
    assert Client(HTTP_USER_AGENT=PHONE).post("/oauth/access_token", login).status_code == 200
    run_until_idle()

    mine = [message.subject for message in django_mail.outbox if message.to == [facts["email"]]]
    assert mine == [mail.SUBJECTS["confirm_email"]]
    assert SeenLogin.objects.filter(user=user_id).count() == 1


def test_a_wrong_password_is_no_login():
    anna = a_person()
    assert attempts.sign_in_from("203.0.113.7", username=anna.username, password="wrong", agent=PHONE) is None

    assert mails_to(anna, "new_login") == []


def test_the_mails_of_an_hour_are_counted_by_kind(settings):
    settings.MAILS_PER_HOUR = 2
    anna = a_person()
    for number in range(4):
        sign_in(anna, agent=f"program {number}")

    assert len(mails_to(anna, "new_login")) == 2
    assert mail.send("confirm_email", user_of(anna), {"url": "http://x", "days": 7})


class _MailServer(socketserver.StreamRequestHandler):
    """Enough of SMTP to take mail or to refuse its receivers; `answer` is what RCPT gets."""

    answer = b"250 ok"

    def handle(self):
        self.wfile.write(b"220 here\r\n")
        in_data = False
        for line in self.rfile:
            if in_data:
                if line == b".\r\n":
                    in_data = False
                    self.wfile.write(b"250 taken\r\n")
                continue
            verb = line[:4].upper()
            in_data = verb == b"DATA"
            said = {b"DATA": b"354 go on", b"RCPT": self.answer, b"QUIT": b"221 bye"}.get(verb, b"250 ok")
            self.wfile.write(said + b"\r\n")
            if verb == b"QUIT":
                return


@contextmanager
def mail_server(answer):
    handler = type("Handler", (_MailServer,), {"answer": answer})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def by_smtp(settings, monkeypatch):
    """Send by real SMTP, to whichever port the test says."""

    def use(port):
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        monkeypatch.setattr(django_mail, "get_connection", lambda **options: smtp.EmailBackend(fail_silently=False))

    return use


@pytest.mark.parametrize(("answer", "taken"), [(b"250 ok", True), (b"550 nobody of that name", False)])
def test_what_a_mail_server_refuses_for_good_is_dropped(by_smtp, answer, taken):
    with mail_server(answer) as port:
        by_smtp(port)
        assert mail.send("confirm_email", user_of(a_person()), {"url": "http://x", "days": 7}) is taken


def test_what_a_mail_server_refuses_for_now_waits(by_smtp):
    with mail_server(b"450 try later") as port:
        by_smtp(port)
        with pytest.raises(NotNow):
            mail.send("confirm_email", user_of(a_person()), {"url": "http://x", "days": 7})


def test_a_mail_server_that_is_away_postpones_the_job_and_the_mail_is_sent_once_it_is_back(by_smtp):
    anna = a_person(email_confirmed=False)
    with mail_server(b"250 ok") as port:
        pass  # gone again: nobody listens there
    by_smtp(port)
    mine = [
        job
        for job in outbox.jobs_of(main_server(), tasks=["accounts.mail_confirmation"], most=500)
        if job.args["user_id"] == anna.id
    ]
    assert len(mine) == 1
    from accounts.tasks import mail_confirmation  # noqa: PLC0415  # as a worker runs it

    with pytest.raises(NotNow):
        mail_confirmation(user_id=anna.id)
    with mail_server(b"250 ok") as port:
        by_smtp(port)
        mail_confirmation(user_id=anna.id)
    outbox.finish(main_server(), [(job.row_id, job.step) for job in mine])


def test_old_logins_are_forgotten(settings):
    anna = a_person()
    sign_in(anna)
    settings.SEEN_LOGIN_DAYS = -1
    logins.sweep()

    assert not SeenLogin.objects.filter(user=anna.id).exists()
