"""Pages of the service itself: switches, alerts and silences, dead letters, slow requests, rules against spam."""
