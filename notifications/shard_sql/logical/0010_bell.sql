-- Who wants to be rung when an author posts. version: of the follow (accounts_follower) it hangs on; another one, no bell.
CREATE TABLE notifications_bell (
  author_id bigint NOT NULL,
  follower_id bigint NOT NULL,
  version bigint NOT NULL,
  PRIMARY KEY (author_id, follower_id),
  CONSTRAINT notifications_bell_shard_key CHECK (author_id % {{shards}} = {{shard}})
);
