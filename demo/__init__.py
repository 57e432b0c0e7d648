"""A populated service to look at: people, follows, photographs, likes and comments, loaded as real users would."""
