"""Munin's plugin (`instagram_`), in plain Python: it runs on any Python of the host, without Django or packages."""
