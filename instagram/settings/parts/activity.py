"""Activity."""

from .environment import env

#: Days an entry of somebody's News is kept.
ACTIVITY_DAYS = env.int("ACTIVITY_DAYS", default=60)
#: Entries kept of one person's News: older ones are deleted once a day.
ACTIVITY_LENGTH = env.int("ACTIVITY_LENGTH", default=500)
#: Hours in which an act taken back and repeated (like, unlike, like) is old news: no second entry, no second push.
ACTIVITY_AGAIN_HOURS = env.int("ACTIVITY_AGAIN_HOURS", default=24)
#: Likes from which on a photo in Popular is news to its author: a young installation lists nearly every photo.
ACTIVITY_POPULAR_LIKES = env.int("ACTIVITY_POPULAR_LIKES", default=10)
#: Followed people, the latest first, whose acts are in a page of the Following stream: each costs an index look-up.
ACTIVITY_FOLLOWED_MAX = env.int("ACTIVITY_FOLLOWED_MAX", default=500)
