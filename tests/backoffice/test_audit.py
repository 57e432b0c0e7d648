"""The audit log: complete, for good, and found again."""

import pytest
from django.db import DatabaseError, connection, transaction

from backoffice import audit
from backoffice.acts import Role
from backoffice.models import Entry
from instagram.errors import InvalidParameters
from tests.support.people import a_person
from tests.support.staff import a_staff


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
