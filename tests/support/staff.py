"""Staff for tests: signed in through the admin's own door."""

from dataclasses import dataclass

from django.test import Client

from accounts.models import User
from backoffice.acts import Role
from backoffice.models import Entry
from backoffice.roles import set_role

from .people import a_person


@dataclass(frozen=True)
class Staff:
    """A staff member and the browser they are signed in with."""

    id: int
    username: str
    browser: Client

    def get(self, path: str, **params):
        """GET a page below /admin/."""
        return self.browser.get(f"/admin/{path}", params)

    def post(self, path: str, **params):
        """POST to a page below /admin/."""
        return self.browser.post(f"/admin/{path}", params)

    def acts(self) -> list[Entry]:
        """Return what the audit log says of them, oldest first, signing in left out."""
        return list(Entry.objects.filter(actor_id=self.id).exclude(act="staff.sign_in").order_by("id"))


def staff_person(role: Role):
    """Return a person who is staff in a role, not signed in."""
    person = a_person()
    set_role(User.objects.get(pk=person.id), role)
    return person


def a_staff(role: Role) -> Staff:
    """Make somebody staff and sign them in."""
    person = staff_person(role)
    browser = Client()
    answer = sign_in(browser, person)
    assert answer.status_code == 302, answer.content[:500]
    return Staff(person.id, person.username, browser)


def sign_in(browser: Client, person, password="", **more):
    """Send the admin's sign-in form; without a password, with the right one."""
    password = password or "secret word"
    return browser.post("/admin/login/", {"username": person.username, "password": password, **more})
