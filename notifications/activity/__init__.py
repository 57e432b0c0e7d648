"""Activity ("News"): what others did that concerns a person, and what those did whom they follow. docs/activity.md."""

from .models import Entry, Kind

__all__ = ["Entry", "Kind"]
