"""`manage.py staff add|list|remove`: who works in the admin, and as what."""

import secrets
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User
from accounts.services import sign_out_everywhere, sign_up
from accounts.services.passwords import reset_link
from backoffice import audit
from backoffice.acts import Role
from backoffice.roles import role_of, set_role
from instagram.errors import InvalidParameters


class Command(BaseCommand):
    """Make somebody staff, list staff, end it."""

    help = "Say who works in the admin: add NAME --role ROLE, list, remove NAME, forget-factor NAME."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        add = verbs.add_parser("add", help="give somebody a role; with --email, make the account first")
        add.add_argument("--role", required=True, choices=[role.value for role in Role])
        add.add_argument("--email", default="", help="of an account to make; a link to set its password is printed")
        verbs.add_parser("list", help="show staff")
        remove = verbs.add_parser("remove", help="take the role away, and end all sessions")
        forget = verbs.add_parser("forget-factor", help="a lost phone: forget the second factor, and end all sessions")
        for verb in (add, remove, forget):
            verb.add_argument("name", help="user name")
            verb.add_argument("--why", default="", help="for the audit log; default: by hand")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it and say what was done."""
        verb = options["verb"]
        if verb == "list":
            for each in User.objects.filter(is_staff=True).order_by("username"):
                self.stdout.write(f"{each.username:30}  {role_of(each) or 'no role: shut out'}")
            return
        name, why = options["name"].strip().lower(), options["why"].strip() or "by hand"
        try:
            with transaction.atomic():
                user = User.objects.filter(username=name).first()
                if verb == "add":
                    told = self._add(user, name, Role(options["role"]), options["email"], why)
                elif user is None or not user.is_staff:
                    raise CommandError(f"{name} is no staff", returncode=2)
                elif verb == "remove":
                    told = self._remove(user, why)
                else:
                    told = self._forget_factor(user, why)
        except InvalidParameters as error:
            raise CommandError(error.message, returncode=2) from error
        self.stdout.write(told)

    def _add(self, user: User | None, name: str, role: Role, email: str, why: str) -> str:
        told = ""
        if user is None:
            if not email:
                raise CommandError(f"nobody is called {name}: --email makes the account", returncode=2)
            # Nobody knows it: the link below sets one.
            user = sign_up(username=name, password=secrets.token_urlsafe(32), email=email)
            told = f"\nThey set their password here: {reset_link(user)}"
        was = role_of(user)
        set_role(user, role)
        self._note(user, why, was, role)
        return f"{name} is {role.value} now.{told}"

    def _remove(self, user: User, why: str) -> str:
        was = role_of(user)
        set_role(user, None)
        sign_out_everywhere(user.pk)
        self._note(user, why, was, None)
        return f"{user.username} is no staff any more."

    def _forget_factor(self, user: User, why: str) -> str:
        for kind in (TOTPDevice, StaticDevice):
            kind.objects.filter(user=user).delete()
        sign_out_everywhere(user.pk)
        audit.record(
            audit.at_terminal(), "staff.change", target=audit.Target("person", user.pk), reason=why,
            before={"factor": True}, after={"factor": False},
        )  # fmt: skip
        return f"{user.username} has no second factor any more."

    @staticmethod
    def _note(user: User, why: str, was: Role | None, role: Role | None) -> None:
        audit.record(
            audit.at_terminal(), "staff.change", target=audit.Target("person", user.pk), reason=why,
            before={"role": was}, after={"role": role},
        )  # fmt: skip
