"""Uploads that are cut, trickle or come twice, and processes killed in between: real Gunicorn and nginx."""

import http.client
import json
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
import pyvips

from jobs.testing import run_until_idle
from photos import storage
from photos.models import Photo
from photos.services import unpublished
from sharding import shard_of
from tests.support.own_servers import OwnServer
from tests.support.own_web import OwnWeb, multipart, own_web, sent, store_that_never_answers
from tests.support.people import Person, a_person, a_photo
from tests.support.store import let_expire, objects_of, receipt_row_of
from tests.support.store import unpublished as written_down
from tests.support.waiting import wait_until

#: Places where a body is cut, beside those at its seams.
CUTS = 40


@pytest.fixture(scope="module")
def web() -> Iterator[OwnWeb]:
    with own_web() as running:
        yield running


@pytest.fixture
def anna() -> Person:
    return a_person()


def request_of(person: Person, image: bytes | None = None, **fields: str) -> bytes:
    image = image or a_photo(width=160, height=160)
    return multipart("/v1/media", image, access_token=person.token, **fields, caption="#fog over the harbour")


def cuts_of(request: bytes) -> list[int]:
    """Return where to cut: evenly from the first byte on, and around every seam of the form."""
    even = {1 + len(request) * number // CUTS for number in range(CUTS)}
    seams, at = set(), 0
    while (at := request.find(b"--cut-here", at)) >= 0:
        seams |= {at - 2, at - 1, at, at + 1, at + 12}
        at += 1
    return sorted({cut for cut in even | seams | {len(request) - 1, len(request) - 3} if 0 < cut < len(request)})


def upload(server: OwnServer, person: Person, image: bytes | None = None, **fields: str) -> dict[str, Any]:
    """Upload a photo as a client does that waits for its answer."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as link:
        link.sendall(request_of(person, image, **fields))
        with closing(http.client.HTTPResponse(link)) as answer:
            answer.begin()
            said = json.loads(answer.read())
    assert said["meta"]["code"] == 200, said
    media: dict[str, Any] = said["data"]
    return media


def photos_of(person: Person) -> list[Photo]:
    return list(shard_of(person.id).model(Photo).objects.filter(author_id=person.id))


def temporary_files(web: OwnWeb) -> set[Path]:
    return {*Path(tempfile.gettempdir()).glob("*.upload*"), *(path for path in web.bodies.rglob("*") if path.is_file())}


@pytest.mark.parametrize("door", ["nginx", "gunicorn"])
def test_a_connection_cut_at_any_byte_leaves_nothing_behind(web, anna, door):
    server, before = getattr(web, door), temporary_files(web)
    # A picture that nobody has: its renditions are known by their bytes, whoever else stores something meanwhile.
    image = pyvips.Image.new_from_memory(os.urandom(160 * 160 * 3), 160, 160, 3, "uchar").jpegsave_buffer(Q=50)
    request = request_of(anna, image, upload_id="tap")

    for number, cut in enumerate(cuts_of(request)):
        answer = sent(server, request[:cut], abruptly=bool(number % 4 == 0))
        assert b" 200 " not in answer.split(b"\r\n")[0], f"cut at {cut} of {len(request)}"

    media = upload(server, anna, image, upload_id="tap")
    (photo,) = photos_of(anna)
    assert media["caption"]["text"] == "#fog over the harbour"
    assert written_down(anna) == []
    sums = {each["md5"] for each in receipt_row_of(media).renditions.values()}
    stored = {found.key for page in storage.store.found_below("pub/") for found in page if found.etag in sums}
    assert stored == objects_of(photo.image_stem)
    wait_until(lambda: temporary_files(web) <= before, what="temporary files are gone")


def test_a_large_body_that_is_cut_leaves_no_file(web, anna):
    before = temporary_files(web)
    request = request_of(anna, b"\xff" * (10 * 1024 * 1024 + 1))

    for server in (web.nginx, web.gunicorn):
        assert b" 200 " not in sent(server, request[: len(request) // 2]).split(b"\r\n")[0]

    wait_until(lambda: temporary_files(web) <= before, what="temporary files are gone")
    assert (photos_of(anna), written_down(anna)) == ([], [])


def test_who_was_cut_off_before_the_answer_gets_the_same_photo_by_trying_again(web, anna):
    sent(web.nginx, request_of(anna, upload_id="tap"), abruptly=True)

    media = upload(web.nginx, anna, upload_id="tap")

    assert len(photos_of(anna)) == 1
    assert media["id"] == f"{photos_of(anna)[0].id}_{anna.id}"


def test_bodies_that_trickle_keep_nobody_waiting(web, anna):
    request = request_of(anna)
    with ExitStack() as stack:
        # More than there are threads to answer.
        for _ in range(16):
            link = stack.enter_context(socket.create_connection(("127.0.0.1", web.nginx.port)))
            link.sendall(request[: len(request) // 2])

        began = time.monotonic()
        upload(web.nginx, anna)

        assert time.monotonic() - began < 10
    assert len(photos_of(anna)) == 1


def test_a_body_that_stops_is_given_up(anna):
    with own_web(body_timeout="500ms") as web:
        request = request_of(anna)
        with socket.create_connection(("127.0.0.1", web.nginx.port), timeout=20) as link:
            link.sendall(request[: len(request) // 2])

            assert link.recv(65_536).split(b"\r\n")[0] in (b"", b"HTTP/1.1 408 Request Time-out")
    assert photos_of(anna) == []


def test_requests_with_one_key_at_once_give_one_photo_whatever_their_pictures(web, anna):
    pictures = [a_photo(width=160 + number, height=160) for number in range(6)]

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda image: upload(web.nginx, anna, image, upload_id="tap"), pictures))
    run_until_idle()

    assert len({media["id"] for media in answers}) == 1
    (photo,) = photos_of(anna)
    assert photo.image_stem in answers[0]["images"]["thumbnail"]["url"]
    assert receipt_row_of(answers[0]).received["width"] in range(160, 166)
    assert len(objects_of(photo.image_stem)) == 4
    assert written_down(anna) == []


def test_killing_the_process_between_store_and_database_leaves_nothing_and_the_retry_succeeds(web, anna):
    with (
        store_that_never_answers() as endpoint,
        own_web(S3_ENDPOINT=endpoint) as doomed,
        socket.create_connection(("127.0.0.1", doomed.gunicorn.port)) as link,
    ):
        link.sendall(request_of(anna, upload_id="tap"))
        wait_until(lambda: written_down(anna), seconds=60, what="the journal knows of it")
        ((stem, _),) = written_down(anna)
        wait_until(lambda: len(objects_of(stem)) == 4, what="its objects are stored")
        doomed.kill_gunicorn()
    assert photos_of(anna) == []

    media = upload(web.nginx, anna, upload_id="tap")
    let_expire(anna)
    unpublished.expire(shard_of(anna.id).server)
    run_until_idle()

    assert objects_of(stem) == set()
    assert written_down(anna) == []
    assert [f"{photo.id}_{anna.id}" for photo in photos_of(anna)] == [media["id"]]
