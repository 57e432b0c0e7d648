"""The OpenAPI document, made of the routes that are served and what operations.py says of them."""

import re
from typing import Any

from django.urls import URLPattern
from drf_spectacular.generators import SchemaGenerator

from api.credentials import Access, access_of
from api.schema.components import COMPONENTS, TEXT, Schema, an_object, ref
from api.schema.operations import OPERATIONS, Operation

VERBS = ("GET", "POST", "DELETE")
_PLACEHOLDER = re.compile(r"<([a-z_]+)>")
_CREDENTIALS = {"access_token": "a person's token", "client_id": "an application alone"}
ABOUT = (
    "Every path exists in four spellings: bare, with `/`, with `.json`, with `.json/`. A POST takes its parameters from"
    " query and body, urlencoded or multipart. Any GET takes `callback` for JSONP."
)


class Generator(SchemaGenerator):
    """drf-spectacular's generator with our own operations: the contract asks for more than serializers can say."""

    def get_schema(self, request: Any = None, public: bool = False) -> dict[str, Any]:
        """Return the document."""
        from api.v1.urls import MODULES  # noqa: PLC0415  # which imports the view of this document

        return document([route for module in MODULES for route in module.routes])


def document(routes: list[URLPattern]) -> dict[str, Any]:
    """Return the OpenAPI document of these routes."""
    paths: dict[str, dict[str, Any]] = {}
    for template, verb, handler in handlers(routes):
        operation = OPERATIONS.get(f"{verb} {template}")
        if operation is not None:
            path = "/" + _PLACEHOLDER.sub(r"{\1}", template)
            paths.setdefault(path, {})[verb.lower()] = _described(template, verb, operation, access_of(handler))
    return {
        "openapi": "3.0.3",
        "info": {"title": "REST API v1", "version": "1", "description": ABOUT},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": COMPONENTS,
            "securitySchemes": {
                name: {"type": "apiKey", "in": "query", "name": name, "description": about}
                for name, about in _CREDENTIALS.items()
            },
        },
    }


def handlers(routes: list[URLPattern]) -> list[tuple[str, str, Any]]:
    """Return (template, verb, handler) of everything that is served."""
    found = []
    for route in routes:
        view: Any = route.callback.view_class  # type: ignore[attr-defined]  # what as_view() leaves on it
        template: str = route.template  # type: ignore[attr-defined]  # ours, see api.routing
        found += [(template, verb, getattr(view, verb.lower())) for verb in VERBS if hasattr(view, verb.lower())]
    return found


def _described(template: str, verb: str, operation: Operation, needs: Access) -> dict[str, Any]:
    params = operation.params or {}
    described: dict[str, Any] = {
        "operationId": re.sub(r"[^a-z_]+", "_", f"{verb} {template.removeprefix('v1/')}".lower()).strip("_"),
        "summary": operation.summary,
        "tags": [template.split("/")[1]],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": TEXT} for name in _PLACEHOLDER.findall(template)
        ],
        "security": [{"access_token": []}] if needs.token else [{"access_token": []}, {"client_id": []}],
        "responses": {
            "200": {"description": "well", "content": _content(operation)},
            "default": {
                "description": "refused, or not possible now",
                "content": {"application/json": {"schema": ref("Error")}},
            },
        },
    }
    if needs.secret:
        described["security"] = [{"client_id": []}]
        params = {"client_secret!": TEXT} | params
    if verb == "POST" and params:
        described["requestBody"] = {"content": {_body_type(params): {"schema": _body(params)}}}
    else:
        described["parameters"] += [
            {"name": name.rstrip("!"), "in": "query", "required": name.endswith("!"), "schema": schema}
            for name, schema in params.items()
        ]
    return described


def _content(operation: Operation) -> dict[str, Any]:
    if operation.picture:
        return {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}
    return {"application/json": {"schema": _envelope(operation)}}


def _envelope(operation: Operation) -> Schema:
    parts = {"meta": ref("Meta"), "data": operation.data}
    if operation.page is None:
        return an_object(parts, closed=True)
    # Without a further page it is empty.
    keys = dict.fromkeys(operation.page, TEXT)
    return an_object(parts, closed=True, pagination=an_object(keys, closed=True, optional=operation.page))


def _body_type(params: dict[str, Schema]) -> str:
    files = any(schema.get("format") == "binary" for schema in params.values())
    return "multipart/form-data" if files else "application/x-www-form-urlencoded"


def _body(params: dict[str, Schema]) -> Schema:
    properties = {name.rstrip("!"): schema for name, schema in params.items()}
    required = [name[:-1] for name in params if name.endswith("!")]
    return {"type": "object", "properties": properties} | ({"required": required} if required else {})
