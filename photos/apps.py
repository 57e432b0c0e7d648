"""Django's registration of the room; tells the photo map how to read photos from their shards."""

from django.apps import AppConfig


class PhotosConfig(AppConfig):
    """Photos."""

    name = "photos"

    def ready(self) -> None:
        """Register the photo map's source."""
        from sharding import photo_map  # noqa: PLC0415  # rooms are ready only now

        from .queries.owners import owners_in  # noqa: PLC0415  # the same

        photo_map.register_source(owners_in)
