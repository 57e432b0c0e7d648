"""The door for browsers: signing in, OAuth's consent page, a developer's applications, applications let in."""
