"""News and the Following stream without a shard server: its own people are missing, everybody else's news arrive."""

import pytest

from tests.faults import Person, body_of, sign_up
from tests.support.private import PrivateStack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults

NEWS, FOLLOWING = "/v1/users/self/activity", "/v1/users/self/activity/following"


def acts_in(person: Person, path: str) -> list[tuple[str, int]]:
    """Return what is told, oldest first: (type, by whom)."""
    return [(each["type"], int(each["from"]["id"])) for each in body_of(person.get(path))["data"]][::-1]


@pytest.mark.parametrize("fault", ["dead", "frozen"])
def test_a_lost_shard_server_leaves_out_its_own_people_and_delays_nobody_elses_news(
    private_stack: PrivateStack, fault: str
) -> None:
    people = sign_up(private_stack, each=3)
    (owner, here, reader), (far, *_) = people["shard_a"], people["shard_b"]
    photo = owner.upload()
    for person in (here, far):
        reader.follow(person)
        body_of(person.post(f"/v1/media/{photo}/likes"))
    likes = [("like", here.id), ("like", far.id)]
    for person, path in ((owner, NEWS), (reader, FOLLOWING)):
        wait_until(lambda who=person, what=path: acts_in(who, what) == likes, seconds=20, what="both likes")

    lost = private_stack.dead if fault == "dead" else private_stack.frozen
    with lost("postgres_shard_b"):
        body_of(here.post(f"/v1/media/{photo}/comments", text="lovely"))
        wait_until(lambda: ("comment", here.id) in acts_in(owner, NEWS), seconds=20, what="the news of the comment")
        wait_until(
            lambda: acts_in(reader, FOLLOWING) == [likes[0], ("comment", here.id)], seconds=20, what="what is left"
        )
        assert likes[0] in acts_in(owner, NEWS)

    for person, path in ((owner, NEWS), (reader, FOLLOWING)):
        expected = [*likes, ("comment", here.id)]
        wait_until(lambda who=person, what=path, all_=expected: acts_in(who, what) == all_, seconds=30, what="it all")
