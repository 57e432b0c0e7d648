"""The admin's own door: name, password and, for who has one, a code; and the page that asks for them again."""

from typing import Any

from django import forms
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters

from accounts.models import User
from accounts.services import sign_in_from
from accounts.services.attempts import proves
from instagram.client_address import client_address
from instagram.errors import Suspended, TooManyAttempts

from . import audit
from .frame import page, shown
from .proof import has_second_factor, is_second_factor, is_signed_in, local, note_proof
from .roles import role_of

_WRONG = "This name and password do not fit together, or are not staff's."
_CODE_NEEDED = "Your authenticator's code is needed too: the one of this moment, or a recovery code."


class ProofForm(forms.Form):
    """Password and code."""

    password = forms.CharField(
        max_length=1_000, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    code = forms.CharField(
        max_length=20,
        required=False,
        help_text="Six digits of your authenticator app or a recovery code, if you have set one up.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autocapitalize": "off"}),
    )


class SignInForm(ProofForm):
    """The same with a name."""

    username = forms.CharField(
        max_length=30, label="User name", widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True})
    )
    field_order = ("username", "password", "code")


@sensitive_post_parameters("password", "code")
@never_cache
@csrf_protect
def sign_in(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    """Show the form; check it at the rate of every sign-in. The site's login()."""
    target = local(request, request.POST.get("next", request.GET.get("next", "")))
    if request.method != "POST" and role_of(request.user) and is_signed_in(request):
        return HttpResponseRedirect(target)
    form = SignInForm(request.POST if request.method == "POST" else None)
    status = 200
    if form.is_valid():
        try:
            user = _staff(request, **form.cleaned_data)
        except (TooManyAttempts, Suspended) as error:
            form.add_error(None, error.message)
            status = error.status
        except forms.ValidationError as error:
            form.add_error(None, error)
        else:
            login(request, user, backend="django.contrib.auth.backends.ModelBackend")
            note_proof(request, factor=has_second_factor(user), begins=True)
            audit.record(audit.actor_of(request), "staff.sign_in")
            return HttpResponseRedirect(target)
    return shown(request, "sign_in", {"form": form, "next": target, "title": "Staff only"}, status=status)


def _staff(request: HttpRequest, *, username: str, password: str, code: str) -> User:
    user = sign_in_from(
        client_address(request.META),
        username=username,
        password=password,
        agent=request.META.get("HTTP_USER_AGENT", ""),
    )
    if user is None or role_of(user) is None:
        _note_refused(request, "staff.sign_in_refused", User.objects.filter(username=username.strip().lower()).first())
        raise forms.ValidationError(_WRONG)
    if has_second_factor(user) and not is_second_factor(user, code):
        if code:  # none is how it begins: nobody knows yet that one is asked for
            _note_refused(request, "staff.code_refused", user)
        raise forms.ValidationError(_CODE_NEEDED)
    return user


def _note_refused(request: HttpRequest, act: str, user: User | None) -> None:
    """Write down that somebody, we do not know who, tried to be a member of the staff; of others nothing is kept."""
    if user is not None and role_of(user):
        stranger = audit.Actor(None, audit.STRANGER, audit.actor_of(request).address)
        audit.record(stranger, act, target=audit.Target("person", user.pk))


@page("prove/", name="prove", act="office.view", methods=("GET", "HEAD", "POST"))
@sensitive_post_parameters("password", "code")
def prove(request: HttpRequest) -> HttpResponse:
    """Ask for the password again, and for the code; then go where the browser wanted to."""
    user: Any = request.user
    target = local(request, request.POST.get("next", request.GET.get("next", "")))
    form = ProofForm(request.POST if request.method == "POST" else None)
    factor = has_second_factor(user)
    if not factor:
        del form.fields["code"]
    status = 200
    if form.is_valid():
        try:
            if not proves(client_address(request.META), user=user, password=form.cleaned_data["password"]):
                audit.record(audit.actor_of(request), "staff.sign_in_refused", target=audit.Target("person", user.pk))
                form.add_error("password", "Wrong password.")
            elif factor and not is_second_factor(user, form.cleaned_data["code"]):
                audit.record(audit.actor_of(request), "staff.code_refused", target=audit.Target("person", user.pk))
                form.add_error("code", _CODE_NEEDED)
            else:
                note_proof(request, factor=factor)
                return HttpResponseRedirect(target)
        except TooManyAttempts as error:
            form.add_error(None, error.message)
            status = error.status
    facts = {"form": form, "next": target, "title": "Is it still you?"}
    return shown(request, "prove", facts, status=status)
