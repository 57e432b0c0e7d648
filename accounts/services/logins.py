"""Logins with a password: one from a network and program never seen of this person is mailed to them.

A program is what it calls itself (User-Agent), a network the first 24 bits of an IPv4 address, 56 of an IPv6 one:
phones change the rest all day. Only a code of the pair is kept.
"""

import ipaddress
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import mail
from accounts.models import SeenLogin, User
from accounts.services.passwords import reset_link
from jobs import enqueue

#: Of what a program calls itself.
AGENT_MAX_CHARS = 200
#: The longest spelling of an IPv6 address.
ADDRESS_MAX_CHARS = 45
_NETWORK_BITS = {4: 24, 6: 56}
#: Old rows deleted in one go.
SWEEP_BATCH = 5_000


def note_login(user_id: int, *, address: str, agent: str, is_news: bool = True) -> None:
    """Remember from where and with what a person signed in; have it mailed if neither was seen together before.

    is_news False: they have just made the account here. Cost: one query on main, for a new pair a transaction.
    """
    address, agent = _plain(address)[:ADDRESS_MAX_CHARS], _plain(agent)[:AGENT_MAX_CHARS]
    now = timezone.now()
    with transaction.atomic():
        row, is_new = SeenLogin.objects.get_or_create(user_id=user_id, code=_code(user_id, address, agent))
        if is_new and is_news:
            at = int(now.timestamp())
            enqueue("accounts.mail_new_login", user_id=user_id, address=address, agent=agent, at=at)
        elif row.last_at < now - timedelta(days=1):
            SeenLogin.objects.filter(pk=row.pk).update(last_at=now)


def mail_new_login(user_id: int, *, address: str, agent: str, at: int) -> None:
    """Tell a person of a login, with a link to say it was not them. Raises NotNow."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is not None:
        moment = datetime.fromtimestamp(at, tz=UTC)
        facts = {"address": address, "agent": agent, "moment": moment, "url": reset_link(user, everywhere=True)}
        mail.send("new_login", user, facts)


def sweep() -> None:
    """Forget what was not used for SEEN_LOGIN_DAYS. Safe to repeat."""
    old = SeenLogin.objects.filter(last_at__lt=timezone.now() - timedelta(days=settings.SEEN_LOGIN_DAYS))
    SeenLogin.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:SWEEP_BATCH])).delete()


def _plain(text: str) -> str:
    """Return what a client said of itself on one line, without what could not be stored or shown."""
    return "".join(each if each.isprintable() else " " for each in text).strip()


def _code(user_id: int, address: str, agent: str) -> bytes:
    return salted_hmac("accounts.seen_login", f"{user_id}|{_network(address)}|{agent}", algorithm="sha256").digest()[
        :16
    ]


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, _NETWORK_BITS[parsed.version]), strict=False))
