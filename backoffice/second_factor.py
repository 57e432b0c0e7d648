"""One's own second factor: an authenticator app (TOTP) and ten recovery codes, by django-otp."""

from base64 import b32encode
from typing import Any

import segno
from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from . import audit
from .frame import Menu, page, shown
from .proof import ask_for_proof, is_proved, note_proof

RECOVERY_CODES = 10


class CodeForm(forms.Form):
    """The code that proves the app knows the secret."""

    code = forms.CharField(
        max_length=10, label="Code of the app",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )  # fmt: skip


@page(
    "second_factor/", name="second-factor", act="office.second_factor", methods=("GET", "HEAD", "POST"),
    menu=Menu("Staff", "My second factor", 50),
)  # fmt: skip
def second_factor(request: HttpRequest) -> HttpResponse:
    """Set the second factor up, or take it away; both need the password of a moment ago."""
    if not is_proved(request):
        return ask_for_proof(request)
    user: Any = request.user
    if TOTPDevice.objects.filter(user=user, confirmed=True).exists():
        return _standing(request, user)
    device, _ = TOTPDevice.objects.get_or_create(user=user, confirmed=False, defaults={"name": "app"})
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        code = form.cleaned_data["code"].replace(" ", "")
        if code.isascii() and code.isdecimal() and device.verify_is_allowed()[0] and device.verify_token(code):
            codes = _confirm(request, user, device)
            note_proof(request, factor=True)
            return shown(request, "recovery_codes", {"title": "Recovery codes", "codes": codes})
        form.add_error("code", "This is not the code of this moment. Wait for the next one and try again.")
    facts = {
        "title": "My second factor",
        "form": form,
        "secret": b32encode(device.bin_key).decode(),
        "picture": segno.make(device.config_url).svg_data_uri(scale=4, border=2),
    }
    return shown(request, "second_factor", facts, status=400 if form.errors else 200)


def _standing(request: HttpRequest, user: Any) -> HttpResponse:
    if request.method == "POST":
        with transaction.atomic():
            TOTPDevice.objects.filter(user=user).delete()
            StaticDevice.objects.filter(user=user).delete()
            _note(request, user, before=True, after=False)
        note_proof(request, factor=False)
        messages.success(request, "Your second factor is gone.")
        return HttpResponseRedirect(reverse("admin:second-factor"))
    left = StaticToken.objects.filter(device__user=user).count()
    return shown(request, "second_factor_set", {"title": "My second factor", "left": left})


def _confirm(request: HttpRequest, user: Any, device: TOTPDevice) -> list[str]:
    """Let the app count from now on; return recovery codes, shown this once."""
    codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
    with transaction.atomic():
        device.confirmed = True
        device.save()
        StaticDevice.objects.filter(user=user).delete()
        recovery = StaticDevice.objects.create(user=user, name="recovery")
        StaticToken.objects.bulk_create(StaticToken(device=recovery, token=code) for code in codes)
        _note(request, user, before=False, after=True)
    return codes


def _note(request: HttpRequest, user: Any, *, before: bool, after: bool) -> None:
    audit.record(
        audit.actor_of(request), "office.second_factor", target=audit.Target("person", user.pk),
        before={"factor": before}, after={"factor": after},
    )  # fmt: skip
