-- A person as a reader of their feed.
-- seen_at: their last visit, to about a day. asleep: not seen for long, fan-outs leave them out (local.asleep says who).
-- complete_above: the inbox holds every photo of those they follow with a larger id; what is older is read from the
-- authors' shards. 9223372036854775807: all of it, until the inbox is rebuilt. version: goes up whenever the inbox lost
-- something, so that a rebuild that was under way does not promise too much.
CREATE TABLE feeds_reader (
  user_id bigint PRIMARY KEY,
  seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  asleep boolean NOT NULL DEFAULT false,
  complete_above bigint NOT NULL DEFAULT 0,
  version integer NOT NULL DEFAULT 0,
  rebuild_asked_at timestamptz,
  CONSTRAINT feeds_reader_shard_key CHECK (user_id % {{shards}} = {{shard}})
) WITH (fillfactor = 80);
CREATE INDEX feeds_reader_by_visit ON feeds_reader (seen_at) WHERE NOT asleep;

-- When those were here who follow somebody already, nobody knows: their days count from now.
INSERT INTO feeds_reader (user_id) SELECT DISTINCT follower_id FROM accounts_following WHERE status = 'follows';
