"""Demo."""

from .environment import env

#: The people of the demo have passwords that everybody knows: false where strangers can reach the service.
DEMO_ALLOWED = env.bool("DEMO_ALLOWED", default=True)
