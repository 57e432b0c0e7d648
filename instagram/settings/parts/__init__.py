"""Every knob, a module a subject; its first line is its heading on docs/settings.md, in the order of base.py."""
