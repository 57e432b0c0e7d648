"""GET /v1/filters: the filters our own app offers."""

from api.v1.base import Answer, Call, Endpoint, access, enveloped, route
from photos import filters


class Filters(Endpoint):
    """Filters by name."""

    @access(token=True, first_party=True)
    def get(self, call: Call) -> Answer:
        """Return all there ever were; `active`: offered now."""
        return enveloped(
            [
                {"name": name, "code": filters.CODES[name], "active": name not in filters.RETIRED}
                for name in filters.NAMES
            ]
        )


routes = [route("v1/filters", Filters)]
