"""A stand-in for Twitter, Facebook, Tumblr, Flickr and Foursquare: what cross-posting asks of them, on this machine.

One HTTP server. The host of a real address is the first part of its path: /api.twitter.com/2/tweets.
It checks what the services check (OAuth 1 signatures recomputed by oauthlib, bearer tokens, the form of each request),
asks a person on a page with two buttons, keeps what was posted across its own death, and can be steered into faults.
"""
