#!/usr/bin/env python
"""Run a Django management command; settings come from DJANGO_SETTINGS_MODULE, else the development ones."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instagram.settings.development")
    execute_from_command_line(sys.argv)
