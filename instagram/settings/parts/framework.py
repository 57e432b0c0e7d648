"""Django."""

from .data_centre import APP_PORT, EDGE_SCHEME, STATE_DIR
from .environment import env

#: Development secrets carry this word; production settings refuse to start while one does.
DEVELOPMENT_MARK = "development-only"
#: Django's own signing key: sessions, password resets.
SECRET_KEY = env.str("SECRET_KEY", default=f"{DEVELOPMENT_MARK}-secret-key")
#: Key under which access tokens are derived (HMAC), apart from SECRET_KEY so that either can be changed alone.
TOKEN_KEY = env.str("TOKEN_KEY", default=f"{DEVELOPMENT_MARK}-token-key")
DEBUG = False
#: Host names the service answers to; the address in WEB_BASE_URL must be among them.
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
#: Where people reach the site: links to photo pages begin with it. No trailing slash.
WEB_BASE_URL = env.str("WEB_BASE_URL", default=f"{EDGE_SCHEME}://127.0.0.1:{APP_PORT}")

INSTALLED_APPS = [
    "backoffice",  # before Django's admin, whose templates it overrides
    "backoffice.apps.OfficeAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "sharding",
    "jobs",
    "caching",
    "switches",
    "accounts",
    "photos",
    "feeds",
    "notifications",
    "moderation",
    "recovery",
    "api",
    "web",
    "monitoring",
    "demo",
]
MIDDLEWARE = [
    "instagram.middleware.request_ids",
    "monitoring.requests.Watched",
    "instagram.middleware.counted",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "web.closed.ReadOnlyPages",
]
#: The API answers every path in four spellings and never redirects (docs/api.md, 1.2).
APPEND_SLASH = False
ROOT_URLCONF = "instagram.urls"
WSGI_APPLICATION = "instagram.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
#: Where a page sends those who must sign in first.
LOGIN_URL = "/accounts/login/"
CSRF_FAILURE_VIEW = "web.pages.forged"
AUTH_USER_MODEL = "accounts.User"
STATIC_URL = "/static/"
STATIC_ROOT = STATE_DIR / "static"
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
#: nginx says how the client reached us; it sets this header itself and drops the client's.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
USE_X_FORWARDED_HOST = True
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
}
#: The page at /v1/schema/page takes its scripts from our own static files.
SPECTACULAR_SETTINGS = {
    "TITLE": "REST API v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"defaultModelsExpandDepth": 0, "docExpansion": "none"},
}
