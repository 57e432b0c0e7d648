"""Django's mail back end of the local data centre: keeps what would have been sent, for /outbox of the stack's page."""

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from stack import captures


class CaptureBackend(BaseEmailBackend):
    """Keeps mails instead of sending them."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Keep them; return how many."""
        captures.append_all("mail", [_record(message) for message in email_messages])
        return len(email_messages)


def _record(message: EmailMessage) -> dict[str, object]:
    parts = {kind: content for content, kind in getattr(message, "alternatives", [])}
    return {
        "from": message.from_email,
        "to": message.recipients(),
        "subject": message.subject,
        "text": message.body if message.content_subtype == "plain" else "",
        "html": parts.get("text/html") or (message.body if message.content_subtype == "html" else ""),
        "attachments": [str(getattr(each, "filename", None) or each[0]) for each in message.attachments],
    }
