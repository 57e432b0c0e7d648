"""The stand-in for Apple's push service keeps Apple's rules."""

import stat
import time
import uuid
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from stack.apns import keys
from stack.apns.rules import Provider, TokenOfConnection, Verdict, judge
from stack.apns.steering import SPECIAL, Steering

DEVICE = "ab" * 32
BODY = b'{"aps": {"alert": "hello"}}'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("apns")
    keys.ensure(folder)
    return folder


@pytest.fixture
def provider(folder: Path) -> Provider:
    return Provider(keys.public_key(folder), "KEY0000001", "TEAM000001", "example.app")


@pytest.fixture
def signed(folder: Path):
    key = load_pem_private_key((folder / keys.PROVIDER_KEY).read_bytes(), password=None)

    def sign(*, key_id: str = "KEY0000001", **claims: Any) -> str:
        payload = {"iss": "TEAM000001", "iat": int(time.time())} | claims
        return jwt.encode(payload, key, algorithm="ES256", headers={"kid": key_id})

    return sign


def a_request(token: str, **changes: str | None) -> dict[str, str]:
    headers = {
        ":method": "POST",
        ":path": f"/3/device/{DEVICE}",
        "authorization": f"bearer {token}",
        "apns-topic": "example.app",
        "apns-id": str(uuid.uuid4()),
    } | {name.replace("_", "-") if name[0] != "_" else f":{name[1:]}": value for name, value in changes.items()}
    return {name: value for name, value in headers.items() if value is not None}


def test_what_keeps_every_rule_is_taken(provider, signed):
    assert judge(a_request(signed()), BODY, provider, TokenOfConnection()) == Verdict(200)


@pytest.mark.parametrize(("changes", "status", "reason"), [
    ({"_method": "GET"}, 405, "MethodNotAllowed"),
    ({"_path": "/4/device/x"}, 404, "BadPath"),
    ({"_path": "/3/device/"}, 400, "MissingDeviceToken"),
    ({"_path": "/3/device/nohex"}, 400, "BadDeviceToken"),
    ({"_path": "/3/device/" + "ab" * 31}, 400, "BadDeviceToken"),
    ({"authorization": None}, 403, "MissingProviderToken"),
    ({"authorization": "bearer nonsense"}, 403, "InvalidProviderToken"),
    ({"apns_topic": None}, 400, "MissingTopic"),
    ({"apns_topic": "another.app"}, 400, "TopicDisallowed"),
    ({"apns_id": "7"}, 400, "BadMessageId"),
    ({"apns_priority": "7"}, 400, "BadPriority"),
    ({"apns_expiration": "soon"}, 400, "BadExpirationDate"),
    ({"apns_collapse_id": "x" * 65}, 400, "BadCollapseId"),
    ({"apns_push_type": "shout"}, 400, "InvalidPushType"),
])  # fmt: skip
def test_what_breaks_a_rule_is_refused_with_apples_reason(provider, signed, changes, status, reason):
    verdict = judge(a_request(signed(), **changes), BODY, provider, TokenOfConnection())
    assert (verdict.status, verdict.reason) == (status, reason)


@pytest.mark.parametrize(("body", "status", "reason"), [
    (b"", 400, "PayloadEmpty"), (b"{}", 400, "PayloadEmpty"), (b"no json", 400, "PayloadEmpty"),
    (BODY.ljust(4_096), 200, ""), (BODY.ljust(4_097), 413, "PayloadTooLarge"),
])  # fmt: skip
def test_a_payload_is_a_dictionary_of_4096_bytes_at_most(provider, signed, body, status, reason):
    verdict = judge(a_request(signed()), body, provider, TokenOfConnection())
    assert (verdict.status, verdict.reason) == (status, reason)


@pytest.mark.parametrize(("claims", "reason"), [
    ({"key_id": "KEY0000002"}, "InvalidProviderToken"),
    ({"iss": "TEAM000002"}, "InvalidProviderToken"),
    ({"iat": int(time.time()) - 3_700}, "ExpiredProviderToken"),
    ({"iat": int(time.time()) + 3_700}, "ExpiredProviderToken"),
    ({"iat": None}, "InvalidProviderToken"),
])  # fmt: skip
def test_a_provider_token_is_ours_and_of_the_last_hour(provider, signed, claims, reason):
    verdict = judge(a_request(signed(**claims)), BODY, provider, TokenOfConnection())
    assert (verdict.status, verdict.reason) == (403, reason)


def test_a_token_signed_by_another_key_is_refused(provider, tmp_path):
    keys.ensure(tmp_path)
    key = load_pem_private_key((tmp_path / keys.PROVIDER_KEY).read_bytes(), password=None)
    token = jwt.encode(
        {"iss": "TEAM000001", "iat": int(time.time())}, key, algorithm="ES256", headers={"kid": "KEY0000001"}
    )

    assert judge(a_request(token), BODY, provider, TokenOfConnection()).reason == "InvalidProviderToken"


def test_tokens_that_change_on_a_connection_before_twenty_minutes_are_refused(provider, signed):
    known, now = TokenOfConnection(), int(time.time())
    assert judge(a_request(signed(iat=now)), BODY, provider, known).status == 200
    verdict = judge(a_request(signed(iat=now - 1)), BODY, provider, known)
    assert (verdict.status, verdict.reason) == (429, "TooManyProviderTokenUpdates")

    known.since -= 1_201
    assert judge(a_request(signed(iat=now - 1)), BODY, provider, known).status == 200


def test_a_token_grows_old_on_a_connection(provider, signed):
    known, token = TokenOfConnection(), signed()
    judge(a_request(token), BODY, provider, known)
    known.issued_at -= 3_700

    assert judge(a_request(token), BODY, provider, known).reason == "ExpiredProviderToken"


def test_certificates_and_key_are_made_once_and_the_secret_halves_are_the_owners_alone(folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    keys.ensure(folder)

    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    for name in (keys.PROVIDER_KEY, keys.SERVER_KEY):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("prefix", SPECIAL)
def test_anybody_can_try_a_refusal_by_a_device_token_that_begins_with_it(prefix):
    verdict = Steering().verdict_for(prefix + "0" * 56)

    assert verdict is not None
    assert verdict.status == int(prefix[-4:])
    assert (verdict.timestamp is not None) == (verdict.status == 410)
