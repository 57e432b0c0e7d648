"""Fetching the archive of a person's data: by admins, with the password of a moment ago, a reason, and a line."""

import time
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.services.exports import expires_at, latest_export
from backoffice import audit
from backoffice.deeds import DeedForm
from backoffice.frame import page, shown
from photos import storage
from photos.storage.signing import end_of_addresses

from .deeds import known


@page(
    "people/<int:user_id>/fetch_export/", name="person-fetch-export", act="people.fetch_export",
    methods=("GET", "HEAD", "POST"), example={"user_id": 1},
)  # fmt: skip
def fetch_export(request: HttpRequest, user_id: int) -> HttpResponse:
    """Ask why, then show an address of the archive that ends within the hour."""
    user = known(user_id)
    export = latest_export(user_id)
    ends = expires_at(export) if export else None
    here = reverse("admin:person", args=[user_id])
    facts: dict[str, Any] = {
        "title": f"Fetch the export of {user.username}", "back": here, "button": "Show the address", "dangerous": True,
        "crumbs": [(reverse("admin:people"), "People"), (here, user.username)],
        "consequences": ["You get the address of everything this person owns. It works for an hour, for anybody."],
    }  # fmt: skip
    if export is None or ends is None:
        return shown(request, "confirm", facts | {"refused": "There is no archive to fetch."})
    form = DeedForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        audit.record(
            audit.actor_of(request), "people.fetch_export", target=audit.Target("person", user_id),
            reason=form.cleaned_data["why"], after={"export": export.pk},
        )  # fmt: skip
        address = storage.signed_url(export.key, expires_at=min(ends, end_of_addresses(time.time())))
        return shown(request, "export_address", facts | {"address": address})
    return shown(request, "confirm", facts | {"form": form}, status=400 if form.errors else 200)
