"""What applications and their developers do with subscriptions."""

from .deliveries import replay
from .subscriptions import Circle, Wish, subscribe, unsubscribe

__all__ = ["Circle", "Wish", "replay", "subscribe", "unsubscribe"]
