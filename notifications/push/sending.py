"""Sending pushes and acting on what Apple says: devices that are no more are removed, the rest is tried again."""

import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from instagram.counting import count

from . import apns
from .apns import Outcome, Push
from .devices import Phone, gone, moment_of

log = logging.getLogger(__name__)

#: Seconds before a push that could not go out is tried again: first, doubled each time, and longest.
RETRY_S, RETRY_MAX_S = 2.0, 300.0
#: The same while our key is refused: a person has to see to that.
KEY_REFUSED_WAIT_S = 30.0


@dataclass
class Sent:
    """What became of a batch."""

    #: Devices that took theirs.
    taken: list[int] = field(default_factory=list)
    #: Devices to be tried again.
    later: list[int] = field(default_factory=list)
    #: Seconds the server asks us to wait, if it does.
    asked_to_wait_s: float = 0.0

    def wait_s(self, tries: int) -> float:
        """Return the seconds before the next try; tries: before this one. Never sooner than the server asks."""
        own = min(RETRY_S * 2 ** min(tries, 16), RETRY_MAX_S) * random.uniform(0.75, 1.25)
        return max(own, self.asked_to_wait_s)


def send(batch: Sequence[tuple[Phone, Push]]) -> Sent:
    """Send each push to its phone; remove phones that Apple does not know. Cost: apns.send_all()."""
    sent = Sent()
    for (phone, push), result in zip(batch, apns.send_all([push for _, push in batch]), strict=True):
        count("pushes", result=result.outcome.value.replace(" ", "_"))
        match result.outcome:
            case Outcome.TAKEN:
                sent.taken.append(phone.id)
                log.info("push %s to device %d of %d is taken", push.apns_id, phone.id, phone.user_id)
            case Outcome.GONE:
                log.info("device %d of %d is gone: %s", phone.id, phone.user_id, result.reason)
                gone(phone, moment_of(result.timestamp))
            case Outcome.LATER:
                sent.later.append(phone.id)
                sent.asked_to_wait_s = max(sent.asked_to_wait_s, result.retry_after_s or 0.0)
            case Outcome.KEY_REFUSED:
                sent.later.append(phone.id)
                sent.asked_to_wait_s = max(sent.asked_to_wait_s, KEY_REFUSED_WAIT_S)
            case Outcome.REFUSED:
                log.error("a push to device %d is lost: %s", phone.id, result.reason)
    if sent.later:
        log.warning("%d of %d pushes wait", len(sent.later), len(batch))
    return sent
