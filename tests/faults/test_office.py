"""A shard server that is away leaves the admin its pages: what it knows is missing, and the page says so."""

import re

import pytest
import requests

from tests.faults import Person, sign_up
from tests.support.private import PrivateStack

pytestmark = pytest.mark.faults

PASSWORD = "a word of staff's"
_STAFF = """
from accounts.models import User
from backoffice.acts import Role
from backoffice.roles import set_role
user = User(username="office.admin", email="office.admin@example.com")
user.set_password("{password}")
user.save()
set_role(user, Role.ADMIN)
"""


@pytest.fixture
def browser(private_stack: PrivateStack) -> requests.Session:
    private_stack.manage("shell", "-c", _STAFF.format(password=PASSWORD))
    session = requests.Session()
    door = f"{private_stack.url}/admin/login/"
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', session.get(door, timeout=30).text)
    assert token
    facts = {"username": "office.admin", "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
    assert session.post(door, data=facts, headers={"Referer": door}, timeout=30).url.endswith("/admin/")
    return session


def test_pages_of_people_on_a_dead_or_frozen_server_still_answer(
    private_stack: PrivateStack, browser: requests.Session
) -> None:
    people = sign_up(private_stack, each=1)
    (here,), (far,) = people["shard_a"], people["shard_b"]

    def page(person: Person) -> requests.Response:
        return browser.get(f"{private_stack.url}/admin/people/{person.id}/", timeout=30)

    assert "does not answer" not in page(far).text
    for fault in (private_stack.frozen, private_stack.dead):
        with fault("postgres_shard_b"):
            silent = page(far)
            assert silent.status_code == 200
            assert "Database shard_b does not answer" in silent.text
            assert "does not answer" not in page(here).text
            asked = browser.get(f"{private_stack.url}/admin/people/", params={"q": f"{far.id}"}, timeout=30)
            assert asked.status_code == 200
