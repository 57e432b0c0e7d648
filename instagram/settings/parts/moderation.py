"""Moderation."""

from .environment import env

#: Seconds a case that a moderator has claimed is kept from others; each look at it begins them anew.
CLAIM_S = env.int("CLAIM_S", default=600)
#: Days in which a decision can be undone; what was removed is kept for so long, and then deleted for good.
UNDO_DAYS = env.int("UNDO_DAYS", default=30)
#: Seconds before somebody is mailed why something of theirs was removed: so long an undo stops the mail.
WARN_AFTER_S = env.int("WARN_AFTER_S", default=300)
#: Bits of 64 in which an upload may differ from a picture that was removed, to be shown to moderators as a look-alike.
#: Of different photographs none were nearer than 14 (bin/bench look_alikes); copies cropped by 8 % are within 10.
LOOK_ALIKE_BITS = env.int("LOOK_ALIKE_BITS", default=10)
