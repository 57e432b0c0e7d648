"""All figures: where each comes from, when it is bad and for how long, and what to do then.

Everything else reads this: Munin's plugin, `manage.py watch`, docs/watching.md.
"""

from . import backups, product, system
from .figure import Figure, Graph

GRAPHS: list[Graph] = [*product.GRAPHS, *system.GRAPHS, *backups.GRAPHS]
FIGURES: dict[str, Figure] = {figure.name: figure for graph in GRAPHS for figure in graph.figures}
