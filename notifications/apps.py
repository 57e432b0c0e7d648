"""Django's registration of the room."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Who outside is told of what."""

    name = "notifications"

    def ready(self) -> None:
        """Have News and push in everybody's archive; let devices go with the access tokens that registered them."""
        from accounts.services.exports import register_part  # noqa: PLC0415  # rooms are ready only now

        from .activity import keeping  # noqa: PLC0415  # as above
        from .push import exporting, signing_out  # noqa: PLC0415  # as above

        register_part("activity", keeping.export)
        register_part("push", exporting.export)
        signing_out.connect()
