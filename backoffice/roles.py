"""Who is what, and may they: asked by every page and deed. The table itself: acts.py."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.models import Group

from accounts.models import User

from .acts import ACTS, MODELS, Act, Role


def role_of(user: Any) -> Role | None:
    """Return a person's role, None for who is no staff (any more). Cost: one query on main, once per request."""
    if not (getattr(user, "is_staff", False) and user.is_active and user.deactivated_at is None):
        return None
    if not hasattr(user, "_office_role"):
        names = {Role.ADMIN} if user.is_superuser else set(user.groups.values_list("name", flat=True))
        user._office_role = max((role for role in Role if role in names), key=list(Role).index, default=None)
    role: Role | None = user._office_role
    return role


def may(user: Any, act: str) -> bool:
    """Return whether a person may do an act. Raises KeyError for one that is not in the table."""
    return role_of(user) in ACTS[act].roles


def why_not_on(by: Any, person: User) -> str:
    """Return why a staff member may not act on a person, "" if they may.

    Nobody acts on themselves, and on staff admins alone.
    """
    if by.pk == person.pk:
        return "This is you. Ask somebody else, or use the pages everybody uses."
    if person.is_staff and role_of(by) is not Role.ADMIN:
        return f"{person.username} is staff: only admins act on staff."
    return ""


def act_on_model(label: str, verb: str) -> Act | None:
    """Return the act behind one of Django's verbs (view, add, change, delete) on a registered model."""
    name = MODELS.get(label, {}).get(verb)
    return ACTS[name] if name else None


def set_role(user: User, role: Role | None) -> None:
    """Make somebody staff in a role, and in no other; None: no staff any more."""
    user.is_staff, user.is_superuser = role is not None, False
    user.save(update_fields=["is_staff", "is_superuser"])
    user.user_permissions.clear()
    user.groups.set([Group.objects.get_or_create(name=role.value)[0]] if role else [])


def make_groups(**_of_signal: Any) -> None:
    """Make the roles' groups; they carry no permissions in the database, since acts.py says what each may do."""
    for role in Role:
        Group.objects.get_or_create(name=role.value)


class RoleBackend(BaseBackend):
    """Answers Django's permission questions about registered models from the table of acts."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Return whether a permission such as recovery.view_backup follows from the person's role."""
        app, _, codename = perm.partition(".")
        verb, _, model = codename.partition("_")
        act = act_on_model(f"{app}.{model}", verb)
        return act is not None and role_of(user_obj) in act.roles

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Return whether there is anything to see for the person in an app."""
        return any(
            role_of(user_obj) in ACTS[name].roles
            for label, verbs in MODELS.items()
            if label.startswith(f"{app_label}.")
            for name in verbs.values()
        )
