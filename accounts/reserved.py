"""User names nobody gets: words of our own addresses, and names that would pass for the service."""

# fmt: off
RESERVED = frozenset(
    {
        "about", "abuse", "access", "account", "accounts", "activity", "admin", "administrator", "api", "app", "apps",
        "auth", "blog", "business", "careers", "cdn", "client", "contact", "copyright", "dashboard", "data",
        "deactivate", "delete", "demo", "dev", "developer", "developers", "direct", "docs", "download", "edit", "embed",
        "explore", "faq", "favicon.ico", "feed", "feedback", "filters", "follow", "followers", "following", "forum",
        "friends", "geographies", "health", "help", "home", "hostmaster", "images", "info", "instagram", "invite",
        "jobs", "language", "legal", "likes", "linked", "live", "locations", "login", "logout", "mail", "media",
        "messages", "mobile", "moderator", "myaccount", "news", "none", "notifications", "null", "oauth", "oembed",
        "official", "p", "password", "photo", "photos", "policy", "popular", "postmaster", "press", "privacy",
        "profile", "public", "register", "report", "reset", "robots.txt", "root", "schema", "search", "security",
        "self", "service", "session", "settings", "share", "shop", "signin", "signup", "sitemap.xml", "staff", "static",
        "statistics", "status", "store", "subscriptions", "support", "system", "tag", "tags", "team", "terms", "test",
        "tos", "undefined", "unfollow", "upload", "user", "users", "v1", "v2", "verified", "verify", "video", "web",
        "webmaster", "welcome", "www",
    }
)
# fmt: on
#: Begins the names of our own programs' accounts (services/bots.py), which no list names and nobody else gets.
BOT_PREFIX = "canary."


def is_bot(username: str) -> bool:
    """Return whether the name is one of our own programs'."""
    return username.startswith(BOT_PREFIX)
