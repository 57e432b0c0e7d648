"""The audit log: complete, for good, and found again."""

import io
import uuid

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from backoffice import audit
from backoffice.acts import Role
from backoffice.models import Entry
from instagram import operating
from instagram.errors import InvalidParameters
from sharding import ShardUnavailable, main_server
from tests.support.people import a_person
from tests.support.staff import a_staff, sign_in, staff_person


@pytest.mark.parametrize(
    "statement",
    ["UPDATE backoffice_entry SET reason = ''", "DELETE FROM backoffice_entry", "TRUNCATE backoffice_entry"],
)
def test_the_database_refuses_to_change_the_log_whoever_asks(statement):
    audit.record(audit.at_terminal(), "staff.change", reason="something to lose")

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_an_act_that_changes_somebody_needs_a_reason_and_a_known_name():
    with pytest.raises(InvalidParameters):
        audit.record(audit.at_terminal(), "people.suspend", target=audit.Target("person", 1), reason=" \x00 ")
    with pytest.raises(KeyError):
        audit.record(audit.at_terminal(), "people.tickle", reason="fun")


def test_an_act_says_who_what_why_from_where_and_what_changed():
    desk, person = a_staff(Role.MODERATOR), a_person()
    desk.browser.post(
        f"/admin/people/{person.id}/make_private/", {"why": "asked by mail"},
        headers={"X-Forwarded-For": "198.51.100.7", "X-Request-Id": "request-1234"},
    )  # fmt: skip

    (entry,) = desk.acts()
    assert (entry.actor_name, entry.act, entry.target_kind, entry.target_id) == (
        desk.username, "people.make_private", "person", str(person.id)
    )  # fmt: skip
    assert (entry.reason, entry.address, entry.request_id) == ("asked by mail", "198.51.100.7", "request-1234")
    assert (entry.before, entry.after) == ({"private": False}, {"private": True})


def test_the_log_is_found_by_actor_act_target_words_request_and_day():
    auditor, desk, person = a_staff(Role.READ_ONLY), a_staff(Role.MODERATOR), a_person()
    desk.browser.post(
        f"/admin/people/{person.id}/make_private/", {"why": f"purple elephant {desk.id}"},
        headers={"X-Request-Id": f"elephant-{desk.id}"},
    )  # fmt: skip
    desk.post(f"people/{person.id}/sign_out/", why="nothing of that kind")
    entry = Entry.objects.get(actor_id=desk.id, act="people.make_private")
    day = f"{entry.at:%Y-%m-%d}"

    def found(**asked):
        return [row["entry"].pk for row in auditor.get("audit/", **asked).context["rows"]]

    for asked in (
        {"actor": desk.username.upper(), "act": "people.make_private"},
        {"actor": str(desk.id), "text": "elephant"},
        {"target": f"person {person.id}", "text": "PURPLE"},
        {"text": f"purple {desk.id}", "since": day, "until": day},
        {"request": f"elephant-{desk.id}"},
    ):
        assert found(**asked) == [entry.pk], asked
    assert found(text=f"purple {desk.id}", until="2020-01-01") == []
    assert entry.pk not in found(text="purple yeti")


def test_who_is_asked_for_by_name_is_found_through_an_index():
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        assert "audit_by_name" in Entry.objects.filter(actor_name="somebody").explain()


@pytest.mark.parametrize("asked", [{"since": "never"}, {"act": "nothing"}, {"text": "x" * 200}])
def test_a_bad_question_is_answered_with_400_and_no_rows(asked):
    answer = a_staff(Role.READ_ONLY).get("audit/", **asked)

    assert answer.status_code == 400
    assert answer.context["rows"] == []


def test_pages_go_to_the_end_and_back_without_losing_a_row():
    auditor = a_staff(Role.READ_ONLY)
    actor = audit.Actor(auditor.id * 1_000_000, "somebody")
    rows = [audit.record(actor, "staff.sign_in").pk for _ in range(120)]

    seen, address = [], f"/admin/audit/?actor={actor.id}"
    while address:
        context = auditor.browser.get(address).context
        seen += [row["entry"].pk for row in context["rows"]]
        last, address = context, context["older"]
    assert seen == rows[::-1]
    back = auditor.browser.get(last["newer"]).context
    assert [row["entry"].pk for row in back["rows"]] == rows[::-1][50:100]
    assert auditor.get("audit/", before="9" * 24, actor=str(actor.id)).status_code == 200


def test_markup_in_a_reason_is_shown_as_text():
    actor = audit.Actor(a_person().id, "somebody")
    audit.record(actor, "staff.change", reason="<script>alert(1)</script>")

    page = a_staff(Role.READ_ONLY).get("audit/", actor=str(actor.id)).content.decode()
    assert "&lt;script&gt;alert(1)" in page


