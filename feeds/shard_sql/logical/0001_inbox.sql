CREATE TABLE feeds_inbox (
  user_id bigint NOT NULL,
  photo_id bigint NOT NULL,
  author_id bigint NOT NULL,
  PRIMARY KEY (user_id, photo_id),
  CONSTRAINT feeds_inbox_shard_key CHECK (user_id % {{shards}} = {{shard}})
);
