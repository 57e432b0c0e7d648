"""GET /v1/schema, and the page that shows it."""

from django.urls import re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from api.schema.generator import Generator

#: The document (JSON, or YAML by Accept or ?format=yaml) and a page to read and try it.
urlpatterns = [
    re_path(
        r"^v1/schema(?:\.json)?/?\Z",
        SpectacularAPIView.as_view(generator_class=Generator, authentication_classes=[], permission_classes=[]),
        name="schema",
    ),
    re_path(
        r"^v1/schema/page/?\Z",
        SpectacularSwaggerView.as_view(url_name="schema", authentication_classes=[], permission_classes=[]),
        name="schema-page",
    ),
]
