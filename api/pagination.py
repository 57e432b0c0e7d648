"""Pages: the `pagination` object with its absolute next_url."""

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from api import signatures

if TYPE_CHECKING:
    from api.calls import Call

#: Never repeated in a next_url: a signature would not fit the new address (those who need one get a fresh one), a
#: callback is the client's to choose again, and a secret has no place in an address.
_DROPPED = {"sig", "callback", "client_secret", "_method"}


def next_page(call: "Call", parameter: str, value: int | str | None, **extra: str) -> dict[str, Any]:
    """Return the `pagination` of a list.

    parameter: the list's cursor parameter, such as "max_id"; its answer key is "next_" + parameter.
    value: where the next page begins, None when this was the last.
    extra: keys of this endpoint that stand beside it (tags and geographies have some).
    """
    if value is None:
        return dict(extra)
    return {f"next_{parameter}": str(value), "next_url": next_url(call, parameter, str(value)), **extra}


def next_url(call: "Call", parameter: str, value: str) -> str:
    """Return this request's address with the cursor replaced: absolute, bare spelling, as the client reached us."""
    request = call.request
    kept = [
        (name, each)
        for name, values in request.GET.lists()
        if name not in _DROPPED and name != parameter
        for each in values
    ]
    path = quote(call.path, safe="/:@!$&'()*+,;=~")
    kept.append((parameter, value))
    if call.client and call.client.enforce_signed_requests:
        # Clients follow the address as it is and do not sign it.
        fresh = signatures.signature(call.client.client_secret, path.removeprefix(signatures.ROOT), dict(kept))
        kept.append(("sig", fresh))
    query = urlencode(kept)
    return f"{request.scheme}://{request.get_host()}{path}?{query}"
