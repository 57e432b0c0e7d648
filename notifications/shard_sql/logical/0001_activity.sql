-- News of a person, on their shard: what others did that concerns them. One row per act, however often it is repeated: the
-- key is the act, `version` says how new what we know of it is (clock of the authority: the photo's or followee's shard).
CREATE TABLE notifications_activity (
  user_id bigint NOT NULL,
  kind text NOT NULL,
  actor_id bigint NOT NULL,
  -- Which act of the kind by this actor: the photo, the comment; 0 where there can be one only (follow, …).
  object_id bigint NOT NULL,
  photo_id bigint,
  comment_id bigint,
  version bigint NOT NULL,
  -- False: undone. The row stays, so that the act repeated is no news again at once.
  active boolean NOT NULL,
  -- Orders the list and says when; of this shard's clock.
  id bigint NOT NULL DEFAULT local.next_id({{shard}}, '{{schema}}.clock'),
  PRIMARY KEY (user_id, kind, actor_id, object_id),
  CONSTRAINT notifications_activity_shard_key CHECK (user_id % {{shards}} = {{shard}})
);
CREATE UNIQUE INDEX notifications_activity_latest ON notifications_activity (user_id, id DESC) WHERE active;

-- Up to which entry a person has seen theirs.
CREATE TABLE notifications_seen (
  user_id bigint PRIMARY KEY,
  entry_id bigint NOT NULL,
  CONSTRAINT notifications_seen_shard_key CHECK (user_id % {{shards}} = {{shard}})
);
