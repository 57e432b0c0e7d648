"""A decision's page, and what staff is told of a suspension that a decision made."""

from datetime import timedelta

from django.utils import timezone

from backoffice.acts import Role
from moderation.models import Verdict
from tests.moderation.test_decisions import decide, reported
from tests.support.staff import a_staff


def rows_of(page):
    """Return {name: (before, after)} of a decision's page."""
    return {name: (was, then) for name, was, then in page.context["changes"]}


def test_a_decisions_page_shows_its_target_before_and_after():
    *_, case = reported()
    decision = decide(case, Verdict.REMOVE)

    page = a_staff(Role.READ_ONLY).get(f"decisions/{decision.pk}/")

    assert rows_of(page) == {
        "state": ("visible", "held"),
        "likes": ("0", "0"),
        "comments": ("0", "0"),
        "hidden": ("no", "no"),
        "suspension": ("none", "none"),
    }
    assert "it is spam" in page.content.decode()


def test_a_decisions_page_says_whom_it_suspended():
    *_, case = reported()
    decision = decide(case, Verdict.SUSPEND)

    rows = rows_of(a_staff(Role.READ_ONLY).get(f"decisions/{decision.pk}/"))

    assert rows["suspension"] == ("none", f"until staff ends it, decision {decision.pk}")


def test_a_decisions_page_says_what_its_owner_was_told_and_until_when_it_suspends():
    *_, case = reported()
    until = timezone.now() + timedelta(days=3)
    decision = decide(case, Verdict.SUSPEND, told="Cool <down>.", suspend_until=until)

    page = a_staff(Role.READ_ONLY).get(f"decisions/{decision.pk}/").content.decode()

    assert "Cool &lt;down&gt;." in page
    assert f"<tr><th>suspended until (UTC)</th><td>{until:%Y-%m-%d %H:%M}</td></tr>" in page


def test_a_decision_that_is_not_there_has_no_page():
    assert a_staff(Role.READ_ONLY).get(f"decisions/{2**62}/").status_code == 404


def test_who_suspends_somebody_suspended_sees_what_that_replaces():
    anna, _, _, case = reported()
    decision = decide(case, Verdict.SUSPEND)
    desk = a_staff(Role.MODERATOR)

    page = desk.get(f"people/{anna.id}/suspend/").content.decode()

    assert f"suspended until staff ends it by decision {decision.pk}" in page
    assert f"/admin/decisions/{decision.pk}/" in desk.get(f"people/{anna.id}/").content.decode()
    assert desk.post(f"people/{anna.id}/suspend/", why="a week is enough", days="7").status_code == 302
    [entry] = desk.acts()
    assert (entry.before["decision"], entry.before["until"]) == (decision.pk, None)
    assert entry.after["decision"] is None
    assert entry.after["until"] is not None


def test_what_is_shown_of_a_decision_made_before_it_was_kept_is_a_dash():
    *_, case = reported()
    decision = decide(case, Verdict.DISMISS)
    type(decision).objects.filter(pk=decision.pk).update(before={"reviews": {}}, after={"likes": 1})

    assert rows_of(a_staff(Role.READ_ONLY).get(f"decisions/{decision.pk}/")) == {"likes": ("–", "1")}