def test_failing_to_sign_in_as_staff_is_written_down_and_as_anybody_else_is_not():
    person, nobody = staff_person(Role.ADMIN), a_person()
    for each in (person, nobody):
        Client().post(
            "/admin/login/", {"username": each.username.upper(), "password": "wrong"},
            headers={"X-Forwarded-For": "198.51.100.9"},
        )  # fmt: skip

    (entry,) = Entry.objects.filter(act="staff.sign_in_refused", target_id=str(person.id))
    assert (entry.actor_id, entry.actor_name, entry.address) == (None, audit.STRANGER, "198.51.100.9")
    assert not Entry.objects.filter(target_kind="person", target_id=str(nobody.id)).exists()


def test_a_wrong_code_is_written_down_at_the_door_and_at_the_second_proof():
    desk = a_staff(Role.ADMIN)
    TOTPDevice.objects.create(user_id=desk.id, confirmed=True)
    sign_in(Client(), desk, code="000000")
    assert Entry.objects.filter(act="staff.code_refused", actor_id=None, target_id=str(desk.id)).count() == 1

    session = desk.browser.session
    session["office"] = session["office"] | {"factor": True}
    session.save()
    desk.post("prove/", password="wrong", code="000000")
    desk.post("prove/", password="secret word", code="000000")
    assert [entry.act for entry in desk.acts()] == ["staff.sign_in_refused", "staff.code_refused"]


def test_what_a_role_was_refused_is_written_down_on_our_pages_and_on_djangos():
    desk, person = a_staff(Role.READ_ONLY), a_person()
    assert desk.post(f"people/{person.id}/suspend/", why="I can").status_code == 403
    assert desk.get("accounts/oauthclient/add/").status_code == 403

    told = [(entry.act, entry.after["act"], entry.after["path"]) for entry in desk.acts()]
    assert told == [
        ("office.refused", "people.suspend", f"/admin/people/{person.id}/suspend/"),
        ("office.refused", "", "/admin/accounts/oauthclient/add/"),
    ]


def test_a_refusal_is_written_down_whatever_stands_in_the_address():
    desk = a_staff(Role.MODERATOR)

    assert desk.get("dead_letters/task/a%00b/requeue/").status_code == 403

    assert [entry.after["path"] for entry in desk.acts()] == ["/admin/dead_letters/task/ab/requeue/"]


def newest(**of):
    return Entry.objects.filter(actor_id=None, **of).order_by("-id").first()


def test_a_switch_and_a_silence_of_the_command_line_are_lines_of_the_log():
    call_command("switch", "on", "short_feeds", why="a drill of the log", until="+30m", stdout=io.StringIO())
    entry = newest(act="switches.turn", target_id="short_feeds")
    assert entry.actor_name.startswith("command line: ")
    assert (entry.reason, set(entry.after)) == ("a drill of the log", {"everybody", "by"})
    call_command("switch", "off", "short_feeds", why="over", stdout=io.StringIO())
    assert newest(act="switches.turn", target_id="short_feeds").reason == "over"

    number = io.StringIO()
    call_command("silence", "add", "--alert", "nothing_of_this_name", "--minutes", "5", "--why", "a new disk",
                 stdout=number, stderr=io.StringIO())  # fmt: skip
    assert newest(act="alerts.silence", target_id=number.getvalue().strip()).reason == "a new disk"
    call_command("silence", "end", number.getvalue().strip(), "--why", "the disk is in", stdout=io.StringIO())
    assert newest(act="alerts.silence", target_id=number.getvalue().strip()).after == {"ended": True}


@pytest.mark.parametrize("verb", ["requeue", "discard"])
def test_dead_letters_that_a_command_moves_are_a_line_of_the_log(verb):
    task = f"nobody.knows_{uuid.uuid4().hex}"
    with main_server().cursor() as cursor:
        cursor.execute(
            "INSERT INTO local.dead_letter (id, task, args, attempts, created_at, last_error)"
            " SELECT coalesce(max(id), 0) + 1, %s, '{}', 5, now(), 'x' FROM local.dead_letter",
            [task],
        )
    call_command("dead_letters", verb, "--task", task, "--why", "mended", stdout=io.StringIO())
    call_command("dead_letters", verb, "--task", task, "--why", "nothing is left", stdout=io.StringIO())

    (entry,) = Entry.objects.filter(act=f"jobs.{verb}", target_kind="task", target_id=task)
    assert (entry.reason, entry.after["main"]) == ("mended", 1)
    with main_server().cursor() as cursor:
        cursor.execute("DELETE FROM local.outbox WHERE task = %s", [task])


def test_a_command_whose_change_is_done_goes_on_where_main_is_away(monkeypatch, capsys):
    def away(*_args, **_facts):
        raise ShardUnavailable("main")

    monkeypatch.setattr(audit, "record", away)
    operating.tell("operations.run", kind="command", target="promote")
    assert "not in the audit log" in capsys.readouterr().err

    with pytest.raises(ShardUnavailable), transaction.atomic():
        operating.tell("operations.run", kind="command", target="promote")
