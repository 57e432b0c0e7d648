"""The canary photo: two bots of each server post, read and fetch as people do, each minute; docs/status.md."""

from .results import alert_text, last_results

__all__ = ["alert_text", "last_results"]
