"""Pages that the service does not have: some that break, one that is slow. For override_settings(ROOT_URLCONF=…)."""

import logging

from django.http import HttpRequest, HttpResponse
from django.urls import path

from accounts.models import User
from sharding import main_server

log = logging.getLogger("tests.pages")


def breaks(request: HttpRequest, name: str) -> HttpResponse:
    """Have in hand all that must not get out, and raise."""
    del name
    secret, caption = request.POST["password"], request.POST["caption"]
    log.warning("%s wrote %s", request.user.email, caption)
    with main_server().cursor() as cursor:
        cursor.execute("SELECT %s", [secret])
    raise RuntimeError(
        f"cannot keep {caption} of {request.user.email} from {request.META['REMOTE_ADDR']} as '{secret}'"
    )


def repeats(request: HttpRequest) -> HttpResponse:
    """Store a person who is there already: PostgreSQL's words quote the row."""
    User.objects.create(username=request.POST["username"], email=request.POST["email"])
    return HttpResponse()


def sleeps(request: HttpRequest) -> HttpResponse:
    """Wait for a statement that takes its time."""
    with main_server().cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [float(request.GET["seconds"])])
    return HttpResponse()


urlpatterns = [
    path("people/<str:name>/break", breaks),
    path("repeat", repeats),
    path("sleep/<str:token>", lambda request, token: sleeps(request)),
]
