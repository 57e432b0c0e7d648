"""The addresses of the API: /v1, and beside it what the contract puts at the root of the host."""

from api.routing import ordered
from api.schema.views import urlpatterns as schema
from api.v1 import oauth
from api.v1.urls import urlpatterns as v1

urlpatterns = [
    *ordered(oauth.routes),
    *schema,
    *v1,
]
