"""Certificates of the stand-in and the key that signs provider tokens: made at its first start, for itself alone."""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

#: What clients check the server against; what the server shows; what signs provider tokens, as Apple hands it out.
CA, SERVER, SERVER_KEY, PROVIDER_KEY = "ca.pem", "server.pem", "server.key", "provider.p8"
_LASTS = timedelta(days=3_650)


def ensure(folder: Path) -> None:
    """Make all four files, unless they are there. A start that was killed in the middle begins anew."""
    if (folder / PROVIDER_KEY).exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    ca_key, server_key, provider_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    ca = _certificate("Local push CA", ca_key, issuer=None, issuer_key=ca_key)
    server = _certificate("localhost", server_key, issuer=ca, issuer_key=ca_key)
    _write(folder / CA, ca.public_bytes(serialization.Encoding.PEM), mode=0o644)
    _write(folder / SERVER, server.public_bytes(serialization.Encoding.PEM), mode=0o644)
    _write(folder / SERVER_KEY, _pem(server_key), mode=0o600)
    # Last: it says that all are there.
    _write(folder / PROVIDER_KEY, _pem(provider_key), mode=0o600)


def public_key(folder: Path) -> ec.EllipticCurvePublicKey:
    """Return the provider key's public half: Apple keeps that, the provider the other."""
    private = serialization.load_pem_private_key((folder / PROVIDER_KEY).read_bytes(), password=None)
    public = private.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise TypeError(f"{folder / PROVIDER_KEY} holds no elliptic-curve key")
    return public


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    *,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    began = datetime.now(UTC) - timedelta(hours=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(began + _LASTS)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if issuer is not None:
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes, *, mode: int) -> None:
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=mode)
    draft.write_bytes(content)
    draft.replace(path)
