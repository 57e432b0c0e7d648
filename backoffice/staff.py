"""Who is staff, in which role: a page to look at; `manage.py staff` changes it, so that no stolen session can."""

from django.http import HttpRequest, HttpResponse
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User

from .frame import Menu, page, shown
from .models import Entry
from .roles import role_of

#: More staff than anybody has.
STAFF_MOST = 500


@page("staff/", name="staff", act="staff.view", menu=Menu("Staff", "Staff", 10))
def staff(request: HttpRequest) -> HttpResponse:
    """Show staff with roles, second factors and the last sign-in. Cost: three queries on main, one more per person."""
    people = list(User.objects.filter(is_staff=True).prefetch_related("groups").order_by("-id")[:STAFF_MOST])
    ids = [person.pk for person in people]
    factors = set(TOTPDevice.objects.filter(user_id__in=ids, confirmed=True).values_list("user_id", flat=True))
    last = {
        entry.actor_id: entry.at
        for entry in Entry.objects.filter(act="staff.sign_in", actor_id__in=ids)
        .order_by("actor_id", "-id")
        .distinct("actor_id")
    }
    rows = [
        {"person": each, "role": role_of(each), "factor": each.pk in factors, "last": last.get(each.pk)}
        for each in people
    ]
    return shown(request, "staff", {"title": "Staff", "rows": rows})
