"""A stand-in for Apple's push service, for development and tests: HTTP/2 over TLS with APNs' rules.

It keeps what it took (stack/captures.py) instead of ringing a phone; the stack's page shows it. rules.py judges a
request, server.py speaks HTTP/2, keys.py makes the certificates and the provider key, steering.py makes it misbehave.
Source: Apple, "Sending notification requests to APNs" and "Handling notification responses from APNs".
"""
