"""Decoding runs in helper processes: whatever happens to one costs one upload, and the next one works."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import pyvips
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from instagram.errors import InvalidParameters
from photos.images import DecodingUnavailable, pool, render
from tests.support.people import a_person, a_photo, body, refusal
from tests.support.pictures import check_clean
from tests.support.waiting import wait_until

#: Pixels a side of a picture that takes its time: a hundred milliseconds of CPU.
LARGE = 4_500


@pytest.fixture
def helpers(monkeypatch):
    """Give a pool of this test's own, under render(); at most two helpers."""
    ours = pool.Pool()
    monkeypatch.setattr(pool, "_made", ours)
    yield ours
    ours.close()


@pytest.fixture(scope="module")
def large():
    return a_photo(width=LARGE, height=LARGE)


def test_this_process_runs_no_libvips_of_its_own():
    code = (
        "import sys, django; django.setup(); import instagram.wsgi; from photos import images; "
        "images.render(sys.stdin.buffer.read()); print('pyvips' in sys.modules, 'PIL' in sys.modules)"
    )

    said = subprocess.run([sys.executable, "-c", code], input=a_photo(), capture_output=True, check=True, timeout=60)

    assert said.stdout.split() == [b"False", b"False"]


def test_one_helper_serves_one_upload_after_the_other(helpers):
    for _ in range(3):
        check_clean(render(a_photo()))

    assert len(helpers.idle) == 1
    assert helpers.idle[0].process.poll() is None


def test_a_helper_killed_while_it_decodes_is_replaced_and_the_upload_goes_on(helpers, large):
    render(a_photo())
    helper = helpers.idle[0]
    with ThreadPoolExecutor(1) as thread:
        upload = thread.submit(render, large)
        wait_until(lambda: not helpers.idle)
        os.kill(helper.process.pid, signal.SIGKILL)

        check_clean(upload.result(timeout=30))

    assert helper.process.returncode == -signal.SIGKILL


def test_an_upload_whose_helpers_are_killed_again_gets_a_503_and_the_next_one_works(helpers, large):
    with ThreadPoolExecutor(1) as thread:
        upload = thread.submit(render, large)
        for _ in range(2):
            pid = wait_until(lambda: next(iter(pool.pids()), None))
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda pid=pid: pid not in pool.pids())

        with pytest.raises(DecodingUnavailable):
            upload.result(timeout=30)

    check_clean(render(a_photo()))


def test_a_helper_killed_between_two_uploads_costs_nobody_anything(helpers):
    render(a_photo())
    os.kill(helpers.idle[0].process.pid, signal.SIGKILL)

    check_clean(render(a_photo()))


