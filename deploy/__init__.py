"""The service on hosts of its own. Knobs and passwords of what runs there are our settings, from the environment."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instagram.settings.base")
