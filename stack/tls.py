"""TLS at the edge of the data centre: nginx, in the full data centre HAProxy; off unless a certificate is set.

Mozilla's "intermediate" of 2024: TLS 1.2 with forward secrecy and 1.3, no session tickets. HSTS is Django's to say.
"""

import ssl
from pathlib import Path

from django.conf import settings

from stack import paths
from stack.errors import StackError

CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)


def pem() -> str:
    """Return certificate and key in one text, "" without TLS. Raises StackError for what cannot be used."""
    files = {name: getattr(settings, name) for name in ("TLS_CERTIFICATE_FILE", "TLS_KEY_FILE")}
    if not any(files.values()):
        return ""
    for name, file in files.items():
        if not file:
            raise StackError(f"{name} is missing: a certificate and its key belong together.")
    certificate, key = files.values()
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
        return "\n".join(Path(file).read_text() for file in (certificate, key))
    except (OSError, ValueError) as error:  # SSLError is an OSError
        raise StackError(f"TLS_CERTIFICATE_FILE and TLS_KEY_FILE cannot be used: {error}.") from None


def values() -> dict[str, object]:
    """Return what templates may name: TLS_EDGE… for what people reach whatever the kind, TLS… for the app front."""
    file = paths.etc("tls.pem")
    listen = lines = bind = ""
    if settings.TLS_CERTIFICATE_FILE:
        listen = " ssl http2"
        bind = f" ssl crt {file} alpn h2,http/1.1 ssl-min-ver TLSv1.2 ciphers {CIPHERS} no-tls-tickets"
        # Spoken to without TLS, nginx sends people to the same address with it.
        lines = f"""ssl_certificate "{file}";
    ssl_certificate_key "{file}";
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_ciphers {CIPHERS};
    ssl_prefer_server_ciphers off;
    ssl_session_cache shared:tls:4m;
    ssl_session_timeout 1d;
    ssl_session_tickets off;
    error_page 497 =308 https://$http_host$request_uri;"""
    full = settings.STACK_KIND == "full"
    return {
        "TLS_EDGE_LISTEN": listen,
        "TLS_EDGE": lines,
        # Behind HAProxy the app fronts speak plain HTTP.
        "TLS_LISTEN": "" if full else listen,
        "TLS": "" if full else lines,
        "HAPROXY_TLS": bind,
    }
