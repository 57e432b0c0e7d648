"""The addresses of the API: /v1, and beside it what the contract puts at the root of the host."""

from django.urls import re_path

from api.embedding import urlpatterns as embedding
from api.routing import ordered
from api.schema.views import urlpatterns as schema
from api.v1 import oauth
from api.v1.urls import urlpatterns as v1

urlpatterns = [
    *ordered(oauth.routes),
    *embedding,
    *schema,
    re_path(r"^oauth(?:[/.].*)?\Z", oauth.NothingHere.as_view()),
    *v1,
]
