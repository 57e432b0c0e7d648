"""The doors: the API, the web pages, the health checks, the admin."""

from django.contrib import admin
from django.urls import include, path

#: A Host header that is none of ours, and what else Django refuses before there is a view.
handler400 = "api.refusals.bad_request"
handler404 = "web.pages.missing"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("monitoring.urls")),
    path("", include("web.urls")),
    path("", include("api.urls")),
]
