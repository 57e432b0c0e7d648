"""What staff decides about photos, comments and people: the queue, claims, decisions, undo. docs/moderation.md."""
