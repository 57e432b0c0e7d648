"""Linking an account with a browser: to the service and back (OAuth)."""

from collections.abc import Mapping

from instagram.errors import InvalidParameters

from ..adapters import Adapter, Handshake, ServiceFault, adapter_of
from ..models import LinkedService
from .links import link


def begin_linking(*, service: str, callback: str, state: str) -> Handshake:
    """Return where to send the browser, and what its session remembers until it is back.

    state: unguessable, this browser's. Raises InvalidParameters with a sentence for the person. Cost: for OAuth 1 one
    request to the service, else none.
    """
    try:
        return _offered(service).begin(callback, state)
    except ServiceFault as fault:
        raise InvalidParameters(f"{service.title()}: {fault}") from fault


def finish_linking(
    *, user_id: int, service: str, callback: str, handshake: Handshake, answer: Mapping[str, str]
) -> LinkedService:
    """Link the account of a browser that came back. answer: the query it came with.

    Raises InvalidParameters with a sentence for the person; then nothing is linked. Cost: up to three requests to the
    service, in no transaction; one statement on main.
    """
    try:
        account = _offered(service).finish(callback, handshake, answer)
    except ServiceFault as fault:
        raise InvalidParameters(f"{service.title()}: {fault}") from fault
    name = account.name.strip()[:100] or service.title()
    return link(user_id=user_id, service=service, account=name, token=account.token, secret=account.secret)


def _offered(service: str) -> Adapter:
    adapter = adapter_of(service)
    if adapter is None:
        raise InvalidParameters(f"service: accounts of {service} cannot be linked here")
    return adapter
