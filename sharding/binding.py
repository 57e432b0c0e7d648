"""Model classes bound to one logical shard: made lazily, cached, in registries of their own.

A bound class carries its table as `"s0005"."photos_photo"`, so a queryset cannot be evaluated against another
shard than the one it was built for; context variables and search_path can (docs/decisions.md).
"""

import threading
from typing import TYPE_CHECKING, Any, TypeVar

from django.apps.registry import Apps
from django.db import models

from .errors import ShardKeyRequired

if TYPE_CHECKING:
    from .shard import Shard

M = TypeVar("M", bound=models.Model)

_lock = threading.Lock()
_classes: dict[tuple[type[models.Model], "Shard"], type[models.Model]] = {}
_registries: dict["Shard", Apps] = {}


class BoundQuerySet(models.QuerySet):
    """A queryset that stays on its class's server."""

    def using(self, alias: str | None) -> "BoundQuerySet":
        """Refuse to go to another server than the shard's."""
        if alias != self.model.shard.alias:  # type: ignore[attr-defined]  # bound classes have it
            raise ShardKeyRequired(self.model)
        return super().using(alias)


def bound_class(model: type[M], shard: "Shard") -> type[M]:
    """Return the subclass of a sharded model whose table is the shard's."""
    key = (model, shard)
    bound = _classes.get(key)
    if bound is None:
        with _lock:
            bound = _classes.get(key)
            if bound is None:
                bound = _classes[key] = _bind(model, shard)
    return bound  # type: ignore[return-value]  # a subclass of model, made below


def table_of(model: type[models.Model]) -> str:
    """Return the unqualified table name of a sharded model: room and class name."""
    return f"{model.__module__.split('.')[0]}_{model.__name__.lower()}"


def _bind(model: type[models.Model], shard: "Shard") -> type[models.Model]:
    registry = _registries.setdefault(shard, Apps())
    meta: dict[str, Any] = {
        "abstract": False,
        "app_label": model.__module__.split(".")[0],
        "db_table": f'"{shard.schema}"."{table_of(model)}"',
        "managed": False,
        "apps": registry,
    }
    declared = getattr(model, "Meta", object)
    attributes = {
        "__module__": model.__module__,
        "__qualname__": model.__qualname__,
        "__doc__": model.__doc__,
        "Meta": type("Meta", (declared,), meta),
        "objects": models.Manager.from_queryset(BoundQuerySet)(),
        "shard": shard,
    }
    return type(model)(model.__name__, (model,), attributes)  # type: ignore[misc]  # the metaclass, as Django has it
