"""People in the admin: a list, a page for each, and what staff may do to them."""
