-- For deleting and exporting all that a person owns, in batches: their photos whatever state, and their comments, which
-- stand on the shards of those whose photos they are under.
CREATE INDEX photos_photo_of_author ON photos_photo (author_id, id);
CREATE INDEX photos_comment_by_author ON photos_comment (author_id, id);
