"""Accounts."""

from .environment import env

#: How mail leaves: Django's back end. The default writes it to the log, development keeps it for the stack's page
#: (/outbox), production takes SMTP.
EMAIL_BACKEND = env.str("EMAIL_BACKEND", default="django.core.mail.backends.console.EmailBackend")
#: The mail server.
EMAIL_HOST = env.str("EMAIL_HOST", default="localhost")
#: Its port.
EMAIL_PORT = env.int("EMAIL_PORT", default=25)
#: Name and password towards it; empty: none is asked for.
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", default="")
#: The password that goes with the name.
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", default="")
#: Whether to speak TLS with it (STARTTLS).
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=False)
#: Seconds it has to answer; a worker waits, no request.
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT_S", default=10)
#: Sender of our mail.
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Instagram <no-reply@localhost>")
#: Seconds a link to set a new password works.
PASSWORD_RESET_TIMEOUT = env.int("PASSWORD_RESET_TIMEOUT_S", default=86_400)
#: Mails of each kind to one person in an hour at most: nobody's mailbox is filled by strangers.
MAILS_PER_HOUR = env.int("MAILS_PER_HOUR", default=5)
#: Times in an hour that one network address may ask for such links, whomever for.
RESETS_PER_ADDRESS = env.int("RESETS_PER_ADDRESS", default=30)
#: Seconds a link to confirm an address works.
EMAIL_CONFIRM_TIMEOUT_S = env.int("EMAIL_CONFIRM_TIMEOUT_S", default=7 * 86_400)
#: Days in which a confirmed address takes the account back after it was changed; nobody else gets it meanwhile.
EMAIL_TAKE_BACK_DAYS = env.int("EMAIL_TAKE_BACK_DAYS", default=14)
#: Days a network and program that somebody signed in with stay known; a login with unknown ones is mailed.
SEEN_LOGIN_DAYS = env.int("SEEN_LOGIN_DAYS", default=180)
#: Times in an hour that one person may look contacts up, up to 500 of each kind: nobody walks over all numbers.
LOOKUPS_PER_HOUR = env.int("LOOKUPS_PER_HOUR", default=30)
#: Days after signing up in which another address or number still tells who looked for it that its person joined.
JOINED_IS_NEWS_DAYS = env.int("JOINED_IS_NEWS_DAYS", default=7)
#: Contacts of one person remembered that were looked up and not found, to tell when they join.
LOOKUP_REMEMBERED = env.int("LOOKUP_REMEMBERED", default=500)
#: Days they are remembered.
LOOKUP_REMEMBERED_DAYS = env.int("LOOKUP_REMEMBERED_DAYS", default=90)
#: Days between asking for an account's deletion and its beginning; signing in until then takes it back.
DELETION_DELAY_DAYS = env.int("DELETION_DELAY_DAYS", default=14)
#: Days the archive of an export can be fetched; then it is deleted.
EXPORT_KEEP_DAYS = env.int("EXPORT_KEEP_DAYS", default=7)
#: Hours before a person can have another archive made: each reads all they own.
EXPORT_EVERY_HOURS = env.int("EXPORT_EVERY_HOURS", default=24)
#: Weight of the reports that hide a photo from public lists until staff has looked; of somebody new each weighs a half,
#: of who was always right nearly one (accounts.reports.trust_in): ten new accounts, or six of those.
REPORTS_HIDE_AT = env.float("REPORTS_HIDE_AT", default=5.0)
#: Seconds the suggestions of people for one viewer are kept: they cost a query on every server.
SUGGESTIONS_TTL_S = env.int("SUGGESTIONS_TTL_S", default=3_600)
