"""Production: base, with every development secret refused at start and cookies for HTTPS alone."""

from django.core.exceptions import ImproperlyConfigured

from . import base
from .base import *  # noqa: F403  # settings modules are layered by star import, as Django documents

_SECRETS = (
    "SECRET_KEY",
    "TOKEN_KEY",
    "DB_PASSWORD",
    "S3_ACCESS_KEY",
    "S3_SECRET_KEY",
    "SERVICE_TOKEN_KEYS",
)
# Our own edge's key and CloudFront's: one of them signs.
_SIGNING = {
    "nginx": ["CDN_SIGNING_KEY"],
    "cloudfront": ["CLOUDFRONT_DISTRIBUTION_ID", "CLOUDFRONT_KEY_ID", "CLOUDFRONT_PRIVATE_KEY"],
}
if base.CDN_KIND not in _SIGNING:
    raise ImproperlyConfigured(f"CDN_KIND may be {' or '.join(_SIGNING)}, not {base.CDN_KIND}")
_unset = [name for name in _SECRETS if base.DEVELOPMENT_MARK in getattr(base, name)]
_unset += [
    name for name in _SIGNING[base.CDN_KIND] if base.DEVELOPMENT_MARK in (getattr(base, name) or base.DEVELOPMENT_MARK)
]
# Without a token nobody reads /metrics, without a routing key nobody is called: neither is a reason not to start.
METRICS_TOKEN = base.env.str("METRICS_TOKEN", default="")
PAGERDUTY_ROUTING_KEY = base.env.str("PAGERDUTY_ROUTING_KEY", default="")
PAGERDUTY_URL = base.env.str("PAGERDUTY_URL", default="https://events.pagerduty.com")
_unset += [
    name
    for name in ("METRICS_TOKEN", "PAGERDUTY_ROUTING_KEY")
    if base.DEVELOPMENT_MARK in base.env.str(name, default="")
]
# Timers run there (deploy/systemd).
BACKUP_MAX_AGE_H = base.env.float("BACKUP_MAX_AGE_H", default=26.0)
BACKUP_MARK_MAX_MIN = base.env.float("BACKUP_MARK_MAX_MIN", default=15.0)
if base.BACKUP_ENCRYPT and base.DEVELOPMENT_MARK in base.BACKUP_KEY:
    _unset.append("BACKUP_KEY")
if _unset:
    raise ImproperlyConfigured(f"development secrets in production; set {', '.join(_unset)} in the environment")

DEMO_ALLOWED = False
CALLBACKS_MAY_BE_INNER = False
# Apple's own servers, and no key: without one nothing is pushed (docs/push.md).
APNS_SERVER = base.env.str("APNS_SERVER", default="api.push.apple.com:443")
APNS_SANDBOX_SERVER = base.env.str("APNS_SANDBOX_SERVER", default="api.sandbox.push.apple.com:443")
APNS_CA_FILE = base.env.str("APNS_CA_FILE", default="")
APNS_KEY_FILE = base.env.str("APNS_KEY_FILE", default="")
SOCIAL_STAND_IN = ""
# A service without keys of the operator's own is not offered.
SERVICE_KEYS = {
    service: ("", "") if any(base.DEVELOPMENT_MARK in part for part in pair) else pair
    for service, pair in base.SERVICE_KEYS.items()
}
LOG_FORMAT = base.env.str("LOG_FORMAT", default="json")
LOGGING = base.logging_as(LOG_FORMAT, base.LOG_LEVEL)
EMAIL_BACKEND = base.env.str("EMAIL_BACKEND", default="django.core.mail.backends.smtp.EmailBackend")
OFFICE_SECOND_FACTOR = base.env.bool("OFFICE_SECOND_FACTOR", default=True)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_HSTS_SECONDS = 31_536_000
