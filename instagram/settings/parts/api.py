"""API."""

from .environment import env

#: Items on a page when `count` says nothing usable.
PAGE_DEFAULT = env.int("PAGE_DEFAULT", default=20)
#: Items on a page at most: the cost of a page is bounded whatever a client asks for.
PAGE_MAX = env.int("PAGE_MAX", default=100)
#: Likers and comments shown with a photo.
SAMPLE_SIZE = env.int("SAMPLE_SIZE", default=8)
#: Requests per sliding hour and credential.
RATE_LIMIT_PER_HOUR = env.int("RATE_LIMIT_PER_HOUR", default=5_000)
#: Writes per sliding hour and token, by scope; a scope that is not named has no limit of its own. In 2014 it was
#: likes=30;comments=15;relationships=20. Our own applications are not held to it.
WRITE_LIMITS_PER_HOUR = env.dict("WRITE_LIMITS_PER_HOUR", cast={"value": int}, default={})
#: The same for applications whose calls must be signed; in 2014 it was likes=100;comments=60;relationships=60.
SIGNED_WRITE_LIMITS_PER_HOUR = env.dict("SIGNED_WRITE_LIMITS_PER_HOUR", cast={"value": int}, default={})
#: Acts per sliding hour and person in the first day after signing up, by kind: photos, comments, likes, relationships.
#: All applications together, ours too; a kind that is not named has no limit of its own.
PACE_FIRST_DAY = env.dict(
    "PACE_FIRST_DAY", cast={"value": int}, default={"photos": 100, "comments": 120, "likes": 300, "relationships": 200}
)
#: The same for everybody later.
PACE_LATER = env.dict(
    "PACE_LATER", cast={"value": int}, default={"photos": 300, "comments": 300, "likes": 900, "relationships": 400}
)
