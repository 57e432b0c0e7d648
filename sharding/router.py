"""Sends models bound to a shard to its server, everything else to main."""

from typing import Any

from django.db import models


class ShardRouter:
    """Django's database router for this service."""

    def db_for_read(self, model: type[models.Model], **_hints: Any) -> str | None:
        """Return the alias of the shard's server; None: Django's default, main."""
        shard = getattr(model, "shard", None)
        return shard.alias if shard else None

    db_for_write = db_for_read

    def allow_migrate(self, db: str, _app_label: str, **_hints: Any) -> bool:
        """Allow Django's own migrations on main alone; shards have shard_sql/."""
        return db == "default"
