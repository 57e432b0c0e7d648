"""The OpenAPI document: every route stands in it, and the answers are as it says."""

import json

import pytest
import schemathesis
from django.conf import settings as django_settings
from django.test import Client
from drf_spectacular.validation import validate_schema
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.schema.generator import document, handlers
from api.schema.operations import OPERATIONS
from api.v1.urls import MODULES
from instagram.wsgi import application
from jobs.testing import run_until_idle
from sharding.ids import shortcode_of
from tests.support.people import a_person, our_client

ROUTES = [route for module in MODULES for route in module.routes]
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
#: What ends a token, or hides whom the others look at.
ENDS_SOMETHING = ("logout", "self/deactivate", "self/password", "DELETE /v1/accounts/self")

schema = schemathesis.openapi.from_dict(document(ROUTES))
schema.app = application


def test_every_route_is_described_and_nothing_else():
    served = {f"{verb} {template}" for template, verb, _ in handlers(ROUTES)}

    assert served - OPERATIONS.keys() == set()


def test_the_document_is_valid_openapi_and_served_with_a_page():
    answer = Client().get("/v1/schema", HTTP_ACCEPT="application/json")
    page = Client().get("/v1/schema/page")

    validate_schema(answer.json())
    assert "/v1/users/self/feed" in answer.json()["paths"]
    assert page.status_code == 200
    assert b"swagger-ui" in page.content


@pytest.mark.parametrize("spelling", ["", "/", ".json", ".json/"])
def test_the_document_is_json_unless_yaml_is_asked_for(spelling):
    path = f"/v1/schema{spelling}"

    assert Client().get(path, HTTP_ACCEPT="*/*").json()["openapi"].startswith("3.")
    assert Client().get(path, {"format": "yaml"}).content.startswith(b"openapi: 3.")


def test_the_document_and_its_page_answer_as_all_below_v1_do():
    for path in ("/v1/schema", "/v1/schema/page"):
        well, refused = Client().get(path), Client().post(path)

        assert {"X-Ratelimit-Limit", "X-Ratelimit-Remaining"} <= set(well.headers) & set(refused.headers)
        assert refused.status_code == 405
        assert refused.json()["meta"]["error_type"] == "APINotAllowedError"


@pytest.fixture(scope="module")
def world():
    """People and photos with everything on them, for requests that find something."""
    anna, ben = a_person(full_name="Anna"), a_person(bio="Fog")
    media = anna.upload(caption="#fog over the harbour", lat="37.8", lng="-122.39")
    ben.follow(anna)
    ben.post(f"/v1/media/{media['id']}/likes")
    comment = ben.post(f"/v1/media/{media['id']}/comments", text="lovely")["data"]
    run_until_idle()
    client = our_client()
    return {
        "token": ben.token,
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "user_id": ["self", str(anna.id), str(ben.id)],
        "media_id": [media["id"], media["id"].split("_")[0]],
        "comment_id": [comment["id"]],
        "code": [shortcode_of(int(media["id"].split("_")[0]))],
        "name": ["fog"],
        "anna": anna,
    }


@schema.parametrize()
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_answers_are_as_the_document_says(case, world):
    label = f"{case.method} {case.path}"
    if any(each in label for each in ENDS_SOMETHING):
        pytest.skip("it would end the person this test acts as; tests/api/test_accounts*.py calls it")
    for name, value in (case.path_parameters or {}).items():
        known = world.get(name)
        # Of the ids it makes up, every other one is put right, so that something is found.
        if known and len(str(value)) % 2:
            case.path_parameters[name] = known[len(str(value)) % len(known)]
    case.query = {**(case.query or {})}
    case.query.pop("callback", None)
    case.query["access_token"] = world["token"]
    if "client_secret" in json.dumps(case.operation.definition.raw) or "check_username" in label:
        case.query |= {"client_id": world["client_id"], "client_secret": world["client_secret"]}

    if "users/card" in label:
        case.query |= {"id": str(world["anna"].id)}

    case.call_and_validate(checks=CHECKS)


def test_the_documentation_names_every_route():
    page = (django_settings.BASE_DIR / "docs" / "api.md").read_text()

    assert [template for template, _, _ in handlers(ROUTES) if f"`/{template}`" not in page] == []
