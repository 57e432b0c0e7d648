"""Who may see whom, whatever happened before: the rule in a few lines beside the real thing."""

from contextlib import suppress
from dataclasses import dataclass

from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts import visibility
from accounts.services import (
    approve_request,
    block_user,
    change_profile,
    follow_user,
    ignore_request,
    presence,
    unblock_user,
    unfollow_user,
)
from instagram.errors import APIError
from jobs.testing import run_until_idle
from tests.support.people import a_person


@dataclass
class Rule:
    """What two people did, and what follows from it for the viewer."""

    private: bool = False
    active: bool = True
    edge: str = "none"
    owner_blocks: bool = False
    viewer_blocks: bool = False

    @property
    def visible(self) -> bool:
        return self.active and not self.owner_blocks and (not self.private or self.edge == "follows")

    @property
    def listed(self) -> bool:
        return self.active and not self.owner_blocks

    def do(self, action: str) -> None:
        """Change as an action should; what is refused changes nothing."""
        match action:
            case "follow":
                refused = not self.active or self.owner_blocks or self.viewer_blocks
                if self.edge == "none" and not refused:
                    self.edge = "requested" if self.private else "follows"
            case "unfollow":
                self.edge = "none"
            case "approve" | "ignore" if self.edge == "requested":
                self.edge = "follows" if action == "approve" else "none"
            case "owner blocks":
                self.owner_blocks, self.edge = True, "none"
            case "owner unblocks":
                self.owner_blocks = False
            case "viewer blocks":
                self.viewer_blocks, self.edge = True, "none"
            case "viewer unblocks":
                # Ends what the block ended, in case its job has not run.
                self.edge = "none" if self.viewer_blocks else self.edge
                self.viewer_blocks = False
            case "go private":
                self.private = True
            case "go public":
                self.private = False
                self.edge = "follows" if self.edge == "requested" else self.edge
            case "leave":
                self.active = False
            case "come back":
                self.active = True


def act(action: str, viewer_id: int, owner_id: int) -> None:
    """Do it for real."""
    doing = {
        "follow": lambda: follow_user(follower_id=viewer_id, followee_id=owner_id),
        "unfollow": lambda: unfollow_user(follower_id=viewer_id, followee_id=owner_id),
        "approve": lambda: approve_request(owner_id=owner_id, requester_id=viewer_id),
        "ignore": lambda: ignore_request(owner_id=owner_id, requester_id=viewer_id),
        "owner blocks": lambda: block_user(owner_id=owner_id, other_id=viewer_id),
        "owner unblocks": lambda: unblock_user(owner_id=owner_id, other_id=viewer_id),
        "viewer blocks": lambda: block_user(owner_id=viewer_id, other_id=owner_id),
        "viewer unblocks": lambda: unblock_user(owner_id=viewer_id, other_id=owner_id),
        "go private": lambda: change_profile(owner_id, is_private=True),
        "go public": lambda: change_profile(owner_id, is_private=False),
        "leave": lambda: presence.deactivate(owner_id),
        "come back": lambda: presence.reactivate(owner_id),
    }
    with suppress(APIError):
        doing[action]()


ACTIONS = [
    "follow", "unfollow", "approve", "ignore", "owner blocks", "owner unblocks", "viewer blocks", "viewer unblocks",
    "go private", "go public", "leave", "come back",
]  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(ACTIONS), max_size=9))
def test_whatever_two_people_did_the_viewer_sees_what_the_rule_allows(actions):
    owner, viewer, rule = a_person(), a_person(), Rule()
    for action in actions:
        act(action, viewer.id, owner.id)
        rule.do(action)
        run_until_idle()

        assert visibility.may_see(viewer.id, owner.id) == rule.visible
        assert (owner.id in visibility.listed(viewer.id, [owner.id])) == rule.listed
        assert (owner.id in visibility.visible_authors(None, [owner.id])) == (rule.active and not rule.private)
        assert visibility.may_see(owner.id, owner.id) == rule.active


@settings(max_examples=8, deadline=None)
@given(st.lists(st.sampled_from(ACTIONS), max_size=6))
def test_a_feed_shows_a_photo_only_to_whom_the_rule_allows_before_and_after_the_workers_ran(actions):
    owner, viewer, rule = a_person(), a_person(), Rule()
    photo = owner.upload()["id"]
    for action in ["follow", *actions]:
        act(action, viewer.id, owner.id)
        rule.do(action)

    def shown() -> bool:
        answer = Client().get("/v1/users/self/feed", {"access_token": viewer.token}).json()
        return photo in [media["id"] for media in answer["data"]]

    if not rule.visible:
        assert not shown()
    run_until_idle()
    assert shown() == (rule.visible and rule.edge == "follows")
