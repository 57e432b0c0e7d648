"""HAProxy's configuration from the inventory: every app host is a server of the backend, by its name there."""

from pathlib import Path

from django.conf import settings

from deploy.inventory import Host, Inventory
from stack import render

TEMPLATES = Path(__file__).with_name("templates")
#: Stands in the other template, too, which needs it before.
_CALLS = "  acl calls path_reg ^/(v1|oauth)(/|$)\n"
#: Debian's account for it, and where it shuts itself in. Who deploys is of its group: the socket is for that.
_ACCOUNT = "  user haproxy\n  group haproxy\n  chroot /var/lib/haproxy\n"
#: The local data centre's load balancer, which says some things in the same words.
STACK = Path(__file__).resolve().parents[1] / "stack" / "templates" / "haproxy.cfg"


def rendered(inventory: Inventory, balancer: Host, *, check_host: str = "127.0.0.1") -> str:
    """Return the configuration of one load balancer. check_host: the name health questions are asked under."""
    tls, is_debians = balancer.tls, balancer.services == "systemd"
    servers = "\n".join(
        f"  server {host.name} {host.address}:{host.serves} check" for host in inventory.with_role("app")
    )
    proxies = render.known_proxies()
    values: dict[str, object] = {
        # A rehearsal may be run by somebody who cannot become another.
        "ACCOUNT": _ACCOUNT if is_debians else "",
        "SOCKET": balancer.socket + (" group haproxy" if is_debians else ""),
        "LISTEN": f"{balancer.address}:{balancer.serves}" + (f" ssl crt {tls} alpn h2,http/1.1" if tls else ""),
        "BACKEND": balancer.backend,
        "CHECK_HOST": check_host,
        "CONF": balancer.conf,
        "SERVERS": servers,
        "CASES": _of_stack("  # HAProxy writes names of headers small", "\ndefaults"),
        "OWN_ANSWERS": _of_stack("  # What HAProxy must answer itself", "  default_backend").replace(_CALLS, ""),
        "RATE_LIMIT": settings.RATE_LIMIT_PER_HOUR,
        "KNOWN_PROXIES": f"src {' '.join(proxies)}" if proxies else "always_false",
    }
    return render.filled(TEMPLATES / "haproxy.cfg", values)


def _of_stack(begins: str, ends: str) -> str:
    """Return the lines of the local load balancer's configuration from one that begins so to the next that ends it."""
    _, found, rest = STACK.read_text().partition(begins)
    lines, over, _ = rest.partition(ends)
    if not found or not over:
        raise ValueError(f"{STACK} no longer says {begins!r}")
    return f"{begins}{lines}".rstrip("\n") + "\n"


def page() -> str:
    """Return what people see while the site is closed."""
    return (TEMPLATES / "maintenance.html").read_text()
