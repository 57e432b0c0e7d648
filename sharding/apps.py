"""Django's registration of the room."""

from django.apps import AppConfig


class ShardingConfig(AppConfig):
    """The shards."""

    name = "sharding"
