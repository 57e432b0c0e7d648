"""Who works in the demo's admin: one of each role. Their passwords are known to everybody, as the demo's others are."""

from accounts.models import User
from backoffice.acts import Role
from backoffice.roles import role_of, set_role

from .people import MAIL_DOMAIN

#: Name -> role. Reserved names, so that nobody who signs up has taken them.
STAFF = {"admin": Role.ADMIN, "moderator": Role.MODERATOR, "support": Role.SUPPORT, "auditor": Role.READ_ONLY}


def password_of(name: str) -> str:
    """Return a demo staff member's password."""
    return f"demo-password-{name}"


def make_staff() -> None:
    """Make them, where they are not there yet. Only where DEMO_ALLOWED. Cost: two queries each, once a hash."""
    for name, role in STAFF.items():
        user = User.objects.filter(username=name).first()
        if user is None:
            # Not by sign_up(): it keeps reserved names from everybody.
            user = User(username=name, email=f"{name}@{MAIL_DOMAIN}", full_name=f"Demo {role.value}")
            user.set_password(password_of(name))
            user.save()
        if user.email.endswith(f"@{MAIL_DOMAIN}") and role_of(user) is not role:
            set_role(user, role)
