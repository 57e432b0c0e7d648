"""What people want to be rung for, together with their phones: one query on main for a whole batch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from caching import delete_after_commit, get_or_load_many
from sharding import main_server

from .devices import Phone
from .models import Device, FromWhom, Posts, PushSettings, Switch

#: Setting -> its choices, in the contract's order.
CHOICES: dict[str, list[str]] = {
    "likes": FromWhom.values,
    "comments": FromWhom.values,
    "mentions": FromWhom.values,
    "followers": Switch.values,
    "requests": Switch.values,
    "friends": Switch.values,
    "popular": Switch.values,
    "posts": Posts.values,
}
#: Kind of a News entry -> the setting it is subject to. Other kinds ring nobody.
SETTING_OF = {
    "like": "likes",
    "comment": "comments",
    "mention": "mentions",
    "follow": "followers",
    "follow_request": "requests",
    "request_accepted": "requests",
    "popular": "popular",
    "friend_joined": "friends",
}
#: Whether anybody asks for everybody's posts at all, and the seconds that is believed.
_ANYBODY_KIND, _ANYBODY, _ANYBODY_TTL_S = "push-everybody:1", "any", 60


@dataclass(frozen=True, slots=True)
class Reachable:
    """A person with at least one phone: what may ring it, and the phones."""

    wants: Mapping[str, str]
    phones: list[Phone]


def settings_of(user_id: int) -> dict[str, str]:
    """Return a person's settings. Cost: one query on main."""
    row = PushSettings.objects.filter(user=user_id).first() or PushSettings()
    return {name: getattr(row, name) for name in CHOICES}


def change_settings(user_id: int, changes: Mapping[str, str]) -> dict[str, str]:
    """Change some settings; return all. changes: of CHOICES."""
    with transaction.atomic():
        row, _ = PushSettings.objects.select_for_update().get_or_create(user_id=user_id)
        for name, value in changes.items():
            setattr(row, name, value)
        row.save()
        if row.posts == Posts.FOLLOWING:
            delete_after_commit(main_server(), _ANYBODY_KIND, [_ANYBODY])
    return {name: getattr(row, name) for name in CHOICES}


def reachable(user_ids: Iterable[int]) -> dict[int, Reachable]:
    """Return who of these has a phone, with what may ring it. Cost: one query on main."""
    columns = [f"user__pushsettings__{name}" for name in CHOICES]
    rows = Device.objects.filter(user__in=list(user_ids), user__is_active=True, user__deactivated_at=None)
    people: dict[int, Reachable] = {}
    for device_id, user_id, token, environment, registered_at, *wants in rows.order_by("pk").values_list(
        "pk", "user_id", "token", "environment", "registered_at", *columns
    ):
        if user_id not in people:
            people[user_id] = Reachable(_filled(wants), [])
        phone = Phone(device_id, user_id, token, environment == "sandbox", registered_at)
        people[user_id].phones.append(phone)
    return people


def is_anybody_rung_for_every_post() -> bool:
    """Return whether there is anybody who wants to be rung for everybody they follow, as of a minute ago at most."""
    found = get_or_load_many(_ANYBODY_KIND, [_ANYBODY], _is_anybody, ttl_s=_ANYBODY_TTL_S)
    return bool(found.get(_ANYBODY))


def rung_for_every_post(user_ids: Iterable[int]) -> list[int]:
    """Return who of these wants that. Cost: one query on main, by index."""
    rows = PushSettings.objects.filter(user__in=list(user_ids), posts=Posts.FOLLOWING)
    return list(rows.order_by("user_id").values_list("user_id", flat=True))


def _is_anybody(_names: list[str]) -> dict[str, Any]:
    return {_ANYBODY: PushSettings.objects.filter(posts=Posts.FOLLOWING).exists()}


def _filled(values: Iterable[str | None]) -> dict[str, str]:
    defaults = PushSettings()
    return {name: value or getattr(defaults, name) for name, value in zip(CHOICES, values, strict=True)}
