"""HAProxy's configuration from the inventory: every app host is a server of the backend, by its name there."""

from pathlib import Path

from deploy.inventory import Host, Inventory

TEMPLATES = Path(__file__).with_name("templates")


def rendered(inventory: Inventory, balancer: Host, *, check_host: str = "127.0.0.1") -> str:
    """Return the configuration of one load balancer. check_host: the name health questions are asked under."""
    tls = balancer.tls
    servers = "\n".join(
        f"  server {host.name} {host.address}:{host.serves} check" for host in inventory.with_role("app")
    )
    values = {
        "SOCKET": balancer.socket,
        "LISTEN": f"{balancer.address}:{balancer.serves}" + (f" ssl crt {tls} alpn h2,http/1.1" if tls else ""),
        "BACKEND": balancer.backend,
        "CHECK_HOST": check_host,
        "CONF": balancer.conf,
        "SERVERS": servers,
    }
    text = (TEMPLATES / "haproxy.cfg").read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def page() -> str:
    """Return what people see while the site is closed."""
    return (TEMPLATES / "maintenance.html").read_text()
