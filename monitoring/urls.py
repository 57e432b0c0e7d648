"""Where the health pages, the status page and the metrics are; with and without a slash, as probes are set up."""

from django.urls import re_path

from . import metrics_page, status_views, views

urlpatterns = [
    re_path(r"^health/live/?$", views.live, name="health-live"),
    re_path(r"^health/ready/?$", views.ready, name="health-ready"),
    re_path(r"^health/deep/?$", views.deep, name="health-deep"),
    re_path(r"^status/?$", status_views.page, name="status"),
    re_path(r"^status\.json/?$", status_views.as_json, name="status-json"),
    re_path(r"^metrics/?$", metrics_page.metrics, name="metrics"),
]
