"""The one table of who may do what in the admin. Every view and act names its line; what has none is refused.

A room of the admin that brings a new page or deed adds a line here, and the permission test asks for every line.
"""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a staff member is; the names of Django's groups. Later ones win for who is in several."""

    READ_ONLY = "read-only"
    SUPPORT = "support"
    MODERATOR = "moderator"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Act:
    """Something staff may do.

    says: for the audit log's filter, as a verb. changes: it changes something of somebody and needs a reason.
    dangerous: it cannot be taken back or lets data out, and asks for the password again. private: it reads what is
    private; the reading is written down.
    """

    name: str
    says: str
    roles: frozenset[Role]
    changes: bool = False
    dangerous: bool = False
    private: bool = False


_EVERYBODY = frozenset(Role)
_ADMIN = frozenset({Role.ADMIN})
_SUPPORT = frozenset({Role.SUPPORT, Role.ADMIN})
_MODERATORS = frozenset({Role.MODERATOR, Role.ADMIN})
_LOOKERS = frozenset({Role.READ_ONLY, Role.ADMIN})
_SPAM = _LOOKERS | {Role.MODERATOR}
_DESKS = frozenset({Role.SUPPORT, Role.MODERATOR, Role.ADMIN})

ACTS: dict[str, Act] = {
    act.name: act
    for act in (
        Act("office.view", "look at the front page", _EVERYBODY),
        Act("office.second_factor", "change one's own second factor", _EVERYBODY),
        Act("people.view", "look at people", _EVERYBODY),
        Act("photos.view", "look at photos, comments and likes", _EVERYBODY),
        Act("photos.take_down", "take a photo down", _MODERATORS, changes=True),
        Act("people.contact", "read e-mail and phone", _SUPPORT, private=True),
        Act("people.private_photos", "look at a private account's photos and their words", _MODERATORS, private=True),
        Act("people.suspend", "suspend", _MODERATORS, changes=True),
        Act("people.unsuspend", "end a suspension", _MODERATORS, changes=True),
        Act("people.deactivate", "deactivate", _SUPPORT, changes=True),
        Act("people.reactivate", "reactivate", _SUPPORT, changes=True),
        Act("people.delete", "delete with everything", _ADMIN, changes=True, dangerous=True),
        Act("people.reset_password", "mail a link for a new password", _SUPPORT, changes=True),
        Act("people.make_private", "make private", _DESKS, changes=True),
        Act("people.sign_out", "sign out everywhere", _DESKS, changes=True),
        Act("people.export", "make an export", _SUPPORT, changes=True, dangerous=True),
        Act("people.fetch_export", "fetch an export", _ADMIN, changes=True, dangerous=True, private=True),
        Act("feeds.explain", "explain a feed", _DESKS),
        Act("reports.view", "look at reports", _EVERYBODY),
        Act("reports.open", "open a case without a report", _MODERATORS, changes=True),
        Act("reports.claim", "take a case to look at", _MODERATORS),
        Act("reports.release", "give a case back", _MODERATORS),
        Act("reports.decide", "decide a case", _MODERATORS, changes=True),
        Act("reports.undo", "undo a decision", _MODERATORS, changes=True),
        Act("decisions.view", "look at decisions", _EVERYBODY),
        Act("applications.view", "look at applications", _EVERYBODY),
        Act("applications.change", "change an application", _ADMIN, changes=True, dangerous=True),
        Act("backups.view", "look at backups and drills", _EVERYBODY),
        Act("audit.view", "read the audit log", _LOOKERS),
        Act("switches.view", "look at switches", _EVERYBODY),
        Act("switches.turn", "turn a switch", _ADMIN, changes=True),
        Act("alerts.view", "look at alerts and silences", _EVERYBODY),
        Act("alerts.silence", "silence alerts, or end a silence", _ADMIN, changes=True),
        Act("jobs.view", "look at dead letters and queues", _LOOKERS),
        Act("jobs.requeue", "requeue dead letters", _ADMIN, changes=True),
        Act("jobs.discard", "discard dead letters", _ADMIN, changes=True, dangerous=True),
        Act("slow.view", "look at slow requests", _LOOKERS),
        Act("spam.view", "look at rules against spam, and preview one", _SPAM),
        Act("spam.change", "change a rule against spam", _MODERATORS, changes=True),
        Act("dashboards.view", "look at dashboards", _EVERYBODY),
        Act("staff.view", "look at staff", _LOOKERS),
        # No page: commands, signing in, and what is written down of those who may not.
        Act("staff.change", "change staff", frozenset(), changes=True),
        Act("staff.sign_in", "sign in to the admin", frozenset()),
        Act("staff.sign_in_refused", "fail to sign in as staff", frozenset()),
        Act("staff.code_refused", "give a wrong second-factor code", frozenset()),
        Act("office.refused", "be refused what the role may not do", frozenset()),
        Act("operations.run", "change servers by a command", frozenset(), changes=True),
    )
}

#: Django's registered models -> verb of Django's permissions -> act. A model that is not here cannot be registered, a
#: verb that is not here is refused to everybody.
MODELS: dict[str, dict[str, str]] = {
    "recovery.backup": {"view": "backups.view"},
    "recovery.archived": {"view": "backups.view"},
    "recovery.drill": {"view": "backups.view"},
    "accounts.oauthclient": {"view": "applications.view", "change": "applications.change"},
}
#: Registered by libraries; we want no page of them: groups are roles, devices hold secrets.
LEFT_OUT = frozenset({"auth.group", "otp_totp.totpdevice", "otp_static.staticdevice"})
