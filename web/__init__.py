"""The door for browsers: signing in, OAuth's consent page, a developer's applications, what was let in and linked."""
