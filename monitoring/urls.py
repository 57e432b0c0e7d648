"""Where the health pages and the metrics are; with and without the slash, since probes are set up by hand."""

from django.urls import re_path

from . import metrics_page, views

urlpatterns = [
    re_path(r"^health/live/?$", views.live, name="health-live"),
    re_path(r"^health/ready/?$", views.ready, name="health-ready"),
    re_path(r"^health/deep/?$", views.deep, name="health-deep"),
    re_path(r"^metrics/?$", metrics_page.metrics, name="metrics"),
]