@pytest.mark.parametrize("fault", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS])
def test_a_picture_that_crashes_its_helper_is_refused_in_a_sentence(helpers, fault):
    render(a_photo())
    helper = helpers.idle[0]
    os.kill(helper.process.pid, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as thread:
        upload = thread.submit(render, a_photo())
        wait_until(lambda: not helpers.idle)
        os.kill(helper.process.pid, fault)
        os.kill(helper.process.pid, signal.SIGCONT)

        with pytest.raises(InvalidParameters, match="photo: the file cannot be decoded"):
            upload.result(timeout=20)

    check_clean(render(a_photo()))


def test_a_picture_that_takes_too_much_cpu_is_refused(helpers, large, settings):
    settings.IMAGE_CPU_S = 0.02

    with pytest.raises(InvalidParameters, match="takes longer than"):
        render(large)

    settings.IMAGE_CPU_S = 10
    check_clean(render(large))


def test_a_helper_that_hangs_is_killed_when_the_wait_is_over(helpers, settings):
    render(a_photo())
    helper = helpers.idle[0]
    os.kill(helper.process.pid, signal.SIGSTOP)
    settings.IMAGE_WAIT_S = 0.3

    with pytest.raises(DecodingUnavailable):
        render(a_photo())

    assert helper.process.poll() == -signal.SIGKILL
    settings.IMAGE_WAIT_S = 30
    check_clean(render(a_photo()))


def test_a_picture_that_needs_too_much_memory_is_refused(helpers, settings, large):
    # Enough for the helper itself: what runs out is libjpeg, which says so, and not whatever comes first.
    settings.IMAGE_HELPER_MB = 80
    # A decoder holds a progressive picture whole.
    progressive = pyvips.Image.new_from_buffer(large, "").jpegsave_buffer(interlace=True, Q=30)

    with pytest.raises(InvalidParameters, match="more memory than one picture may have"):
        render(progressive)

    check_clean(render(a_photo()))


def test_a_helper_is_replaced_after_its_share_of_pictures(helpers, settings):
    settings.IMAGE_HELPER_PICTURES = 2
    pids = []
    for _ in range(2):
        render(a_photo())
        pids += [helper.process.pid for helper in helpers.idle]

    assert len(pids) == 1  # it was there after the first and had gone after the second
    check_clean(render(a_photo()))
    assert not psutil.pid_exists(pids[0])


def test_a_helper_without_work_ends_and_the_next_upload_starts_another(helpers, settings):
    settings.IMAGE_HELPER_IDLE_S = 0.05
    render(a_photo())
    helper = helpers.idle[0]
    wait_until(lambda: helper.process.poll() == 0)

    check_clean(render(a_photo()))


def test_a_helper_that_ends_of_itself_as_a_picture_comes_costs_nothing(helpers, settings):
    settings.IMAGE_HELPER_IDLE_S = 0.05
    render(a_photo())
    helper = helpers.idle[0]
    helper.process.poll = lambda: None  # it looks alive, as it does a moment before its end
    assert helper.process.wait(timeout=20) == 0

    check_clean(render(a_photo()))


def test_two_uploads_at_once_are_decoded_side_by_side(helpers, large):
    with ThreadPoolExecutor(4) as threads:
        for rendered in threads.map(render, [large, a_photo(), large, a_photo()]):
            check_clean(rendered)

    assert len(helpers.idle) == 2


def test_an_upload_waits_for_a_helper_no_longer_than_it_may(helpers, settings):
    settings.IMAGE_WAIT_S = 0.1
    for _ in range(settings.IMAGE_HELPERS):
        assert helpers._slots.acquire(timeout=1)

    with pytest.raises(DecodingUnavailable):
        render(a_photo())

    for _ in range(settings.IMAGE_HELPERS):
        helpers._slots.release()


def test_a_fork_has_helpers_of_its_own(helpers):
    render(a_photo())
    before = helpers.idle[0].process.pid
    picture = a_photo()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # no assertion may leave this block: it would run the rest of the tests twice
        try:
            rendered = render(picture)
            ours = [helper.process.pid for helper in pool._made.idle]
            os.write(writing, b"%d %d" % (len(rendered.jpegs), ours[0]))
            pool._made.close()
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    jpegs, pid = os.read(reading, 100).split()
    os.close(reading)

    assert int(jpegs) == 4
    assert int(pid) != before
    assert helpers.idle[0].process.poll() is None
    check_clean(render(picture))
    assert helpers.idle[0].process.pid == before


def test_helpers_end_when_their_process_is_killed():
    code = (
        "import sys, time, django; django.setup(); from photos.images import pool, render; "
        "render(sys.stdin.buffer.read()); print(pool._made.idle[0].process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        owner.stdin.write(a_photo())
        owner.stdin.close()
        helper = int(owner.stdout.readline())
        owner.kill()

    wait_until(lambda: not psutil.pid_exists(helper) or psutil.Process(helper).status() == psutil.STATUS_ZOMBIE)


def test_a_helper_knows_nothing_of_our_environment(helpers, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "a secret that no decoder needs")
    render(a_photo())

    environment = psutil.Process(helpers.idle[0].process.pid).environ()

    assert "a secret that no decoder needs" not in environment.values()
    assert not {"DJANGO_SETTINGS_MODULE", "DATABASE_URL", "S3_SECRET_KEY"} & set(environment)


def test_an_answer_that_is_nonsense_is_not_believed(helpers):
    render(a_photo())
    helper = helpers.idle[0]
    ours, theirs = pool.socket.socketpair()
    real, helper.channel = helper.channel, ours
    talker = threading.Thread(target=lambda: (theirs.recv(1), theirs.sendall(b"\xff" * 8)))
    talker.start()

    with pytest.raises(InvalidParameters, match="cannot be decoded"):
        render(a_photo())

    talker.join()
    theirs.close()
    real.close()
    check_clean(render(a_photo()))


def upload_by_http(person, picture):
    files = {"photo": SimpleUploadedFile("a.jpg", picture)}
    return Client().post("/v1/media", {"access_token": person.token, **files})


def test_an_upload_whose_helper_cannot_answer_gets_a_503_and_the_next_one_is_published(helpers, settings):
    anna = a_person()
    render(a_photo())
    os.kill(helpers.idle[0].process.pid, signal.SIGSTOP)
    settings.IMAGE_WAIT_S = 0.3

    body(upload_by_http(anna, a_photo()), status=503)
    assert anna.get("/v1/users/self/media/recent")["data"] == []

    settings.IMAGE_WAIT_S = 30
    assert body(upload_by_http(anna, a_photo()))["data"]["id"]


def test_an_upload_that_takes_too_much_cpu_gets_a_400_and_the_next_one_is_published(helpers, settings, large):
    anna = a_person()
    settings.IMAGE_CPU_S = 0.02

    error_type, message = refusal(upload_by_http(anna, large))
    assert error_type == "APIInvalidParametersError"
    assert message == "photo: decoding takes longer than 0.02 s"

    settings.IMAGE_CPU_S = 10
    assert body(upload_by_http(anna, a_photo()))["data"]["id"]
