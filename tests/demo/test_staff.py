"""The demo's staff: one of each role, signed in with the demo's passwords, and never twice."""

from django.test import Client

from accounts.models import User
from backoffice.acts import Role
from backoffice.roles import role_of
from demo.staff import STAFF, make_staff, password_of


def test_each_role_of_the_demo_signs_in_with_its_password():
    for _ in range(2):
        make_staff()

    assert set(STAFF.values()) == set(Role)
    for name, role in STAFF.items():
        assert role_of(User.objects.get(username=name)) is role
        answer = Client().post("/admin/login/", {"username": name, "password": password_of(name)})
        assert answer.status_code == 302
