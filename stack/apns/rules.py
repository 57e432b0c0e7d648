"""APNs' rules: what a request must be like, and the status and reason for each that is not."""

import json
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

#: Bytes of a payload; of a collapse id.
PAYLOAD_MAX, COLLAPSE_ID_MAX = 4096, 64
#: Seconds: a provider token is good for so long, and may be replaced on a connection after so long.
TOKEN_GOOD_S, TOKEN_KEPT_S = 3_600, 1_200
_PATH = re.compile(r"/3/device/(.*)")
_DEVICE_TOKEN = re.compile(r"(?:[0-9a-fA-F]{2}){32,100}")
_PUSH_TYPES = {
    "alert", "background", "location", "voip", "complication", "fileprovider", "mdm", "liveactivity", "pushtotalk",
}  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """The answer to a request.

    timestamp: when the device token ceased to be one, ms since 1970 (with 410). retry_after: seconds.
    """

    status: int = 200
    reason: str = ""
    timestamp: int | None = None
    retry_after: int | None = None


@dataclass(frozen=True)
class Provider:
    """Who may push, and to which app: what Apple's developer pages know."""

    public_key: ec.EllipticCurvePublicKey
    key_id: str
    team_id: str
    topic: str


@dataclass
class TokenOfConnection:
    """The provider token a connection uses: checked once, and not to be replaced too soon."""

    token: str = ""
    issued_at: float = 0.0
    since: float = field(default=float("-inf"))


def judge(headers: Mapping[str, str], body: bytes, provider: Provider, known: TokenOfConnection) -> Verdict:
    """Return how APNs answers a request, whatever the device."""
    if headers.get(":method") != "POST":
        return Verdict(405, "MethodNotAllowed")
    path = _PATH.fullmatch(headers.get(":path", ""))
    if path is None:
        return Verdict(404, "BadPath")
    return (
        _judge_token(headers.get("authorization", ""), provider, known)
        or _judge_headers(headers, path[1], provider)
        or _judge_payload(body)
        or Verdict()
    )


def _judge_token(authorization: str, provider: Provider, known: TokenOfConnection) -> Verdict | None:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        return Verdict(403, "MissingProviderToken")
    now = time.time()
    if token != known.token:
        try:
            claims = jwt.decode(
                token, provider.public_key, algorithms=["ES256"], options={"verify_iat": False, "require": ["iat"]}
            )
            fits = jwt.get_unverified_header(token).get("kid") == provider.key_id
        except jwt.PyJWTError:
            return Verdict(403, "InvalidProviderToken")
        issued_at = claims["iat"]
        if not fits or claims.get("iss") != provider.team_id or not isinstance(issued_at, int | float):
            return Verdict(403, "InvalidProviderToken")
        if not now - TOKEN_GOOD_S <= issued_at <= now + 60:
            return Verdict(403, "ExpiredProviderToken")
        if now - known.since < TOKEN_KEPT_S:
            return Verdict(429, "TooManyProviderTokenUpdates")
        known.token, known.issued_at, known.since = token, issued_at, now
    if now - known.issued_at > TOKEN_GOOD_S:
        return Verdict(403, "ExpiredProviderToken")
    return None


def _judge_headers(headers: Mapping[str, str], device_token: str, provider: Provider) -> Verdict | None:
    faults = {
        "MissingDeviceToken": not device_token,
        "BadDeviceToken": not _DEVICE_TOKEN.fullmatch(device_token),
        "MissingTopic": "apns-topic" not in headers,
        "TopicDisallowed": headers.get("apns-topic") != provider.topic,
        "BadMessageId": "apns-id" in headers and not _is_uuid(headers["apns-id"]),
        "BadPriority": headers.get("apns-priority", "10") not in {"1", "5", "10"},
        "BadExpirationDate": not headers.get("apns-expiration", "0").isdecimal(),
        "BadCollapseId": len(headers.get("apns-collapse-id", "").encode()) > COLLAPSE_ID_MAX,
        "InvalidPushType": headers.get("apns-push-type", "alert") not in _PUSH_TYPES,
    }
    return next((Verdict(400, reason) for reason, applies in faults.items() if applies), None)


def _judge_payload(body: bytes) -> Verdict | None:
    if len(body) > PAYLOAD_MAX:
        return Verdict(413, "PayloadTooLarge")
    try:
        payload = json.loads(body)
    except ValueError:
        payload = None
    # Apple documents no reason of its own for what is no dictionary.
    return None if isinstance(payload, dict) and payload else Verdict(400, "PayloadEmpty")


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
