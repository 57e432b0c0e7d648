"""GET /v1/schema, and the page that shows it."""

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import re_path
from django.views import View
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from api.envelope import refusal, rendered
from api.rate_limit import Budget
from api.schema.generator import Generator
from instagram.errors import VerbNotAllowed


class _BelowV1(View):
    """What is true of everything below /v1: the headers of the rate limit, here without counting, and its refusals."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method in ("GET", "HEAD"):
            response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        else:
            response = rendered(refusal(VerbNotAllowed(str(request.method))))
            response["Allow"] = "GET"
        for name, value in Budget().headers().items():
            response[name] = value
        return response


class Document(_BelowV1, SpectacularAPIView):
    """The document: JSON, as everything here, or YAML by Accept or ?format=yaml."""

    generator_class = Generator
    renderer_classes = [
        OpenApiJsonRenderer2, OpenApiJsonRenderer, OpenApiYamlRenderer, OpenApiYamlRenderer2,
    ]  # fmt: skip


class Page(_BelowV1, SpectacularSwaggerView):
    """A page to read and try it."""

    url_name = "schema"


_FOR_ALL: dict[str, Any] = {"authentication_classes": [], "permission_classes": []}
urlpatterns = [
    re_path(r"^v1/schema(?:\.json)?/?\Z", Document.as_view(**_FOR_ALL), name="schema"),
    re_path(r"^v1/schema/page/?\Z", Page.as_view(**_FOR_ALL), name="schema-page"),
]
