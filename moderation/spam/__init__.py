"""Spam: rules as data over what people wrote lately; what they catch goes to the queue. docs/moderation.md.

texts: what is known of a text. rules: kinds of rules, and what each says of a text. judging: one text after it was
posted, and a preview of what a rule would have caught.
"""
