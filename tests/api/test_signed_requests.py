"""Signed requests: the contract's known answers, both switches, and that nobody else is bothered (section 4.8)."""

import hashlib
import hmac
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.test import Client

from api import signatures
from tests.support.applications import a_token, an_application, flat_refusal
from tests.support.people import a_person, body

SECRET = "s3cr3ts3cr3ts3cr3ts3cr3ts3cr3t00"
NO_SIGNATURE = ("OAuthForbiddenException", "Invalid signed-request: Missing required parameter 'sig'")
NO_HEADER = (
    "OAuthForbiddenException",
    "Invalid header: X-Insta-Forwarded-For is required for this operation",
)


@pytest.fixture(scope="module")
def anna():
    return a_person()


@pytest.fixture(scope="module")
def signing(anna):
    """A client that enforces `sig`, and Anna's token for it."""
    client = an_application(enforce_signed_requests=True)
    return client, a_token(anna, client, "likes", "comments", "relationships")


@pytest.fixture(scope="module")
def forwarding(anna):
    """A client that enforces the header, and Anna's token for it."""
    client = an_application(enforce_signed_header=True)
    return client, a_token(anna, client, "likes", "comments", "relationships")


def sig(client, endpoint, values):
    return signatures.signature(client.client_secret, endpoint, values)


def header(client, ips="203.0.113.7"):
    code = hmac.new(client.client_secret.encode(), ips.encode(), hashlib.sha256).hexdigest()
    return {"X-Insta-Forwarded-For": f"{ips}|{code}"}


# --- known answers ---


def test_the_known_answer_of_a_signed_request():
    values = {"count": "10", "access_token": "42.1a2b3c4.0123456789abcdef0123456789abcdef"}

    assert signatures.signature(SECRET, "/users/self/media/recent", values) == (
        "8b3d9171a05456179c86a54e074d191a2af93698174c29e8d3c20ac1219c1192"
    )


def test_the_known_answer_of_a_signed_header(anna):
    client = an_application(enforce_signed_header=True, client_secret=SECRET)
    code = "90faabc62e503b8a22df5713274c25df1c2c6ce87e82a7dbddd87a7bbd79410d"

    answer = Client().post(
        f"/v1/users/{a_person().id}/relationship",
        {"access_token": a_token(anna, client, "relationships"), "action": "follow"},
        headers={"X-Insta-Forwarded-For": f"203.0.113.7|{code}"},
    )

    body(answer)


# --- not opted in ---


def test_a_client_that_did_not_opt_in_may_send_any_sig_and_header(anna):
    token = a_token(anna, an_application(), "relationships")

    body(Client().get(f"/v1/users/self?access_token={token}&sig=wrong&sig=ä"))
    body(
        Client().post(
            f"/v1/users/{a_person().id}/relationship?sig=1",
            {"access_token": token, "action": "follow", "sig": "2"},
            headers={"X-Insta-Forwarded-For": "nonsense"},
        )
    )


def test_the_next_url_of_a_client_that_did_not_opt_in_carries_no_sig(anna):
    anna.upload()
    anna.upload()

    page = anna.get("/v1/users/self/feed", count=1, sig="wrong")

    assert "sig=" not in page["pagination"]["next_url"]


# --- enforced sig ---


@pytest.mark.parametrize("endpoint", ["/users/self", "/users/self/", "/users/self.json", "/users/self.json/"])
def test_a_signed_get_is_answered_in_each_spelling_as_it_was_signed(signing, anna, endpoint):
    client, token = signing
    values = {"access_token": token, "z": "ä b&c|d", "a": ""}

    answer = Client().get(f"/v1{endpoint}", values | {"sig": sig(client, endpoint, values)})

    assert body(answer)["data"]["id"] == str(anna.id)


def test_a_client_id_alone_must_sign_too(signing, anna):
    client, _ = signing
    values = {"client_id": client.client_id}

    assert flat_refusal(Client().get(f"/v1/users/{anna.id}", values), status=403) == NO_SIGNATURE
    signed = values | {"sig": sig(client, f"/users/{anna.id}", values)}
    body(Client().get(f"/v1/users/{anna.id}", signed))


@pytest.mark.parametrize("bad", [None, "", "0" * 64, "ä", "upper"])
def test_a_missing_or_wrong_sig_is_a_flat_403(signing, bad):
    client, token = signing
    values = {"access_token": token}
    if bad == "upper":
        bad = sig(client, "/users/self", values).upper()

    answer = Client().get("/v1/users/self", values if bad is None else values | {"sig": bad})

    assert flat_refusal(answer, status=403) == NO_SIGNATURE
    assert "X-Ratelimit-Limit" in answer


def test_a_sig_is_for_one_path_and_its_parameters_only(signing):
    client, token = signing
    values = {"access_token": token}
    signed = values | {"sig": sig(client, "/users/self", values)}

    for path, more in (("/v1/users/self/feed", {}), ("/v1/users/self/", {}), ("/v1/users/self", {"count": "5"})):
        assert flat_refusal(Client().get(path, signed | more), status=403) == NO_SIGNATURE


