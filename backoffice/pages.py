"""Every module that registers pages or panels: importing this one fills frame.PAGES. A new module adds its line."""

from . import audit_pages, explain, front, opening, second_factor, signing_in, staff  # noqa: F401  # registers
from .cases import claiming, decided, desk, list  # noqa: F401  # registers
from .dashboards import leaving, proofs, queues, shards, stores, traffic  # noqa: F401  # registers
from .people import export_pages, lists, person  # noqa: F401  # registers
from .service import dead_letters, silencing, slow, spam, switching  # noqa: F401  # registers
from .sharded import deed_lists, photo_list, photo_page  # noqa: F401  # registers
