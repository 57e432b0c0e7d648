"""What the archive of a person says of push: their phones, what may ring them, whose bell they turned on."""

from typing import Any

from . import bells
from .models import Device
from .preferences import settings_of


def export(user_id: int) -> list[dict[str, Any]]:
    """Return it as one entry. Cost: two queries on main, one for each person followed."""
    devices = Device.objects.filter(user=user_id).order_by("pk")
    return [
        {
            "settings": settings_of(user_id),
            "devices": [
                {
                    "token": device.token,
                    "environment": device.environment,
                    "app_version": device.app_version,
                    "locale": device.locale,
                    "registered_time": str(int(device.registered_at.timestamp())),
                }
                for device in devices
            ],
            "bells": [str(author_id) for author_id in bells.turned_on(user_id)],
        }
    ]
