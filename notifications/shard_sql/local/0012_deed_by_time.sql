-- The newest deeds of all people of a server: the admin's lists of comments, likes and follows. Ids grow, so the index is
-- written at its end.
CREATE INDEX deed_by_time ON deed (id DESC);
