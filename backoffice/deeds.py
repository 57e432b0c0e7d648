"""Acts on something, all done the same way: a page that says what will happen and asks why; then the act and its line
in the audit log, both or neither.

A deed is a class with its target; perform() is its page. Photos, comments, reports bring deeds of their own.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from instagram.errors import APIError

from . import audit
from .acts import ACTS
from .desk import reason_field
from .frame import shown


class DeedForm(forms.Form):
    """What every deed asks: why."""

    why = reason_field()


class Deed:
    """Something staff may do to one target. Subclasses say act, title, button, and override what follows."""

    act: ClassVar[str]
    button: str
    #: Of the class, or of one deed whose questions depend on its target; and what stands in it to begin with.
    form: type[forms.Form] = DeedForm
    initial: Mapping[str, Any] = MappingProxyType({})
    #: The reason, for do().
    why = ""
    #: Where do() wants the browser to go, if not back.
    leads_to = ""

    @property
    def target(self) -> audit.Target:
        """Return what it is done to."""
        raise NotImplementedError

    @property
    def title(self) -> str:
        """Return the page's title."""
        raise NotImplementedError

    def refused(self, by: Any) -> str:
        """Return why this staff member (request.user) cannot do it as things are, "" if they can."""
        return ""

    def consequences(self) -> list[str]:
        """Return what will happen, a sentence each."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """Return what the act changes, as JSON: read before and after. Ids, states and numbers alone."""
        return {}

    def do(self, answers: dict[str, Any]) -> str:
        """Do it, inside a transaction of main; return what to tell. answers: the form's, without the reason."""
        raise NotImplementedError


def perform(request: HttpRequest, deed: Deed, *, back: str, crumbs: list[tuple[str, str]]) -> HttpResponse:
    """Show what a deed will do; with a POST do it, write it down, and go back."""
    actor = audit.actor_of(request)
    facts = {
        "title": deed.title, "button": deed.button, "back": back, "crumbs": crumbs,
        "dangerous": ACTS[deed.act].dangerous,
    }  # fmt: skip
    if why_not := deed.refused(request.user):
        return shown(request, "confirm", facts | {"refused": why_not}, status=409 if request.method == "POST" else 200)
    form = deed.form(request.POST if request.method == "POST" else None, initial=dict(deed.initial))
    status = 200
    if form.is_valid():
        answers = dict(form.cleaned_data)
        deed.why = why = answers.pop("why")
        try:
            with transaction.atomic():
                before = deed.state()
                told = deed.do(answers)
                audit.record(actor, deed.act, target=deed.target, reason=why, before=before, after=deed.state())
        except APIError as error:
            form.add_error(None, error.message)
            status = error.status
        else:
            messages.success(request, told)
            return HttpResponseRedirect(deed.leads_to or back)
    elif request.method == "POST":
        status = 400
    facts |= {"form": form, "consequences": deed.consequences()}
    return shown(request, "confirm", facts, status=status)
