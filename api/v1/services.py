"""Our own endpoints for a person's accounts at other services."""

from typing import Any

from api.v1.base import Answer, Call, Endpoint, access, enveloped, route
from instagram.errors import NotFound
from notifications.sharing.models import Service
from notifications.sharing.queries import linked_accounts
from notifications.sharing.services import link, unlink


def _presented(service: str, account: str | None) -> dict[str, Any]:
    return {"service": service, "linked": account is not None, "account": account}


def _named(service: str) -> str:
    name = service.lower()
    if name not in Service.values:
        raise NotFound(what="service")
    return name


class Services(Endpoint):
    """My accounts at other services."""

    @access(token=True, first_party=True)
    def get(self, call: Call) -> Answer:
        """Return every service there is, linked or not."""
        linked = linked_accounts(call.my_id)
        return enveloped([_presented(service.value, linked.get(service.value)) for service in Service])


class OneService(Endpoint):
    """My account at one service."""

    @access(first_party=True)
    def post(self, call: Call, service: str) -> Answer:
        """Link it with the token that the device was given there; another one is replaced."""
        name = _named(service)
        linked = link(
            user_id=call.my_id,
            service=name,
            account=call.params.required("account"),
            token=call.params.required("oauth_token"),
            secret=call.params.get("oauth_secret"),
        )
        return enveloped(_presented(name, linked.account))

    @access(first_party=True)
    def delete(self, call: Call, service: str) -> Answer:
        """Unlink it; harmless to repeat."""
        unlink(user_id=call.my_id, service=_named(service))
        return enveloped(None)


routes = [
    route("v1/users/self/services", Services),
    route("v1/users/self/services/<service>", OneService),
]