def test_a_post_is_signed_with_query_and_body(signing):
    client, token = signing
    endpoint = f"/users/{a_person().id}/relationship"
    values = {"access_token": token, "action": "follow"}

    answer = Client().post(f"/v1{endpoint}?access_token={token}", values | {"sig": sig(client, endpoint, values)})

    assert body(answer)["data"]["outgoing_status"] == "follows"


def test_a_post_whose_query_alone_is_signed_is_accepted(signing):
    client, token = signing
    endpoint = f"/users/{a_person().id}/relationship"
    values = {"access_token": token}
    query = urlencode(values | {"sig": sig(client, endpoint, values)})

    body(Client().post(f"/v1{endpoint}?{query}", {"action": "follow"}))


def test_a_post_without_a_content_type_is_signed_like_any_other(signing):
    client, token = signing
    endpoint = f"/users/{a_person().id}/relationship"
    values = {"access_token": token, "action": "follow"}
    sent = urlencode(values | {"sig": sig(client, endpoint, values)})

    body(Client().generic("POST", f"/v1{endpoint}", sent, content_type=""))


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_sigs_one_must_fit(signing, order):
    client, token = signing
    values = {"access_token": token}
    sigs = [("sig", "0" * 64), ("sig", sig(client, "/users/self", values))][::order]

    body(Client().get(f"/v1/users/self?{urlencode([*values.items(), *sigs])}"))


def test_a_delete_is_signed(signing):
    client, token = signing
    endpoint = f"/media/{a_person().upload()['id']}/likes"
    values = {"access_token": token}

    assert flat_refusal(Client().delete(f"/v1{endpoint}?{urlencode(values)}"), status=403) == NO_SIGNATURE
    body(Client().delete(f"/v1{endpoint}?{urlencode(values | {'sig': sig(client, endpoint, values)})}"))


def test_percent_encoding_in_the_path_is_signed_as_it_was_sent(signing):
    client, token = signing
    values = {"access_token": token}
    for raw in ("/users/%73elf", "/users/%73elf.json"):
        query = urlencode(values | {"sig": sig(client, raw, values)})

        answer = Client().get(f"/v1/users/self{raw.removeprefix('/users/%73elf')}?{query}", RAW_URI=f"/v1{raw}?{query}")

        body(answer)


def test_a_next_url_carries_a_fresh_sig_and_works_verbatim(signing, anna):
    client, token = signing
    for _ in range(3):
        anna.upload()
    values = {"access_token": token, "count": "1"}
    page = body(
        Client().get("/v1/users/self/feed.json", values | {"sig": sig(client, "/users/self/feed.json", values)})
    )
    seen = [page["data"][0]["id"]]

    for _ in range(2):
        address = urlsplit(page["pagination"]["next_url"])
        assert [name for name, _ in parse_qsl(address.query)].count("sig") == 1
        page = body(Client().get(f"{address.path}?{address.query}", RAW_URI=f"{address.path}?{address.query}"))
        seen.append(page["data"][0]["id"])

    assert len(set(seen)) == 3


def test_the_credential_is_checked_before_the_signature(signing):
    answer = Client().get("/v1/users/self", {"access_token": "1.a.b"})

    assert body(answer, status=400)["meta"]["error_type"] == "OAuthAccessTokenException"


def test_a_refused_signature_under_jsonp_is_still_flat(signing):
    _, token = signing

    answer = Client().get("/v1/users/self", {"access_token": token, "callback": "show"})

    assert answer.status_code == 200
    assert answer.content.startswith(b'show({"code":403,"error_type":"OAuthForbiddenException"')


# --- enforced header ---


def test_writes_need_the_header_and_reads_do_not(forwarding):
    client, token = forwarding
    path = f"/v1/media/{a_person().upload()['id']}/likes"

    body(Client().get("/v1/users/self", {"access_token": token}))
    for verb in ("post", "delete"):
        call = getattr(Client(), verb)
        address = f"{path}?access_token={token}"
        assert flat_refusal(call(address), status=403) == NO_HEADER
        body(call(address, headers=header(client)))
        body(call(address, headers=header(client, "203.0.113.7,198.51.100.4")))


@pytest.mark.parametrize("wrong", ["", "|", "203.0.113.7", "203.0.113.7|", "203.0.113.7|" + "0" * 64, "|" + "0" * 64])
def test_a_wrong_header_is_a_flat_403(forwarding, wrong):
    _, token = forwarding

    answer = Client().post("/v1/media/1/likes", {"access_token": token}, headers={"X-Insta-Forwarded-For": wrong})

    assert flat_refusal(answer, status=403) == NO_HEADER


def test_an_overridden_verb_needs_the_header_as_well(forwarding):
    _, token = forwarding

    answer = Client().post("/v1/media/1/likes", {"access_token": token, "_method": "DELETE"})

    assert flat_refusal(answer, status=403) == NO_HEADER


def test_a_header_signed_with_an_old_secret_is_refused(forwarding):
    client, token = forwarding
    headers = header(an_application())

    answer = Client().post("/v1/media/1/likes", {"access_token": token}, headers=headers)

    assert flat_refusal(answer, status=403) == NO_HEADER
    assert headers != header(client)
