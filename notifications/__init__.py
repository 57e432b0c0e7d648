"""Realtime subscriptions: telling applications of new photos. docs/realtime.md tells the way of an update."""
