"""/status while servers are really dead: it answers, soon, and says for whom things work."""

import time

import pytest
import requests

from tests.support.private import PrivateStack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults


def ask(stack: PrivateStack) -> requests.Response:
    began = time.monotonic()
    answer = requests.get(f"{stack.url}/status.json", timeout=30)
    assert time.monotonic() - began < 15, "whatever is away"
    return answer


def all_is_well(stack: PrivateStack) -> bool:
    return ask(stack).json()["status"] == "ok"


def test_a_dead_shard_server_is_half_of_the_people_and_no_outage(private_stack: PrivateStack):
    wait_until(lambda: all_is_well(private_stack), seconds=60, what="all is well")
    with private_stack.dead("postgres_shard_b"):
        wait_until(lambda: not all_is_well(private_stack), seconds=20, what="it is noticed")
        answer = ask(private_stack)
        page = requests.get(f"{private_stack.url}/status", timeout=30)
    assert (answer.status_code, page.status_code) == (200, 200)
    assert answer.json()["people_affected"]["share"] == 0.5
    assert "Partly away" in page.text
    assert "50 % of people" in page.text
    wait_until(lambda: all_is_well(private_stack), seconds=60, what="all is well again")


def test_without_main_the_page_still_answers_and_says_down(private_stack: PrivateStack):
    with private_stack.dead("postgres_main"):
        wait_until(lambda: ask(private_stack).status_code == 503, seconds=20, what="it is noticed")
        page = requests.get(f"{private_stack.url}/status", timeout=30)
    assert page.status_code == 503
    assert "<h1>Down</h1>" in page.text
    wait_until(lambda: all_is_well(private_stack), seconds=60, what="all is well again")


def test_without_main_and_memcached_the_page_still_answers(private_stack: PrivateStack):
    with private_stack.dead("memcached_1"), private_stack.dead("memcached_2"), private_stack.dead("postgres_main"):
        wait_until(lambda: ask(private_stack).status_code == 503, seconds=20, what="it is noticed")
    wait_until(lambda: all_is_well(private_stack), seconds=60, what="all is well again")
