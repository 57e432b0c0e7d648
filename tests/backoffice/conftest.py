"""What tests of the admin leave behind must not meet the next one; and a case to look at."""

import pytest

from jobs.testing import run_until_idle
from moderation.models import Case
from tests.moderation.conftest import no_look_alikes
from tests.support.people import a_person
from tests.support.store import photo_id

__all__ = ["no_look_alikes"]


@pytest.fixture
def case():
    """Return an author, their photo, and its case."""
    anna, ben = a_person(), a_person()
    media = anna.upload(caption="A caption")
    ben.post(f"/v1/media/{media['id']}/report", reason="spam", text="it sells")
    run_until_idle()
    return anna, media, Case.objects.get(target_id=photo_id(media), closed_at=None)
