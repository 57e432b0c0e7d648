"""The addresses of /v1: every resource module lists its own in `routes`."""

from django.urls import re_path

from api.routing import ordered
from api.v1 import (
    accounts,
    activity,
    comments,
    devices,
    feed,
    filters,
    geographies,
    likes,
    locations,
    media,
    media_search,
    people,
    popular,
    relationships,
    reports,
    services,
    shares,
    subscriptions,
    tags,
    uploads,
    users,
)
from api.v1.base import Nothing

MODULES = (
    accounts,
    activity,
    comments,
    devices,
    feed,
    filters,
    geographies,
    likes,
    locations,
    media,
    media_search,
    people,
    popular,
    relationships,
    reports,
    services,
    shares,
    subscriptions,
    tags,
    uploads,
    users,
)

urlpatterns = [
    *ordered(route for module in MODULES for route in module.routes),
    re_path(r"^v1(?:[/.].*)?\Z", Nothing.as_view()),
]
