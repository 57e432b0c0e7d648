"""The doors: the API, the web pages, the health checks, the admin."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("monitoring.urls")),
    path("", include("web.urls")),
    path("", include("api.urls")),
]
