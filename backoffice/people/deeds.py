"""What staff may do to a person; each a page that says what will happen, asks why, and is written down."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from accounts.models import AccessToken, Export, User
from accounts.services import (
    change_profile,
    deactivate,
    reactivate,
    request_deletion,
    request_export,
    sign_out_everywhere,
    suspend,
    unsuspend,
)
from accounts.services.deletion import progress
from accounts.services.passwords import send_reset
from accounts.services.suspension import is_going, suspension_of
from backoffice.audit import Target
from backoffice.deeds import Deed, DeedForm, perform
from backoffice.frame import page
from backoffice.roles import why_not_on
from instagram.errors import InvalidParameters, NotFound
from moderation import suspending

#: For how long somebody can be suspended.
DAYS = [("1", "1 day"), ("3", "3 days"), ("7", "7 days"), ("30", "30 days"), ("", "until staff ends it")]


def end_of(days: str) -> datetime | None:
    """Return when a suspension of so many days ends that begins now; None for "", until staff ends it."""
    return timezone.now() + timedelta(days=int(days)) if days else None


class PersonDeed(Deed):
    """An act on one person. Staff is touched by admins alone, nobody acts on themselves."""

    slug: ClassVar[str]
    #: For the row of buttons on the person's page.
    label: ClassVar[str]

    def __init__(self, user: User, *, going: bool | None = None) -> None:
        """Take the person. going: whether they are being deleted, where that is known already."""
        self.user = user
        self.going = is_going(user.pk) if going is None else going

    @property
    def target(self) -> Target:
        """Return the person."""
        return Target("person", self.user.pk)

    @property
    def title(self) -> str:
        """Return label and name."""
        return f"{self.label}: {self.user.username}"

    def refused(self, by: Any) -> str:
        """Refuse oneself, colleagues, who is being deleted, and what is so already."""
        if why_not := why_not_on(by, self.user):
            return why_not
        if self.going:
            return f"{self.user.username} is being deleted; there is no way back."
        return self.pointless()

    def pointless(self) -> str:
        """Return why there is nothing to do."""
        return ""


class SuspendForm(DeedForm):
    """How long, and what the person is told."""

    days = forms.ChoiceField(label="For", choices=DAYS, required=False, initial="7")
    told = forms.CharField(
        label="Tell them", max_length=300, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="Shown when they sign in, after “This account is suspended until …”.",
    )  # fmt: skip


class Suspend(PersonDeed):
    """Shut a person out."""

    act, slug, label, button, form = "people.suspend", "suspend", "Suspend", "Suspend", SuspendForm

    def consequences(self) -> list[str]:
        """Say what everybody sees, and that it can be undone."""
        return [
            *self._replaced(),
            f"{self.user.username} is signed out everywhere, cannot sign in, and is told until when and why.",
            "Their profile, photos, comments and likes are hidden from everybody, within a minute at most.",
            "Nothing is deleted: followers and numbers stay, and ending the suspension brings everything back.",
        ]

    def _replaced(self) -> list[str]:
        row = suspension_of(self.user.pk)
        if row is None:
            return []
        until = f"until {row.until:%-d %B %Y, %H:%M} UTC" if row.until else "until staff ends it"
        made_for = f" by decision {row.decision_id}, whose undo then changes nothing here" if row.decision_id else ""
        return [f"They are suspended {until}{made_for}: what you choose here replaces that, be it shorter or longer."]

    def state(self) -> dict[str, Any]:
        """Return whether, until when, and for which decision of the moderators."""
        facts = suspending.facts_of(self.user.pk)
        return {
            "suspended": facts is not None,
            "until": facts and facts["until"],
            "decision": facts and facts["decision"],
        }

    def do(self, answers: dict[str, Any]) -> str:
        """Suspend."""
        until = end_of(answers["days"])
        suspend(self.user.pk, until=until, told=answers["told"])
        return f"{self.user.username} is suspended until {f'{until:%-d %B, %H:%M} UTC' if until else 'staff ends it'}."


class Unsuspend(PersonDeed):
    """Let a person back in."""

    act, slug, label, button = "people.unsuspend", "unsuspend", "End suspension", "End the suspension"
    state = Suspend.state

    def pointless(self) -> str:
        """Refuse who is not suspended."""
        return "" if not self.user.is_active else f"{self.user.username} is not suspended."

    def consequences(self) -> list[str]:
        """Say that everything is back."""
        return [f"{self.user.username} can sign in again; everything of theirs is seen as it was before."]

    def do(self, answers: dict[str, Any]) -> str:
        """End it."""
        unsuspend(self.user.pk)
        return f"{self.user.username} is no longer suspended."


class Deactivate(PersonDeed):
    """Hide an account until its person signs in."""

    act, slug, label, button = "people.deactivate", "deactivate", "Deactivate", "Deactivate"

    def pointless(self) -> str:
        """Refuse who is away already."""
        return f"{self.user.username} is deactivated already." if self.user.deactivated_at else ""

    def consequences(self) -> list[str]:
        """Say what ends it."""
        return [
            f"{self.user.username} and everything of theirs are hidden, and their applications are shut out.",
            "It ends as soon as they sign in. To keep somebody out, suspend them.",
        ]

    def state(self) -> dict[str, Any]:
        """Return whether the account is deactivated, and a deletion is to come."""
        user = User.objects.get(pk=self.user.pk)
        return {"deactivated": user.deactivated_at is not None, "deletion": progress(user.pk)["status"]}

    def do(self, answers: dict[str, Any]) -> str:
        """Deactivate."""
        deactivate(self.user.pk)
        return f"{self.user.username} is deactivated."


class Reactivate(PersonDeed):
    """Bring an account back, and take its deletion back while it has not begun."""

    act, slug, label, button = "people.reactivate", "reactivate", "Reactivate", "Reactivate"
    state = Deactivate.state

    def pointless(self) -> str:
        """Refuse who is there, and who is suspended."""
        if not self.user.deactivated_at:
            return f"{self.user.username} is not deactivated."
        return "" if self.user.is_active else f"{self.user.username} is suspended, too: end that first."

    def consequences(self) -> list[str]:
        """Say that a deletion to come is called off."""
        return [
            f"{self.user.username} is seen again, as if they had signed in.",
            "If they asked to be deleted, and it has not begun, it is called off.",
        ]

    def do(self, answers: dict[str, Any]) -> str:
        """Reactivate."""
        reactivate(self.user.pk)
        return f"{self.user.username} is back."


class DeleteForm(DeedForm):
    """When, and the name typed."""

    when = forms.ChoiceField(choices=[("later", "after the usual delay"), ("now", "now")])
    name = forms.CharField(label="User name", max_length=30, help_text="Type it, to be sure of whom this is about.")


class Delete(PersonDeed):
    """Delete a person with everything."""

    act, slug, label, button, form = "people.delete", "delete", "Delete", "Delete with everything", DeleteForm
    state = Deactivate.state

    def consequences(self) -> list[str]:
        """Say what goes, and until when it can be called off."""
        return [
            f"{self.user.username} is hidden at once, and nobody sees anything of theirs any more.",
            "Photos and their files, comments, likes, follows, inbox, activity, devices and the account are deleted.",
            "Jobs do it step by step; the person's page shows how far they are.",
            f"After the usual delay: it begins in {settings.DELETION_DELAY_DAYS} days, unless they sign in until then.",
            "Now: it begins at once. There is no way back.",
        ]

    def do(self, answers: dict[str, Any]) -> str:
        """Begin it, or set its day."""
        if answers["name"].strip().lower() != self.user.username:
            raise InvalidParameters("User name: this is not whose page you are on")
        deletion = request_deletion(self.user.pk, at_once=answers["when"] == "now")
        begun = deletion.started_at is not None
        when = "has begun" if begun else f"begins {deletion.delete_after:%-d %B}"
        return f"The deletion of {self.user.username} {when}."


class ResetPassword(PersonDeed):
    """Mail a link for a new password."""

    act, slug, label, button = "people.reset_password", "reset_password", "Reset password", "Mail the link"

    def pointless(self) -> str:
        """Refuse who would not be mailed."""
        return "" if self.user.is_active else f"{self.user.username} is suspended: nothing is mailed to them."

    def consequences(self) -> list[str]:
        """Say who gets what."""
        return [
            "A link to set a new password is mailed to their address; you do not see it.",
            f"The present password works until they use it; {settings.MAILS_PER_HOUR} such mails in an hour at most.",
        ]

    def do(self, answers: dict[str, Any]) -> str:
        """Have it mailed."""
        send_reset(self.user.pk)
        return f"A link is on its way to {self.user.username}."


class MakePrivate(PersonDeed):
    """Make an account private."""

    act, slug, label, button = "people.make_private", "make_private", "Make private", "Make private"

    def pointless(self) -> str:
        """Refuse who is private."""
        return f"{self.user.username} is private already." if self.user.is_private else ""

    def consequences(self) -> list[str]:
        """Say who still sees them, and who can undo it."""
        return [
            "Their photos are seen by those who follow them and whom they approve; public lists leave them out.",
            "The pictures get new addresses; the old ones stop working. They can make the account public again.",
        ]

    def state(self) -> dict[str, Any]:
        """Return whether it is private."""
        return {"private": User.objects.get(pk=self.user.pk).is_private}

    def do(self, answers: dict[str, Any]) -> str:
        """Make it private."""
        change_profile(self.user.pk, is_private=True)
        return f"{self.user.username} is private."


class SignOut(PersonDeed):
    """End all sessions and tokens."""

    act, slug, label, button = "people.sign_out", "sign_out", "Sign out everywhere", "Sign out everywhere"

    def consequences(self) -> list[str]:
        """Say that they may come back."""
        return [
            "Every browser is signed out, every application shut out; phones ring no more until they sign in.",
            "Their password stays: who knows it can sign in again. If it leaked, mail the link for a new one, too.",
        ]

    def state(self) -> dict[str, Any]:
        """Return which sessions count, and how many applications are let in."""
        user = User.objects.get(pk=self.user.pk)
        tokens = AccessToken.objects.filter(user=user, is_active=True).count()
        return {"session_generation": user.session_generation, "applications": tokens}

    def do(self, answers: dict[str, Any]) -> str:
        """Sign out."""
        sign_out_everywhere(self.user.pk)
        return f"{self.user.username} is signed out everywhere."


class MakeExport(PersonDeed):
    """Have an archive of everything a person owns made."""

    act, slug, label, button = "people.export", "export", "Export data", "Have it made"

    def pointless(self) -> str:
        """Refuse a second one so soon."""
        since = timezone.now() - timedelta(hours=settings.EXPORT_EVERY_HOURS)
        recent = Export.objects.filter(user=self.user, created_at__gt=since).exists()
        return f"One was asked for in the last {settings.EXPORT_EVERY_HOURS} hours." if recent else ""

    def consequences(self) -> list[str]:
        """Say what is in it, and who may fetch it."""
        return [
            "A job puts everything they own into an archive: profile, photos, comments, likes, follows, settings.",
            f"They can fetch it with their application for {settings.EXPORT_KEEP_DAYS} days; here, only admins can.",
        ]

    def state(self) -> dict[str, Any]:
        """Return the number of archives asked for."""
        return {"exports": Export.objects.filter(user=self.user).count()}

    def do(self, answers: dict[str, Any]) -> str:
        """Ask for it."""
        request_export(self.user.pk)
        return "The archive is being made."


#: In the order of the buttons.
DEEDS: tuple[type[PersonDeed], ...] = (
    Suspend, Unsuspend, MakePrivate, SignOut, ResetPassword, Deactivate, Reactivate, MakeExport, Delete,
)  # fmt: skip


def known(user_id: int) -> User:
    """Return a person. Raises NotFound."""
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise NotFound(what="user")
    return user


def _register(deed: type[PersonDeed]) -> None:
    @page(
        f"people/<int:user_id>/{deed.slug}/", name=f"person-{deed.slug}", act=deed.act, methods=("GET", "HEAD", "POST"),
        example={"user_id": 1},
    )  # fmt: skip
    def view(request: HttpRequest, user_id: int) -> HttpResponse:
        one = deed(known(user_id))
        here = reverse("admin:person", args=[user_id])
        crumbs = [(reverse("admin:people"), "People"), (here, one.user.username)]
        return perform(request, one, back=here, crumbs=crumbs)


for _deed in DEEDS:
    _register(_deed)
