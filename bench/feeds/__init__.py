"""The contenders of the feed_read benchmark: each answers GET /v1/users/self/feed with the same bytes."""
