"""The page of the local data centre: components, and what its stand-ins for the outside world were sent.

Made here, without Django's templates or a database, so that it stands when nothing else does. html.py makes the
pages, __main__.py serves them.
"""
