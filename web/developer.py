"""/developer/clients/: a developer's applications."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.oauth import applications
from accounts.oauth.queries import application_of, applications_of
from instagram.errors import InvalidParameters, NotFound

from .pages import missing, page, signed_in
from .sessions import signed_in_only

_LIST = "/developer/clients/"


class RegisterForm(forms.Form):
    """What an application says of itself. Only reads the fields: what is wrong with them, the services say."""

    name = forms.CharField(required=False, label="Name", help_text="People see it when they are asked to allow it.")
    description = forms.CharField(required=False, label="Description", widget=forms.Textarea(attrs={"rows": 3}))
    website = forms.CharField(required=False, label="Website")
    redirect_uris = forms.CharField(
        required=False,
        label="Redirect URIs",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="One a line. Apps may use a scheme of their own, such as myapp://authorize.",
    )


class ChangeForm(RegisterForm):
    """The same and the switches."""

    is_active = forms.BooleanField(required=False, label="Active", help_text="Off: all its calls are refused.")
    disable_implicit = forms.BooleanField(
        required=False, label="Disable implicit OAuth", help_text="Refuse response_type=token."
    )
    enforce_signed_header = forms.BooleanField(
        required=False,
        label="Enforce signed header",
        help_text="POST and DELETE need a valid X-Insta-Forwarded-For.",
    )
    enforce_signed_requests = forms.BooleanField(
        required=False, label="Enforce signed requests", help_text="Every call needs a valid sig."
    )


@never_cache
@require_http_methods(["GET", "HEAD"])
@signed_in_only
def clients(request: HttpRequest) -> HttpResponse:
    """List them."""
    facts = {"title": "Your applications", "clients": applications_of(signed_in(request).pk)}
    return page(request, "clients", facts)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in_only
def register(request: HttpRequest) -> HttpResponse:
    """Show the form; register one."""
    form = RegisterForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            client = applications.register_application(owner_id=signed_in(request).pk, **form.cleaned_data)
        except InvalidParameters as error:
            _tell(form, error)
        else:
            return HttpResponseRedirect(f"{_LIST}{client.client_id}/")
    return page(request, "client_new", {"title": "Register an application", "form": form}, status=_status(form))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in_only
def client(request: HttpRequest, client_id: str) -> HttpResponse:
    """Show one with its secret; POST `do`: save, reset_secret or delete."""
    owner_id = signed_in(request).pk
    found = application_of(owner_id, client_id)
    if found is None:
        return missing(request)
    form: ChangeForm | None = None
    if request.method == "POST":
        try:
            form = _done(request, owner_id, client_id)
        except NotFound:  # deleted a moment ago in another window
            return missing(request)
        if form is None:
            still_there = application_of(owner_id, client_id)
            return HttpResponseRedirect(f"{_LIST}{client_id}/" if still_there else _LIST)
    fields: dict[str, Any] = {name: getattr(found, name) for name in ChangeForm.base_fields}
    form = form or ChangeForm(initial=fields)
    return page(request, "client", {"title": found.name, "client": found, "form": form}, status=_status(form))


def _done(request: HttpRequest, owner_id: int, client_id: str) -> ChangeForm | None:
    """Do what was asked for; return the form when something is wrong with it."""
    match request.POST.get("do"):
        case "reset_secret":
            applications.reset_secret(owner_id=owner_id, client_id=client_id)
        case "delete" if request.POST.get("sure"):
            applications.delete_application(owner_id=owner_id, client_id=client_id)
        case "delete":
            pass
        case _:
            form = ChangeForm(request.POST)
            if not form.is_valid():
                return form
            try:
                applications.change_application(owner_id=owner_id, client_id=client_id, **form.cleaned_data)
            except InvalidParameters as error:
                _tell(form, error)
                return form
    return None


def _tell(form: forms.Form, error: InvalidParameters) -> None:
    for field, faults in (error.errors or {"": [error.message]}).items():
        for fault in faults:
            form.add_error(field or None, fault)


def _status(form: forms.Form) -> int:
    return 400 if form.is_bound and form.errors else 200
