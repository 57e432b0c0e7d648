"""The admin and its staff."""

from .environment import env

#: Django's own back end, and after it ours: what staff may do is said by their role alone (backoffice/roles.py).
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", "backoffice.roles.RoleBackend"]
#: Seconds a staff member's password counts; then a dangerous act asks for it again.
OFFICE_PROOF_S = env.int("OFFICE_PROOF_S", default=600)
#: Seconds until staff has to sign in again: a working day.
OFFICE_SESSION_S = env.int("OFFICE_SESSION_S", default=43_200)
#: Whether staff must have a second factor; production says true unless told otherwise. False: they may.
OFFICE_SECOND_FACTOR = env.bool("OFFICE_SECOND_FACTOR", default=False)
#: The service's name in the staff's authenticator apps.
OTP_TOTP_ISSUER = env.str("OTP_TOTP_ISSUER", default="Instagram admin")
#: Disk of each physical server, GB, as "shard_a=500,shard_b=500", for the day on which it is full. A server that is not
#: named has the disk of this host if its data is here; else nobody knows.
SHARD_DISK_GB = env.dict("SHARD_DISK_GB", cast={"value": int}, default={})
