"""Signing in from somewhere: the password is checked, and who keeps guessing has to wait.

Failures are counted in memcached; its death lifts the limit and nobody is locked out for longer than the window.
"""

import time
from collections.abc import Callable

from django.conf import settings

from accounts.models import User
from caching import counters
from instagram.counting import count
from instagram.errors import TooManyAttempts

from .logins import note_login
from .sign_up import check_password, sign_in


def sign_in_from(address: str, *, username: str, password: str, agent: str = "") -> User | None:
    """Return the person if the password is theirs, None if it is wrong. Raises Suspended if it is right.

    address: the network address the attempt comes from; agent: what the program calls itself. A pair that was never
    seen of this person is mailed to them. Raises TooManyAttempts, without a look at the password.
    Cost: three look-ups in memcached, three counts more after a failure, two queries on main, one hash.
    """
    user = _limited(address, username, lambda: sign_in(username, password))
    if user is not None:
        note_login(user.pk, address=address, agent=agent)
    return user


def proves(address: str, *, user: User, password: str) -> bool:
    """Return whether the password is this person's who is signed in already. Raises TooManyAttempts; cost as above."""
    return _limited(address, user.username, lambda: check_password(user.username, password)) is not None


def _limited(address: str, username: str, check: Callable[[], User | None]) -> User | None:
    name = username.strip().lower()[:30]
    window = int(time.time() // settings.LOGIN_FAILURES_WINDOW_S)
    limits = {
        f"login:{window}:{_key(name)}:{_key(address)}": settings.LOGIN_FAILURES_PER_NAME_AND_ADDRESS,
        f"login:{window}:name:{_key(name)}": settings.LOGIN_FAILURES_PER_NAME,
        f"login:{window}:address:{_key(address)}": settings.LOGIN_FAILURES_PER_ADDRESS,
    }
    if any(counters.read(counter) >= limit for counter, limit in limits.items()):
        count("logins", result="blocked")
        raise TooManyAttempts
    user = check()
    count("logins", result="refused" if user is None else "well")
    if user is None:
        for counter in limits:
            counters.increment(counter, ttl_s=settings.LOGIN_FAILURES_WINDOW_S)
    return user


def _key(text: str) -> str:
    """Return what memcached takes as a part of a key, whatever a client sent."""
    return text.encode().hex()[:80]
