"""Pushing to phones. docs/push.md tells a push's way.

models.py, devices.py, preferences.py, bells.py: whose phones, and of what they may ring. connection.py, apns.py: the
way to Apple. alerts.py: the words. marks.py: what has rung. entries.py, posts.py: News and posts on their way out.
"""
