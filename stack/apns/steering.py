"""Making the stand-in misbehave: by device tokens that begin in a certain way, or by a test that holds its Steering."""

import time
from collections import defaultdict, deque
from dataclasses import dataclass, field

from .rules import Verdict

#: First digits of a device token -> what it is answered, so that anybody can try what happens then.
SPECIAL = {
    "dead0400": Verdict(400, "BadDeviceToken"),
    "dead0403": Verdict(403, "ExpiredProviderToken"),
    "dead0410": Verdict(410, "Unregistered"),
    "dead0413": Verdict(413, "PayloadTooLarge"),
    "dead0429": Verdict(429, "TooManyRequests", retry_after=5),
    "dead0500": Verdict(500, "InternalServerError"),
    "dead0503": Verdict(503, "ServiceUnavailable", retry_after=5),
}


@dataclass
class Steering:
    """Orders to a running server; change them at any moment."""

    #: Device token (empty: any) -> verdicts of its next requests; the last one stays if `for_good` names the token.
    next_verdicts: dict[str, deque[Verdict]] = field(default_factory=lambda: defaultdict(deque))
    for_good: set[str] = field(default_factory=set)
    #: Answer nothing.
    silent: bool = False
    #: Say GOAWAY after so many more requests, once, and close.
    goaway_after: int | None = None

    def answer(self, verdict: Verdict, *, token: str = "", times: int = 1, for_good: bool = False) -> None:
        """Let a device's next requests be answered so."""
        self.next_verdicts[token].extend([verdict] * times)
        if for_good:
            self.for_good.add(token)

    def verdict_for(self, token: str) -> Verdict | None:
        """Return what a request that is otherwise well is answered; None: as usual."""
        for name in (token, ""):
            waiting = self.next_verdicts.get(name)
            if waiting:
                return waiting[0] if name in self.for_good and len(waiting) == 1 else waiting.popleft()
        special = SPECIAL.get(token[:8].lower())
        if special is not None and special.status == 410:
            return Verdict(410, special.reason, timestamp=int(time.time() * 1000))
        return special

    def is_time_to_go(self) -> bool:
        """Count a request; True when the connection is to be closed after it."""
        if self.goaway_after is None:
            return False
        self.goaway_after -= 1
        if self.goaway_after > 0:
            return False
        self.goaway_after = None
        return True
