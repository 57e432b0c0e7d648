-- What a fan-out did, a row for each batch, on the author's server: how far it is, and who served which follower when.
-- Kept for FAN_OUT_KEPT_DAYS; photo ids begin with their time, so old ones are one range of the key.
CREATE TABLE fan_out_batch (
  photo_id bigint NOT NULL,
  -- The first logical shard that the batch's chain serves; -1: the first job, which serves everybody or cuts chains.
  chain smallint NOT NULL,
  -- The last one served, by (logical shard, id); -1, -1: nobody, the job cut chains or there are no followers.
  last_shard smallint NOT NULL,
  last_follower bigint NOT NULL,
  logical_shard smallint NOT NULL,
  followers integer NOT NULL,
  -- Of them, left out because they are asleep.
  asleep integer NOT NULL,
  -- Of the first job: chains that it cut for others to serve, and the author's followers then.
  chains smallint NOT NULL DEFAULT 0,
  total bigint,
  -- Nothing comes after it in its chain.
  is_last boolean NOT NULL,
  begun_at timestamptz NOT NULL,
  done_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  worker text NOT NULL,
  -- Times it was done before, or failed, or waited.
  retries integer NOT NULL,
  PRIMARY KEY (photo_id, chain, last_shard, last_follower)
);
