"""Signing in and applications."""

from .environment import env

#: Seconds an authorization code can be exchanged for a token.
AUTHORIZATION_CODE_S = env.int("AUTHORIZATION_CODE_S", default=600)
#: Applications one person may register.
APPLICATIONS_PER_PERSON = env.int("APPLICATIONS_PER_PERSON", default=20)
#: Wrong passwords for one name from one address before it has to wait: people mistype, guessers go on.
LOGIN_FAILURES_PER_NAME_AND_ADDRESS = env.int("LOGIN_FAILURES_PER_NAME_AND_ADDRESS", default=10)
#: The same for one name from everywhere: guessing spread over many addresses.
LOGIN_FAILURES_PER_NAME = env.int("LOGIN_FAILURES_PER_NAME", default=50)
#: The same for one address, whatever the name: room for an office behind one address.
LOGIN_FAILURES_PER_ADDRESS = env.int("LOGIN_FAILURES_PER_ADDRESS", default=100)
#: Seconds in which they are counted, and the longest wait.
LOGIN_FAILURES_WINDOW_S = env.int("LOGIN_FAILURES_WINDOW_S", default=900)
