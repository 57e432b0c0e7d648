"""Where the health pages and the status page are; with and without the slash, since probes are set up by hand."""

from django.urls import re_path

from . import status_views, views

urlpatterns = [
    re_path(r"^health/live/?$", views.live, name="health-live"),
    re_path(r"^health/ready/?$", views.ready, name="health-ready"),
    re_path(r"^health/deep/?$", views.deep, name="health-deep"),
    re_path(r"^status/?$", status_views.page, name="status"),
    re_path(r"^status\.json/?$", status_views.as_json, name="status-json"),
]
