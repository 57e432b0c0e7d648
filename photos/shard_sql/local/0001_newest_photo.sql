-- The newest photos of the server, whatever their shard: admin lists and Popular read this instead of every schema.
CREATE TABLE newest_photo (
  photo_id bigint PRIMARY KEY,
  author_id bigint NOT NULL,
  logical_shard smallint NOT NULL
);
