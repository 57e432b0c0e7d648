"""A reading: all metrics at one moment, as /metrics?format=json says them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Labels = dict[str, str]


@dataclass
class Reading:
    """Metrics by name: values with their labels. at: seconds since 1970."""

    at: float
    metrics: dict[str, list[tuple[Labels, float]]] = field(default_factory=dict)

    @classmethod
    def of_json(cls, data: dict[str, Any]) -> "Reading":
        """Read what as_json() made. Raises KeyError, TypeError, ValueError for anything else."""
        metrics = {
            str(name): [(dict(labels), float(value)) for labels, value in values]
            for name, values in data["metrics"].items()
        }
        return cls(float(data["at"]), metrics)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {"at": self.at, "metrics": self.metrics}

    def total(self, name: str, where: Labels) -> float:
        """Return the sum of the values whose labels say all of `where`; 0 when there is none."""
        return sum(value for labels, value in self.metrics.get(name, []) if where.items() <= labels.items())

    def labelled(self, names: Iterable[str], label: str) -> list[str]:
        """Return the values a label has under some names, in order."""
        return sorted({labels[label] for name in names for labels, _ in self.metrics.get(name, []) if label in labels})
