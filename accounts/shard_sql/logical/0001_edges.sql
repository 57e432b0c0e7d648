-- Follow edges. The followee's row is the authority (whose photos it opens), the follower's a copy of it.
CREATE TABLE accounts_follower (
  followee_id bigint NOT NULL,
  follower_id bigint NOT NULL,
  status text NOT NULL CHECK (status IN ('none', 'requested', 'follows')),
  version bigint NOT NULL,
  PRIMARY KEY (followee_id, follower_id),
  CONSTRAINT accounts_follower_shard_key CHECK (followee_id % {{shards}} = {{shard}})
);
-- Fan-out reads followers by the shard that holds them.
CREATE INDEX accounts_follower_by_shard ON accounts_follower (followee_id, (follower_id % {{shards}}), follower_id)
  WHERE status = 'follows';
CREATE INDEX accounts_follower_latest ON accounts_follower (followee_id, status, version DESC);

CREATE TABLE accounts_following (
  follower_id bigint NOT NULL,
  followee_id bigint NOT NULL,
  status text NOT NULL CHECK (status IN ('none', 'requested', 'follows')),
  version bigint NOT NULL,
  PRIMARY KEY (follower_id, followee_id),
  CONSTRAINT accounts_following_shard_key CHECK (follower_id % {{shards}} = {{shard}})
);
CREATE INDEX accounts_following_latest ON accounts_following (follower_id, status, version DESC);

CREATE TABLE accounts_block (
  owner_id bigint NOT NULL,
  blocked_id bigint NOT NULL,
  active boolean NOT NULL,
  version bigint NOT NULL,
  PRIMARY KEY (owner_id, blocked_id),
  CONSTRAINT accounts_block_shard_key CHECK (owner_id % {{shards}} = {{shard}})
);

-- Drawn from the shard's clock, like ids: after a restore the clock is set past them, too (manage.py shards push-clocks).
COMMENT ON COLUMN accounts_follower.version IS 'clock of the followee''s shard';
COMMENT ON COLUMN accounts_block.version IS 'clock of the owner''s shard';
