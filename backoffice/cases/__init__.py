"""The moderator's desk: the queue of cases, one case at a time, what was decided and its undo."""
