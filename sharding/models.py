"""Placement (main) and ShardedModel, the base of every noun that lives in a logical shard."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.base import ModelBase

from .errors import ShardKeyRequired

if TYPE_CHECKING:
    from .shard import Shard


class Placement(models.Model):
    """Which server holds a logical shard. One row each; changed only by a shard move."""

    logical_shard = models.SmallIntegerField(primary_key=True)
    server = models.CharField(max_length=63)

    def __str__(self) -> str:
        return f"{self.logical_shard} on {self.server}"


class _Refusal:
    """Answers `Photo.objects` on an unbound model; a bound class has its own, which Python finds first."""

    def __get__(self, model: type | None, metaclass: type) -> Any:
        raise ShardKeyRequired(model or metaclass)


class _ShardedModelBase(ModelBase):
    """Makes sharded models abstract until they are bound to a shard: Django then knows no table of theirs."""

    objects = _Refusal()

    def __new__(mcs, name: str, bases: tuple[type, ...], attributes: dict[str, Any], **kwargs: Any) -> Any:
        if "shard" not in attributes:
            declared = attributes.get("Meta", object)
            attributes["Meta"] = type("Meta", (declared,), {"abstract": True})
        return super().__new__(mcs, name, bases, attributes, **kwargs)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls._meta.abstract:  # type: ignore[attr-defined]  # every model class has it
            raise ShardKeyRequired(cls)
        return super().__call__(*args, **kwargs)


class ShardedModel(models.Model, metaclass=_ShardedModelBase):
    """Base of what lives in logical shards: declare fields as usual, query through `shard.model(TheModel)`.

    The table is `<room>_<classname>` in each shard's schema, made by the room's shard_sql/ files, not by Django's
    migrations. Refer to other rows by plain BigIntegerField; ids come from the shard's own clock.
    """

    shard: "Shard"
