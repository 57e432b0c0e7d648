"""The page of a person: everything staff may know of somebody at one look."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.models import AccessToken, Deletion, Report, SeenLogin, User
from accounts.oauth.queries import applications_of
from accounts.queries import counts_of
from accounts.services.deletion import progress
from accounts.services.exports import latest_export
from accounts.services.suspension import suspension_of
from backoffice import audit
from backoffice.audit_pages import shown_entry
from backoffice.cases.facts import linked
from backoffice.frame import page, shown
from backoffice.roles import may
from instagram.errors import NotFound
from moderation.models import Case
from notifications.push.models import Device
from notifications.sharing.queries import linked_accounts
from photos.queries import bodies, photos_by
from photos.storage import image_url
from sharding import ShardUnavailable, shard_of
from sharding.ids import shortcode_of

from .deeds import DEEDS, known
from .lists import states_of

PHOTOS, REPORTS, TOKENS = 18, 10, 20


@page("people/<int:user_id>/", name="person", act="people.view", example={"user_id": 1})
def person(request: HttpRequest, user_id: int) -> HttpResponse:
    """Show a person. Cost: some fifteen queries on main, two on the person's shard."""
    return _shown(request, user_id)


@page(
    "people/<int:user_id>/contact/",
    name="person-contact",
    act="people.contact",
    methods=("POST",),
    example={"user_id": 1},
)
def contact(request: HttpRequest, user_id: int) -> HttpResponse:
    """Show a person with e-mail, phone and accounts elsewhere, and write down who looked."""
    known(user_id)
    audit.record(audit.actor_of(request), "people.contact", target=audit.Target("person", user_id))
    return _shown(request, user_id, with_contact=True)


@page(
    "people/<int:user_id>/private_photos/", name="person-private-photos", act="people.private_photos",
    methods=("POST",), example={"user_id": 1},
)  # fmt: skip
def private_photos(request: HttpRequest, user_id: int) -> HttpResponse:
    """Show a private person with the newest photos, and write down who looked."""
    known(user_id)
    audit.record(audit.actor_of(request), "people.private_photos", target=audit.Target("person", user_id))
    return _shown(request, user_id, with_private=True)


def _shown(
    request: HttpRequest, user_id: int, *, with_contact: bool = False, with_private: bool = False
) -> HttpResponse:
    user = User.objects.filter(pk=user_id).first()
    crumbs = [(reverse("admin:people"), "People")]
    entries = [shown_entry(entry) for entry in audit.about(audit.Target("person", user_id))]
    deletion = progress(user_id)
    if user is None:
        if not Deletion.objects.filter(pk=user_id).exists():
            raise NotFound(what="user")
        gone = {"title": f"Person {user_id}", "crumbs": crumbs, "deletion": deletion, "entries": entries}
        return shown(request, "person_gone", gone)
    going = deletion["status"] in {"deleting", "deleted"}
    deeds = [
        {
            "label": deed.label,
            "address": reverse(f"admin:person-{deed.slug}", args=[user_id]),
            "danger": deed.slug == "delete",
        }
        for deed in DEEDS
        if may(request.user, deed.act) and not deed(user, going=going).refused(request.user)
    ]
    facts: dict[str, Any] = {
        "title": user.username, "crumbs": crumbs, "person": user, "states": states_of(user), "deeds": deeds,
        "suspension": suspension_of(user_id), "deletion": deletion, "export": latest_export(user_id),
        "entries": entries, "with_contact": with_contact,
        "mail": user.email if with_contact else _masked(user.email),
        "picture": image_url(user.picture, 150) if user.picture else f"{settings.CDN_BASE_URL}/pub/anonymous.jpg",
    }  # fmt: skip
    facts |= _in_main(user, with_contact=with_contact) | _on_shard(user, with_private=with_private)
    return shown(request, "person", facts)


def _masked(email: str) -> str:
    name, _, host = email.partition("@")
    return f"{name[:1]}…@{host}"


def _in_main(user: User, *, with_contact: bool) -> dict[str, Any]:
    """Return what main knows around a person. Cost: ten queries."""
    accounts = linked_accounts(user.pk)
    logins = SeenLogin.objects.filter(user=user)
    return {
        "devices": list(Device.objects.filter(user=user).order_by("-registered_at")[:TOKENS]),
        "tokens": list(
            AccessToken.objects.filter(user=user).select_related("client").order_by("-is_active", "-pk")[:TOKENS]
        ),
        "applications": applications_of(user.pk)[:TOKENS],
        "services": [(name, account if with_contact else "") for name, account in accounts.items()],
        "open_cases": Case.objects.filter(about_user_id=user.pk, closed_at=None).count(),
        "logins": logins.count(),
        "last_seen": logins.order_by("-last_at").values_list("last_at", flat=True).first(),
        "reports_against": linked(
            Report.objects.filter(about_user_id=user.pk).select_related("reporter").order_by("-id")[:REPORTS]
        ),
        "reports_by": linked(Report.objects.filter(reporter=user).order_by("-id")[:REPORTS]),
    }


def _on_shard(user: User, *, with_private: bool) -> dict[str, Any]:
    """Return what the person's shard knows; what it cannot say is left out, and the page says so. Cost: two queries."""
    shard = shard_of(user.pk)
    facts: dict[str, Any] = {"shard": shard, "hidden_photos": user.is_private and not with_private}
    try:
        facts["counts"] = counts_of(user.pk)
        if not facts["hidden_photos"]:
            ids = photos_by(user.pk, count=PHOTOS)
            found = bodies(ids)
            facts["photos"] = [
                {"id": each, "code": shortcode_of(each), "caption": found[each].caption,
                 "address": image_url(found[each].image_stem, 150)}
                for each in ids if each in found
            ]  # fmt: skip
    except ShardUnavailable as error:
        facts["silent"] = error.server_name
    return facts
