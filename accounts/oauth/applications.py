"""The verbs of a developer: register an application, change it, renew its secret, delete it.

`first_party` and `xauth` are not among what a developer can change: staff decides about them, in Django admin.
"""

import secrets

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction
from django.utils import timezone

from accounts.models import AccessToken, AuthorizationCode, OAuthClient, User
from accounts.services.sign_up import refuse
from instagram.errors import InvalidParameters, NotFound
from jobs import Again, enqueue

from .redirects import MAX_CHARS, is_usable

NAME_MAX_CHARS, DESCRIPTION_MAX_CHARS, WEBSITE_MAX_CHARS = 100, 1_000, 200
REDIRECT_URIS_MOST = 10
#: What a developer can switch.
SWITCHES = ("is_active", "disable_implicit", "enforce_signed_header", "enforce_signed_requests")
#: Tokens of a deleted application that one batch removes: some 10 ms.
DELETE_BATCH = 1_000
#: Other schemes would let an application run script in the page that links to its website.
_WEBSITE = URLValidator(schemes=["http", "https"])


def register_application(
    *, owner_id: int, name: str, redirect_uris: str, description: str = "", website: str = ""
) -> OAuthClient:
    """Register an application.

    redirect_uris: separated by white space. Raises InvalidParameters with `errors` per field, also for more than
    APPLICATIONS_PER_PERSON.
    """
    facts = _checked(name=name, redirect_uris=redirect_uris, description=description, website=website)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=owner_id)  # two at once are counted one after the other
        if OAuthClient.objects.filter(owner=owner_id, deleted_at=None).count() >= settings.APPLICATIONS_PER_PERSON:
            raise InvalidParameters(f"at most {settings.APPLICATIONS_PER_PERSON} applications")
        return OAuthClient.objects.create(owner_id=owner_id, **facts)


def change_application(
    *,
    owner_id: int,
    client_id: str,
    name: str,
    redirect_uris: str,
    description: str = "",
    website: str = "",
    **switches: bool,
) -> OAuthClient:
    """Change an application of this developer; every process knows within clients.KEEP_S.

    switches: some of SWITCHES; the others stay. Raises NotFound, and InvalidParameters with `errors` per field.
    """
    facts = _checked(name=name, redirect_uris=redirect_uris, description=description, website=website)
    if unknown := switches.keys() - set(SWITCHES):
        raise TypeError(f"no switch of a developer: {', '.join(sorted(unknown))}")
    with transaction.atomic():
        client = _locked(owner_id, client_id)
        for field, value in {**facts, **switches}.items():
            setattr(client, field, value)
        client.save(update_fields=[*facts, *switches])
    return client


def reset_secret(*, owner_id: int, client_id: str) -> OAuthClient:
    """Give an application a new secret; the old one is worthless within clients.KEEP_S. Raises NotFound."""
    with transaction.atomic():
        client = _locked(owner_id, client_id)
        client.client_secret = secrets.token_hex(16)
        client.save(update_fields=["client_secret"])
    return client


def delete_application(*, owner_id: int, client_id: str) -> None:
    """Make an application and its tokens unknown within clients.KEEP_S; a task removes the rows. Raises NotFound."""
    with transaction.atomic():
        client = _locked(owner_id, client_id)
        client.deleted_at = timezone.now()
        client.save(update_fields=["deleted_at"])
        enqueue("accounts.remove_application", client_pk=client.pk)


def remove_deleted(client_pk: int) -> Again | None:
    """Remove a batch of a deleted application's tokens, in the end the application. Safe to repeat."""
    if not OAuthClient.objects.filter(pk=client_pk).exclude(deleted_at=None).exists():
        return None
    batch = list(AccessToken.objects.filter(client=client_pk).values_list("pk", flat=True)[:DELETE_BATCH])
    AuthorizationCode.objects.filter(token__in=batch).delete()
    AccessToken.objects.filter(pk__in=batch).delete()
    if len(batch) == DELETE_BATCH:
        return Again()
    OAuthClient.objects.filter(pk=client_pk).delete()
    return None


def _locked(owner_id: int, client_id: str) -> OAuthClient:
    client = (
        OAuthClient.objects.select_for_update().filter(owner=owner_id, client_id=client_id, deleted_at=None).first()
    )
    if client is None:
        raise NotFound(what="client")
    return client


def _checked(*, name: str, redirect_uris: str, description: str, website: str) -> dict[str, str]:
    """Return the fields as they are stored. Raises InvalidParameters with `errors` per field."""
    name, description, website = name.strip(), description.strip(), website.strip()
    uris = list(dict.fromkeys(redirect_uris.split()))
    refuse(
        {
            "name": [] if 0 < len(name) <= NAME_MAX_CHARS else [f"1 to {NAME_MAX_CHARS} characters"],
            "description": []
            if len(description) <= DESCRIPTION_MAX_CHARS
            else [f"at most {DESCRIPTION_MAX_CHARS} characters"],
            "website": _website_faults(website),
            "redirect_uris": _redirect_faults(uris),
        }
    )
    return {"name": name, "description": description, "website": website, "redirect_uris": "\n".join(uris)}


def _website_faults(website: str) -> list[str]:
    if not website:
        return []
    if len(website) > WEBSITE_MAX_CHARS:
        return [f"at most {WEBSITE_MAX_CHARS} characters"]
    try:
        _WEBSITE(website)
    except ValidationError:
        return ["not a web address: it begins with http:// or https://"]
    return []


def _redirect_faults(uris: list[str]) -> list[str]:
    if not 0 < len(uris) <= REDIRECT_URIS_MOST:
        return [f"1 to {REDIRECT_URIS_MOST} addresses, one a line"]
    return [
        f"{uri[:MAX_CHARS]}: must be like https://example.com/callback or myapp://authorize, without a fragment"
        for uri in uris
        if not is_usable(uri)
    ]
