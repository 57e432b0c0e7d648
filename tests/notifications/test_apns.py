"""The way to Apple: what our client makes of each answer, over real HTTP/2, and what aioapns alone would have made."""

import logging
import os
import secrets
import time
import uuid
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.test import override_settings

from notifications.push import apns
from notifications.push.apns import Outcome, Push, Result, send_all
from notifications.push.connection import Pool
from stack.apns import keys
from stack.apns.rules import Verdict
from tests.support.apns import PushService, a_push_service


@pytest.fixture
def service() -> Iterator[PushService]:
    with a_push_service(APNS_TIMEOUT_S=1.0) as service:
        yield service


def a_push(**facts: Any) -> Push:
    given = {
        "token": secrets.token_hex(32),
        "sandbox": False,
        "apns_id": str(uuid.uuid4()),
        "payload": {"aps": {"alert": "tidepool liked your photo", "badge": 3, "sound": "default"}},
        "collapse_id": "like:7",
    }
    return Push(**given | facts)


def pool_to(service: PushService) -> Pool:
    (found,) = (pool for facts, pool in apns._sender(os.getpid()).pools.items() if str(service.port) in facts[0])
    return found


def outcome_of(push: Push) -> Result:
    (result,) = send_all([push])
    return result


def test_a_push_arrives_with_its_headers_and_payload(service: PushService) -> None:
    push = a_push(payload={"aps": {"alert": "žluťoučký 🦊"}}, urgent=False)
    before = int(time.time())

    assert outcome_of(push) == Result(Outcome.TAKEN)
    (record,) = service.records
    assert record["payload"] == push.payload
    assert (record["token"], record["apns_id"], record["collapse_id"]) == (push.token, push.apns_id, "like:7")
    assert (record["topic"], record["priority"], record["push_type"]) == (settings.APNS_TOPIC, "5", "alert")
    assert 0 <= int(record["expiration"]) - before - settings.PUSH_EXPIRY_S <= 5


def test_many_go_over_one_connection_at_once(service: PushService) -> None:
    pushes = [a_push() for _ in range(1_500)]

    results = send_all(pushes)

    assert {result.outcome for result in results} == {Outcome.TAKEN}
    assert sorted(each["apns_id"] for each in service.records) == sorted(push.apns_id for push in pushes)
    (connection,) = pool_to(service).connections
    assert connection.request_streams == {}


def test_the_largest_payloads_side_by_side_are_taken(service: PushService) -> None:
    fill = "x" * (4_096 - len('{"aps": {"alert": ""}}'))
    pushes = [a_push(payload={"aps": {"alert": fill}}) for _ in range(200)]

    assert {result.outcome for result in send_all(pushes)} == {Outcome.TAKEN}


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [
        (Verdict(400, "BadDeviceToken"), Outcome.GONE),
        (Verdict(400, "DeviceTokenNotForTopic"), Outcome.REFUSED),
        (Verdict(410, "Unregistered", timestamp=1_700_000_000_000), Outcome.GONE),
        (Verdict(400, "BadCollapseId"), Outcome.REFUSED),
        (Verdict(413, "PayloadTooLarge"), Outcome.REFUSED),
        (Verdict(403, "ExpiredProviderToken"), Outcome.KEY_REFUSED),
        (Verdict(403, "InvalidProviderToken"), Outcome.KEY_REFUSED),
        (Verdict(429, "TooManyRequests", retry_after=7), Outcome.LATER),
        (Verdict(503, "ServiceUnavailable", retry_after=9), Outcome.LATER),
    ],
)
def test_each_answer_has_its_outcome(service: PushService, verdict: Verdict, outcome: Outcome) -> None:
    push = a_push()
    service.steering.answer(verdict, token=push.token, for_good=True)

    assert outcome_of(push) == Result(
        outcome,
        verdict.reason,
        timestamp=verdict.timestamp,
        retry_after_s=verdict.retry_after and float(verdict.retry_after),
    )
    assert len(service.records) == 1


def test_a_fault_of_a_moment_is_tried_again_at_once(service: PushService) -> None:
    push = a_push()
    service.steering.answer(Verdict(500, "InternalServerError"), token=push.token, times=2)

    assert outcome_of(push).outcome is Outcome.TAKEN


def test_a_goaway_in_the_middle_loses_nothing(service: PushService) -> None:
    outcome_of(a_push())
    service.steering.goaway_after = 40
    pushes = [a_push() for _ in range(300)]

    assert {result.outcome for result in send_all(pushes)} == {Outcome.TAKEN}
    assert {push.apns_id for push in pushes} <= {each["apns_id"] for each in service.taken()}


def test_a_server_that_answers_nothing_is_given_up_and_found_again(service: PushService) -> None:
    outcome_of(a_push())
    service.steering.silent = True
    began = time.monotonic()

    results = send_all([a_push() for _ in range(20)])

    assert {result.outcome for result in results} == {Outcome.LATER}
    assert time.monotonic() - began < 15
    service.steering.silent = False
    assert outcome_of(a_push()).outcome is Outcome.TAKEN


def test_no_server_at_all_is_later_for_everybody_and_soon_said(service: PushService) -> None:
    with override_settings(APNS_SERVER="127.0.0.1:9"):
        began = time.monotonic()
        results = send_all([a_push() for _ in range(300)])

    assert {result.outcome for result in results} == {Outcome.LATER}
    assert time.monotonic() - began < 10


def test_development_devices_go_to_the_other_server(service: PushService) -> None:
    with override_settings(APNS_SERVER="127.0.0.1:9"):
        assert outcome_of(a_push(sandbox=True)).outcome is Outcome.TAKEN


def test_a_key_that_is_not_ours_is_a_clear_alert(service: PushService, caplog: pytest.LogCaptureFixture) -> None:
    with override_settings(APNS_KEY_ID="SOMEBODYS1"), caplog.at_level(logging.ERROR):
        assert outcome_of(a_push()) == Result(Outcome.KEY_REFUSED, "InvalidProviderToken")

    assert "refuses our key (InvalidProviderToken): set APNS_KEY" in caplog.text
    assert apns.key_is_refused()
    outcome_of(a_push())
    assert not apns.key_is_refused()


def test_a_lost_connection_brings_no_new_provider_token(service: PushService) -> None:
    signed = set()
    for _ in range(3):
        outcome_of(a_push())
        signed.add(pool_to(service).signer.get_header())
        service.steering.goaway_after = 1
        outcome_of(a_push())

    assert len(signed) == 1


def test_the_key_may_be_text_with_escaped_line_ends(service: PushService) -> None:
    text = (service.folder / keys.PROVIDER_KEY).read_text().replace("\n", "\\n")

    with override_settings(APNS_KEY=text, APNS_KEY_FILE=""):
        assert apns.is_configured()
        assert outcome_of(a_push()).outcome is Outcome.TAKEN
    with override_settings(APNS_KEY="", APNS_KEY_FILE=""):
        assert not apns.is_configured()


def test_a_token_of_ours_is_what_apple_wants(service: PushService) -> None:
    outcome_of(a_push())
    scheme, _, token = pool_to(service).signer.get_header().partition(" ")

    claims = jwt.decode(token, keys.public_key(service.folder), algorithms=["ES256"])
    assert scheme == "bearer"
    assert claims["iss"] == settings.APNS_TEAM_ID
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "kid": settings.APNS_KEY_ID, "typ": "JWT"}
