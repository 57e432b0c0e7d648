-- What the people of this server liked, where they commented, whom they followed: read by those who follow them. All logical
-- shards together: a reader asks for hundreds of people at once, and to plan that over as many schemas took ten times as
-- long as to read it.
CREATE TABLE deed (
  actor_id bigint NOT NULL,
  -- Of the like, the comment, or the version of the follow: each says when, and none is another's.
  id bigint NOT NULL,
  kind text NOT NULL,
  -- The photo, or who was followed.
  object_id bigint NOT NULL,
  logical_shard smallint NOT NULL,
  PRIMARY KEY (actor_id, id),
  CONSTRAINT deed_shard_key CHECK (actor_id % {{shards}} = logical_shard)
);
