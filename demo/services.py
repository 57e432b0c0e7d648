"""The demo's Anna has accounts at other services: those that their local stand-in knows from the start."""

from django.conf import settings

from notifications.sharing.models import Service
from notifications.sharing.services import link


def link_services(user_id: int) -> None:
    """Link Twitter, if it is played by the stand-in. Harmless to repeat."""
    if settings.SOCIAL_STAND_IN:
        account, token, secret = settings.SOCIAL_DEMO_LOGIN
        link(user_id=user_id, service=Service.TWITTER.value, account=account, token=token, secret=secret)
